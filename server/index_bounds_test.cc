// SPDX-License-Identifier: Apache-2.0
// Open and closed ends of index bounds, in both directions, over indexes whose keys do and do not hold the
// RecordId. Expected values: counted by hand; S06 (bounds), S03-001.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "bson/number.h"
#include "server/testing/in_process_server.h"

namespace septet::server::testing {
namespace {

using bson::DocView;

constexpr int kCount = 10;
constexpr int kLow = 3;
constexpr int kHigh = 6;

class IndexBoundsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string documents;
    for (int i = 0; i < kCount; ++i) {
      documents += StrCat(i == 0 ? "" : ", ", "{\"_id\": ", i, ", \"a\": ", i, ", \"b\": 1}");
    }
    server_.RunJson("t", StrCat(R"({"insert": "c", "documents": [)", documents, "]}"));
    const std::string_view index = GetParam();
    if (!index.empty()) {
      server_.RunJson("t", StrCat(R"({"createIndexes": "c", "indexes": [{"name": "i", )", index, "}]}"));
    }
  }

  std::vector<int> Find(std::string_view filter, int direction) {
    const std::string_view field = std::string_view(GetParam()).empty() ? "_id" : "a";
    const std::string reply = server_.RunJson(
        "t", StrCat(R"({"find": "c", "filter": {")", field, "\": {", filter, "}}, \"sort\": {\"", field,
                    "\": ", direction, "}, \"hint\": \"", field == "_id" ? "_id_" : "i", "\"}"));
    std::vector<int> found;
    for (const bson::ElementView& e :
         DocView(reply)["cursor"].AsDoc()["firstBatch"].AsArray()) {
      found.push_back(static_cast<int>(bson::ToInt64Clamped(e.value().AsDoc()["_id"])));
    }
    return found;
  }

  InProcessServer server_;
};

TEST_P(IndexBoundsTest, OpenAndClosedEnds) {
  for (const std::string_view low : {"", "$gt", "$gte"}) {
    for (const std::string_view high : {"", "$lt", "$lte"}) {
      std::string filter;
      if (!low.empty()) {
        filter = StrCat("\"", low, "\": ", kLow);
      }
      if (!high.empty()) {
        filter += StrCat(filter.empty() ? "\"" : ", \"", high, "\": ", kHigh);
      }
      if (filter.empty()) {
        filter = R"("$exists": true)";
      }
      std::vector<int> wanted;
      for (int i = 0; i < kCount; ++i) {
        if ((low != "$gt" || i > kLow) && (low != "$gte" || i >= kLow) &&
            (high != "$lt" || i < kHigh) && (high != "$lte" || i <= kHigh)) {
          wanted.push_back(i);
        }
      }
      EXPECT_EQ(Find(filter, 1), wanted) << filter;
      EXPECT_EQ(Find(filter, -1), std::vector<int>(wanted.rbegin(), wanted.rend())) << filter;
    }
  }
}

TEST_P(IndexBoundsTest, SeveralRanges) {
  EXPECT_EQ(Find(R"("$ne": 4, "$lt": 7, "$gt": 2)", -1), (std::vector<int>{6, 5, 3}));
  EXPECT_EQ(Find(R"("$nin": [2, 3, 7])", -1), (std::vector<int>{9, 8, 6, 5, 4, 1, 0}));
  EXPECT_EQ(Find(R"("$nin": [2, 3, 7])", 1), (std::vector<int>{0, 1, 4, 5, 6, 8, 9}));
  EXPECT_EQ(Find(R"("$in": [8, 1, 4])", -1), (std::vector<int>{8, 4, 1}));
}

INSTANTIATE_TEST_SUITE_P(
    Indexes, IndexBoundsTest,
    ::testing::Values("", R"("key": {"a": 1})", R"("key": {"a": -1})",
                      R"("key": {"a": 1}, "unique": true)", R"("key": {"a": -1}, "unique": true)",
                      R"("key": {"a": 1, "b": -1}, "unique": true)",
                      R"("key": {"a": -1, "b": 1})"));

}  // namespace
}  // namespace septet::server::testing
