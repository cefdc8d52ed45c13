// SPDX-License-Identifier: Apache-2.0
// S08-048, S08-052, S02-074, S02-075: rules, codes and texts.
#include "election/config_rules.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace septet::election {
namespace {

const std::vector<std::string> kMe = {"h0:1"};

ReplSetConfig Config(int count, int voters = 50) {
  ReplSetConfig c;
  c.set_name = "rs0";
  c.version = 1;
  c.term = 1;
  for (int i = 0; i < count; ++i) {
    MemberConfig m;
    m.id = i;
    m.host = "h" + std::to_string(i) + ":1";
    m.votes = i < voters ? 1 : 0;
    m.priority = m.votes;
    c.members.push_back(m);
  }
  return c;
}

ReplSetConfig Next(ReplSetConfig c) {
  ++c.version;
  return c;
}

std::string TextFor(const std::function<void(ReplSetConfig*)>& change, int count = 3) {
  ReplSetConfig c = Config(count);
  change(&c);
  const Status s = ValidateConfig(c);
  return s.ok() ? "ok" : std::string(TextOf(s));
}

TEST(ConfigRules, OneConfigByItself) {
  using C = ReplSetConfig;
  EXPECT_EQ(TextFor([](C*) {}), "ok");
  EXPECT_EQ(TextFor([](C*) {}, 8),
            "Replica set configuration contains 8 voting members, but must be at least 1 and no more "
            "than 7");
  EXPECT_EQ(TextFor([](C* c) { *c = Config(50, 7); }), "ok");
  EXPECT_NE(TextFor([](C* c) { *c = Config(51, 7); }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->members.clear(); }), "ok");
  EXPECT_EQ(TextFor([](C* c) { c->members[1].id = 0; }),
            "Found two member configurations with same _id field, members.0._id == members.1._id == 0");
  EXPECT_EQ(
      TextFor([](C* c) { c->members[1].host = "h0:1"; }),
      "Found two member configurations with same host field, members.0.host == members.1.host == h0:1");
  EXPECT_EQ(TextFor([](C* c) { c->members[1].host = "localhost:1"; }),
            "Either all host names in a replica set configuration must be localhost references, or none "
            "must be; found 1 out of 3");
  EXPECT_EQ(TextFor([](C* c) {
              for (auto& m : c->members) {
                m.priority = 0;
              }
            }),
            "Replica set configuration must contain at least one non-arbiter member with priority > 0");
  EXPECT_EQ(TextFor([](C* c) { c->protocol_version = 0; }).substr(0, 49),
            "Support for replication protocol version 0 was re");
  EXPECT_NE(TextFor([](C* c) { c->version = 0; }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->set_name.clear(); }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->settings.election_timeout_millis = 0; }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->settings.catch_up_timeout_millis = -2; }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->settings.write_concern_modes = {{"m", {{"dc", 1}}}}; }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->members[0].horizons = {{"x", "e:1"}}; }), "ok");
}

TEST(ConfigRules, OneMember) {
  using C = ReplSetConfig;
  EXPECT_EQ(TextFor([](C* c) { c->members[2].votes = 0; }),
            "priority must be 0 when non-voting (votes:0)");
  EXPECT_EQ(TextFor([](C* c) { c->members[2].hidden = true; }), "priority must be 0 when hidden=true");
  EXPECT_EQ(TextFor([](C* c) { c->members[2].build_indexes = false; }),
            "priority must be 0 when buildIndexes=false");
  EXPECT_NE(TextFor([](C* c) { c->members[2].secondary_delay_secs = 5; }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->members[2].priority = 1001; }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->members[2].priority = -1; }), "ok");
  EXPECT_NE(TextFor([](C* c) { c->members[2].id = 256; }), "ok");
  EXPECT_EQ(TextFor([](C* c) { c->members[2].votes = 2; }),
            "votes field value is 2 but must be 0 or 1");
  EXPECT_EQ(TextFor([](C* c) {
              c->members[2].arbiter_only = true;
              c->members[2].priority = 0;
              c->members[2].tags = {{"a", "b"}};
            }),
            "Cannot set tags on arbiters.");
  EXPECT_EQ(TextFor([](C* c) {
              c->members[2].priority = 0;
              c->members[2].secondary_delay_secs = 60;
              c->members[2].hidden = true;
            }),
            "ok");
}

TEST(ConfigRules, Initiate) {
  const auto code = [](const ReplSetConfig& c, const std::string& name = "rs0") {
    return CodeOf(ValidateForInitiate(c, name, kMe));
  };
  ReplSetConfig c = Config(3);
  c.term = -1;
  EXPECT_EQ(code(c), ErrorCode::kOK);
  EXPECT_EQ(code(c, "other"), ErrorCode::kInvalidReplicaSetConfig);
  EXPECT_EQ(code(Config(8)), ErrorCode::kInvalidReplicaSetConfig);
  EXPECT_EQ(code(Next(c)), ErrorCode::kInvalidReplicaSetConfig);
  c.settings.replica_set_id = bson::ObjectId{};
  EXPECT_EQ(code(c), ErrorCode::kInvalidReplicaSetConfig);
  c = Config(3);
  c.term = 0;
  const Status s = ValidateForInitiate(c, "rs0", std::vector<std::string>{"elsewhere:1"});
  EXPECT_EQ(CodeOf(s), ErrorCode::kInvalidReplicaSetConfig);
  EXPECT_EQ(TextOf(s),
            "No host described in new configuration with {version: 1, term: 0} for replica set rs0 maps "
            "to this node");
}

ErrorCode Reconfig(const ReplSetConfig& from, const ReplSetConfig& to, bool force = false,
                   bool default_set = false) {
  return CodeOf(ValidateForReconfig(from, to, kMe, {force, default_set}));
}

TEST(ConfigRules, Successor) {
  const ReplSetConfig c = Config(4);
  constexpr auto kIncompatible = ErrorCode::kNewReplicaSetConfigurationIncompatible;
  EXPECT_EQ(Reconfig(c, Next(c)), ErrorCode::kOK);
  EXPECT_EQ(Reconfig(c, c), kIncompatible);
  EXPECT_EQ(Reconfig(Config(7), Next(Config(8))), kIncompatible);  // the eighth voter
  ReplSetConfig n = Next(c);
  n.set_name = "other";
  EXPECT_EQ(Reconfig(c, n), ErrorCode::kInvalidReplicaSetConfig);
  n = Next(c);
  n.members[1].id = 9;
  EXPECT_EQ(Reconfig(c, n), kIncompatible);
  n = Next(c);
  n.members[1].build_indexes = false;
  n.members[1].priority = 0;
  EXPECT_EQ(Reconfig(c, n), kIncompatible);
  n = Next(c);
  n.settings.replica_set_id = bson::ObjectId{};
  EXPECT_EQ(Reconfig(c, n), kIncompatible);
  n = Next(c);
  n.members.erase(n.members.begin());
  EXPECT_EQ(Reconfig(c, n), ErrorCode::kNodeNotFound);  // this member is gone
  n = Next(c);
  n.members[0].priority = 0;
  EXPECT_EQ(Reconfig(c, n), ErrorCode::kNodeNotElectable);
  EXPECT_EQ(Reconfig(c, n, /*force=*/true), ErrorCode::kOK);
}

TEST(ConfigRules, OneVoterAtATime) {
  const ReplSetConfig c = Config(3);
  EXPECT_EQ(Reconfig(c, Next(Config(4))), ErrorCode::kOK);
  const Status s = ValidateForReconfig(c, Next(Config(5)), kMe, {});
  EXPECT_EQ(CodeOf(s), ErrorCode::kNewReplicaSetConfigurationIncompatible);
  EXPECT_EQ(TextOf(s), "Non force replica set reconfig can only add or remove at most 1 voting member.");
  EXPECT_EQ(Reconfig(c, Next(Config(5, 3))), ErrorCode::kOK);  // non-voters: any number
  EXPECT_EQ(Reconfig(c, Next(Config(5)), /*force=*/true), ErrorCode::kOK);
}

// S08-048, and the guard that mongosh's rs.reconfigForPSASet works around.
TEST(ConfigRules, Arbiters) {
  ReplSetConfig c = Config(2);
  ReplSetConfig with_arbiter = Next(Config(3));
  with_arbiter.members[2].arbiter_only = true;
  with_arbiter.members[2].priority = 0;
  EXPECT_FALSE(with_arbiter.implicit_default_is_majority());
  EXPECT_EQ(Reconfig(c, with_arbiter), ErrorCode::kNewReplicaSetConfigurationIncompatible);
  EXPECT_EQ(Reconfig(c, with_arbiter, false, /*default_set=*/true), ErrorCode::kOK);
  // Primary and arbiter, then the secondary gets its vote back while electable.
  ReplSetConfig only_primary = with_arbiter;
  only_primary.members[1].votes = 0;
  only_primary.members[1].priority = 0;
  EXPECT_EQ(Reconfig(only_primary, Next(with_arbiter), false, true),
            ErrorCode::kNewReplicaSetConfigurationIncompatible);
  ReplSetConfig careful = Next(with_arbiter);
  careful.members[1].priority = 0;
  EXPECT_EQ(Reconfig(only_primary, careful, false, true), ErrorCode::kOK);
}

TEST(ConfigRules, NewVotersAreMarked) {
  const ReplSetConfig c = Config(2);
  ReplSetConfig n = Next(Config(4));
  n.members[3].arbiter_only = true;
  MarkNewlyAdded(c, &n);
  EXPECT_FALSE(n.members[0].newly_added);
  EXPECT_TRUE(n.members[2].newly_added);
  EXPECT_FALSE(n.members[3].newly_added);  // no data to wait for
  EXPECT_EQ(n.voters(), 3);
  // The user's next config has no marks; who had one keeps it.
  ReplSetConfig again = Next(Config(4));
  MarkNewlyAdded(n, &again);
  EXPECT_TRUE(again.members[2].newly_added);
  // The same _id under another host is somebody new.
  again.members[1].host = "x:1";
  MarkNewlyAdded(n, &again);
  EXPECT_TRUE(again.members[1].newly_added);
}

}  // namespace
}  // namespace septet::election
