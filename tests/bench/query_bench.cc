// SPDX-License-Identifier: Apache-2.0
// Micro benchmarks of filters, projections and updates on a document of 15 fields.
#include <benchmark/benchmark.h>

#include "bson/ejson.h"
#include "bson/value.h"

#include "base/check.h"
#include "query/match/matcher.h"
#include "query/projection/projection.h"
#include "query/update/update.h"

namespace septet::query {
namespace {

std::string Json(std::string_view json) {
  auto doc = bson::FromJson(json);
  P_CHECK(doc.ok());
  return *doc;
}

std::string SampleDoc() {
  return Json(R"({"_id": {"$oid": "000000000000000000000001"}, "a": 5, "name": "Ada Lovelace",
      "mail": "ada@example.org", "age": 36, "score": 81.5, "active": true,
      "address": {"street": "1 Main St", "city": "London", "zip": "N1"},
      "tags": ["x", "y", "z"], "items": [{"x": 1, "y": 1}, {"x": 2, "y": 2}, {"x": 3, "y": 3}],
      "when": {"$date": {"$numberLong": "1600000000000"}}, "n": {"$numberLong": "1234567890123"},
      "text": "the quick brown fox jumps over the lazy dog", "flag": null, "z": 9})");
}

void BM_Matches(benchmark::State& state, const char* filter) {
  const std::string doc = SampleDoc();
  auto matcher = Matcher::Parse(DocView(Json(filter)), {});
  P_CHECK(matcher.ok());
  for (auto _ : state) {
    auto matched = (*matcher)->Matches(DocView(doc), nullptr);
    benchmark::DoNotOptimize(matched);
  }
}
BENCHMARK_CAPTURE(BM_Matches, eq, R"({"a": 5})");
BENCHMARK_CAPTURE(BM_Matches, range, R"({"a": {"$gt": 1, "$lt": 9}})");
BENCHMARK_CAPTURE(BM_Matches, dotted_array, R"({"items.x": 3})");
BENCHMARK_CAPTURE(BM_Matches, last_field, R"({"z": 9})");
BENCHMARK_CAPTURE(BM_Matches, in, R"({"a": {"$in": [1, 2, 3, 5, 8, 13]}})");
BENCHMARK_CAPTURE(BM_Matches, regex, R"({"text": {"$regex": "lazy"}})");

void BM_ParseFilter(benchmark::State& state) {
  const std::string filter = Json(R"({"a": {"$gt": 1, "$lt": 9}, "b": "x"})");
  for (auto _ : state) {
    auto matcher = Matcher::Parse(DocView(filter), {});
    benchmark::DoNotOptimize(matcher);
  }
}
BENCHMARK(BM_ParseFilter);

void BM_Update(benchmark::State& state, const char* update) {
  const std::string doc = SampleDoc();
  const std::string u = Json(update);
  auto parsed = ParseUpdate(ValueView(bson::Type::kObject, u.data()), {}, {});
  P_CHECK(parsed.ok());
  bson::Arena arena;
  EvalContext ctx;
  ctx.arena = &arena;
  UpdateResult result;
  for (auto _ : state) {
    arena.Reset();
    const Status status = (*parsed)->Apply(DocView(doc), nullptr, &ctx, false, &result);
    P_CHECK(status.ok() && result.modified);
  }
}
BENCHMARK_CAPTURE(BM_Update, inc, R"({"$inc": {"age": 1}})");
BENCHMARK_CAPTURE(BM_Update, set_unset, R"({"$set": {"age": 1, "name": "B"}, "$unset": {"z": 1}})");
BENCHMARK_CAPTURE(BM_Update, nested, R"({"$set": {"address.city": "Paris"}})");
BENCHMARK_CAPTURE(BM_Update, push, R"({"$push": {"tags": "w"}})");

void BM_ParseUpdate(benchmark::State& state) {
  const std::string u = Json(R"({"$inc": {"age": 1}})");
  for (auto _ : state) {
    auto parsed = ParseUpdate(ValueView(bson::Type::kObject, u.data()), {}, {});
    benchmark::DoNotOptimize(parsed);
  }
}
BENCHMARK(BM_ParseUpdate);

void BM_Project(benchmark::State& state, const char* spec) {
  const std::string doc = SampleDoc();
  ParseContext variables;
  auto projection =
      ParseProjection(DocView(Json(spec)), ProjectionPolicy::kFind, &variables, nullptr);
  P_CHECK(projection.ok());
  bson::Arena arena;
  EvalContext ctx;
  ctx.arena = &arena;
  ctx.root = DocView(doc);
  std::string out;
  for (auto _ : state) {
    arena.Reset();
    out.clear();
    const Status status = (*projection)->Apply(DocView(doc), &ctx, nullptr, nullptr, &out);
    P_CHECK(status.ok());
  }
}
BENCHMARK_CAPTURE(BM_Project, include3, R"({"name": 1, "age": 1, "score": 1})");
BENCHMARK_CAPTURE(BM_Project, exclude2, R"({"text": 0, "items": 0})");
BENCHMARK_CAPTURE(BM_Project, computed, R"({"name": 1, "sum": {"$add": ["$a", "$age"]}})");

void BM_ApplyDiff(benchmark::State& state) {
  const std::string doc = SampleDoc();
  const std::string diff = Json(R"({"u": {"age": 37}})");
  for (auto _ : state) {
    auto out = ApplyDiff(DocView(doc), DocView(diff));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(BM_ApplyDiff);

}  // namespace
}  // namespace septet::query
