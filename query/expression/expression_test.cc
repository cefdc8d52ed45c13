// SPDX-License-Identifier: Apache-2.0
// The frame of expressions, and operators newer than the recorded answers. Expected values: the
// manual's operator pages.
#include "query/expression/expression.h"

#include <gtest/gtest.h>

#include "query/expression/testing.h"

namespace septet::query {
namespace {

using testing::Eval;
using testing::Explained;

TEST(Expression, PathsMapOverArrays) {  // S05-058
  EXPECT_EQ(Eval(R"("$a.b")", R"({"a": [{"b": 1}, {"c": 2}, 3, [{"b": 4}], {"b": [5]}]})"),
            "[1,[5]]");
  EXPECT_EQ(Eval(R"("$a.0")", R"({"a": [1, 2]})"), "[]");
  EXPECT_EQ(Eval(R"("$a.b.c")", R"({"a": {"b": {"c": "x"}}})"), "\"x\"");
  EXPECT_EQ(Eval(R"("$a.b")", R"({"a": 1})"), "missing");
}

TEST(Expression, MissingInArraysIsNull) {  // S05-098
  EXPECT_EQ(Eval(R"(["$x", 1])"), "[null,1]");
  EXPECT_EQ(Eval(R"({"a": "$x", "b": 1})"), R"({"b":1})");
}

TEST(Expression, Variables) {  // S04-165, S04-172
  EXPECT_EQ(Eval(R"("$$ROOT.a")", R"({"a": 5})"), "5");
  EXPECT_EQ(Eval(R"({"$let": {"vars": {"x": 1}, "in": {"$add": ["$$x", "$a"]}}})", R"({"a": 5})"),
            "6");
  EXPECT_EQ(Eval(R"({"$let": {"vars": {"CURRENT": "$o"}, "in": "$x"}})", R"({"o": {"x": 3}})"),
            "3");
  EXPECT_EQ(Eval(R"("$$nope")"), "17276: Use of undefined variable: nope");
  EXPECT_EQ(Eval(R"("$$USER_ROLES")"), "[]");
}

TEST(Expression, FrameErrors) {  // S12-121, S12-122
  EXPECT_EQ(Eval(R"("$")"), "16872: '$' by itself is not a valid FieldPath");
  EXPECT_EQ(Eval(R"({"$nope": 1})"), "168: Unrecognized expression '$nope'");
  EXPECT_EQ(Eval(R"({"$add": 1, "$sum": 1})"),
            "15983: An object representing an expression must have exactly one field: "
            "{ $add: 1, $sum: 1 }");
  EXPECT_EQ(Eval(R"({"a.b": 1})"), "16412: FieldPath field names may not contain '.'.");
  EXPECT_EQ(Eval(R"({"a": 1, "a": 2})"),
            "16406: duplicate field name specified in object literal: { a: 1, a: 2 }");
}

TEST(Expression, ConstantsFoldAndTheirErrorsAreKept) {
  EXPECT_EQ(Explained(R"({"$add": [1, {"$multiply": [2, 3]}]})"), R"({"$const":7})");
  EXPECT_EQ(Explained(R"({"$cond": [true, "$a", "$b"]})"), R"("$a")");
  EXPECT_EQ(Eval(R"({"$divide": [1, 0]})"), "fold 2: can't $divide by zero");
}

TEST(Expression, Explain) {
  EXPECT_EQ(Explained(R"({"$add": ["$a", 1]})"), R"({"$add":["$a",{"$const":1}]})");
  EXPECT_EQ(Explained(R"({"$abs": "$a"})"), R"({"$abs":["$a"]})");
  EXPECT_EQ(Explained(R"({"$map": {"input": "$a", "in": "$$this"}})"),
            R"({"$map":{"input":"$a","as":"this","in":"$$this"}})");
}

TEST(Expression, IfNullTakesAnyNumber) {  // S04-086
  EXPECT_EQ(Eval(R"({"$ifNull": ["$a", "$b", 3]})"), "3");
  EXPECT_EQ(Eval(R"({"$ifNull": ["$a"]})"),
            "1257300: $ifNull needs at least two arguments, had: 1");
}

TEST(Expression, FilterLimit) {  // S04-064
  EXPECT_EQ(Eval(R"({"$filter": {"input": [1, 2, 3, 4], "cond": {"$gt": ["$$this", 1]},
                     "limit": 2}})"),
            "[2,3]");
  EXPECT_EQ(Eval(R"({"$filter": {"input": "$a", "cond": true, "limit": 0}})", R"({"a": [1]})"),
            "327392: $filter: limit must be greater than 0: 0");
}

TEST(Expression, GetSetUnsetField) {  // S04-103, S04-104
  EXPECT_EQ(Eval(R"({"$getField": "a.b"})", R"({"a.b": 7})"), "7");
  EXPECT_EQ(
      Eval(R"({"$getField": {"field": {"$literal": "$x"}, "input": "$o"}})", R"({"o": {"$x": 8}})"),
      "8");
  EXPECT_EQ(Eval(R"({"$setField": {"field": "x", "input": "$o", "value": 5}})",
                 R"({"o": {"x": 1, "y": 2}})"),
            R"({"x":5,"y":2})");
  EXPECT_EQ(Eval(R"({"$unsetField": {"field": "x", "input": "$o"}})", R"({"o": {"x": 1, "y": 2}})"),
            R"({"y":2})");
}

TEST(Expression, NFamily) {  // S04-066, S04-071
  EXPECT_EQ(Eval(R"({"$firstN": {"n": 2, "input": [5, null, 7]}})"), "[5,null]");
  EXPECT_EQ(Eval(R"({"$lastN": {"n": 2, "input": [5, null, 7]}})"), "[null,7]");
  EXPECT_EQ(Eval(R"({"$maxN": {"n": 2, "input": [5, null, 7, 1]}})"), "[7,5]");
  EXPECT_EQ(Eval(R"({"$minN": {"n": 2, "input": [5, null, 7, 1]}})"), "[1,5]");
  EXPECT_EQ(Eval(R"({"$minN": {"n": 0, "input": [1]}})"),
            "fold 5787908: 'n' must be greater than 0, found 0");
}

TEST(Expression, SortArray) {  // S04-078, examples of the manual
  const char* team = R"({"team": [{"name": "kyle", "age": 28}, {"name": "bill", "age": 42}]})";
  EXPECT_EQ(Eval(R"({"$sortArray": {"input": "$team", "sortBy": {"name": 1}}})", team),
            R"([{"name":"bill","age":42},{"name":"kyle","age":28}])");
  EXPECT_EQ(Eval(R"({"$sortArray": {"input": [1, 4, 1, 6, 12, 5], "sortBy": 1}})"),
            "[1,1,4,5,6,12]");
  EXPECT_EQ(Eval(R"({"$sortArray": {"input": [20, "Hello", {"a": "Fork"}, null, true],
                     "sortBy": -1}})"),
            R"([true,{"a":"Fork"},"Hello",20,null])");
}

TEST(Expression, BitwiseOperators) {  // S04-046
  EXPECT_EQ(Eval(R"({"$bitAnd": [7, 3]})"), "3");
  EXPECT_EQ(Eval(R"({"$bitOr": [4, 3]})"), "7");
  EXPECT_EQ(Eval(R"({"$bitXor": [5, 3]})"), "6");
  EXPECT_EQ(Eval(R"({"$bitNot": 5})"), "-6");
  EXPECT_EQ(Eval(R"({"$bitAnd": ["$a", 1]})", R"({"a": "x"})"),
            "14: $bitAnd only supports int and long operands, not string.");
}

TEST(Expression, Percentiles) {  // S04-145, S04-146
  EXPECT_EQ(Eval(R"({"$median": {"input": [1, 5, 3, "x"], "method": "approximate"}})"), "3.0");
  EXPECT_EQ(Eval(R"({"$percentile": {"input": [1, 2, 3, 4], "p": [0, 0.5, 0.95],
                     "method": "approximate"}})"),
            "[1.0,2.0,4.0]");
}

TEST(Expression, LongReduceKeepsItsValue) {
  EXPECT_EQ(Eval(R"({"$size": {"$reduce": {"input": {"$range": [0, 4000]}, "initialValue": [],
                     "in": {"$concatArrays": ["$$value", ["$$this"]]}}}})"),
            "4000");
}

TEST(Expression, ZipAndSets) {  // S04-079, S04-110..114
  EXPECT_EQ(Eval(R"({"$zip": {"inputs": [[1, 2], ["a"]], "useLongestLength": true,
                     "defaults": [0, "z"]}})"),
            R"([[1,"a"],[2,"z"]])");
  EXPECT_EQ(Eval(R"({"$setUnion": [[3, 1], [2, 1]]})"), "[1,2,3]");
}

}  // namespace
}  // namespace septet::query
