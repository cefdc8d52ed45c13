// SPDX-License-Identifier: Apache-2.0
#include "bson/path.h"

#include "bson/builder.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

TEST(Path, Splits) {
  const FieldPath p("a.b.10");
  ASSERT_EQ(p.size(), 3U);
  EXPECT_EQ(p.part(1), "b");
  EXPECT_EQ(p.back(), "10");
  const FieldPath copy = p;
  EXPECT_EQ(copy.part(0), "a");
  EXPECT_EQ(copy.part(0).data(), copy.text().data());
  EXPECT_TRUE(FieldPath("a").Covers(p));
  EXPECT_TRUE(p.Covers(p));
  EXPECT_FALSE(FieldPath("a.b.1").Covers(p));
  EXPECT_EQ(FieldPath("a..b").size(), 3U);
  EXPECT_EQ(FieldPath().size(), 0U);
  EXPECT_EQ(FieldPath(FieldPath()).size(), 0U);
}

TEST(Path, ArrayIndexes) {
  EXPECT_EQ(ArrayIndex("0"), 0);
  EXPECT_EQ(ArrayIndex("17"), 17);
  EXPECT_EQ(ArrayIndex("01"), -1);
  EXPECT_EQ(ArrayIndex(""), -1);
  EXPECT_EQ(ArrayIndex("1a"), -1);
  EXPECT_EQ(ArrayIndex("-1"), -1);
}

TEST(Path, FindFollowsObjectsOnly) {
  DocBuilder b;
  { auto a = b.Object("a"); b.Append("b", 5); }
  { auto c = b.Array("c"); b.Add(1); }
  const std::string bytes = b.Finish();
  const DocView d(bytes);
  EXPECT_EQ(FindPath(d, "a.b").AsInt32(), 5);
  EXPECT_EQ(FindPath(d, FieldPath("a.b")).AsInt32(), 5);
  EXPECT_TRUE(FindPath(d, "a.b.c").missing());
  EXPECT_TRUE(FindPath(d, FieldPath("a.x")).missing());
  EXPECT_TRUE(FindPath(d, "c.0").missing());
}

std::string Visited(DocView d, std::string_view path) {
  std::string out;
  VisitPath(d, FieldPath(path), 0, [&out](ValueView v) {
    out += v.missing() ? "- " : v.type() == Type::kInt32 ? std::to_string(v.AsInt32()) + " " : "o ";
    return false;
  });
  return out;
}

// S05-055, S05-056.
TEST(Path, VisitGoesThroughArrays) {
  DocBuilder b;
  {
    auto a = b.Array("a");
    { auto o = b.AddObject(); b.Append("b", 1).Append("0", 7); }
    b.Add(5);
    { auto o = b.AddObject(); b.Append("c", 2); }
  }
  const std::string bytes = b.Finish();
  const DocView d(bytes);
  EXPECT_EQ(Visited(d, "a.b"), "1 - ");
  EXPECT_EQ(Visited(d, "a.1"), "- 5 - ");
  EXPECT_EQ(Visited(d, "a.0"), "o 7 - ");
  EXPECT_EQ(Visited(d, "a"), "o ");
  EXPECT_EQ(Visited(d, "x.y"), "- ");
}

}  // namespace
}  // namespace septet::bson
