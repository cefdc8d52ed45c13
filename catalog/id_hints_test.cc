// SPDX-License-Identifier: Apache-2.0
// Documents looked up by _id through hints that are right, stale or of another snapshot.
#include "catalog/id_hints.h"

#include <gtest/gtest.h>

#include "bson/builder.h"
#include "catalog/collection_state.h"
#include "catalog/testing/node.h"

namespace septet::catalog {
namespace {

using bson::DocView;
using testing::Node;

TEST(IdHints, KeepsTheNewestOfASlotAndRefusesOtherHashes) {
  IdHints hints;
  const uint64_t hash = IdHints::HashOf("one");
  EXPECT_EQ(hints.Find(hash), 0);
  hints.Put(hash, 7);
  EXPECT_EQ(hints.Find(hash), 7);
  const uint64_t same_slot = hash ^ (uint64_t{1} << 63);
  EXPECT_EQ(hints.Find(same_slot), 0);
  hints.Put(same_slot, 8);
  EXPECT_EQ(hints.Find(same_slot), 8);
  EXPECT_EQ(hints.Find(hash), 0);
  hints.Put(hash, storage::RecordId{1} << 40);  // has no room
  EXPECT_EQ(hints.Find(hash), 0);
}

class FindDocument : public ::testing::Test {
 protected:
  FindDocument() { node_.Create("db.c"); }

  template <typename Id>
  std::string Find(const Id& id, const storage::Snapshot* snapshot = nullptr) {
    const std::string key = bson::MakeDoc("_id", id);
    storage::PinnedValue document;
    const auto rid = FindDocumentById(node_.engine(), *node_.Find("db.c"),
                                      DocView(key).Find("_id"), snapshot, &document);
    EXPECT_TRUE(rid.ok());
    return *rid == 0 ? "" : bson::ToRelaxedJson(DocView(document.view()));
  }

  Node node_;
};

TEST_F(FindDocument, FollowsADocumentThatIsReplacedRemovedAndInsertedAgain) {
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 1, "n": 1})").ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Find(1), R"({"_id":1,"n":1})");
  }
  ASSERT_TRUE(node_.Replace("db.c", "1", R"({"_id": 1, "n": 2})").ok());
  EXPECT_EQ(Find(1), R"({"_id":1,"n":2})");
  const auto before = node_.engine()->GetSnapshot();
  ASSERT_TRUE(node_.Remove("db.c", "1").ok());
  EXPECT_EQ(Find(1), "");
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 1, "n": 3})").ok());
  EXPECT_EQ(Find(1), R"({"_id":1,"n":3})");
  EXPECT_EQ(Find(1, before.get()), R"({"_id":1,"n":2})");
  EXPECT_EQ(Find(1), R"({"_id":1,"n":3})");
}

TEST_F(FindDocument, NumbersOfDifferentTypesAreOneId) {
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 5})").ok());
  EXPECT_EQ(Find(5), R"({"_id":5})");
  EXPECT_EQ(Find(5.0), R"({"_id":5})");
  EXPECT_EQ(Find(int64_t{5}), R"({"_id":5})");
  EXPECT_EQ(Find("5"), "");
}

TEST_F(FindDocument, AnotherDocumentWhereTheHintPointsIsNotTheAnswer) {
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 1})").ok());
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 2})").ok());
  const CollectionPtr c = node_.Find("db.c");
  const std::string one = bson::MakeDoc("_id", 1);
  const std::string two = bson::MakeDoc("_id", 2);
  const auto rid_of_two = FindById(node_.engine(), *c, DocView(two).Find("_id"), nullptr);
  storage::KeyBuilder key(c->IdIndex()->ident);
  key.Append(DocView(one).Find("_id"));
  c->state->hints->Put(IdHints::HashOf(key.key()), *rid_of_two);
  EXPECT_EQ(HintById(*c, DocView(one).Find("_id")), *rid_of_two);
  EXPECT_EQ(Find(1), R"({"_id":1})");
  EXPECT_EQ(HintById(*c, DocView(one).Find("_id")), *rid_of_two - 1);
}

}  // namespace
}  // namespace septet::catalog
