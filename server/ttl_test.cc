// SPDX-License-Identifier: Apache-2.0
// Rules of the manual's page "TTL Indexes".
#include "server/ttl.h"

#include <gtest/gtest.h>

#include "catalog/testing/node.h"

namespace septet::server {
namespace {

class TtlTest : public testing::Test {
 protected:
  void Index(const char* key, int expire) {
    bson::DocBuilder spec;
    const auto bytes = bson::FromJson(key);
    spec.Append("key", bson::DocView(*bytes)).Append("name", "ttl").Append("expireAfterSeconds", expire);
    const std::string doc = spec.Finish();
    catalog::Op op;
    const auto result = node_.catalog()->CreateIndexes(&op, catalog::Namespace::Parse("t.c"),
                                                       {bson::DocView(doc)});
    ASSERT_TRUE(result.ok()) << TextOf(result.status());
  }
  void Insert(const std::string& json) { ASSERT_TRUE(node_.Insert("t.c", json).ok()); }
  int64_t Pass(int64_t now_millis) {
    const auto n = RemoveExpired({.catalog = node_.catalog(), .now_millis = now_millis});
    EXPECT_TRUE(n.ok());
    return n.ok() ? *n : -1;
  }
  int64_t Count() { return catalog::RecordCount(*node_.Find("t.c")); }
  static std::string Date(int64_t millis) {
    return "{\"$date\": {\"$numberLong\": \"" + std::to_string(millis) + "\"}}";
  }

  catalog::testing::Node node_;
};

TEST_F(TtlTest, RemovesWhatIsOldEnough) {
  node_.Create("t.c");
  Index(R"({"at": 1})", 10);
  Insert("{\"_id\": 1, \"at\": " + Date(0) + "}");
  Insert("{\"_id\": 2, \"at\": " + Date(5000) + "}");
  Insert("{\"_id\": 3, \"at\": " + Date(-86400000) + "}");
  Insert(R"({"_id": 4, "at": 1})");
  Insert(R"({"_id": 5, "at": null})");
  Insert(R"({"_id": 6})");
  EXPECT_EQ(Pass(9999), 1);
  EXPECT_EQ(Pass(10000), 1);
  EXPECT_EQ(Pass(15001), 1);
  EXPECT_EQ(Pass(INT64_MAX / 2), 0);
  EXPECT_EQ(Count(), 3);
}

TEST_F(TtlTest, ADescendingIndexAndManyDocuments) {
  node_.Create("t.c");
  Index(R"({"at": -1})", 0);
  for (int i = 0; i < 200; ++i) {
    Insert("{\"_id\": " + std::to_string(i) + ", \"at\": " + Date(i) + "}");
  }
  EXPECT_EQ(Pass(149), 150);
  EXPECT_EQ(Count(), 50);
}

TEST_F(TtlTest, TheOldestDateOfAnArrayCounts) {
  node_.Create("t.c");
  Index(R"({"at": 1})", 1);
  Insert("{\"_id\": 1, \"at\": [" + Date(0) + ", " + Date(100000) + "]}");
  Insert("{\"_id\": 2, \"at\": [" + Date(90000) + ", " + Date(100000) + "]}");
  EXPECT_EQ(Pass(1000), 1);
  EXPECT_EQ(Count(), 1);
}

TEST_F(TtlTest, CompoundIndexesDoNotExpire) {
  node_.Create("t.c");
  bson::DocBuilder spec;
  const auto key = bson::FromJson(R"({"at": 1, "b": 1})");
  spec.Append("key", bson::DocView(*key)).Append("name", "ab");
  const std::string doc = spec.Finish();
  catalog::Op op;
  ASSERT_TRUE(node_.catalog()
                  ->CreateIndexes(&op, catalog::Namespace::Parse("t.c"), {bson::DocView(doc)})
                  .ok());
  Insert("{\"_id\": 1, \"at\": " + Date(0) + ", \"b\": 1}");
  EXPECT_EQ(Pass(INT64_MAX / 2), 0);
}

TEST_F(TtlTest, NotOnASecondary) {
  node_.Create("t.c");
  Index(R"({"at": 1})", 0);
  Insert("{\"_id\": 1, \"at\": " + Date(0) + "}");
  node_.sequencer()->SetMode(repl::Sequencer::Mode::kFollower, 1);
  const auto n = RemoveExpired({.catalog = node_.catalog(), .now_millis = 1});
  EXPECT_EQ(CodeOf(n.status()), ErrorCode::kNotWritablePrimary);
}

}  // namespace
}  // namespace septet::server
