// SPDX-License-Identifier: Apache-2.0
#include "query/match/matcher.h"

#include <gtest/gtest.h>

#include "bson/ejson.h"
#include "bson/value.h"

namespace septet::query {
namespace {

std::string Json(std::string_view json) {
  auto doc = bson::FromJson(json);
  EXPECT_TRUE(doc.ok()) << json;
  return doc.ok() ? *doc : DocView().ToBytes();
}

std::unique_ptr<const Matcher> Parse(std::string_view filter) {
  auto matcher = Matcher::Parse(DocView(Json(filter)), {});
  EXPECT_TRUE(matcher.ok()) << filter << ": " << matcher.status();
  return matcher.ok() ? *std::move(matcher) : nullptr;
}

bool Matches(std::string_view filter, std::string_view doc) {
  const std::string bytes = Json(doc);
  auto matched = Parse(filter)->Matches(DocView(bytes), nullptr);
  EXPECT_TRUE(matched.ok()) << matched.status();
  return matched.ok() && *matched;
}

std::string Normal(std::string_view filter) {
  bson::DocBuilder out;
  Parse(filter)->Serialize(&out);
  return bson::ToShellText(DocView(out.Finish()));
}

int64_t Position(std::string_view filter, std::string_view doc) {
  const std::string bytes = Json(doc);
  MatchDetails details;
  auto matched = Parse(filter)->Matches(DocView(bytes), nullptr, &details);
  EXPECT_TRUE(matched.ok() && *matched) << filter;
  return details.array_index;
}

Status ParseError(std::string_view filter, const MatchOptions& options = {}) {
  return Matcher::Parse(DocView(Json(filter)), options).status();
}

// The forms explain shows; S06-029 and the recorded parsedQuery of a server.
TEST(MatcherTest, NormalForm) {
  EXPECT_EQ(Normal("{}"), "{}");
  EXPECT_EQ(Normal(R"({"a": 5})"), "{ a: { $eq: 5 } }");
  EXPECT_EQ(Normal(R"({"a": {"$gt": 2, "$lte": 6}})"),
            "{ $and: [ { a: { $lte: 6 } }, { a: { $gt: 2 } } ] }");
  EXPECT_EQ(Normal(R"({"$and": [{"a": {"$gt": 1}}, {"m": 3}]})"),
            "{ $and: [ { m: { $eq: 3 } }, { a: { $gt: 1 } } ] }");
  EXPECT_EQ(Normal(R"({"a": {"$ne": 4}})"), "{ a: { $not: { $eq: 4 } } }");
  EXPECT_EQ(Normal(R"({"m": {"$nin": [2, 1]}})"), "{ m: { $not: { $in: [ 1, 2 ] } } }");
  EXPECT_EQ(Normal(R"({"a": {"$exists": false}})"), "{ a: { $not: { $exists: true } } }");
  EXPECT_EQ(Normal(R"({"a": {"$in": ["x", 1, null]}})"), "{ a: { $in: [ null, 1, \"x\" ] } }");
  EXPECT_EQ(Normal(R"({"a": {"$in": [1]}})"), "{ a: { $eq: 1 } }");
  EXPECT_EQ(Normal(R"({"a": {"$in": []}})"), "{ $alwaysFalse: 1 }");
  EXPECT_EQ(Normal(R"({"$or": [{"a": 1}]})"), "{ a: { $eq: 1 } }");
  EXPECT_EQ(Normal(R"({"$or": [{"a": 1}, {"$or": [{"b": 2}, {"c": 3}]}]})"),
            "{ $or: [ { a: { $eq: 1 } }, { b: { $eq: 2 } }, { c: { $eq: 3 } } ] }");
  EXPECT_EQ(Normal(R"({"$and": [{"a": 1, "b": 2}, {"$and": [{"c": 3}]}]})"),
            "{ $and: [ { a: { $eq: 1 } }, { b: { $eq: 2 } }, { c: { $eq: 3 } } ] }");
  EXPECT_EQ(Normal(R"({"$nor": [{"a": 1}]})"), "{ a: { $not: { $eq: 1 } } }");
  EXPECT_EQ(Normal(R"({"a": {"$not": {"$not": {"$eq": 7}}}})"), "{ a: { $eq: 7 } }");
  EXPECT_EQ(Normal(R"({"a": {"$all": [1, 2]}})"),
            "{ $and: [ { a: { $eq: 1 } }, { a: { $eq: 2 } } ] }");
  EXPECT_EQ(Normal(R"({"a": {"$type": ["int", "double"]}})"), "{ a: { $type: [ 1, 16 ] } }");
  EXPECT_EQ(Normal(R"({"a": {"$elemMatch": {"b": 1}}})"),
            "{ a: { $elemMatch: { b: { $eq: 1 } } } }");
  EXPECT_EQ(Normal(R"({"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}})"),
            "{ a: { $elemMatch: { $lt: 5, $gt: 1 } } }");
  EXPECT_EQ(Normal(R"({"a": {"$regex": "^x", "$options": "i"}})"),
            "{ a: { $regex: \"^x\", $options: \"i\" } }");
}

// S05-034 to S05-036: arrays at the end of a path and on the way.
TEST(MatcherTest, S05_034_Arrays) {
  EXPECT_TRUE(Matches(R"({"a": 1})", R"({"a": [1, 2]})"));
  EXPECT_TRUE(Matches(R"({"a": [1, 2]})", R"({"a": [1, 2]})"));
  EXPECT_TRUE(Matches(R"({"a": [1, 2]})", R"({"a": [[1, 2]]})"));
  EXPECT_FALSE(Matches(R"({"a": 1})", R"({"a": [[1, 2]]})"));
  EXPECT_TRUE(Matches(R"({"a": {"$gt": 1, "$lt": 2}})", R"({"a": [0, 5]})"));
  EXPECT_FALSE(Matches(R"({"a": {"$elemMatch": {"$gt": 1, "$lt": 2}}})", R"({"a": [0, 5]})"));
  EXPECT_TRUE(Matches(R"({"a.b": 2})", R"({"a": [{"b": 1}, {"b": [2]}]})"));
  EXPECT_TRUE(Matches(R"({"a.1.b": 2})", R"({"a": [{"b": 1}, {"b": 2}]})"));
  EXPECT_TRUE(Matches(R"({"a.1": 2})", R"({"a": {"1": 2}})"));
  EXPECT_FALSE(Matches(R"({"a": {"$ne": 1}})", R"({"a": [1, 2]})"));
}

// S05-044 to S05-047: null is met by a missing field where the path could have gone on.
TEST(MatcherTest, S05_044_Null) {
  EXPECT_TRUE(Matches(R"({"a.b": null})", R"({"a": 4})"));
  EXPECT_TRUE(Matches(R"({"a.b": null})", R"({"a": [{}]})"));
  EXPECT_FALSE(Matches(R"({"a.b": null})", R"({"a": []})"));
  EXPECT_FALSE(Matches(R"({"a.b": null})", R"({"a": [1, 2]})"));
  EXPECT_TRUE(Matches(R"({"a": {"$gte": null}})", "{}"));
  EXPECT_FALSE(Matches(R"({"a": {"$gt": null}})", "{}"));
  EXPECT_FALSE(Matches(R"({"a": null})", R"({"a": {"$undefined": true}})"));
}

// S05-062: `$` is the index in the outermost array; $or and $not give none.
TEST(MatcherTest, S05_062_Positional) {
  EXPECT_EQ(Position(R"({"a": 5})", R"({"a": [1, 5]})"), 1);
  EXPECT_EQ(Position(R"({"a.b": 2})", R"({"a": [{"b": 1}, {"b": [9, 2]}]})"), 1);
  EXPECT_EQ(Position(R"({"a": {"$elemMatch": {"b": 2}}})", R"({"a": [1, 2, {"b": 2}]})"), 2);
  EXPECT_EQ(Position(R"({"$or": [{"a": 5}, {"a": 6}]})", R"({"a": [1, 5]})"), -1);
  EXPECT_EQ(Position(R"({"a": {"$ne": 7}})", R"({"a": [1, 5]})"), -1);
  EXPECT_EQ(Position(R"({"a": [1, 5]})", R"({"a": [1, 5]})"), -1);
  EXPECT_EQ(Position(R"({"a.1": 5})", R"({"a": [1, 5]})"), -1);
  EXPECT_EQ(Position(R"({"a": 5, "b": 1})", R"({"a": [1, 5], "b": 1})"), 1);
}

// S03-025: the fields of a DBRef are names.
TEST(MatcherTest, S03_025_DBRef) {
  const char* doc = R"({"r": {"$ref": "c", "$id": 5}})";
  EXPECT_TRUE(Matches(R"({"r": {"$ref": "c", "$id": 5}})", doc));
  EXPECT_TRUE(Matches(R"({"r.$id": 5})", doc));
  EXPECT_TRUE(
      Matches(R"({"l": {"$elemMatch": {"$id": 5}}})", R"({"l": [{"$ref": "c", "$id": 5}]})"));
}

TEST(MatcherTest, ContextRestrictions) {
  MatchOptions options;
  options.allow_text = false;
  options.allow_where = false;
  options.allow_expr = false;
  EXPECT_EQ(TextOf(ParseError(R"({"$text": {"$search": "x"}})", options)),
            "$text is not allowed in this context");
  EXPECT_EQ(TextOf(ParseError(R"({"$where": "1"})", options)),
            "$where is not allowed in this context");
  EXPECT_EQ(TextOf(ParseError(R"({"a": {"$elemMatch": {"b": 1, "$expr": true}}})")),
            "$expr can only be applied to the top-level document");
  EXPECT_EQ(CodeOf(ParseError(R"({"$text": {"$search": 1}})")), ErrorCode::kTypeMismatch);
}

TEST(MatcherTest, Dependencies) {
  std::vector<std::string> paths;
  bool whole = false;
  Parse(R"({"a.b": 1, "$or": [{"c": 1}, {"d": {"$ne": 2}}]})")->Dependencies(&paths, &whole);
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths, (std::vector<std::string>{"a.b", "c", "d"}));
  EXPECT_FALSE(whole);
  Parse(R"({"$jsonSchema": {}})")->Dependencies(&paths, &whole);
  EXPECT_TRUE(whole);
}

TEST(MatcherTest, ExprErrorsSurface) {
  const std::string doc = Json(R"({"a": "x"})");
  bson::Arena arena;
  EvalContext ctx;
  ctx.arena = &arena;
  for (const char* filter :
       {R"({"$expr": {"$add": ["$a", 1]}})", R"({"$nor": [{"$expr": {"$add": ["$a", 1]}}]})",
        R"({"$or": [{"b": 1}, {"$expr": {"$add": ["$a", 1]}}]})"}) {
    EXPECT_FALSE(Parse(filter)->Matches(DocView(doc), &ctx).ok()) << filter;
  }
}

}  // namespace
}  // namespace septet::query
