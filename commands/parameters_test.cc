// SPDX-License-Identifier: Apache-2.0
#include "commands/parameters.h"

#include <gtest/gtest.h>

#include "bson/ejson.h"

namespace septet::commands {
namespace {

TEST(ParametersTest, DefaultsBoundsAndObservers) {
  Parameters p;
  EXPECT_EQ(p.GetInt(ParameterName::k_transactionLifetimeLimitSeconds), 60);
  EXPECT_TRUE(p.GetBool(ParameterName::k_ttlMonitorEnabled));
  EXPECT_EQ(p.GetDouble(ParameterName::k_syncdelay), 60.0);
  int told = 0;
  p.OnChange(ParameterName::k_ttlMonitorSleepSecs, [&] { ++told; });
  const auto set = [&](const std::string& json) {
    const auto doc = bson::FromJson(json);
    const bson::ElementView e = bson::DocView(*doc).FirstElement();
    bson::DocBuilder was;
    const Status s = p.Set(e.name(), e.value(), &was);
    return s.ok() ? bson::ToRelaxedJson(bson::DocView(was.Finish())) : CodeName(CodeOf(s));
  };
  EXPECT_EQ(set(R"({"ttlMonitorSleepSecs": 5})"), R"({"was":60})");
  EXPECT_EQ(told, 1);
  EXPECT_EQ(set(R"({"ttlMonitorSleepSecs": 0})"), "BadValue");
  EXPECT_EQ(set(R"({"ttlMonitorSleepSecs": "x"})"), "BadValue");
  EXPECT_EQ(set(R"({"maxSessions": 5})"), "IllegalOperation");
  EXPECT_EQ(set(R"({"nosuch": 5})"), "InvalidOptions");
  EXPECT_EQ(p.GetInt(ParameterName::k_ttlMonitorSleepSecs), 5);
}

TEST(ParametersTest, S11_037_AtStart) {
  Parameters p;
  EXPECT_TRUE(p.SetAtStart("enableTestCommands", "true").ok());
  EXPECT_TRUE(p.SetAtStart("enableTestCommands", "1").ok());
  EXPECT_TRUE(p.GetBool(ParameterName::k_enableTestCommands));
  EXPECT_TRUE(p.SetAtStart("cursorTimeoutMillis", "300000").ok());
  EXPECT_EQ(p.GetInt(ParameterName::k_cursorTimeoutMillis), 300000);
  EXPECT_FALSE(p.SetAtStart("cursorTimeoutMillis", "soon").ok());
  EXPECT_FALSE(p.SetAtStart("authSchemaVersion", "5").ok());
  const Status unknown = p.SetAtStart("enableTestCommand", "1");
  EXPECT_EQ(TextOf(unknown),
            "Unknown --setParameter 'enableTestCommand'; did you mean 'enableTestCommands'?");
}

}  // namespace
}  // namespace septet::commands
