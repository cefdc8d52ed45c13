// SPDX-License-Identifier: Apache-2.0
#include "query/expression/regex.h"

#include <gtest/gtest.h>

namespace septet::query {
namespace {

bool Matches(std::string_view pattern, std::string_view flags, std::string_view subject) {
  auto regex = CompiledRegex::Compile(pattern, flags);
  EXPECT_TRUE(regex.ok()) << regex.status();
  return regex.ok() && (*regex)->Match(subject);
}

// S05-069, S05-070, S05-071: UTF always, the flags, ASCII \w.
TEST(CompiledRegexTest, S05_070_Flags) {
  EXPECT_TRUE(Matches("B", "i", "abc"));
  EXPECT_FALSE(Matches("B", "", "abc"));
  EXPECT_TRUE(Matches("^def", "m", "abc\ndef"));
  EXPECT_TRUE(Matches("c.d", "s", "abc\ndef"));
  EXPECT_TRUE(Matches("a b", "x", "xaby"));
  EXPECT_TRUE(Matches("b", "u", "abc"));
  EXPECT_TRUE(Matches("^.{3}$", "",
                      "a\xc3\xa9"
                      "b"));
  EXPECT_TRUE(Matches("\xc3\xa9", "i", "\xc3\x89"));
  EXPECT_TRUE(Matches("c$", "", "abc\n"));
}

TEST(CompiledRegexTest, Errors) {
  EXPECT_EQ(CodeOf(CompiledRegex::Compile("(", "").status()), static_cast<ErrorCode>(51091));
  EXPECT_EQ(CodeOf(CompiledRegex::Compile("a", "g").status()), static_cast<ErrorCode>(51108));
  EXPECT_EQ(CodeOf(CompiledRegex::Compile(std::string_view("a\0b", 3), "").status()),
            ErrorCode::kBadValue);
}

TEST(CompiledRegexTest, InvalidUtf8SubjectIsSafe) {
  EXPECT_TRUE(Matches("b", "",
                      "\xff\xfe"
                      "b"));
}

TEST(CompiledRegexTest, FindGivesGroups) {
  auto regex = CompiledRegex::Compile("(a)|(b)", "");
  ASSERT_TRUE(regex.ok());
  std::vector<CompiledRegex::Range> groups;
  EXPECT_EQ((*regex)->Find("xxb", 0, &groups), 1);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].begin, 2);
  EXPECT_EQ(groups[0].end, 3);
  EXPECT_EQ(groups[1].begin, -1);
  EXPECT_EQ(groups[2].begin, 2);
  EXPECT_EQ((*regex)->Find("xxb", 3, &groups), 0);
}

}  // namespace
}  // namespace septet::query
