// SPDX-License-Identifier: Apache-2.0
#include "catalog/write_unit.h"

#include <gtest/gtest.h>

#include <thread>

#include "bson/ejson.h"
#include "catalog/testing/node.h"
#include "catalog/validate.h"
#include "replication/oplog/entry.h"

namespace septet::catalog {
namespace {

using testing::Node;

std::vector<std::string> Oplog(Node* node) {
  std::vector<std::string> out;
  RecordCursor cursor(node->engine(), *node->Find("local.oplog.rs"), nullptr, true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    auto entry = repl::ParseEntry(cursor.doc());
    EXPECT_TRUE(entry.ok());
    std::string line = std::string(1, entry->op) + " " + std::string(entry->ns) + " " +
                       bson::ToRelaxedJson(entry->o);
    if (!entry->o2.missing()) {
      line += " " + bson::ToRelaxedJson(entry->o2);
    }
    out.push_back(std::move(line));
  }
  return out;
}

TEST(WriteUnitTest, InsertFindRemove) {
  Node node;
  node.Create("db.c");
  ASSERT_TRUE(node.Insert("db.c", R"({"_id": 1, "a": "x"})").ok());
  ASSERT_TRUE(node.Insert("db.c", R"({"_id": {"$numberLong": "2"}, "a": "y"})").ok());
  EXPECT_EQ(node.Get("db.c", "1"), R"({"_id":1,"a":"x"})");
  EXPECT_EQ(node.Get("db.c", "2.0"), R"({"_id":2,"a":"y"})");
  EXPECT_EQ(RecordCount(*node.Find("db.c")), 2);
  ASSERT_TRUE(node.Replace("db.c", "1", R"({"_id": 1, "a": "longer"})").ok());
  EXPECT_EQ(node.Get("db.c", "1"), R"({"_id":1,"a":"longer"})");
  ASSERT_TRUE(node.Remove("db.c", "2").ok());
  EXPECT_EQ(node.Get("db.c", "2"), "");
  EXPECT_EQ(RecordCount(*node.Find("db.c")), 1);
  const std::vector<std::string> log = Oplog(&node);
  ASSERT_EQ(log.size(), 5u);
  EXPECT_EQ(log[0].substr(0, 28), R"(c db.$cmd {"create":"c","idI)");
  EXPECT_EQ(log[1], R"(i db.c {"_id":1,"a":"x"})");
  EXPECT_EQ(log[3], R"(u db.c {"_id":1,"a":"longer"} {"_id":1})");
  EXPECT_EQ(log[4], R"(d db.c {"_id":2})");
  EXPECT_EQ(RecordCount(*node.Find("local.oplog.rs")), 5);
}

TEST(WriteUnitTest, S05_088_DuplicateKeyTellsPatternAndValue) {
  Node node;
  node.Create("recorded.c");
  Op op;
  const std::string spec = bson::MakeDoc("key", bson::DocView(bson::MakeDoc("a", 1)), "name",
                                         "a_1", "unique", true);
  ASSERT_TRUE(node.catalog()
                  ->CreateIndexes(&op, Namespace::Parse("recorded.c"), {bson::DocView(spec)})
                  .ok());
  ASSERT_TRUE(node.Insert("recorded.c", R"({"_id": 1, "a": 5.5})").ok());
  const Status dup = node.Insert("recorded.c", R"({"_id": 2, "a": 5.5})");
  EXPECT_EQ(CodeOf(dup), ErrorCode::kDuplicateKey);
  EXPECT_EQ(TextOf(dup),
            "E11000 duplicate key error collection: recorded.c index: a_1 dup key: { a: 5.5 }");
  EXPECT_EQ(bson::ToRelaxedJson(bson::DocView(InfoOf(dup))),
            R"({"keyPattern":{"a":1},"keyValue":{"a":5.5}})");
  // Missing is null: two of them clash, and so do null and missing.
  ASSERT_TRUE(node.Insert("recorded.c", R"({"_id": 3})").ok());
  EXPECT_EQ(CodeOf(node.Insert("recorded.c", R"({"_id": 4, "a": null})")),
            ErrorCode::kDuplicateKey);
  EXPECT_EQ(CodeOf(node.Insert("recorded.c", R"({"_id": 1, "a": 7})")), ErrorCode::kDuplicateKey);
  // A refused document leaves nothing.
  EXPECT_EQ(RecordCount(*node.Find("recorded.c")), 2);
}

TEST(WriteUnitTest, OneUnitSeesItsOwnUniqueKeys) {
  Node node;
  const CollectionPtr c = node.Create("db.c");
  Op op;
  const std::string one = *bson::FromJson(R"({"_id": 1})");
  const std::string two = *bson::FromJson(R"({"_id": 2})");
  WriteUnit unit(node.catalog(), &op, c);
  ASSERT_TRUE(unit.Insert(bson::DocView(one)).ok());
  EXPECT_EQ(CodeOf(unit.Insert(bson::DocView(one)).status()), ErrorCode::kDuplicateKey);
  ASSERT_TRUE(unit.Insert(bson::DocView(two)).ok());
  EXPECT_EQ(unit.change_count(), 2);
  ASSERT_TRUE(unit.Commit().ok());
  EXPECT_EQ(RecordCount(*c), 2);
  EXPECT_FALSE(op.last_write.IsNull());
}

TEST(WriteUnitTest, ConflictsAreToldAtOnce) {
  Node node;
  const CollectionPtr c = node.Create("db.c");
  ASSERT_TRUE(node.Insert("db.c", R"({"_id": 1})").ok());
  Op first_op;
  Op second_op;
  WriteUnit first(node.catalog(), &first_op, c);
  WriteUnit second(node.catalog(), &second_op, c);
  ASSERT_TRUE(first.Lock(1).ok());
  EXPECT_EQ(CodeOf(second.Lock(1)), ErrorCode::kWriteConflict);
  // A unique key that is being inserted elsewhere.
  const std::string two = *bson::FromJson(R"({"_id": 2})");
  ASSERT_TRUE(first.Insert(bson::DocView(two)).ok());
  EXPECT_EQ(CodeOf(second.Insert(bson::DocView(two)).status()), ErrorCode::kWriteConflict);
  ASSERT_TRUE(first.Commit().ok());
  EXPECT_EQ(CodeOf(second.Insert(bson::DocView(two)).status()), ErrorCode::kDuplicateKey);
  EXPECT_TRUE(second.Lock(1).ok());
}

TEST(WriteUnitTest, ThreadsIncrementOneDocumentExactly) {
  Node node;
  node.Create("db.c");
  ASSERT_TRUE(node.Insert("db.c", R"({"_id": 1, "n": 0})").ok());
  constexpr int kThreads = 4;
  constexpr int kRounds = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&node] {
      for (int i = 0; i < kRounds; ++i) {
        const Status status = node.Change(
            "db.c", "1", [](WriteUnit* unit, RecordId rid, bson::DocView before) {
              const std::string after =
                  bson::MakeDoc("_id", 1, "n", before.Find("n").AsInt32() + 1);
              return unit->Update(rid, before, bson::DocView(after), bson::DocView(after));
            });
        ASSERT_TRUE(status.ok()) << status;
      }
    });
  }
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_EQ(node.Get("db.c", "1"), R"({"_id":1,"n":400})");
}

TEST(WriteUnitTest, FollowerRefusesReplicatedWritesOnly) {
  Node node;
  node.Create("db.c");
  node.Create("local.x");
  node.sequencer()->SetMode(Node::Mode::kFollower, 2);
  EXPECT_EQ(CodeOf(node.Insert("db.c", R"({"_id": 1})")), ErrorCode::kNotWritablePrimary);
  EXPECT_TRUE(node.Insert("local.x", R"({"_id": 1})").ok());
}

TEST(WriteUnitTest, UnitThatBeganInAnotherStateFails) {
  Node node;
  const CollectionPtr c = node.Create("db.c");
  Op op;
  WriteUnit unit(node.catalog(), &op, c);
  const std::string doc = bson::MakeDoc("_id", 1);
  ASSERT_TRUE(unit.Insert(bson::DocView(doc)).ok());
  node.sequencer()->SetMode(Node::Mode::kFollower, 2);
  node.sequencer()->SetMode(Node::Mode::kPrimary, 3);
  EXPECT_EQ(CodeOf(unit.Commit()), ErrorCode::kInterruptedDueToReplStateChange);
  EXPECT_EQ(RecordCount(*c), 0);
}

TEST(WriteUnitTest, NewestVersionOfTheCollectionCounts) {
  Node node;
  const CollectionPtr c = node.Create("db.c");
  Op op;
  const std::string index = *bson::FromJson(R"({"key":{"a":1},"name":"a_1"})");
  ASSERT_TRUE(node.catalog()->CreateIndexes(&op, c->ns, {bson::DocView(index)}).ok());
  ASSERT_FALSE(IsCurrent(*c));
  WriteUnit unit(node.catalog(), &op, c);
  const std::string doc = bson::MakeDoc("_id", 1, "a", 5);
  ASSERT_TRUE(unit.Insert(bson::DocView(doc)).ok());
  ASSERT_TRUE(unit.Commit().ok());
  const StatusOr<ValidateReport> report =
      ValidateCollection(node.catalog()->engine(), *node.catalog()->Find("db.c"), &op.interrupt);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->valid);
  EXPECT_EQ(report->indexes[1].keys, 1);
}

TEST(WriteUnitTest, DroppedCollectionIsToBeLookedForAnew) {
  Node node;
  const CollectionPtr c = node.Create("db.c");
  Op op;
  ASSERT_TRUE(node.catalog()->DropCollection(&op, c->ns, nullptr).ok());
  WriteUnit unit(node.catalog(), &op, c);
  const std::string doc = bson::MakeDoc("_id", 1);
  EXPECT_EQ(CodeOf(unit.Insert(bson::DocView(doc)).status()), ErrorCode::kQueryPlanKilled);
}

TEST(WriteUnitTest, GateWouldBlockAnIoThread) {
  Node node;
  const CollectionPtr c = node.Create("db.c");
  Op op;
  op.may_block = false;
  EXPECT_TRUE(IsWouldBlock(node.catalog()->DropCollection(&op, c->ns, nullptr)));
}

TEST(WriteUnitTest, S07_001_CappedLosesTheOldest) {
  Node node;
  CreateOptions options;
  options.capped = true;
  options.capped_size = 1 << 20;
  options.capped_max = 3;
  const CollectionPtr c = node.Create("db.cap", options);
  Op op;
  {
    // More than fit, in one unit.
    WriteUnit unit(node.catalog(), &op, c);
    for (int i = 1; i <= 5; ++i) {
      ASSERT_TRUE(unit.Insert(bson::DocView(bson::MakeDoc("_id", i))).ok());
    }
    ASSERT_TRUE(unit.Commit().ok());
  }
  ASSERT_TRUE(node.Insert("db.cap", R"({"_id": 6})").ok());
  std::string seen;
  RecordCursor cursor(node.engine(), *c, nullptr, true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    seen += bson::ToRelaxedJson(cursor.doc());
  }
  EXPECT_EQ(seen, R"({"_id":4}{"_id":5}{"_id":6})");
  EXPECT_EQ(RecordCount(*c), 3);
  EXPECT_EQ(node.Get("db.cap", "1"), "");
}

TEST(WriteUnitTest, CountsAreExactAfterACrash) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Node node;
    node.Create("db.c");
    const int n = static_cast<int>(random.Between(1, 60));
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(node.Insert("db.c", "{\"_id\":" + std::to_string(i) + "}").ok());
      if (random.OneIn(0.2)) {
        ASSERT_TRUE(node.Remove("db.c", std::to_string(i / 2)).ok());
      }
      if (random.OneIn(0.1)) {
        ASSERT_TRUE(node.engine()->Sync().ok());
      }
    }
    node.CrashAndRestart(&random);
    const CollectionPtr c = node.Find("db.c");
    if (c == nullptr) {
      continue;  // the creation was lost too
    }
    int64_t count = 0;
    int64_t bytes = 0;
    RecordCursor cursor(node.engine(), *c, nullptr, true);
    for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
      ++count;
      bytes += cursor.doc().size_bytes();
    }
    EXPECT_EQ(RecordCount(*c), count) << seed;
    EXPECT_EQ(DataBytes(*c), bytes) << seed;
    // New records stand behind the old ones.
    ASSERT_TRUE(node.Insert("db.c", R"({"_id": "new"})").ok());
  }
}

}  // namespace
}  // namespace septet::catalog
