// SPDX-License-Identifier: Apache-2.0
// Evaluating common expressions allocates nothing once the arena is warm.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "query/expression/testing.h"

namespace {
size_t allocations = 0;
}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounts = false;  // the sanitizers have their own operators
#else
constexpr bool kCounts = true;
#if defined(__GNUC__) && !defined(__clang__)
// malloc and free are the two halves of the operators below.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

void* operator new(size_t size) {
  ++allocations;
  void* p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) {
    std::abort();
  }
  return p;
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return operator new(size);
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, size_t) noexcept {
  std::free(p);
}
#endif

namespace septet::query {
namespace {

size_t AllocationsOf(std::string_view expression) {
  const StatusOr<std::string> spec = bson::FromJson("{\"v\": " + std::string(expression) + "}");
  const StatusOr<std::string> doc = bson::FromJson(
      R"({"a": 5, "b": 2.5, "s": "héllo wörld", "l": [3, 1, 2], "o": [{"x": 1}, {"x": 2}],
          "d": {"$date": "2021-03-14T09:26:53.589Z"}, "n": {"$numberLong": "7"}})");
  ParseContext parse;
  const StatusOr<ExpressionPtr> parsed = ParseExpression(DocView(*spec).Find("v"), &parse);
  bson::Arena arena;
  EvalContext eval;
  eval.arena = &arena;
  eval.root = DocView(*doc);
  size_t before = 0;
  for (int i = 0; i < 20; ++i) {
    before = i == 10 ? allocations : before;
    arena.Reset();
    EXPECT_TRUE((*parsed)->Evaluate(&eval).ok()) << expression;
  }
  return allocations - before;
}

TEST(Allocation, CommonExpressionsNeedNone) {
  if (!kCounts) {
    GTEST_SKIP() << "not counted under a sanitizer";
  }
  for (const std::string_view expression :
       {R"("$a")", R"("$o.x")", R"({"$add": ["$a", "$b", 1]})", R"({"$multiply": ["$a", "$n"]})",
        R"({"$cond": [{"$gt": ["$a", 3]}, "$s", "$l"]})", R"({"$concat": ["$s", "-", "$s"]})",
        R"({"$map": {"input": "$l", "in": {"$add": ["$$this", "$a"]}}})",
        R"({"$filter": {"input": "$l", "cond": {"$gt": ["$$this", 1]}}})",
        R"({"$and": [{"$eq": ["$a", 5]}, {"$in": [1, "$l"]}]})",
        R"({"$dateTrunc": {"date": "$d", "unit": "day", "timezone": "Europe/Paris"}})",
        R"({"$hour": {"date": "$d", "timezone": "America/New_York"}})", R"({"$toUpper": "$s"})",
        R"({"$substrCP": ["$s", 1, 4]})", R"({"$sum": "$l"})", R"({"x": "$a", "y": ["$b", "$s"]})",
        R"({"$ifNull": ["$zz", "$a"]})", R"({"$regexMatch": {"input": "$s", "regex": "w.r"}})",
        R"({"$dateToString": {"date": "$d", "format": "%Y-%m-%d"}})"}) {
    EXPECT_EQ(AllocationsOf(expression), 0u) << expression;
  }
}

}  // namespace
}  // namespace septet::query
