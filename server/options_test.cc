// SPDX-License-Identifier: Apache-2.0
// Options from the command line and both file forms. Names and meanings: surface 11.1.
#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bson/ejson.h"
#include "server/config_file.h"
#include "server/option_table.h"

namespace septet::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string TextOfError(const std::vector<std::string>& words) {
  const auto options = ParseOptions(words);
  return options.ok() ? "" : std::string(TextOf(options.status()));
}

class ConfigTest : public testing::Test {
 protected:
  ConfigTest()
      : path_(std::filesystem::path(testing::TempDir()) / ("conf." + std::to_string(getpid()))) {}
  ~ConfigTest() override { std::filesystem::remove(path_); }
  StatusOr<ServerOptions> Parse(const std::string& text, std::vector<std::string> more = {}) {
    std::ofstream(path_) << text;
    std::vector<std::string> words = {"--config", path_.string()};
    words.insert(words.end(), more.begin(), more.end());
    return ParseOptions(words);
  }
  std::filesystem::path path_;
};

TEST(OptionsTest, Defaults) {
  const auto o = ParseOptions({});
  ASSERT_TRUE(o.ok());
  EXPECT_EQ(o->port, 27017);
  EXPECT_EQ(o->dbpath, "/data/db");
  EXPECT_TRUE(o->bind_ips.empty());
  EXPECT_EQ(o->slow_ms, 100);
  EXPECT_EQ(o->compressors, "snappy,zstd,zlib");
}

TEST(OptionsTest, BothSpellingsOfAValue) {
  const auto o = ParseOptions({"--port", "1234", "--dbpath=/x", "-vvv", "--bind_ip", "a,b",
                               "--nounixsocket", "--replSet", "rs/h1:1,h2:2", "--setParameter",
                               "enableTestCommands=1", "--wiredTigerCacheSizeGB", "0.5"});
  ASSERT_TRUE(o.ok()) << TextOf(o.status());
  EXPECT_EQ(o->port, 1234);
  EXPECT_EQ(o->dbpath, "/x");
  EXPECT_EQ(o->verbosity, 3);
  EXPECT_THAT(o->bind_ips, ElementsAre("a", "b"));
  EXPECT_FALSE(o->unix_socket);
  EXPECT_EQ(o->repl_set, "rs");
  EXPECT_THAT(o->seeds, ElementsAre("h1:1", "h2:2"));
  EXPECT_EQ(o->set_parameters.at(0).first, "enableTestCommands");
  EXPECT_EQ(*o->cache_gb, 0.5);
}

TEST(OptionsTest, MistakesAreExplained) {
  EXPECT_THAT(TextOfError({"--prot", "1"}),
              HasSubstr("unrecognised option '--prot'; did you mean --port?"));
  EXPECT_THAT(TextOfError({"--port"}), HasSubstr("the required argument for option '--port' is missing"));
  EXPECT_THAT(TextOfError({"--port", "x"}), HasSubstr("option 'port': the argument ('x')"));
  EXPECT_THAT(TextOfError({"--port", "70000"}), HasSubstr("from 0 to 65535"));
  EXPECT_THAT(TextOfError({"junk"}), HasSubstr("too many positional options"));
  EXPECT_THAT(TextOfError({"--fork"}), HasSubstr("--logpath or --syslog"));
  EXPECT_THAT(TextOfError({"--config", "/nonexistent"}), HasSubstr("Error opening config file"));
}

TEST(OptionsTest, WhatWouldBeDangerousToIgnoreIsRefused) {
  EXPECT_THAT(TextOfError({"--auth"}), HasSubstr("access control is not supported"));
  EXPECT_THAT(TextOfError({"--keyFile", "k"}), HasSubstr("access control is not supported"));
  EXPECT_THAT(TextOfError({"--tlsMode", "requireTLS"}), HasSubstr("TLS is not supported"));
  EXPECT_EQ(TextOfError({"--tlsMode", "disabled"}), "");
  EXPECT_THAT(TextOfError({"--master"}), HasSubstr("replica set"));
  EXPECT_THAT(TextOfError({"--shardsvr"}), HasSubstr("sharding"));
}

TEST(OptionsTest, S11_029_WhatLostItsMeaningIsAcceptedWithAWarning) {
  const auto o = ParseOptions({"--nojournal", "--smallfiles", "--rest", "--nssize", "16"});
  ASSERT_TRUE(o.ok());
  EXPECT_EQ(o->warnings.size(), 4u);
}

// S11-016: the file that comes with the tutorial of 2011.
TEST_F(ConfigTest, OldForm) {
  const auto o = Parse(
      "# mongod.conf\n"
      "dbpath = /var/lib/mongodb\n"
      "logpath=/var/log/mongodb/mongodb.log\n"
      "logappend = true\n"
      "port = 27018   # not the default\n"
      "replSet = my_project\n"
      "rest = true\n"
      "vvv = true\n");
  ASSERT_TRUE(o.ok()) << TextOf(o.status());
  EXPECT_EQ(o->dbpath, "/var/lib/mongodb");
  EXPECT_EQ(o->log_path, "/var/log/mongodb/mongodb.log");
  EXPECT_TRUE(o->log_append);
  EXPECT_EQ(o->port, 27018);
  EXPECT_EQ(o->repl_set, "my_project");
  EXPECT_EQ(o->verbosity, 3);
  EXPECT_EQ(o->warnings.size(), 1u);
  const auto bad = Parse("port = 1\nreplset = x\n");
  EXPECT_THAT(std::string(TextOf(bad.status())),
              HasSubstr("line 2: unrecognised option 'replset'; did you mean --replSet?"));
}

TEST_F(ConfigTest, Yaml) {
  const std::string text =
      "storage:\n"
      "  dbPath: /data\n"
      "  journal:\n"
      "    enabled: true\n"
      "  wiredTiger:\n"
      "    engineConfig:\n"
      "      cacheSizeGB: 2\n"
      "systemLog:\n"
      "  destination: file\n"
      "  path: /log\n"
      "  component:\n"
      "    replication:\n"
      "      election:\n"
      "        verbosity: 2\n"
      "net: {port: 27020, bindIp: '127.0.0.1,::1'}\n"
      "replication: {replSetName: rs0, oplogSizeMB: 512}\n"
      "operationProfiling: {mode: slowOp, slowOpThresholdMs: 5}\n"
      "setParameter: {enableTestCommands: true}\n"
      "security:\n";
  const auto o = Parse(text, {"--port", "1"});
  ASSERT_TRUE(o.ok()) << TextOf(o.status());
  EXPECT_EQ(o->port, 1);  // the command line wins
  EXPECT_EQ(o->dbpath, "/data");
  EXPECT_EQ(*o->cache_gb, 2);
  EXPECT_EQ(o->repl_set, "rs0");
  EXPECT_EQ(o->oplog_size_mb, 512);
  EXPECT_EQ(o->profile_level, 1);
  EXPECT_EQ(o->slow_ms, 5);
  EXPECT_EQ(o->component_verbosity.at(0), std::make_pair(std::string("election"), 2));
  const bson::DocView parsed(o->parsed);
  EXPECT_EQ(parsed["net"].AsDoc()["port"].AsInt32(), 1);
  EXPECT_EQ(parsed["storage"].AsDoc()["wiredTiger"].AsDoc()["engineConfig"].AsDoc()["cacheSizeGB"]
                .AsDouble(),
            2);
  EXPECT_EQ(parsed["setParameter"].AsDoc()["enableTestCommands"].AsString(), "true");
}

TEST_F(ConfigTest, YamlMistakes) {
  EXPECT_THAT(std::string(TextOf(Parse("net:\n  prot: 1\n").status())),
              HasSubstr("Unrecognized option: net.prot; did you mean net.port?"));
  EXPECT_THAT(std::string(TextOf(Parse("nett:\n  port: 1\n").status())),
              HasSubstr("Unrecognized option: nett"));
  EXPECT_THAT(std::string(TextOf(Parse("net: [\n").status())), HasSubstr("Error parsing YAML"));
  EXPECT_THAT(std::string(TextOf(Parse("just words\n").status())), HasSubstr("neither YAML"));
}

TEST(OptionsTest, NamesAreUnique) {
  for (const OptionRow& row : OptionTable()) {
    EXPECT_TRUE(row.flag.empty() || FindOptionByFlag(row.flag) == &row) << row.flag;
    EXPECT_TRUE(row.yaml.empty() || FindOptionByYaml(row.yaml) == &row) << row.yaml;
  }
}

}  // namespace
}  // namespace septet::server
