// SPDX-License-Identifier: Apache-2.0
// Collations. Expected values: manual, "Collation", and recorded errors of a server.
#include "query/expression/collation.h"

#include <gtest/gtest.h>

#include "bson/ejson.h"

#include "query/expression/testing.h"

namespace septet::query {
namespace {

StatusOr<std::shared_ptr<const Collation>> Parse(std::string_view json) {
  const StatusOr<std::string> bytes = bson::FromJson(json);
  return ParseCollation(DocView(*bytes));
}

std::string ErrorText(std::string_view json) {
  const auto parsed = Parse(json);
  return parsed.ok() ? "no error"
                     : std::to_string(static_cast<int>(CodeOf(parsed.status()))) + ": " +
                           std::string(TextOf(parsed.status()));
}

int Sign(int n) {
  return n < 0 ? -1 : (n > 0 ? 1 : 0);
}

TEST(Collation, Strengths) {
  const auto primary = *Parse(R"({"locale": "en", "strength": 1})");
  const auto secondary = *Parse(R"({"locale": "en", "strength": 2})");
  const auto tertiary = *Parse(R"({"locale": "en"})");
  EXPECT_EQ(primary->Compare("cafe", "CAFÉ"), 0);
  EXPECT_EQ(secondary->Compare("cafe", "CAFE"), 0);
  EXPECT_NE(secondary->Compare("cafe", "café"), 0);
  EXPECT_NE(tertiary->Compare("cafe", "CAFE"), 0);
}

TEST(Collation, SortKeysOrderLikeCompare) {
  const auto collation = *Parse(R"({"locale": "sv"})");
  const std::string_view words[] = {"",
                                    "a",
                                    "A",
                                    "b",
                                    "z",
                                    "å",
                                    "ä",
                                    "ö",
                                    "aa",
                                    "zz",
                                    "a much longer text that needs a key on the heap, really: "
                                    "a much longer text that needs a key on the heap, really"};
  for (const std::string_view a : words) {
    for (const std::string_view b : words) {
      EXPECT_EQ(Sign(collation->Compare(a, b)),
                Sign(collation->SortKey(a).compare(collation->SortKey(b))))
          << a << " " << b;
    }
  }
  EXPECT_LT(collation->Compare("z", "å"), 0);
  EXPECT_LT(collation->Compare("å", "ä"), 0);
}

TEST(Collation, Options) {
  EXPECT_LT((*Parse(R"({"locale": "en", "numericOrdering": true})"))->Compare("9", "10"), 0);
  EXPECT_LT((*Parse(R"({"locale": "en", "caseFirst": "upper"})"))->Compare("A", "a"), 0);
  EXPECT_EQ((*Parse(R"({"locale": "en", "alternate": "shifted"})"))->Compare("a b", "ab"), 0);
  EXPECT_EQ(*Parse(R"({"locale": "simple"})"), nullptr);
  EXPECT_EQ(*Parse("{}"), nullptr);
}

TEST(Collation, FullSpec) {
  const auto collation = *Parse(R"({"strength": 2, "locale": "en"})");
  EXPECT_EQ(bson::ToRelaxedJson(DocView(collation->spec())),
            R"({"locale":"en","caseLevel":false,"caseFirst":"off","strength":2,)"
            R"("numericOrdering":false,"alternate":"non-ignorable","maxVariable":"punct",)"
            R"("normalization":false,"backwards":false,"version":"57.1"})");
}

TEST(Collation, Errors) {
  EXPECT_EQ(ErrorText(R"({"locale": "zz"})"),
            R"(2: Field 'locale' is invalid in: { locale: "zz" })");
  EXPECT_EQ(ErrorText(R"({"locale": "xx_nope"})"),
            R"(2: Field 'locale' is invalid in: { locale: "xx_nope" })");
  EXPECT_EQ(ErrorText(R"({"locale": "en", "strength": 9})"),
            "9: Field 'strength' must be an integer 1 through 5. Got: 9");
  EXPECT_EQ(ErrorText(R"({"strength": 1})"), "4: Missing expected field \"locale\"");
  EXPECT_EQ(ErrorText(R"({"locale": "en", "caseFirst": "x"})"),
            "9: Field 'caseFirst' must be 'upper', 'lower', or 'off'. Got: x");
  EXPECT_EQ(ErrorText(R"({"locale": "en", "alternate": "x"})"),
            "9: Field 'alternate' must be 'non-ignorable' or 'shifted'. Got: x");
}

TEST(Collation, ExpressionsUseIt) {
  const auto collation = *Parse(R"({"locale": "en", "strength": 2})");
  EXPECT_EQ(testing::Eval(R"({"$eq": ["$a", "ABC"]})", R"({"a": "abc"})", collation.get()), "true");
  EXPECT_EQ(testing::Eval(R"({"$in": ["$a", ["ABC"]]})", R"({"a": "abc"})", collation.get()),
            "true");
}

}  // namespace
}  // namespace septet::query
