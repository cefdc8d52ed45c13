// SPDX-License-Identifier: Apache-2.0
// {$meta: ...} in pipelines; the values are a server's recorded answers (S03-067, S04-028).
#include "query/stage/testing/collections.h"

namespace septet::query {
namespace {

using MetaTest = testing::CollectionsTest;

TEST_F(MetaTest, S03_067_SortKey) {
  Fill("c", {R"({"_id":1,"a":2,"b":1})", R"({"_id":2,"a":1,"b":[3,0]})"});
  EXPECT_EQ(Run("c", R"([{"$sort":{"b":1}},{"$project":{"k":{"$meta":"sortKey"}}}])"),
            "{\"_id\":2,\"k\":[0]}\n{\"_id\":1,\"k\":[1]}\n");
  // Sorted by the stage itself, descending, two fields.
  EXPECT_EQ(Run("c", R"([{"$set":{"z":1}},{"$sort":{"z":1,"b":-1}},
                         {"$project":{"k":{"$meta":"sortKey"}}}])"),
            "{\"_id\":2,\"k\":[1,3]}\n{\"_id\":1,\"k\":[1,1]}\n");
}

TEST_F(MetaTest, S04_028_NoTextScoreWithoutATextSearch) {
  EXPECT_EQ(Run("c", R"([{"$project":{"a":{"$meta":"textScore"}}}])"),
            "40218 query requires text score metadata, but it is not available");
}

TEST_F(MetaTest, S04_013_GeoNearChecksItsArguments) {
  const auto near = [this](std::string_view arguments) {
    return Run("c", StrCat(R"([{"$geoNear":{)", arguments, "}}]"));
  };
  constexpr std::string_view kGood = R"("near":[0,0],"distanceField":"d","key":"g")";
  EXPECT_EQ(near(R"("distanceField":"d")"), "16605 $geoNear requires a 'near' option as an Array");
  EXPECT_EQ(near(R"("near":[0,0],"distanceField":1)"),
            "16606 $geoNear requires a 'distanceField' option as a String");
  EXPECT_EQ(near(StrCat(kGood, R"(,"limit":2)")),
            "50858 $geoNear no longer supports the 'limit' parameter. Use a $limit stage instead.");
  EXPECT_EQ(near(StrCat(kGood, R"(,"query":{"p":{"$near":[0,0]}})")),
            "2 Too many geoNear expressions");
  EXPECT_EQ(near(StrCat(kGood, R"(,"maxDistance":"x")")), "14 maxDistance must be a number");
  EXPECT_EQ(near(kGood).substr(0, 4), "291 ");
  EXPECT_EQ(Run("c", R"([{"$match":{}},{"$geoNear":{"near":[0,0],"distanceField":"d"}}])"),
            "40602 $geoNear is only valid as the first stage in a pipeline.");
}

TEST_F(MetaTest, S04_043_InhibitOptimizationPassesDocumentsOn) {
  Fill("c", {R"({"_id":1})", R"({"_id":2})"});
  EXPECT_EQ(Run("c", R"([{"$_internalInhibitOptimization":{}},{"$match":{"_id":2}}])"),
            "{\"_id\":2}\n");
}

}  // namespace
}  // namespace septet::query
