// SPDX-License-Identifier: Apache-2.0
// Every message survives its document; field names as in replication.md 1.10.
#include "election/messages.h"

#include <gtest/gtest.h>

#include "bson/builder.h"

namespace septet::election {
namespace {

OpTimeAndWall P(uint32_t inc) { return {{{7, inc}, 3}, 1'000 + inc}; }

TEST(Messages, Heartbeat) {
  HeartbeatRequest q;
  q.set_name = "rs0";
  q.config = {4, 2};
  q.from = "a:1";
  q.from_id = 3;
  q.term = 9;
  q.primary_id = 1;
  q.check_empty = true;
  const std::string bytes = q.ToBson();
  const bson::DocView doc(bytes);
  EXPECT_EQ(doc.FirstElement().name(), "replSetHeartbeat");
  EXPECT_EQ(doc["configVersion"].AsInt64(), 4);
  EXPECT_EQ(HeartbeatRequest::FromBson(doc)->ToBson(), bytes);
  EXPECT_FALSE(HeartbeatRequest::FromBson(bson::DocView()).ok());
}

TEST(Messages, HeartbeatReply) {
  HeartbeatReply r;
  r.set_name = "rs0";
  r.state = MemberState::kPrimary;
  r.config = {4, 2};
  r.term = 9;
  r.election_time = bson::Timestamp{5, 6};
  r.written = P(2);
  r.durable = P(1);
  r.syncing_to = "b:1";
  r.primary_id = 0;
  r.electable = true;
  r.config_document = bson::MakeDoc("_id", "rs0");
  r.commit_point = P(1);
  r.replica_set_id = bson::ObjectId{};
  const std::string bytes = r.ToBson();
  const auto back = HeartbeatReply::FromBson(bson::DocView(bytes));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->ToBson(), bytes);
  EXPECT_EQ(back->written, r.written);
  EXPECT_EQ(back->election_time, r.election_time);
  EXPECT_EQ(back->config_document, r.config_document);
  EXPECT_EQ(CodeOf(HeartbeatReply::FromBson(bson::DocView(bson::MakeDoc("state", 4))).status()),
            ErrorCode::kBadValue);
}

TEST(Messages, Votes) {
  VoteRequest q;
  q.set_name = "rs0";
  q.dry_run = true;
  q.term = 5;
  q.candidate_index = 2;
  q.config = {4, 2};
  q.last_written = P(3).optime;
  q.reason = ElectionReason::kCatchUpTakeover;
  q.has_reason = true;
  const std::string bytes = q.ToBson();
  const auto back = VoteRequest::FromBson(bson::DocView(bytes));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->ToBson(), bytes);
  EXPECT_EQ(back->reason, q.reason);
  VoteReply r{5, true, ""};
  const std::string reply = r.ToBson();
  EXPECT_EQ(VoteReply::FromBson(bson::DocView(reply))->ToBson(), reply);
  EXPECT_FALSE(VoteReply::FromBson(bson::DocView()).ok());
  EXPECT_FALSE(VoteRequest::FromBson(bson::DocView()).ok());
}

TEST(Messages, UpdatePosition) {
  UpdatePositionRequest q;
  q.term = 9;
  q.entries.push_back({3, P(2), P(1), 4, 9});
  q.entries.push_back({1, P(5), P(4), 4, 8});
  const std::string bytes = q.ToBson();
  const auto back = UpdatePositionRequest::FromBson(bson::DocView(bytes));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->ToBson(), bytes);
  EXPECT_EQ(back->entries[1].member_term, 8);
}

TEST(Messages, FetchMetadata) {
  FetchMetadata m;
  m.term = 4;
  m.commit_point = P(3);
  m.last_written = P(5).optime;
  m.config = {4, 2};
  m.rbid = 7;
  m.primary_index = 1;
  m.sync_source_host = "b:1";
  m.is_primary = true;
  bson::DocBuilder b;
  m.AppendTo(&b);
  const std::string bytes = b.Finish();
  const FetchMetadata back = FetchMetadata::FromBson(bson::DocView(bytes));
  EXPECT_EQ(back.term, 4);
  EXPECT_EQ(back.commit_point, P(3));
  EXPECT_EQ(back.last_written, P(5).optime);
  EXPECT_EQ(back.config, m.config);
  EXPECT_EQ(back.rbid, 7);
  EXPECT_EQ(back.primary_index, 1);
  EXPECT_EQ(back.sync_source_host, "b:1");
  EXPECT_TRUE(back.is_primary);
}

}  // namespace
}  // namespace septet::election
