// SPDX-License-Identifier: Apache-2.0
// The dispatcher through the in-process server. Expected texts and codes: recorded answers and the surface
// rows named in the tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bson/ejson.h"
#include "bson/number.h"
#include "server/testing/in_process_server.h"

namespace septet::server::testing {
namespace {

using bson::DocView;

class DispatcherTest : public ::testing::Test {
 protected:
  // The reply, kept alive until the next call.
  DocView Run(std::string_view db, std::string_view json) {
    reply_ = server_.RunJson(db, json);
    return DocView(reply_);
  }
  DocView Admin(std::string_view json) { return Run("admin", json); }
  int64_t Code(std::string_view db, std::string_view json) {
    const bson::ValueView code = Run(db, json)["code"];
    return code.is_number() ? bson::ToInt64Clamped(code) : 0;
  }
  std::string Text(std::string_view db, std::string_view json) {
    const bson::ValueView text = Run(db, json)["errmsg"];
    return text.is_string() ? std::string(text.AsString()) : "";
  }
  static bool Ok(DocView reply) { return reply["ok"].AsDouble() == 1.0; }

  InProcessServer server_;
  std::string reply_;
};

TEST_F(DispatcherTest, S02_050_Ping) {
  EXPECT_EQ(bson::ToRelaxedJson(Admin(R"({"ping": 1})")), R"({"ok":1.0})");
  EXPECT_TRUE(Ok(Run("anything", R"({"ping": "x", "foo": 1})")));
}

TEST_F(DispatcherTest, S12_025_UnknownCommandsAreNamed) {
  EXPECT_EQ(Code("admin", R"({"atlasVersion": 1})"), 59);
  EXPECT_EQ(Text("admin", R"({"atlasVersion": 1})"), "no such command: 'atlasVersion'");
  EXPECT_EQ(Code("admin", R"({"PING": 1})"), 59);
  EXPECT_EQ(Code("admin", R"({"isdbgrid": 1})"), 59);
  EXPECT_EQ(Code("admin", R"({"listShards": 1})"), 59);
}

TEST_F(DispatcherTest, S01_123_UnknownFieldsAndTypes) {
  EXPECT_EQ(Text("admin", R"({"dropConnections": 1, "foo": 1})"),
            "BSON field 'dropConnections.foo' is an unknown field.");
  EXPECT_EQ(Code("admin", R"({"dropConnections": 1, "foo": 1})"), 40415);
  EXPECT_EQ(Text("admin", R"({"dropConnections": 1})"),
            "BSON field 'dropConnections.hostAndPort' is missing but a required field");
  EXPECT_EQ(Code("admin", R"({"dropConnections": 1})"), 40414);
  EXPECT_EQ(Code("admin", R"({"dropConnections": 1, "hostAndPort": 1})"), 14);
}

TEST_F(DispatcherTest, AdminOnlyCommands) {
  EXPECT_EQ(Code("test", R"({"getParameter": 1})"), 13);
  EXPECT_EQ(Text("test", R"({"getParameter": 1})"),
            "getParameter may only be run against the admin database.");
}

TEST_F(DispatcherTest, S01_138_MaxTime) {
  EXPECT_EQ(Code("admin", R"({"ping": 1, "maxTimeMS": -5})"), 51024);
  EXPECT_EQ(Code("admin", R"({"ping": 1, "maxTimeMS": "x"})"), 14);
  EXPECT_EQ(Code("admin", R"({"ping": 1, "maxTimeMS": {"$numberLong": "4294967296"}})"), 2);
  EXPECT_TRUE(Ok(Admin(R"({"ping": 1, "maxTimeMS": 100})")));
}

TEST_F(DispatcherTest, S01_141_StableApi) {
  EXPECT_TRUE(Ok(Admin(R"({"ping": 1, "apiVersion": "1", "apiStrict": true})")));
  EXPECT_EQ(Code("admin", R"({"ping": 1, "apiVersion": "2"})"), 322);
  EXPECT_EQ(Code("admin", R"({"ping": 1, "apiStrict": true})"), 4886600);
  EXPECT_EQ(Code("admin", R"({"buildInfo": 1, "apiVersion": "1", "apiStrict": true})"), 323);
  EXPECT_EQ(Text("admin", R"({"ping": 1, "apiVersion": 1})"),
            "BSON field 'APIParametersFromClient.apiVersion' is the wrong type 'int', expected type "
            "'string'");
}

TEST_F(DispatcherTest, S01_136_SessionFields) {
  const std::string lsid =
      R"("lsid": {"id": {"$binary": {"base64": "AAAAAAAAQACAAAAAAF5VAQ==", "subType": "04"}}})";
  EXPECT_TRUE(Ok(Admin("{\"ping\": 1, " + lsid + "}")));
  EXPECT_EQ(server_.core().sessions().size(), 1);
  EXPECT_EQ(Text("admin", "{\"ping\": 1, \"startTransaction\": true, " + lsid + "}"),
            "'startTransaction' field requires 'autocommit' field to also be specified");
  EXPECT_EQ(Text("admin", "{\"ping\": 1, \"autocommit\": false, " + lsid + "}"),
            "'autocommit' field requires a transaction number to also be specified");
  // S08-008: drivers key a hint on the first words.
  EXPECT_EQ(Code("admin", "{\"ping\": 1, \"txnNumber\": {\"$numberLong\": \"1\"}, " + lsid + "}"),
            20);
  EXPECT_THAT(Text("admin", "{\"ping\": 1, \"txnNumber\": {\"$numberLong\": \"1\"}, " + lsid + "}"),
              ::testing::StartsWith("Transaction numbers"));
  EXPECT_TRUE(Ok(Admin(
      R"({"endSessions": [{"id": {"$binary": {"base64": "AAAAAAAAQACAAAAAAF5VAQ==", "subType": "04"}}}]})")));
  EXPECT_EQ(server_.core().sessions().size(), 0);
}

TEST_F(DispatcherTest, S01_137_Concerns) {
  EXPECT_EQ(Text("admin", R"({"ping": 1, "writeConcern": {"w": 1}})"),
            "Command does not support writeConcern");
  EXPECT_EQ(Code("admin", R"({"ping": 1, "readConcern": {"level": "majority"}})"), 72);
  EXPECT_EQ(Code("admin", R"({"ping": 1, "readConcern": {"level": "foo"}})"), 9);
  EXPECT_EQ(Code("admin", R"({"ping": 1, "$readPreference": {"mode": "foo"}})"), 2);
}

TEST_F(DispatcherTest, S01_085_HelloOfAStandalone) {
  const DocView hello = Admin(R"({"hello": 1, "helloOk": true, "compression": ["zstd", "x", "snappy"]})");
  EXPECT_TRUE(hello["helloOk"].AsBool());
  EXPECT_TRUE(hello["isWritablePrimary"].AsBool());
  EXPECT_FALSE(hello.Has("ismaster"));
  EXPECT_EQ(hello["maxBsonObjectSize"].AsInt32(), 16777216);
  EXPECT_EQ(hello["maxMessageSizeBytes"].AsInt32(), 48000000);
  EXPECT_EQ(hello["maxWriteBatchSize"].AsInt32(), 100000);
  EXPECT_EQ(hello["minWireVersion"].AsInt32(), 0);
  EXPECT_EQ(hello["maxWireVersion"].AsInt32(), 21);
  EXPECT_EQ(hello["logicalSessionTimeoutMinutes"].AsInt32(), 30);
  EXPECT_EQ(hello["topologyVersion"].AsDoc()["counter"].type(), bson::Type::kInt64);
  EXPECT_EQ(bson::ToRelaxedJson(hello["compression"]), R"(["snappy","zstd"])");
  EXPECT_FALSE(hello.Has("$clusterTime"));
  EXPECT_TRUE(Admin(R"({"isMaster": 1})")["ismaster"].AsBool());
}

TEST_F(DispatcherTest, S01_079_AwaitableHello) {
  EXPECT_EQ(Code("admin", R"({"hello": 1, "maxAwaitTimeMS": 10})"), 31368);
  const std::string version = bson::ToRelaxedJson(Admin(R"({"hello": 1})")["topologyVersion"]);
  EXPECT_EQ(Code("admin", "{\"hello\": 1, \"topologyVersion\": " + version + "}"), 31368);
  EXPECT_EQ(Code("admin",
                 "{\"hello\": 1, \"maxAwaitTimeMS\": -1, \"topologyVersion\": " + version + "}"),
            31373);
  // Nothing changes: the answer comes at the end of the time.
  EXPECT_TRUE(
      Ok(Admin("{\"hello\": 1, \"maxAwaitTimeMS\": 5, \"topologyVersion\": " + version + "}")));

  // A change wakes it at once.
  const auto command = bson::FromJson("{\"hello\": 1, \"maxAwaitTimeMS\": 60000, \"topologyVersion\": " +
                                      version + "}");
  InProcessClient waiting(&server_);
  waiting.Send("admin", DocView(*command));
  while (server_.core().replication().TopologyWaiters() == 0) {
    Admin(R"({"ping": 1})");
  }
  auto next = std::make_shared<commands::ReplicationSnapshot>(*server_.core().replication().Snapshot());
  next->topology_counter += 1;
  server_.core().replication().Publish(next);
  const std::string reply = waiting.Await();
  EXPECT_EQ(DocView(reply)["topologyVersion"].AsDoc()["counter"].AsInt64(), next->topology_counter);
}

TEST_F(DispatcherTest, S01_025_ExhaustHelloStreams) {
  const std::string version = bson::ToRelaxedJson(Admin(R"({"hello": 1})")["topologyVersion"]);
  const auto command = bson::FromJson("{\"hello\": 1, \"maxAwaitTimeMS\": 1, \"topologyVersion\": " +
                                      version + "}");
  InProcessClient client(&server_);
  const std::vector<std::string> replies = client.RunExhaust("admin", DocView(*command), 3);
  EXPECT_EQ(replies.size(), 3u);
}

TEST_F(DispatcherTest, S02_091_KillOpWakesAParkedOperation) {
  const std::string version = bson::ToRelaxedJson(Admin(R"({"hello": 1})")["topologyVersion"]);
  const auto command = bson::FromJson("{\"hello\": 1, \"maxAwaitTimeMS\": 60000, \"topologyVersion\": " +
                                      version + "}");
  InProcessClient waiting(&server_);
  waiting.Send("admin", DocView(*command));
  while (server_.core().replication().TopologyWaiters() == 0) {
    Admin(R"({"ping": 1})");
  }
  const DocView ops = Admin(R"({"currentOp": 1, "command.hello": 1})");
  ASSERT_EQ(ops["inprog"].AsArray().CountFields(), 1);
  const DocView op = ops["inprog"].AsArray().FirstElement().value().AsDoc();
  EXPECT_TRUE(op["active"].AsBool());
  const std::string kill = "{\"killOp\": 1, \"op\": " + std::to_string(op["opid"].AsInt32()) + "}";
  EXPECT_EQ(Admin(kill)["info"].AsString(), "attempting to kill op");
  EXPECT_EQ(bson::ToInt64Clamped(DocView(waiting.Await())["code"]), 11601);
}

TEST_F(DispatcherTest, S01_148_AClientThatGoesAwayEndsItsWait) {
  const std::string version = bson::ToRelaxedJson(Admin(R"({"hello": 1})")["topologyVersion"]);
  const auto command = bson::FromJson("{\"hello\": 1, \"maxAwaitTimeMS\": 60000, \"topologyVersion\": " +
                                      version + "}");
  {
    InProcessClient waiting(&server_);
    waiting.Send("admin", DocView(*command));
    while (server_.core().replication().TopologyWaiters() == 0) {
      Admin(R"({"ping": 1})");
    }
  }
  EXPECT_EQ(server_.core().replication().TopologyWaiters(), 0);
}

TEST_F(DispatcherTest, S01_075_ClientMetadata) {
  InProcessClient client(&server_);
  const auto code = [&](std::string_view json) {
    const std::string reply = client.RunJson("admin", json);
    const bson::ValueView v = DocView(reply)["code"];
    return v.is_number() ? bson::ToInt64Clamped(v) : 0;
  };
  EXPECT_EQ(code(R"({"hello": 1, "client": {"driver": {"name": "d", "version": "1"}}})"), 183);
  EXPECT_EQ(code(R"({"hello": 1, "client": {"os": {"type": "Linux"}}})"), 183);
  EXPECT_EQ(code("{\"hello\": 1, \"client\": {\"application\": {\"name\": \"" + std::string(129, 'a') +
                 "\"}, \"driver\": {\"name\": \"d\", \"version\": \"1\"}, \"os\": {\"type\": \"L\"}}}"),
            184);
  EXPECT_EQ(code("{\"hello\": 1, \"client\": {\"driver\": {\"name\": \"d\", \"version\": \"" +
                 std::string(512, 'v') + "\"}, \"os\": {\"type\": \"L\"}}}"),
            185);
  const char* good =
      R"({"hello": 1, "client": {"driver": {"name": "d", "version": "1"}, "os": {"type": "L"}}})";
  EXPECT_EQ(code(good), 0);
  EXPECT_EQ(code(good), 186);
}

TEST_F(DispatcherTest, S02_115_FailCommand) {
  EXPECT_TRUE(Ok(Admin(R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
      "data": {"failCommands": ["ping"], "errorCode": 91, "errorLabels": ["Mine"]}})")));
  EXPECT_EQ(Code("admin", R"({"buildInfo": 1})"), 0);
  const DocView failed = Admin(R"({"ping": 1})");
  EXPECT_EQ(failed["code"].AsInt32(), 91);
  EXPECT_EQ(failed["codeName"].AsString(), "ShutdownInProgress");
  EXPECT_EQ(bson::ToRelaxedJson(failed["errorLabels"]), R"(["Mine"])");
  EXPECT_TRUE(failed.Has("topologyVersion"));
  EXPECT_TRUE(Ok(Admin(R"({"ping": 1})")));
}

TEST_F(DispatcherTest, S02_115_FailCommandCloses) {
  InProcessClient client(&server_);
  EXPECT_TRUE(Ok(Admin(R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
      "data": {"failCommands": ["ping"], "closeConnection": true}})")));
  EXPECT_EQ(client.RunJson("admin", R"({"ping": 1})"), "");
}

TEST_F(DispatcherTest, S02_114_ConfigureFailPointRefusesNonsense) {
  EXPECT_EQ(Code("admin", R"({"configureFailPoint": "nosuch", "mode": "off"})"), 266);
  EXPECT_EQ(Code("admin", R"({"configureFailPoint": "failCommand", "mode": "maybe"})"), 2);
  EXPECT_EQ(Code("admin", R"({"configureFailPoint": "failCommand", "mode": 1})"), 14);
  InProcessServer plain(InProcessServer::Options{.test_commands = false});
  const std::string reply =
      plain.RunJson("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  EXPECT_EQ(DocView(reply)["code"].AsInt32(), 59);
}

TEST_F(DispatcherTest, S02_096_Parameters) {
  EXPECT_EQ(Code("admin", R"({"getParameter": "foo"})"), 72);
  EXPECT_EQ(Text("admin", R"({"getParameter": 1, "nosuch": 1})"), "no option found to get");
  EXPECT_EQ(Admin(R"({"getParameter": 1, "cursorTimeoutMillis": 1})")["cursorTimeoutMillis"].AsInt64(),
            600000);
  EXPECT_EQ(Admin(R"({"setParameter": 1, "cursorTimeoutMillis": 1000})")["was"].AsInt64(), 600000);
  EXPECT_EQ(Admin(R"({"getParameter": 1, "cursorTimeoutMillis": 1})")["cursorTimeoutMillis"].AsInt64(),
            1000);
  EXPECT_EQ(Text("admin", R"({"setParameter": 1, "cursorTimeoutMillis": "x"})"),
            "Failed setting cursorTimeoutMillis: Unable to coerce value to integral type");
  EXPECT_EQ(Code("admin", R"({"setParameter": 1, "enableTestCommands": true})"), 20);
  EXPECT_EQ(Code("admin", R"({"setParameter": 1, "nosuch": true})"), 72);
  EXPECT_EQ(Code("admin", R"({"setParameter": 1, "logComponentVerbosity": {"nosuch": {"verbosity": 1}}})"),
            2);
  EXPECT_EQ(bson::ToRelaxedJson(Admin(R"({"getParameter": 1, "featureCompatibilityVersion": 1})")),
            R"({"featureCompatibilityVersion":{"version":"7.0"},"ok":1.0})");
  EXPECT_GT(Admin(R"({"getParameter": "*"})").CountFields(), 50);
}

TEST_F(DispatcherTest, DiagnosticsAnswer) {
  for (const char* command :
       {R"({"buildInfo": 1})", R"({"hostInfo": 1})", R"({"getCmdLineOpts": 1})",
        R"({"getLog": "*"})", R"({"getLog": "startupWarnings"})", R"({"connectionStatus": 1})",
        R"({"whatsmyuri": 1})", R"({"listCommands": 1})", R"({"serverStatus": 1})",
        R"({"features": 1})", R"({"availableQueryOptions": 1})", R"({"top": 1})",
        R"({"connPoolStats": 1})", R"({"lockInfo": 1})", R"({"profile": -1})",
        R"({"getDefaultRWConcern": 1})", R"({"fsync": 1})", R"({"logRotate": 1})",
        R"({"startSession": 1})", R"({"killAllSessions": []})", R"({"getLastError": 1})",
        R"({"resetError": 1})", R"({"logout": 1})", R"({"shardingState": 1})"}) {
    EXPECT_TRUE(Ok(Admin(command))) << command << bson::ToRelaxedJson(DocView(reply_));
  }
  EXPECT_EQ(Text("admin", R"({"getLog": "nope"})"), "no RamLog named: nope");
  EXPECT_EQ(Code("admin", R"({"fsyncUnlock": 1})"), 20);
}

TEST_F(DispatcherTest, S11_077_MetricsAreNested) {
  Admin(R"({"ping": 1})");
  const DocView status = Admin(R"({"serverStatus": 1, "network": 0})");
  EXPECT_FALSE(status.Has("network"));
  const DocView metrics = status["metrics"].AsDoc();
  EXPECT_GE(metrics["commands"].AsDoc()["ping"].AsDoc()["total"].AsInt64(), 1);
  EXPECT_EQ(metrics["cursor"].AsDoc()["open"].AsDoc()["total"].AsInt64(), 0);
  EXPECT_TRUE(metrics["document"].AsDoc().Has("inserted"));
}

TEST_F(DispatcherTest, S02_105_FsyncLockNests) {
  EXPECT_EQ(Admin(R"({"fsync": 1, "lock": true})")["lockCount"].AsInt64(), 1);
  EXPECT_EQ(Admin(R"({"fsync": 1, "lock": true})")["lockCount"].AsInt64(), 2);
  EXPECT_TRUE(Admin(R"({"currentOp": 1})")["fsyncLock"].AsBool());
  EXPECT_EQ(Admin(R"({"fsyncUnlock": 1})")["lockCount"].AsInt64(), 1);
  EXPECT_EQ(Admin(R"({"fsyncUnlock": 1})")["lockCount"].AsInt64(), 0);
}

}  // namespace
}  // namespace septet::server::testing
