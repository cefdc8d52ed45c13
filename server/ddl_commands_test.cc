// SPDX-License-Identifier: Apache-2.0
// Commands on collections and databases, through the dispatcher. Expected values: recorded answers.
#include <gtest/gtest.h>

#include "bson/ejson.h"
#include "bson/number.h"
#include "server/testing/in_process_server.h"

namespace septet::server::testing {
namespace {

using bson::DocView;

class DdlCommandsTest : public ::testing::Test {
 protected:
  DocView Run(std::string_view json, std::string_view db = "recorded") {
    reply_ = server_.RunJson(db, json);
    return DocView(reply_);
  }
  // "<code> <text>" of a failure, "ok" otherwise.
  std::string Outcome(std::string_view json, std::string_view db = "recorded") {
    const DocView reply = Run(json, db);
    if (reply["ok"].Truthy()) {
      return "ok";
    }
    return std::to_string(bson::ToInt64Clamped(reply["code"])) + " " +
           std::string(reply["errmsg"].AsString());
  }
  std::string Json(std::string_view json, std::string_view db = "recorded") {
    return bson::ToRelaxedJson(Run(json, db));
  }
  std::string Options(const std::string& collection) {
    const DocView reply =
        Run(R"({"listCollections": 1, "filter": {"name": ")" + collection + R"("}})");
    for (const bson::ElementView e : reply["cursor"].AsDoc()["firstBatch"].AsArray()) {
      return bson::ToRelaxedJson(e.value().AsDoc()["options"].AsDoc());
    }
    return "absent";
  }

  InProcessServer server_;
  std::string reply_;
};

TEST_F(DdlCommandsTest, S02_023_ViewsShowTheirDefinitionOnce) {
  EXPECT_EQ(Outcome(R"({"create": "v", "viewOn": "src", "pipeline": [{"$match": {"a": 1}}]})"), "ok");
  EXPECT_EQ(Options("v"), R"({"viewOn":"src","pipeline":[{"$match":{"a":1}}]})");
}

TEST_F(DdlCommandsTest, S07_030_NamesThatCannotExistAreLikeMissingOnes) {
  for (const std::string& name : {std::string("system.foo"), std::string(300, 'x')}) {
    const DocView found = Run(R"({"find": ")" + name + R"("})");
    ASSERT_TRUE(found["ok"].Truthy());
    EXPECT_TRUE(found["cursor"].AsDoc()["firstBatch"].AsArray().empty());
    EXPECT_EQ(Outcome(R"({"drop": ")" + name + R"("})"), "ok");
    EXPECT_TRUE(Outcome(R"({"insert": ")" + name + R"(", "documents": [{}]})").starts_with("73 "));
    EXPECT_TRUE(Outcome(R"({"create": ")" + name + R"("})").starts_with("73 "));
  }
  EXPECT_EQ(Outcome(R"({"find": "a$b"})"), "73 Invalid collection name specified 'recorded.a$b");
  EXPECT_EQ(Outcome(R"({"insert": "a$b", "documents": [{}]})"), "73 Invalid collection name: a$b");
  EXPECT_EQ(Outcome(R"({"drop": "a$b"})"), "ok");
}

TEST_F(DdlCommandsTest, S07_036_SystemCollections) {
  EXPECT_EQ(Outcome(R"({"insert": "system.js", "documents": [{"_id": 1}]})"), "ok");
  EXPECT_EQ(Outcome(R"({"drop": "system.js"})"), "20 can't drop system collection recorded.system.js");
  EXPECT_EQ(Outcome(R"({"create": "system.profile"})"), "ok");
  EXPECT_EQ(Outcome(R"({"insert": "system.profile", "documents": [{"_id": 1}]})"),
            "73 cannot write to recorded.system.profile");
  EXPECT_EQ(Outcome(R"({"delete": "system.views", "deletes": [{"q": {}, "limit": 0}]})"),
            "73 cannot write to recorded.system.views");
  EXPECT_EQ(Outcome(R"({"update": "oplog.rs", "updates": [{"q": {}, "u": {}}]})", "local"),
            "73 cannot write to local.oplog.rs");
  EXPECT_EQ(Outcome(R"({"profile": 2})"), "ok");
  EXPECT_EQ(Outcome(R"({"drop": "system.profile"})"),
            "20 turn off profiling before dropping system.profile collection");
  EXPECT_EQ(Outcome(R"({"profile": 0})"), "ok");
  EXPECT_EQ(Outcome(R"({"drop": "system.profile"})"), "ok");
  // The whole database takes them along.
  EXPECT_EQ(Json(R"({"dropDatabase": 1})"), R"({"dropped":"recorded","ok":1.0})");
  EXPECT_EQ(Options("system.js"), "absent");
}

TEST_F(DdlCommandsTest, S02_018_IndexOptionDefaults) {
  EXPECT_EQ(Outcome(R"({"create": "n", "indexOptionDefaults": {"foo": 1}})"),
            "40415 BSON field 'create.indexOptionDefaults.foo' is an unknown field.");
  EXPECT_EQ(Outcome(R"({"create": "n", "indexOptionDefaults": {"storageEngine": {}}})"), "ok");
  EXPECT_EQ(Options("n"), R"({"indexOptionDefaults":{"storageEngine":{}}})");
}

TEST_F(DdlCommandsTest, S02_022_CollModChecksTheValidator) {
  EXPECT_EQ(Outcome(R"({"create": "c"})"), "ok");
  EXPECT_EQ(Outcome(R"({"collMod": "c", "validator": {"$foo": 1}})"),
            "2 Parsing of collection validator failed :: caused by :: unknown top level operator: $foo");
}

TEST_F(DdlCommandsTest, S02_029_DataSizeOfARangeOfKeys) {
  EXPECT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}, {"_id": 4}]})"),
            "ok");
  const auto figures = [this](std::string_view json) {
    const DocView reply = Run(json);
    return std::to_string(bson::ToInt64Clamped(reply["numObjects"])) + " of " +
           std::to_string(bson::ToInt64Clamped(reply["size"])) +
           (reply["maxReached"].Truthy() ? " cut" : "");
  };
  EXPECT_EQ(figures(R"({"dataSize": "recorded.c"})"), "4 of 56");
  EXPECT_EQ(figures(R"({"dataSize": "recorded.c", "keyPattern": {"_id": 1}, "min": {"_id": 2},
                        "max": {"_id": 4}})"),
            "2 of 28");
  EXPECT_EQ(figures(R"({"dataSize": "recorded.c", "min": {"_id": 2}, "max": {"_id": {"$maxKey": 1}}})"),
            "3 of 42");
  EXPECT_EQ(figures(R"({"dataSize": "recorded.c", "maxObjects": 2})"), "3 of 42 cut");
  EXPECT_EQ(figures(R"({"dataSize": "recorded.none"})"), "0 of 0");
  EXPECT_EQ(Outcome(R"({"dataSize": "recorded.c", "min": {"zz": 1}, "max": {"zz": 2}})"),
            "96 couldn't find valid index containing key pattern");
  EXPECT_EQ(Outcome(R"({"dataSize": "recorded.c", "min": {"_id": 1}})"),
            "2 only one of min or max specified");
  EXPECT_EQ(Outcome(R"({"dataSize": "c"})"), "73 Invalid namespace specified 'c'");
}

TEST_F(DdlCommandsTest, S11_085_ReadConcernCounters) {
  EXPECT_EQ(Outcome(R"({"find": "c"})"), "ok");
  EXPECT_EQ(Outcome(R"({"count": "c", "readConcern": {"level": "local"}})"), "ok");
  EXPECT_EQ(Outcome(R"({"find": "c", "readConcern": {"level": "available"}})"), "ok");
  const DocView counters =
      Run(R"({"serverStatus": 1})")["readConcernCounters"].AsDoc()["nonTransactionOps"].AsDoc();
  EXPECT_EQ(bson::ToRelaxedJson(counters),
            R"({"none":1,"local":1,"available":1,"majority":0,"snapshot":{"withClusterTime":0,)"
            R"("withoutClusterTime":0},"linearizable":0})");
  EXPECT_EQ(bson::ToRelaxedJson(Run(R"({"serverStatus": 1})")["security"].AsDoc()),
            R"({"authentication":{"mechanisms":{}}})");
  EXPECT_TRUE(Run(R"({"serverStatus": 1, "transactions": 0})")["transactions"].missing());
}

}  // namespace
}  // namespace septet::server::testing
