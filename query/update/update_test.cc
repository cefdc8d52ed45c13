// SPDX-License-Identifier: Apache-2.0
#include "query/update/update.h"

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

class UpdateTest : public ::testing::Test {
 protected:
  UpdateTest() { ctx_.arena = &arena_; }

  StatusOr<UpdateResult> Apply(std::string_view update, std::string_view doc,
                               MatchDetails details = {}) {
    const std::string u = Json(update);
    ASSIGN_OR_RETURN(auto parsed, ParseUpdate(ValueView(bson::Type::kObject, u.data()), {}, {}));
    UpdateResult result;
    RETURN_IF_ERROR(parsed->Apply(DocView(Json(doc)), &details, &ctx_, false, &result));
    return result;
  }
  // "document | log entry".
  std::string Text(std::string_view update, std::string_view doc) {
    auto result = Apply(update, doc);
    if (!result.ok()) {
      return std::string(TextOf(result.status()));
    }
    return bson::ToShellText(DocView(result->document)) + " | " +
           (result->modified ? bson::ToShellText(DocView(result->log_entry)) : "same");
  }

  bson::Arena arena_;
  EvalContext ctx_;
};

// The log entry's form: replication of servers 5.0 and later.
TEST_F(UpdateTest, LogEntries) {
  EXPECT_EQ(Text(R"({"$set": {"a": 2}})", R"({"_id": 1, "a": 1})"),
            "{ _id: 1, a: 2 } | { $v: 2, diff: { u: { a: 2 } } }");
  EXPECT_EQ(Text(R"({"$set": {"b": 2}, "$unset": {"a": 1}})", R"({"_id": 1, "a": 1})"),
            "{ _id: 1, b: 2 } | { $v: 2, diff: { d: { a: false }, i: { b: 2 } } }");
  EXPECT_EQ(Text(R"({"$inc": {"a.b": 1}})", R"({"_id": 1, "a": {"b": 1, "c": 1}})"),
            "{ _id: 1, a: { b: 2, c: 1 } } | { $v: 2, diff: { sa: { u: { b: 2 } } } }");
  EXPECT_EQ(Text(R"({"$push": {"a": 3}})", R"({"_id": 1, "a": [1, 2]})"),
            "{ _id: 1, a: [ 1, 2, 3 ] } | { $v: 2, diff: { sa: { a: true, u2: 3 } } }");
  EXPECT_EQ(Text(R"({"$pop": {"a": 1}})", R"({"_id": 1, "a": [1, 2]})"),
            "{ _id: 1, a: [ 1 ] } | { $v: 2, diff: { sa: { a: true, l: 1 } } }");
  EXPECT_EQ(Text(R"({"$set": {"a.1.b": 3}})", R"({"_id": 1, "a": [1, {"b": 2}]})"),
            "{ _id: 1, a: [ 1, { b: 3 } ] } | "
            "{ $v: 2, diff: { sa: { a: true, s1: { u: { b: 3 } } } } }");
  EXPECT_EQ(Text(R"({"$set": {"a": 1}})", R"({"_id": 1, "a": 1})"), "{ _id: 1, a: 1 } | same");
  EXPECT_EQ(Text(R"({"b": 2})", R"({"_id": 1, "a": 1})"), "{ _id: 1, b: 2 } | { _id: 1, b: 2 }");
}

// S03-060: created fields stand in the order of their names, numbers by value.
TEST_F(UpdateTest, S03_060_OrderOfNewFields) {
  EXPECT_EQ(
      Text(R"({"$set": {"z": 1, "10": 2, "9": 3, "a": 4}, "$inc": {"m": 5}})", R"({"_id": 1})")
          .substr(0, 45),
      "{ _id: 1, 9: 3, 10: 2, a: 4, m: 5, z: 1 } | {");
}

TEST_F(UpdateTest, PositionalAndItsOwnIndexMayMeet) {
  auto result = Apply(R"({"$set": {"a.$.x": 1, "a.1.y": 2}})", R"({"a": [{}, {}]})", {1});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(bson::ToShellText(DocView(result->document)), "{ a: [ {}, { x: 1, y: 2 } ] }");
  EXPECT_EQ(CodeOf(Apply(R"({"$set": {"a.$": 1, "a.1": 2}})", R"({"a": [{}, {}]})", {1}).status()),
            ErrorCode::kConflictingUpdateOperators);
}

// S03-061.
TEST_F(UpdateTest, S03_061_TooLarge) {
  const std::string big(9 * 1024 * 1024, 'x');
  const std::string doc = bson::MakeDoc("_id", 1, "a", big);
  const std::string update = bson::MakeDoc("b", big);
  bson::DocBuilder u;
  u.Append("$set", DocView(update));
  const std::string bytes = u.Finish();
  auto parsed = ParseUpdate(ValueView(bson::Type::kObject, bytes.data()), {}, {});
  ASSERT_TRUE(parsed.ok());
  UpdateResult result;
  EXPECT_EQ(CodeOf((*parsed)->Apply(DocView(doc), nullptr, &ctx_, false, &result)),
            static_cast<ErrorCode>(17419));
}

TEST_F(UpdateTest, TooDeep) {
  std::string deep = "1";
  for (int i = 0; i < 170; ++i) {
    deep = "{\"a\": " + deep + "}";
  }
  EXPECT_TRUE(Apply("{\"$set\": {\"a.b\": " + deep + "}}", "{}").ok());
  EXPECT_EQ(CodeOf(Apply("{\"$set\": {\"a.b.c.d.e.f.g.h.i.j.k\": " + deep + "}}", "{}").status()),
            ErrorCode::kOverflow);
}

TEST_F(UpdateTest, ChangedPaths) {
  const std::string u =
      Json(R"({"$set": {"a.b": 1, "c.$[].d": 2}, "$rename": {"x": "y"}, "$inc": {"e.$": 1}})");
  auto parsed = ParseUpdate(ValueView(bson::Type::kObject, u.data()), {}, {});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  std::vector<std::string> paths;
  bool whole = false;
  (*parsed)->ChangedPaths(&paths, &whole);
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths, (std::vector<std::string>{"a.b", "c", "e", "x", "y"}));
  EXPECT_FALSE(whole);
  EXPECT_TRUE((*parsed)->NeedsMatchDetails());
}

TEST(DiffTest, MovedFieldsAreAppendedAgain) {
  const std::string before =
      Json(R"({"_id": 1, "a": 1, "b": 2, "c": 3, "long": "xxxxxxxxxxxxxxx"})");
  const std::string after = Json(R"({"_id": 1, "c": 3, "long": "xxxxxxxxxxxxxxx", "a": 1})");
  const std::string diff = MakeDiff(DocView(before), DocView(after));
  ASSERT_FALSE(diff.empty());
  auto replayed = ApplyDiff(DocView(before), DocView(diff));
  ASSERT_TRUE(replayed.ok());
  EXPECT_EQ(*replayed, after) << bson::ToShellText(DocView(diff));
  EXPECT_EQ(*ApplyDiff(DocView(after), DocView(diff)), after);
}

TEST(DiffTest, ReplacementIsShorter) {
  EXPECT_EQ(MakeDiff(DocView(Json(R"({"a": 1, "b": 2, "c": 3})")), DocView(Json(R"({"z": 1})"))),
            "");
}

TEST(DiffTest, MalformedDiffs) {
  const std::string doc = Json(R"({"a": [1]})");
  for (const char* diff : {R"({"x": {}})", R"({"u": 1})", R"({"sa": {"a": true, "l": -1}})",
                           R"({"sa": {"a": true, "q1": 1}})"}) {
    EXPECT_EQ(CodeOf(ApplyDiff(DocView(doc), DocView(Json(diff))).status()),
              ErrorCode::kFailedToParse)
        << diff;
  }
}

// A diff meant for another shape still gives a document (initial sync replays over newer data).
TEST(DiffTest, AppliesToOtherShapes) {
  auto out = ApplyDiff(DocView(Json(R"({"a": 5})")),
                       DocView(Json(R"({"sa": {"u": {"b": 1}}, "sz": {"u": {"b": 1}}})")));
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(bson::ToShellText(DocView(*out)), "{ a: { b: 1 } }");
}

}  // namespace
}  // namespace septet::query
