// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/json.h"

namespace septet {
namespace {

std::string LastLine() { return log::RecentLines(nullptr).back(); }

class LogTest : public testing::Test {
 protected:
  LogTest() : dir_(std::filesystem::path(testing::TempDir()) / ("log." + std::to_string(getpid()))) {
    std::filesystem::create_directories(dir_);
    log::OpenSink({.path = path(), .append = true});
  }
  ~LogTest() override {
    log::OpenSink({});
    std::filesystem::remove_all(dir_);
  }
  std::string path() const { return dir_ / "server.log"; }
  int FilesInDir() const {
    int n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      n += entry.is_regular_file() ? 1 : 0;
    }
    return n;
  }
  std::filesystem::path dir_;
};

// Columns as documented under "Structured Log Messages" in the manual.
TEST_F(LogTest, S11_047_JsonColumns) {
  log::SetThreadContext("listener");
  P_LOG(kInfo, kNetwork, 99001, "Listening on", {"address", "127.0.0.1"}, {"n", 3}, {"up", true});
  const std::string line = LastLine();
  EXPECT_EQ(line.find("{\"t\":{\"$date\":\""), 0u);
  const std::string rest = line.substr(line.find("},\"s\"") + 2);
  EXPECT_EQ(rest,
            "\"s\":\"I\",  \"c\":\"NETWORK\",  \"id\":99001,   \"ctx\":\"listener\",\"msg\":"
            "\"Listening on\",\"attr\":{\"address\":\"127.0.0.1\",\"n\":3,\"up\":true}}");
  P_LOG(kWarning, kDefault, 9900002, "x");
  EXPECT_NE(LastLine().find("\"s\":\"W\",  \"c\":\"-\",        \"id\":9900002, \"ctx\""),
            std::string::npos);
  log::SetThreadContext("main");
}

TEST_F(LogTest, DebugLinesFollowTheVerbosityOfTheirComponentOrItsParent) {
  P_LOG_DEBUG(1, kElection, 1, "hidden");
  log::SetVerbosity(log::Component::kReplication, 2);
  P_LOG_DEBUG(2, kElection, 2, "shown");
  EXPECT_NE(LastLine().find("\"s\":\"D2\", \"c\":\"ELECTION\", \"id\":2,"), std::string::npos);
  log::SetVerbosity(log::Component::kElection, 0);
  EXPECT_FALSE(log::Enabled(log::Component::kElection, 1));
  log::SetVerbosity(log::Component::kElection, -1);
  EXPECT_TRUE(log::Enabled(log::Component::kElection, 2));
  EXPECT_EQ(log::OwnVerbosity(log::Component::kElection), -1);
  log::SetVerbosity(log::Component::kReplication, -1);
  EXPECT_FALSE(log::Enabled(log::Component::kElection, 1));
}

TEST_F(LogTest, S11_010_RotationRenamesOrReopens) {
  P_LOG(kInfo, kControl, 1, "before");
  std::string error;
  ASSERT_TRUE(log::Rotate(/*rename=*/true, &error)) << error;
  P_LOG(kInfo, kControl, 2, "after");
  EXPECT_EQ(FilesInDir(), 2);
  std::ifstream in(path());
  std::string line;
  std::getline(in, line);
  EXPECT_NE(line.find("after"), std::string::npos);

  std::filesystem::rename(path(), path() + ".moved");
  ASSERT_TRUE(log::Rotate(/*rename=*/false, &error)) << error;
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(LogTest, QuietKeepsWarnings) {
  log::SetQuiet(true);
  P_LOG(kInfo, kControl, 1, "not written");
  P_LOG(kWarning, kControl, 2, "written");
  log::SetQuiet(false);
  std::ifstream in(path());
  std::string all((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(all.find("not written"), std::string::npos);
  EXPECT_NE(all.find("written"), std::string::npos);
}

TEST_F(LogTest, S02_093_StartupWarningsAreKept) {
  log::AddStartupWarning(22120, "Access control is not enabled");
  ASSERT_FALSE(log::StartupWarnings().empty());
  EXPECT_NE(log::StartupWarnings().back().find("\"tags\":[\"startupWarnings\"]"), std::string::npos);
}

TEST(JsonTest, EscapesWhatWouldBreakALine) {
  std::string out;
  AppendJsonString(&out, std::string_view("a\"b\\\n\x01\xff\xc3\xa9\0", 10));
  EXPECT_EQ(out, "\"a\\\"b\\\\\\n\\u0001\\ufffd\xc3\xa9\\u0000\"");
}

TEST(ClockTest, Iso8601) {
  EXPECT_EQ(FormatIso8601(0, false), "1970-01-01T00:00:00.000+00:00");
  EXPECT_EQ(FormatIso8601(1706696430123, false), "2024-01-31T10:20:30.123+00:00");
  EXPECT_EQ(FormatIso8601(-1, false), "1969-12-31T23:59:59.999+00:00");
}

}  // namespace
}  // namespace septet
