// SPDX-License-Identifier: Apache-2.0
// Accumulators over small inputs. Expected values: manual, "$group" and the pages of the operators.
#include "query/expression/accumulator.h"

#include <gtest/gtest.h>

#include "query/expression/testing.h"

namespace septet::query {
namespace {

using testing::Accumulated;

constexpr const char* kRows =
    R"([{"q": 3, "s": "b"}, {"q": 1, "s": "a"}, {"q": null}, {}, {"q": 2.5, "s": "a"}])";

TEST(Accumulators, Numbers) {  // S04-147
  EXPECT_EQ(Accumulated(R"({"$sum": "$q"})", kRows), "6.5");
  EXPECT_EQ(Accumulated(R"({"$sum": "$s"})", kRows), "0");
  EXPECT_EQ(Accumulated(R"({"$sum": 1})", kRows), "5");
  EXPECT_EQ(Accumulated(R"({"$avg": "$q"})", R"([{"q": 1}, {"q": 4}])"), "2.5");
  EXPECT_EQ(Accumulated(R"({"$avg": "$x"})", kRows), "null");
  EXPECT_EQ(Accumulated(R"({"$min": "$q"})", kRows), "1");
  EXPECT_EQ(Accumulated(R"({"$max": "$s"})", kRows), R"("b")");
  EXPECT_EQ(Accumulated(R"({"$stdDevSamp": "$q"})", R"([{"q": 1}])"), "null");
}

TEST(Accumulators, Lists) {  // S04-148, S04-149
  EXPECT_EQ(Accumulated(R"({"$first": "$s"})", kRows), R"("b")");
  EXPECT_EQ(Accumulated(R"({"$first": "$x"})", kRows), "null");
  EXPECT_EQ(Accumulated(R"({"$last": "$q"})", kRows), "2.5");
  EXPECT_EQ(Accumulated(R"({"$push": "$q"})", kRows), "[3,1,null,2.5]");
  EXPECT_EQ(Accumulated(R"({"$addToSet": "$s"})", kRows), R"(["b","a"])");
  EXPECT_EQ(Accumulated(R"({"$addToSet": "$v"})",
                        R"([{"v": 1}, {"v": 1.0}, {"v": {"$numberDecimal": "1.00"}}])"),
            "[1]");
}

TEST(Accumulators, CountAndMerge) {  // S04-150
  EXPECT_EQ(Accumulated(R"({"$count": {}})", kRows), "5");
  EXPECT_EQ(Accumulated(R"({"$mergeObjects": "$o"})",
                        R"([{"o": {"a": 1, "b": 2}}, {"o": null}, {"o": {"a": 3}}])"),
            R"({"a":3,"b":2})");
}

TEST(Accumulators, NFamily) {  // S04-152
  EXPECT_EQ(Accumulated(R"({"$firstN": {"n": 2, "input": "$s"}})", kRows), R"(["b","a"])");
  EXPECT_EQ(Accumulated(R"({"$lastN": {"n": 2, "input": "$s"}})", kRows), R"([null,"a"])");
  EXPECT_EQ(Accumulated(R"({"$maxN": {"n": 2, "input": "$q"}})", kRows), "[3,2.5]");
  EXPECT_EQ(Accumulated(R"({"$minN": {"n": 9, "input": "$q"}})", kRows), "[1,2.5,3]");
}

TEST(Accumulators, Top) {  // S04-151
  const char* rows = R"([{"p": "a", "n": 31}, {"p": "b", "n": 33}, {"p": "c", "n": 99},
                         {"p": "d", "n": 33}])";
  EXPECT_EQ(Accumulated(R"({"$top": {"sortBy": {"n": -1}, "output": "$p"}})", rows), R"("c")");
  EXPECT_EQ(
      Accumulated(R"({"$topN": {"n": 2, "sortBy": {"n": -1}, "output": ["$p", "$n"]}})", rows),
      R"([["c",99],["b",33]])");
  EXPECT_EQ(Accumulated(R"({"$bottom": {"sortBy": {"n": -1}, "output": "$p"}})", rows), R"("a")");
  EXPECT_EQ(Accumulated(R"({"$bottomN": {"n": 3, "sortBy": {"n": -1}, "output": "$p"}})", rows),
            R"(["b","d","a"])");
}

TEST(Accumulators, Errors) {  // S04-155
  EXPECT_EQ(Accumulated(R"({"$foo": 1})", "[]"), "15952: unknown group operator '$foo'");
  EXPECT_EQ(Accumulated("1", "[]"), "40234: The field 'f' must be an accumulator object");
  EXPECT_EQ(Accumulated(R"({"$sum": 1, "$avg": 1})", "[]"),
            "40238: The field 'f' must specify one accumulator");
  EXPECT_EQ(Accumulated(R"({"$sum": [1]})", "[]"),
            "40237: The $sum accumulator is a unary operator");
  EXPECT_EQ(Accumulated(R"({"$count": 1})", "[]"), "14: $count takes no arguments, i.e. $count:{}");
}

}  // namespace
}  // namespace septet::query
