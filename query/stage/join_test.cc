// SPDX-License-Identifier: Apache-2.0
// Stages that read or write other collections: $lookup, $graphLookup, $unionWith, $merge. The values are
// those of a server's recorded answers (S04-014, S04-023, S04-025, S04-039) and of the manual's examples.
#include <gtest/gtest.h>

#include "query/stage/testing/collections.h"

namespace septet::query {
namespace {

class JoinTest : public testing::CollectionsTest {
 protected:
  void FillGraph() {
    Fill("g", {R"({"_id":1,"name":"dev","to":null})", R"({"_id":2,"name":"eliot","to":"dev"})",
               R"({"_id":3,"name":"ron","to":"eliot"})", R"({"_id":7,"name":"loop1","to":"loop2"})",
               R"({"_id":8,"name":"loop2","to":"loop1"})"});
  }
  // $merge's source and target.
  void FillMerge() {
    Fill("c", {R"({"_id":1,"k":1,"v":"new1"})", R"({"_id":2,"k":2,"v":"new2"})",
               R"({"_id":3,"k":9,"v":"new9"})"});
    Fill("d", {R"({"_id":1,"k":1,"old":1})", R"({"_id":2,"k":2,"old":2,"v":"x"})"});
  }
};

TEST_F(JoinTest, S04_023_LookupTakesAnEmptyArrayForNull) {
  Fill("a", {R"({"_id":1,"f":[1,3]})", R"({"_id":2,"f":[]})", R"({"_id":3})"});
  Fill("b", {R"({"_id":1,"k":1})", R"({"_id":2,"k":null})", R"({"_id":3,"k":3})"});
  EXPECT_EQ(Run("a", R"([{"$lookup":{"from":"b","localField":"f","foreignField":"k","as":"r"}},
                         {"$project":{"n":"$r._id"}}])"),
            "{\"_id\":1,\"n\":[1,3]}\n{\"_id\":2,\"n\":[2]}\n{\"_id\":3,\"n\":[2]}\n");
}

TEST_F(JoinTest, S04_023_InnerLookupSeesVariablesOfTheOuterOne) {
  Fill("a", {R"({"_id":1,"f":7})"});
  Fill("b", {R"({"_id":1})"});
  EXPECT_EQ(Run("a", R"([{"$lookup":{"from":"b","let":{"x":"$f"},"as":"r","pipeline":[
                          {"$lookup":{"from":"b","let":{},"as":"q","pipeline":[
                            {"$set":{"z":"$$x"}}]}}]}}])"),
            "{\"_id\":1,\"f\":7,\"r\":[{\"_id\":1,\"q\":[{\"_id\":1,\"z\":7}]}]}\n");
}

TEST_F(JoinTest, S04_023_LookupReadsViews) {
  Fill("a", {R"({"_id":1,"f":1})"});
  Fill("b", {R"({"_id":1,"k":1,"on":true})", R"({"_id":2,"k":1,"on":false})"});
  CreateView("v", "b", R"([{"$match":{"on":true}},{"$project":{"k":1}}])");
  EXPECT_EQ(Run("a", R"([{"$lookup":{"from":"v","localField":"f","foreignField":"k","as":"r"}}])"),
            "{\"_id\":1,\"f\":1,\"r\":[{\"_id\":1,\"k\":1}]}\n");
  EXPECT_EQ(Run("a", R"([{"$lookup":{"from":"v","pipeline":[],"as":"r"}}])"),
            "{\"_id\":1,\"f\":1,\"r\":[{\"_id\":1,\"k\":1}]}\n");
  EXPECT_EQ(Run("a", R"([{"$unionWith":"v"}])"), "{\"_id\":1,\"f\":1}\n{\"_id\":1,\"k\":1}\n");
}

TEST_F(JoinTest, S04_039_UnionWith) {
  Fill("a", {R"({"_id":1})"});
  Fill("b", {R"({"_id":5,"k":1})", R"({"_id":6,"k":2})"});
  EXPECT_EQ(Run("a", R"([{"$unionWith":"b"}])"),
            "{\"_id\":1}\n{\"_id\":5,\"k\":1}\n{\"_id\":6,\"k\":2}\n");
  EXPECT_EQ(Run("a", R"([{"$unionWith":{"coll":"b","pipeline":[{"$match":{"k":2}}]}}])"),
            "{\"_id\":1}\n{\"_id\":6,\"k\":2}\n");
  EXPECT_EQ(Run("a", R"([{"$unionWith":"nowhere"}])"), "{\"_id\":1}\n");
  EXPECT_EQ(Run("a", R"([{"$unionWith":{"pipeline":[]}}])"),
            "40414 BSON field '$unionWith.coll' is missing but a required field");
  EXPECT_EQ(Run("a", R"([{"$unionWith":{"coll":"b","pipeline":[{"$out":"x"}]}}])"),
            "31441 $out is not allowed within a $unionWith's sub-pipeline");
}

TEST_F(JoinTest, S04_014_GraphLookupWalksEveryDocumentOnce) {
  FillGraph();
  constexpr std::string_view kHead =
      R"([{"$graphLookup":{"from":"g","startWith":"$to","connectFromField":"to",
           "connectToField":"name","as":"h")";
  constexpr std::string_view kTail =
      R"(}},{"$project":{"n":{"$size":"$h"},"deep":{"$max":"$h.d.n"}}}])";
  EXPECT_EQ(Run("g", StrCat(kHead, R"(,"depthField":"d.n")", kTail)),
            "{\"_id\":1,\"n\":0,\"deep\":null}\n{\"_id\":2,\"n\":1,\"deep\":0}\n"
            "{\"_id\":3,\"n\":2,\"deep\":1}\n{\"_id\":7,\"n\":2,\"deep\":1}\n"
            "{\"_id\":8,\"n\":2,\"deep\":1}\n");
  EXPECT_EQ(Run("g", StrCat(kHead, R"(,"maxDepth":0)", kTail)),
            "{\"_id\":1,\"n\":0,\"deep\":null}\n{\"_id\":2,\"n\":1,\"deep\":null}\n"
            "{\"_id\":3,\"n\":1,\"deep\":null}\n{\"_id\":7,\"n\":1,\"deep\":null}\n"
            "{\"_id\":8,\"n\":1,\"deep\":null}\n");
  EXPECT_EQ(Run("g", StrCat(kHead, R"(,"restrictSearchWithMatch":{"name":{"$ne":"eliot"}})", kTail)),
            "{\"_id\":1,\"n\":0,\"deep\":null}\n{\"_id\":2,\"n\":1,\"deep\":null}\n"
            "{\"_id\":3,\"n\":0,\"deep\":null}\n{\"_id\":7,\"n\":2,\"deep\":null}\n"
            "{\"_id\":8,\"n\":2,\"deep\":null}\n");
  EXPECT_EQ(Run("g", StrCat(kHead, R"(,"foo":1)", kTail)),
            "40104 Unknown argument to $graphLookup: foo");
}

TEST_F(JoinTest, S04_025_MergeAddsFieldsAndInserts) {
  FillMerge();
  EXPECT_EQ(Run("c", R"([{"$merge":"d"}])"), "");
  EXPECT_EQ(All("d"), "{\"_id\":1,\"k\":1,\"old\":1,\"v\":\"new1\"}\n"
                      "{\"_id\":2,\"k\":2,\"old\":2,\"v\":\"new2\"}\n"
                      "{\"_id\":3,\"k\":9,\"v\":\"new9\"}\n");
  EXPECT_EQ(Run("c", R"([{"$merge":{"into":"fresh","whenMatched":"fail"}}])"), "");
  EXPECT_EQ(All("fresh"), All("c"));
}

TEST_F(JoinTest, S04_025_MergeModes) {
  FillMerge();
  EXPECT_EQ(Run("c", R"([{"$merge":{"into":"d","whenMatched":"keepExisting"}}])"), "");
  EXPECT_EQ(All("d"), "{\"_id\":1,\"k\":1,\"old\":1}\n{\"_id\":2,\"k\":2,\"old\":2,\"v\":\"x\"}\n"
                      "{\"_id\":3,\"k\":9,\"v\":\"new9\"}\n");
  EXPECT_EQ(Run("c", R"([{"$merge":{"into":"d","let":{"z":"$v"},
                         "whenMatched":[{"$set":{"got":"$$z","k":{"$add":["$$new.k",100]}}}]}}])"),
            "");
  EXPECT_EQ(node_.Get("db.d", "1"), R"({"_id":1,"k":101,"old":1,"got":"new1"})");
  EXPECT_EQ(Run("c", R"([{"$merge":{"into":"d","whenMatched":"replace",
                         "whenNotMatched":"discard"}}])"), "");
  EXPECT_EQ(All("d"), All("c"));
}

TEST_F(JoinTest, S04_025_MergeFailuresLeaveTheRestOfTheBatchWritten) {
  FillMerge();
  EXPECT_EQ(Run("c", R"([{"$merge":{"into":"d","whenMatched":"fail"}}])"),
            "11000 E11000 duplicate key error collection: db.d index: _id_ dup key: { _id: 1 }");
  EXPECT_EQ(node_.Get("db.d", "3"), R"({"_id":3,"k":9,"v":"new9"})");
  ASSERT_TRUE(node_.Remove("db.d", "3").ok());
  EXPECT_EQ(Run("c", R"([{"$merge":{"into":"d","whenNotMatched":"fail"}}])"),
            "13113 $merge could not find a matching document in the target collection for at least "
            "one document in the source collection");
  EXPECT_EQ(node_.Get("db.d", "1"), R"({"_id":1,"k":1,"old":1,"v":"new1"})");
  EXPECT_EQ(node_.Get("db.d", "3"), "");
}

TEST_F(JoinTest, S04_025_MergeOnAUniqueIndex) {
  FillMerge();
  constexpr std::string_view kOnK = R"([{"$project":{"_id":0}},{"$match":{"k":{"$lt":3}}},
                                       {"$merge":{"into":"d","on":"k"}}])";
  EXPECT_EQ(Run("c", kOnK), "51183 Cannot find index to verify that join fields will be unique");
  catalog::Op op;
  const std::string key = bson::MakeDoc("k", 1);
  const std::string spec = bson::MakeDoc("key", DocView(key), "name", "k_1", "unique", true);
  ASSERT_TRUE(node_.catalog()
                  ->CreateIndexes(&op, catalog::Namespace("db", "d"), {DocView(spec)})
                  .ok());
  EXPECT_EQ(Run("c", kOnK), "");
  EXPECT_EQ(node_.Get("db.d", "2"), R"({"_id":2,"k":2,"old":2,"v":"new2"})");
  EXPECT_EQ(Run("c", R"([{"$project":{"v":1}},{"$merge":{"into":"d","on":"k"}}])"),
            "51132 $merge write error: 'on' field 'k' cannot be missing, null, undefined or an array");
  EXPECT_EQ(Run("c", R"([{"$limit":1},{"$set":{"_id":77}},{"$merge":{"into":"d","on":"k"}}])"),
            "66 $merge failed to update the matching document, did you attempt to modify the _id or "
            "the shard key? :: caused by :: Performing an update on the path '_id' would modify the "
            "immutable field '_id'");
}

TEST_F(JoinTest, S04_025_MergeRefusesBadSpecifications) {
  const auto merge = [this](std::string_view spec) {
    return Run("c", StrCat(R"([{"$merge":)", spec, "}]"));
  };
  EXPECT_EQ(merge("1"), "14 $merge requires a string or object argument, but found int");
  EXPECT_EQ(merge(R"({"on":"_id"})"), "40414 BSON field '$merge.into' is missing but a required field");
  EXPECT_EQ(merge(R"({"into":"d","on":["_id","_id"]})"), "31465 Found a duplicate field '_id'");
  EXPECT_EQ(merge(R"({"into":"d","whenNotMatched":"foo"})"),
            "2 Enumeration value 'foo' for field '$merge.whenNotMatched' is not a valid value.");
  EXPECT_EQ(merge(R"({"into":"d","let":{"x":1},"whenMatched":"replace"})"),
            "51199 Cannot use 'let' variables with 'whenMatched: replace' mode");
  EXPECT_EQ(merge(R"({"into":"d","whenMatched":"fail","whenNotMatched":"discard"})"),
            "51181 Combination of $merge modes 'whenMatched: fail' and 'whenNotMatched: discard' is "
            "not supported");
  EXPECT_EQ(merge(R"("")"), "73 Invalid $merge target namespace: 'db.'");
}

}  // namespace
}  // namespace septet::query
