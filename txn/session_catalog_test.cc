// SPDX-License-Identifier: Apache-2.0
// Source: drivers' retryable-writes specification; surface S08-004..S08-010; recorded answers.
#include "txn/session_catalog.h"

#include <gtest/gtest.h>

#include <thread>

#include "catalog/testing/node.h"
#include "txn/session_record.h"

namespace septet::txn {
namespace {

using bson::DocView;
using catalog::Op;
using catalog::WriteUnit;
using catalog::testing::Node;

std::string Lsid(char c) {
  const std::string id(16, c);
  const std::string uid(32, 'u');
  return bson::MakeDoc("id", bson::BinData{4, id}, "uid", bson::BinData{0, uid});
}

struct SessionOp : Op {
  SessionOp(char session_name, int64_t number) {
    session = catalog::WriteSession{Lsid(session_name), number, nullptr};
  }
};

class SessionCatalogTest : public ::testing::Test {
 protected:
  SessionCatalogTest() : sessions_(std::make_unique<SessionCatalog>(node_.catalog())) {
    Op op;
    EXPECT_TRUE(sessions_->OnStepUp(&op).ok());
    node_.Create("db.c");
  }

  // Executes inserts of `ids` as statements 0, 1, ... unless they were executed before. Returns how
  // many were answered from the record.
  StatusOr<int> InsertAll(char session, int64_t number, const std::vector<int>& ids) {
    SessionOp op(session, number);
    auto executed = sessions_->BeginRetryableWrite(&op);
    RETURN_IF_ERROR(executed.status());
    WriteUnit unit(node_.catalog(), &op, node_.Find("db.c"));
    int retried = 0;
    Status status = OkStatus();
    for (size_t i = 0; i < ids.size() && status.ok(); ++i) {
      const auto same = [&](const StatementResult& r) { return r.stmt_id == static_cast<int>(i); };
      if (std::any_of(executed->begin(), executed->end(), same)) {
        ++retried;
        continue;
      }
      const std::string doc = bson::MakeDoc("_id", ids[i]);
      status = unit.Insert(DocView(doc), static_cast<int>(i)).status();
    }
    if (status.ok()) {
      status = unit.Commit();
    }
    sessions_->EndRetryableWrite(&op);
    RETURN_IF_ERROR(status);
    return retried;
  }

  void Crash(uint64_t seed) {
    sessions_.reset();
    Random random(seed);
    node_.CrashAndRestart(&random);
    sessions_ = std::make_unique<SessionCatalog>(node_.catalog());
  }

  Node node_;
  std::unique_ptr<SessionCatalog> sessions_;
};

TEST_F(SessionCatalogTest, S08_005_ExecutedStatementsAreNotExecutedAgain) {
  EXPECT_EQ(*InsertAll('a', 1, {1, 2, 3}), 0);
  EXPECT_EQ(*InsertAll('a', 1, {1, 2, 3}), 3);
  // More statements under the same number.
  EXPECT_EQ(*InsertAll('a', 1, {1, 2, 3, 4}), 3);
  EXPECT_EQ(RecordCount(*node_.Find("db.c")), 4);
  EXPECT_EQ(*InsertAll('a', 2, {5}), 0);
  EXPECT_EQ(*InsertAll('b', 1, {6}), 0);
}

TEST_F(SessionCatalogTest, S08_009_RecordSurvivesRestart) {
  EXPECT_EQ(*InsertAll('a', 7, {1, 2}), 0);
  ASSERT_TRUE(node_.engine()->Sync().ok());
  Crash(1);
  EXPECT_EQ(*InsertAll('a', 7, {1, 2}), 2);
  EXPECT_EQ(CodeOf(InsertAll('a', 6, {9}).status()), ErrorCode::kTransactionTooOld);
}

TEST_F(SessionCatalogTest, RecordAndDataAreOneBatch) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const int id = static_cast<int>(seed) * 10;
    ASSERT_TRUE(InsertAll('a', static_cast<int64_t>(seed), {id, id + 1}).ok());
    if (seed % 3 == 0) {
      ASSERT_TRUE(node_.engine()->Sync().ok());
    }
    Crash(seed);
    if (node_.Find("db.c") == nullptr) {
      return;
    }
    // Whatever was lost: after the retry everything is there once.
    ASSERT_TRUE(InsertAll('a', static_cast<int64_t>(seed), {id, id + 1}).ok());
    EXPECT_NE(node_.Get("db.c", std::to_string(id)), "");
    EXPECT_NE(node_.Get("db.c", std::to_string(id + 1)), "");
  }
}

TEST_F(SessionCatalogTest, S08_006_OlderNumber) {
  EXPECT_EQ(*InsertAll('!', 1322, {1}), 0);
  const Status status = InsertAll('!', 1321, {2}).status();
  EXPECT_EQ(CodeOf(status), ErrorCode::kTransactionTooOld);
  EXPECT_TRUE(TextOf(status).starts_with(
      "Retryable write with txnNumber 1321 is prohibited on session "
      "21212121-2121-2121-2121-212121212121 - dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXU= because "
      "a newer retryable write with txnNumber 1322 has already started on this session."))
      << TextOf(status);
}

TEST_F(SessionCatalogTest, S08_006_NumberCountsFromItsStart) {
  SessionOp op('a', 5);
  ASSERT_TRUE(sessions_->BeginRetryableWrite(&op).ok());
  sessions_->EndRetryableWrite(&op);
  EXPECT_EQ(CodeOf(InsertAll('a', 4, {1}).status()), ErrorCode::kTransactionTooOld);
}

TEST_F(SessionCatalogTest, S08_008_Standalone) {
  Node standalone(Node::Mode::kStandalone);
  SessionCatalog sessions(standalone.catalog());
  SessionOp op('a', 1);
  const Status status = sessions.BeginRetryableWrite(&op).status();
  EXPECT_EQ(CodeOf(status), ErrorCode::kIllegalOperation);
  EXPECT_TRUE(TextOf(status).starts_with("Transaction numbers"));
}

TEST_F(SessionCatalogTest, S08_010_ImagesOfFindAndModify) {
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 1, "a": 1})").ok());
  SessionOp op('a', 1);
  ASSERT_TRUE(sessions_->BeginRetryableWrite(&op).ok());
  {
    WriteUnit unit(node_.catalog(), &op, node_.Find("db.c"));
    ASSERT_TRUE(unit.Lock(1).ok());
    const std::string before = bson::MakeDoc("_id", 1, "a", 1);
    const std::string after = bson::MakeDoc("_id", 1, "a", 11);
    ASSERT_TRUE(unit.Update(1, DocView(before), DocView(after), DocView(after), 0).ok());
    unit.KeepImage(DocView(after), true);
    ASSERT_TRUE(unit.Commit().ok());
  }
  sessions_->EndRetryableWrite(&op);
  SessionOp again('a', 1);
  const auto executed = sessions_->BeginRetryableWrite(&again);
  ASSERT_TRUE(executed.ok() && executed->size() == 1);
  EXPECT_TRUE((*executed)[0].has_image);
  EXPECT_EQ(bson::ToRelaxedJson(DocView((*executed)[0].image)), R"({"_id":1,"a":11})");
  EXPECT_EQ((*executed)[0].n_modified, 1);
  sessions_->EndRetryableWrite(&again);
  EXPECT_EQ(RecordCount(*node_.Find("config.image_collection")), 1);
}

TEST_F(SessionCatalogTest, UpsertedIdIsKept) {
  SessionOp op('a', 1);
  ASSERT_TRUE(sessions_->BeginRetryableWrite(&op).ok());
  {
    WriteUnit unit(node_.catalog(), &op, node_.Find("db.c"));
    const std::string doc = bson::MakeDoc("_id", "new", "n", 1);
    ASSERT_TRUE(unit.Insert(DocView(doc), 3, true).ok());
    ASSERT_TRUE(unit.Commit().ok());
  }
  sessions_->EndRetryableWrite(&op);
  SessionOp again('a', 1);
  const auto executed = sessions_->BeginRetryableWrite(&again);
  ASSERT_TRUE(executed.ok() && executed->size() == 1);
  EXPECT_EQ((*executed)[0].stmt_id, 3);
  EXPECT_EQ(bson::ToRelaxedJson(DocView((*executed)[0].upserted)), R"({"_id":"new"})");
  sessions_->EndRetryableWrite(&again);
}

TEST_F(SessionCatalogTest, OneOperationAtATime) {
  SessionOp op('a', 1);
  ASSERT_TRUE(sessions_->BeginRetryableWrite(&op).ok());
  SessionOp io('a', 1);
  io.may_block = false;
  EXPECT_TRUE(catalog::IsWouldBlock(sessions_->BeginRetryableWrite(&io).status()));
  std::thread other([this] { EXPECT_EQ(*InsertAll('a', 1, {1}), 0); });
  sessions_->EndRetryableWrite(&op);
  other.join();
}

TEST_F(SessionCatalogTest, S08_003_ReapExpired) {
  EXPECT_EQ(*InsertAll('a', 1, {1}), 0);
  Op op;
  EXPECT_EQ(*sessions_->ReapExpired(&op, 1000), 0);
  EXPECT_EQ(*sessions_->ReapExpired(&op, INT64_MAX), 1);
  EXPECT_EQ(RecordCount(*node_.Find("config.transactions")), 0);
  EXPECT_EQ(DataBytes(*node_.Find("config.transactions")), 0);
}

TEST(SessionRecordTest, RunsMergeAndSplit) {
  SessionRecord record;
  for (const int id : {0, 1, 2, 5, 6}) {
    catalog::ExecutedStatement statement;
    statement.stmt_id = id;
    record.Add(statement);
  }
  ASSERT_EQ(record.runs.size(), 2u);
  record.Remove(1);
  EXPECT_EQ(record.runs.size(), 3u);
  record.Remove(6);
  const auto results = record.Results();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].stmt_id, 0);
  EXPECT_EQ(results[1].stmt_id, 2);
  EXPECT_EQ(results[2].stmt_id, 5);
  const std::string bytes = EncodeSession(DocView(Lsid('a')), record);
  const auto decoded = DecodeSession(DocView(bytes));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->runs.size(), 3u);
}

}  // namespace
}  // namespace septet::txn
