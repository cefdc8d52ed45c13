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
  static int Length(DocView array) {
    int n = 0;
    for ([[maybe_unused]] const bson::ElementView& e : array) {
      ++n;
    }
    return n;
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

TEST_F(DdlCommandsTest, S02_026_ConvertToCapped) {
  EXPECT_EQ(Outcome(R"({"convertToCapped": "c", "size": 4096})"),
            "26 source collection recorded.c does not exist");
  EXPECT_EQ(Outcome(R"({"create": "v", "viewOn": "c"})"), "ok");
  EXPECT_EQ(Outcome(R"({"convertToCapped": "v", "size": 4096})"),
            "166 Namespace recorded.v is a view, not a collection");
  EXPECT_EQ(Outcome(R"({"convertToCapped": "c"})"),
            "40414 BSON field 'convertToCapped.size' is missing but a required field");
  ASSERT_EQ(Outcome(R"({"create": "c", "validator": {"a": {"$gte": 0}}})"), "ok");
  for (int i = 0; i < 40; ++i) {
    const std::string text(100, 'x');
    ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": )" + std::to_string(i) + R"(, "a": 1, "t": ")" +
                      text + R"("}]})"),
              "ok");
  }
  ASSERT_EQ(Outcome(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})"), "ok");
  EXPECT_EQ(Outcome(R"({"convertToCapped": "c", "size": 1024})"), "ok");
  EXPECT_EQ(Options("c"), R"({"capped":true,"size":1024,"validator":{"a":{"$gte":0}}})");
  EXPECT_EQ(Json(R"({"find": "c", "projection": {"_id": 1}})"),
            R"({"cursor":{"firstBatch":[{"_id":33},{"_id":34},{"_id":35},{"_id":36},{"_id":37},{"_id":38},)"
            R"({"_id":39}],"id":0,"ns":"recorded.c"},"ok":1.0})");
  const DocView indexes = Run(R"({"listIndexes": "c"})")["cursor"].AsDoc()["firstBatch"].AsArray();
  EXPECT_EQ(Length(indexes), 1);
}

TEST_F(DdlCommandsTest, S02_021_RenameToAnotherDatabase) {
  ASSERT_EQ(Outcome(R"({"create": "c", "validator": {"a": {"$gte": 0}}})"), "ok");
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 2, "a": 1}, {"_id": 1, "a": 2}]})"), "ok");
  ASSERT_EQ(Outcome(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})"), "ok");
  ASSERT_EQ(Outcome(R"({"insert": "d", "documents": [{"_id": 1}]})", "other"), "ok");
  EXPECT_EQ(Outcome(R"({"renameCollection": "recorded.none", "to": "other.d"})", "admin"),
            "26 Source collection recorded.none does not exist");
  EXPECT_EQ(Outcome(R"({"renameCollection": "recorded.c", "to": "other.d"})", "admin"),
            "48 target namespace exists");
  EXPECT_EQ(Outcome(R"({"renameCollection": "recorded.c", "to": "other.d", "dropTarget": true})", "admin"),
            "ok");
  EXPECT_EQ(Options("c"), "absent");
  EXPECT_EQ(Json(R"({"find": "d"})", "other"),
            R"({"cursor":{"firstBatch":[{"_id":2,"a":1},{"_id":1,"a":2}],"id":0,"ns":"other.d"},"ok":1.0})");
  EXPECT_EQ(Length(Run(R"({"listIndexes": "d"})", "other")["cursor"].AsDoc()["firstBatch"].AsArray()), 2);
  EXPECT_EQ(Length(Run(R"({"listCollections": 1})", "other")["cursor"].AsDoc()["firstBatch"].AsArray()), 1);
  EXPECT_TRUE(Run(R"({"insert": "d", "documents": [{"a": -1}]})", "other")["writeErrors"].is_array());
}

TEST_F(DdlCommandsTest, S04_006_CollStatsTellsOfTheViewItself) {
  ASSERT_EQ(Outcome(R"({"create": "v", "viewOn": "c", "pipeline": [{"$match": {"a": 1}}]})"), "ok");
  EXPECT_EQ(Outcome(R"({"aggregate": "v", "pipeline": [{"$collStats": {"latencyStats": {}}}], "cursor": {}})"),
            "ok");
  EXPECT_EQ(Outcome(R"({"aggregate": "v", "pipeline": [{"$collStats": {"storageStats": {}}}], "cursor": {}})"),
            "166 Namespace recorded.v is a view, not a collection");
}

TEST_F(DdlCommandsTest, S02_034_CloneCollectionAsCapped) {
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]})"), "ok");
  EXPECT_EQ(Outcome(R"({"cloneCollectionAsCapped": "c", "toCollection": "d", "size": 4096})"), "ok");
  EXPECT_EQ(Json(R"({"find": "d"})"),
            R"({"cursor":{"firstBatch":[{"_id":1},{"_id":2}],"id":0,"ns":"recorded.d"},"ok":1.0})");
  EXPECT_TRUE(
      Outcome(R"({"cloneCollectionAsCapped": "c", "toCollection": "d", "size": 4096})").starts_with("48 "));
}

TEST_F(DdlCommandsTest, S02_033_DbHashTellsEqualDataByEqualHashes) {
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 2}, {"_id": 1}]})"), "ok");
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]})", "other"), "ok");
  const auto md5 = [this](std::string_view db) {
    return std::string(Run(R"({"dbHash": 1})", db)["md5"].AsString());
  };
  EXPECT_EQ(md5("recorded"), md5("other"));
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 3}]})", "other"), "ok");
  EXPECT_NE(md5("recorded"), md5("other"));
  EXPECT_EQ(Outcome(R"({"dbHash": 1, "collections": [1]})"), "2 collections entries have to be strings");
}

// Replies as recorded; a diff as entries have it since 5.0.
TEST_F(DdlCommandsTest, S02_086_ApplyOps) {
  ASSERT_EQ(Outcome(R"({"create": "c"})"), "ok");
  EXPECT_EQ(Json(R"({"applyOps": []})"), R"({"applied":0,"results":[],"ok":1.0})");
  EXPECT_EQ(Outcome(R"({"applyOps": 1})"), "14 Wrong type for 'applyOps'. Expected a array, got a int.");
  EXPECT_EQ(Json(R"({"applyOps": [{"op": "i", "ns": "recorded.c", "o": {"_id": 5, "z": 1}}]})"),
            R"({"applied":1,"results":[true],"ok":1.0})");
  EXPECT_EQ(Outcome(R"({"applyOps": [{"op": "u", "ns": "recorded.c", "o2": {"_id": 5},
                        "o": {"$set": {"z": 2}}}]})"),
            "ok");
  EXPECT_EQ(Outcome(R"({"applyOps": [{"op": "u", "ns": "recorded.c", "o2": {"_id": 5},
                        "o": {"$v": 2, "diff": {"i": {"y": 3}}}}]})"),
            "ok");
  EXPECT_EQ(Json(R"({"find": "c"})"),
            R"({"cursor":{"firstBatch":[{"_id":5,"z":2,"y":3}],"id":0,"ns":"recorded.c"},"ok":1.0})");
  EXPECT_EQ(Json(R"({"applyOps": [{"op": "d", "ns": "recorded.c", "o": {"_id": 5}},
                                  {"op": "n", "ns": "", "o": {}}]})"),
            R"({"applied":1,"results":[true],"ok":1.0})");
  EXPECT_EQ(Outcome(R"({"applyOps": [{"op": "i", "ns": "recorded.none", "o": {"_id": 1}}]})"),
            "26 Failed to apply operation due to missing collection: recorded.none");
  EXPECT_EQ(Outcome(R"({"applyOps": [{"op": "c", "ns": "recorded.$cmd", "o": {"create": "n"}},
                                     {"op": "c", "ns": "recorded.$cmd",
                                      "o": {"createIndexes": "n", "v": 2, "key": {"a": 1}, "name": "a_1"}}]})"),
            "ok");
  const DocView indexes = Run(R"({"listIndexes": "n"})")["cursor"].AsDoc()["firstBatch"].AsArray();
  EXPECT_EQ(Length(indexes), 2);
}

TEST_F(DdlCommandsTest, S02_037_ReIndexWithoutASet) {
  EXPECT_EQ(Outcome(R"({"reIndex": "none"})"), "26 collection does not exist");
  ASSERT_EQ(Outcome(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})"), "ok");
  const DocView reply = Run(R"({"reIndex": "c"})");
  EXPECT_EQ(bson::ToInt64Clamped(reply["nIndexesWas"]), 2);
  EXPECT_EQ(bson::ToInt64Clamped(reply["nIndexes"]), 2);
}

TEST_F(DdlCommandsTest, S02_031_Compact) {
  EXPECT_EQ(Outcome(R"({"compact": "none"})"), "26 collection does not exist");
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 1}]})"), "ok");
  EXPECT_EQ(Json(R"({"compact": "c"})"), R"({"bytesFreed":0,"ok":1.0})");
}

TEST_F(DdlCommandsTest, S02_088_FeatureCompatibilityVersion) {
  EXPECT_EQ(Outcome(R"({"setFeatureCompatibilityVersion": "7.0", "confirm": true})", "admin"), "ok");
  EXPECT_TRUE(Outcome(R"({"setFeatureCompatibilityVersion": "7.0"})", "admin").starts_with("7369100 "));
  EXPECT_TRUE(Outcome(R"({"setFeatureCompatibilityVersion": "x"})", "admin").starts_with("4926900 "));
  EXPECT_EQ(Outcome(R"({"setFeatureCompatibilityVersion": 1})", "admin"),
            "14 BSON field 'setFeatureCompatibilityVersion.setFeatureCompatibilityVersion' is the wrong type "
            "'int', expected type 'string'");
}

TEST_F(DdlCommandsTest, S02_038_PlanCacheClear) {
  EXPECT_EQ(Outcome(R"({"planCacheClear": "none"})"), "ok");
  EXPECT_EQ(Outcome(R"({"planCacheClear": "c", "sort": {"a": 1}})"),
            "2 sort, projection, or collation provided without query");
}

TEST_F(DdlCommandsTest, S02_022_ViewsStayWithoutCycles) {
  ASSERT_EQ(Outcome(R"({"create": "v", "viewOn": "c"})"), "ok");
  ASSERT_EQ(Outcome(R"({"create": "v2", "viewOn": "v"})"), "ok");
  EXPECT_EQ(Outcome(R"({"collMod": "v", "viewOn": "v2", "pipeline": []})"),
            "5 View cycle detected: recorded.v => recorded.v => recorded.v2 => recorded.v");
  EXPECT_EQ(Outcome(R"({"collMod": "v", "viewOn": "v", "pipeline": []})"),
            "5 View cycle detected: recorded.v => recorded.v => recorded.v");
  EXPECT_EQ(Outcome(R"({"collMod": "v", "viewOn": "c", "pipeline": [{"$foo": 1}]})"),
            "40324 Unrecognized pipeline stage name: '$foo'");
}

TEST_F(DdlCommandsTest, S02_022_ValidationLevelAndActionAreStoredTogether) {
  ASSERT_EQ(Outcome(R"({"create": "c"})"), "ok");
  EXPECT_EQ(Outcome(R"({"collMod": "c", "validationAction": "warn"})"), "ok");
  EXPECT_EQ(Options("c"), R"({"validationLevel":"strict","validationAction":"warn"})");
  EXPECT_EQ(Outcome(R"({"collMod": "c", "validationLevel": "moderate"})"), "ok");
  EXPECT_EQ(Options("c"), R"({"validationLevel":"moderate","validationAction":"warn"})");
}

TEST_F(DdlCommandsTest, S08_041_UnacknowledgedWritesTellNothing) {
  EXPECT_EQ(Json(R"({"insert": "c", "documents": [{"_id": 1}], "writeConcern": {"w": 0}})"),
            R"({"ok":1.0})");
  EXPECT_EQ(Json(R"({"count": "c"})"), R"({"n":1,"ok":1.0})");
}

TEST_F(DdlCommandsTest, S02_030_ValidateInTheBackgroundIsNotFull) {
  ASSERT_EQ(Outcome(R"({"create": "c"})"), "ok");
  EXPECT_EQ(Outcome(R"({"validate": "c", "background": true, "full": true})"),
            "115 Running the validate command with both { background: true } and { full: true } is not "
            "supported.");
}

// Texts as recorded.
TEST_F(DdlCommandsTest, S07_008_OptionsThatViewsDoNotTake) {
  ASSERT_EQ(Outcome(R"({"create": "v", "viewOn": "c"})"), "ok");
  EXPECT_EQ(Outcome(R"({"find": "v", "min": {"a": 1}, "hint": {"a": 1}})"),
            "168 Option min not supported in aggregation.");
  EXPECT_EQ(Outcome(R"({"find": "v", "returnKey": true})"),
            "168 Option returnKey not supported in aggregation.");
  EXPECT_EQ(Outcome(R"({"find": "v", "tailable": true})"),
            "168 Tailable cursors are not supported in aggregation.");
}

TEST_F(DdlCommandsTest, S02_066_UsersInfo) {
  EXPECT_EQ(Json(R"({"usersInfo": 1})"), R"({"users":[],"ok":1.0})");
  EXPECT_EQ(Outcome(R"({"usersInfo": {"foo": 1}})"), "4 Missing expected field \"user\"");
  ASSERT_EQ(Outcome(R"({"insert": "system.users", "documents": [{"_id": "recorded.u", "user": "u",
                        "db": "recorded", "credentials": {"SCRAM-SHA-256": {"salt": "x"}}, "roles": []}]})",
                    "admin"),
            "ok");
  const std::string_view user =
      R"({"users":[{"_id":"recorded.u","user":"u","db":"recorded","roles":[],"mechanisms":["SCRAM-SHA-256"]}],"ok":1.0})";
  EXPECT_EQ(Json(R"({"usersInfo": 1})"), user);
  EXPECT_EQ(Json(R"({"usersInfo": "u"})"), user);
  EXPECT_EQ(Json(R"({"usersInfo": ["a", {"user": "u", "db": "recorded"}]})", "other"), user);
  EXPECT_EQ(Json(R"({"usersInfo": {"forAllDBs": true}})", "other"), user);
  EXPECT_EQ(Json(R"({"usersInfo": 1})", "other"), R"({"users":[],"ok":1.0})");
}

TEST_F(DdlCommandsTest, S02_133_PlansThatWonATrial) {
  ASSERT_EQ(Outcome(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"},
                        {"key": {"b": 1}, "name": "b_1"}]})"),
            "ok");
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 3}]})"),
            "ok");
  const auto plans = [this] {
    std::vector<std::string> out;
    const DocView reply = Run(R"({"aggregate": "c", "pipeline": [{"$planCacheStats": {}}], "cursor": {}})");
    for (const bson::ElementView e : reply["cursor"].AsDoc()["firstBatch"].AsArray()) {
      out.push_back(bson::ToRelaxedJson(e.value().AsDoc()["cachedPlan"].AsDoc()));
    }
    return out;
  };
  EXPECT_TRUE(plans().empty());
  ASSERT_EQ(Outcome(R"({"find": "c", "filter": {"a": 1, "b": 2}})"), "ok");
  ASSERT_EQ(plans().size(), 1u);
  EXPECT_EQ(plans()[0], R"({"stage":"IXSCAN","indexName":"b_1"})");
  EXPECT_EQ(Outcome(R"({"planCacheClear": "c"})"), "ok");
  EXPECT_TRUE(plans().empty());
}

TEST_F(DdlCommandsTest, S02_041_WithoutASearchEngine) {
  EXPECT_TRUE(Outcome(R"({"createSearchIndexes": "c", "indexes": []})").starts_with("31082 "));
  EXPECT_TRUE(Outcome(R"({"aggregate": "c", "pipeline": [{"$listSearchIndexes": {}}], "cursor": {}})")
                  .starts_with("31082 "));
}

TEST_F(DdlCommandsTest, S11_077_CostlyOperationsAreCounted) {
  ASSERT_EQ(Outcome(R"({"insert": "c", "documents": [{"_id": 1, "a": 2}, {"_id": 2, "a": 1}]})"), "ok");
  ASSERT_EQ(Outcome(R"({"find": "c", "filter": {"_id": 1}})"), "ok");
  const auto figure = [this](std::string_view group, std::string_view name) {
    bson::DocView at = Run(R"({"serverStatus": 1})")["metrics"].AsDoc()[group].AsDoc();
    if (group == "queryExecutor") {
      at = at["collectionScans"].AsDoc();
    }
    return bson::ToInt64Clamped(at[name]);
  };
  EXPECT_EQ(figure("queryExecutor", "total"), 0);
  EXPECT_EQ(figure("operation", "scanAndOrder"), 0);
  ASSERT_EQ(Outcome(R"({"find": "c", "sort": {"a": 1}})"), "ok");
  EXPECT_EQ(figure("queryExecutor", "total"), 1);
  EXPECT_EQ(figure("queryExecutor", "nonTailable"), 1);
  EXPECT_EQ(figure("operation", "scanAndOrder"), 1);
  ASSERT_EQ(Outcome(R"({"update": "c", "updates": [{"q": {"a": 2}, "u": {"$set": {"b": 1}}}]})"), "ok");
  ASSERT_EQ(Outcome(R"({"count": "c", "query": {"a": 2}})"), "ok");
  EXPECT_EQ(figure("queryExecutor", "total"), 3);
}

TEST_F(DdlCommandsTest, S04_008_SessionsInMemory) {
  ASSERT_EQ(Outcome(R"({"startSession": 1})"), "ok");
  const auto listed = [this](std::string_view spec) {
    const DocView reply = Run(R"({"aggregate": 1, "pipeline": [{"$listLocalSessions": )" + std::string(spec) +
                                  R"(}], "cursor": {}})",
                              "admin");
    return Length(reply["cursor"].AsDoc()["firstBatch"].AsArray());
  };
  EXPECT_EQ(listed(R"({"allUsers": true})"), 1);
  EXPECT_EQ(listed("{}"), 0);
}

}  // namespace
}  // namespace septet::server::testing
