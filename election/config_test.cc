// SPDX-License-Identifier: Apache-2.0
// S08-050, S08-051: the document's fields, defaults and printed order; the recorded answer of
// replSetGetConfig where it is at hand.
#include "election/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "bson/ejson.h"
#include "bson/testing/data_folder.h"

namespace septet::election {
namespace {

StatusOr<ReplSetConfig> Parse(const std::string& json) {
  const std::string bytes = bson::FromJson(json).value();
  return ReplSetConfig::FromBson(bson::DocView(bytes));
}

ErrorCode CodeFor(const std::string& json) { return CodeOf(Parse(json).status()); }

TEST(Config, Defaults) {
  const auto c = Parse(R"({"_id":"rs0","members":[{"_id":0,"host":"a"},
                          {"_id":1,"host":"b:5","arbiterOnly":true}]})");
  ASSERT_TRUE(c.ok()) << c.status();
  EXPECT_EQ(c->version, 1);
  EXPECT_EQ(c->term, -1);
  EXPECT_EQ(c->members[0].host, "a:27017");
  EXPECT_EQ(c->members[0].priority, 1);
  EXPECT_EQ(c->members[1].priority, 0);  // an arbiter never stands
  EXPECT_EQ(c->members[1].votes, 1);
  EXPECT_EQ(c->settings.election_timeout_millis, 10'000);
  EXPECT_EQ(c->settings.heartbeat_interval_millis, 2'000);
  EXPECT_EQ(c->settings.heartbeat_timeout_secs, 10);
  EXPECT_EQ(c->settings.catch_up_timeout_millis, -1);
  EXPECT_EQ(c->settings.catch_up_takeover_delay_millis, 30'000);
  EXPECT_TRUE(c->settings.chaining_allowed);
  EXPECT_TRUE(c->write_concern_majority_journal_default);
}

TEST(Config, RoundTripKeepsEverything) {
  const auto c = Parse(R"({"_id":"rs0","version":7,"term":{"$numberLong":"3"},"members":[
      {"_id":4,"host":"a:1","buildIndexes":false,"hidden":true,"priority":0,"votes":0,
       "tags":{"dc":"east","rack":"1"},"secondaryDelaySecs":60,"horizons":{"x":"ext:1"}},
      {"_id":9,"host":"b:2","priority":2.5,"newlyAdded":true}],
      "writeConcernMajorityJournalDefault":false,"protocolVersion":1,
      "settings":{"chainingAllowed":false,"heartbeatIntervalMillis":500,"electionTimeoutMillis":1000,
      "getLastErrorModes":{"two":{"dc":2}},"replicaSetId":{"$oid":"6b02b8eb02b5997e44908c58"}}})");
  ASSERT_TRUE(c.ok()) << c.status();
  const std::string stored = c->ToBson();
  EXPECT_EQ(ReplSetConfig::FromBson(bson::DocView(stored)).value(), *c);
  // Users do not see the mark.
  const std::string shown = c->ToBson(ReplSetConfig::Form::kShown);
  EXPECT_EQ(bson::ToRelaxedJson(bson::DocView(shown)).find("newlyAdded"), std::string::npos);
  EXPECT_FALSE(c->members[1].is_voter());
  EXPECT_FALSE(c->members[1].is_electable());
}

TEST(Config, StrictAboutFieldsAndTypes) {
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":[],"foo":1})"), ErrorCode::kIDLUnknownField);
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":[{"_id":0,"host":"a","slaveDelay":1}]})"),
            ErrorCode::kIDLUnknownField);
  EXPECT_EQ(CodeFor(R"({"_id":"r"})"), ErrorCode::kIDLFailedToParse);
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":[{"_id":0}]})"), ErrorCode::kIDLFailedToParse);
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":3})"), ErrorCode::kTypeMismatch);
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":[{"_id":"x","host":"a"}]})"), ErrorCode::kTypeMismatch);
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":[{"_id":0,"host":"a:99999"}]})"),
            ErrorCode::kFailedToParse);
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":[],"settings":{"getLastErrorDefaults":{"w":2}}})"),
            ErrorCode::kIllegalOperation);  // S08-049
  EXPECT_EQ(CodeFor(R"({"_id":"r","members":[],"settings":{"getLastErrorDefaults":
                        {"w":1,"wtimeout":0}}})"),
            ErrorCode::kOK);
}

TEST(Config, Hosts) {
  EXPECT_EQ(NormalizeHost("a").value(), "a:27017");
  EXPECT_EQ(NormalizeHost("a:1").value(), "a:1");
  EXPECT_EQ(NormalizeHost("[::1]:5").value(), "[::1]:5");
  EXPECT_EQ(NormalizeHost("::1").value(), "[::1]:27017");
  for (const char* bad : {"", ":1", "a:", "a:0", "a:x", "a:65536", "[::1", "[::1]x"}) {
    EXPECT_EQ(CodeOf(NormalizeHost(bad).status()), ErrorCode::kFailedToParse) << bad;
  }
  for (const char* loopback : {"localhost:1", "127.0.0.1:1", "127.3.2.1:1", "[::1]:1", "/tmp/x.sock"}) {
    EXPECT_TRUE(IsLoopbackHost(loopback)) << loopback;
  }
  EXPECT_FALSE(IsLoopbackHost("localhost.example:1"));
  EXPECT_FALSE(IsLoopbackHost("10.0.0.1:1"));
}

TEST(Config, Order) {
  const ConfigVersion a{2, 1};
  EXPECT_TRUE((ConfigVersion{1, 2}.IsNewerThan(a)));
  EXPECT_FALSE((ConfigVersion{3, 0}.IsNewerThan(a)));
  EXPECT_TRUE((ConfigVersion{3, 1}.IsNewerThan(a)));
  EXPECT_TRUE((ConfigVersion{3, -1}.IsNewerThan(a)));  // force: by version alone
  EXPECT_FALSE((ConfigVersion{1, -1}.IsNewerThan(a)));
  EXPECT_FALSE(a.IsNewerThan(a));
  EXPECT_TRUE(a.IsNewerThan({}));
}

// Names in order, nested documents too; numbers' types were not recorded.
std::string Shape(bson::ValueView v) {
  if (!v.is_object() && !v.is_array()) {
    return "";
  }
  std::string s = "(";
  for (const bson::ElementView& e : v.AsAnyDoc()) {
    s += std::string(e.name()) + Shape(e.value()) + " ";
  }
  return s + ")";
}

TEST(Config, PrintedAsRecorded) {
  const auto folder = bson::testing::DataFolder("SEPTET_RECORDED", "recorded");
  std::ifstream in(folder / "curated-admin.jsonl");
  if (folder.empty() || !in) {
    GTEST_SKIP() << "no recorded answers here";
  }
  int found = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.find("admin-S02-cmd-replconfig") == std::string::npos) {
      continue;
    }
    for (size_t at = 0; (at = line.find("slaveDelay")) != std::string::npos;) {
      line.replace(at, 10, "secondaryDelaySecs");  // its name since 5.0
    }
    const std::string bytes = bson::FromJson(line).value();
    const bson::DocView run = bson::DocView(bytes)["run"].AsArray().FirstElement().value().AsDoc();
    const bson::ValueView recorded = run["reply"].AsDoc()["config"];
    const auto config = ReplSetConfig::FromBson(recorded.AsDoc());
    ASSERT_TRUE(config.ok()) << config.status();
    const std::string ours = config->ToBson(ReplSetConfig::Form::kShown);
    EXPECT_EQ(Shape(bson::ValueView(bson::Type::kObject, ours.data())), Shape(recorded));
    ++found;
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace septet::election
