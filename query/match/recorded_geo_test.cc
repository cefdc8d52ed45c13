// SPDX-License-Identifier: Apache-2.0
// Geo filters against a real server's answers, without an index: documents found, errors' codes and
// texts.
#include <gtest/gtest.h>

#include "bson/value.h"

#include "query/match/geo_shape.h"
#include "query/match/matcher.h"
#include "tests/testing/recorded.h"

namespace septet::query {
namespace {

// The inner square's side lies on the outer one's: a server's arithmetic sees it outside by a rounding,
// here an edge belongs to its polygon.
const std::map<std::string, std::string> kKnown = {
    {"S03-018-geo-within-hole", "a shared edge"},
    {"S03-018-geo-noindex-within-hole", "a shared edge"},
};

TEST(RecordedGeoTest, S03_018_Geo) {
  const auto cases = testing::LoadRecorded("curated-index.jsonl");
  if (cases.empty()) {
    GTEST_SKIP();
  }
  testing::Differences differences(kKnown);
  for (const testing::RecordedCase& c : cases) {
    if (!c.id().starts_with("S03-018-geo")) {
      continue;
    }
    const DocView run = c.run().FirstElement().value().AsDoc();
    const DocView filter = run["cmd"].AsDoc()["filter"].AsDoc();
    const testing::Answer expected = testing::AnswerOf(run["reply"].AsDoc());
    auto matcher = Matcher::Parse(filter, {});
    testing::Answer found = testing::AnswerOf(matcher.status());
    std::string expected_ids;
    std::string ids;
    const bool sorts = bson::ToShellText(filter).find("$near") != std::string::npos;
    if (expected.code == 0 && matcher.ok() && !sorts) {
      for (const bson::ElementView e : run["reply"].AsDoc()["cursor"].AsDoc()["docs"].AsArray()) {
        StrAppend(&expected_ids, bson::ToShellText(e.value().AsDoc()["_id"]), " ");
      }
      for (const bson::ElementView e : c.db()["c"].AsArray()) {
        auto matched = (*matcher)->Matches(e.value().AsDoc(), nullptr);
        if (matched.ok() && *matched) {
          StrAppend(&ids, bson::ToShellText(e.value().AsDoc()["_id"]), " ");
        }
      }
    }
    if (found == expected && ids == expected_ids) {
      differences.Same();
    } else {
      differences.Different(
          c.id(), StrCat(bson::ToShellText(filter), "\n  expected ", testing::ToText(expected), " ",
                         expected_ids, "\n  found    ", testing::ToText(found), " ", ids));
    }
  }
  differences.Print("geo");
  EXPECT_EQ(differences.fresh(), 0);
  EXPECT_EQ(differences.Stale(), std::vector<std::string>());
}

// RFC 7946: an edge is the short way, the inside is the smaller side.
TEST(GeoShapeTest, AcrossTheDateLine) {
  const geo::Polygon polygon{{{{170, -10}, {-170, -10}, {-170, 10}, {170, 10}, {170, -10}}}, false};
  EXPECT_TRUE(geo::Contains(polygon, {179, 0}));
  EXPECT_TRUE(geo::Contains(polygon, {-179, 0}));
  EXPECT_FALSE(geo::Contains(polygon, {0, 0}));
  EXPECT_FALSE(geo::Contains(polygon, {165, 0}));
}

TEST(GeoShapeTest, StrictWindingTakesTheLeftSide) {
  geo::Polygon polygon{{{{0, 0}, {0, 10}, {10, 10}, {10, 0}, {0, 0}}}, true};  // clockwise
  EXPECT_FALSE(geo::Contains(polygon, {5, 5}));
  EXPECT_TRUE(geo::Contains(polygon, {50, 50}));
  std::reverse(polygon.rings[0].begin(), polygon.rings[0].end());
  EXPECT_TRUE(geo::Contains(polygon, {5, 5}));
  EXPECT_FALSE(geo::Contains(polygon, {50, 50}));
}

TEST(GeoShapeTest, Distance) {
  // A degree of a great circle of the radius servers use.
  EXPECT_NEAR(geo::AngleBetween({0, 0}, {1, 0}) * geo::kEarthRadiusMeters, 111318.8, 0.2);
  EXPECT_NEAR(geo::AngleBetween({0, 90}, {120, -90}), 3.141592653589793, 1e-12);
}

}  // namespace
}  // namespace septet::query
