// SPDX-License-Identifier: Apache-2.0
#include "bson/builder.h"

#include "bson/validate.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

using std::string_literals::operator""s;

// Bytes from bsonspec.org, "Frequently asked questions".
TEST(Builder, WritesTheSpecsExamples) {
  EXPECT_EQ(MakeDoc("hello", "world"),
            "\x16\x00\x00\x00\x02hello\x00\x06\x00\x00\x00world\x00\x00"s);
  DocBuilder b;
  {
    auto a = b.Array("BSON");
    b.Add("awesome").Add(5.05).Add(1986);
  }
  EXPECT_EQ(b.Finish(),
            "\x31\x00\x00\x00\x04"
            "BSON\x00\x26\x00\x00\x00\x02\x30\x00\x08\x00\x00\x00"
            "awesome\x00\x01\x31\x00\x33\x33\x33\x33\x33\x33\x14\x40\x10\x32\x00\xc2\x07\x00\x00"
            "\x00\x00"s);
}

TEST(Builder, EmptyAndReuse) {
  DocBuilder b;
  EXPECT_EQ(b.Finish(), "\x05\x00\x00\x00\x00"s);
  b.Append("a", 1);
  EXPECT_EQ(b.Finish(), MakeDoc("a", 1));
  b.Append("b", 1);
  b.OpenObject("x");
  b.Reset();
  b.Append("c", 2);
  b.Seal();
  EXPECT_EQ(b.View().ToBytes(), MakeDoc("c", 2));
  b.Reset();
  EXPECT_EQ(b.Finish(), "\x05\x00\x00\x00\x00"s);
}

TEST(Builder, AppendsToAnOutsideBuffer) {
  std::string out = "head";
  DocBuilder b(&out);
  b.Append("n", 1);
  { auto sub = b.Object("cursor"); b.Append("id", int64_t{0}); }
  b.Finish();
  EXPECT_EQ(out.substr(0, 4), "head");
  EXPECT_TRUE(Validate(out.substr(4)).ok());
  EXPECT_EQ(b.View()["cursor"].AsDoc()["id"].AsInt64(), 0);
  EXPECT_EQ(b.size_bytes(), out.size() - 4);
}

TEST(Builder, EveryTypeReadsBack) {
  const std::string scope = MakeDoc("x", 1);
  DocBuilder b;
  b.Append("d", 1.5).Append("i", 7).Append("l", int64_t{1} << 40).Append("t", true);
  b.Append("s", "x\0y"s).Append("o", ObjectId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
  b.Append("ts", Timestamp{5, 6}).Append("dec", Decimal128{1, 0x3040000000000000ULL});
  b.Append("bin", BinData{4, "abc"}).Append("re", Regex{"^a", "i"}).AppendDate("when", -1);
  b.AppendNull("z").AppendUndefined("u").AppendMinKey("lo").AppendMaxKey("hi");
  b.AppendCode("js", "f()").AppendSymbol("sym", "q").Append("sub", DocView(scope));
  b.Append("gone", ValueView()).AppendAll(DocView(scope)).Append("", "");
  b.AppendArray("arr", DocView());
  const std::string bytes = b.Finish();
  ASSERT_TRUE(Validate(bytes).ok());
  const DocView d(bytes);
  EXPECT_EQ(d["d"].AsDouble(), 1.5);
  EXPECT_EQ(d["i"].AsInt32(), 7);
  EXPECT_EQ(d["l"].AsInt64(), int64_t{1} << 40);
  EXPECT_TRUE(d["t"].AsBool());
  EXPECT_EQ(d["s"].AsString(), "x\0y"s);
  EXPECT_EQ(d["o"].AsObjectId().ToHex(), "0102030405060708090a0b0c");
  EXPECT_EQ(d["ts"].AsTimestamp(), (Timestamp{5, 6}));
  EXPECT_EQ(d["bin"].AsBinData().subtype, 4);
  EXPECT_EQ(d["bin"].AsBinData().bytes, "abc");
  EXPECT_EQ(d["re"].AsRegex().pattern, "^a");
  EXPECT_EQ(d["re"].AsRegex().options, "i");
  EXPECT_EQ(d["when"].AsDateMillis(), -1);
  EXPECT_EQ(d["sub"].AsDoc()["x"].AsInt32(), 1);
  EXPECT_EQ(d["x"].AsInt32(), 1);
  EXPECT_EQ(d["hi"].type(), Type::kMaxKey);
  EXPECT_FALSE(d.Has("gone"));
  EXPECT_TRUE(d.Has(""));
  EXPECT_TRUE(d["arr"].AsArray().empty());
  EXPECT_EQ(d.CountFields(), 21);
  // A copy element by element is the same document.
  DocBuilder copy;
  for (const ElementView e : d) {
    copy.Append(e);
  }
  EXPECT_EQ(copy.Finish(), bytes);
}

TEST(Builder, NestsDeeperThanTheInlineLevels) {
  DocBuilder b;
  for (int i = 0; i < 50; ++i) {
    b.OpenArray(i == 0 ? std::string_view("a") : b.NextIndex());
    b.Add(i);
  }
  const std::string bytes = b.Finish();
  ASSERT_TRUE(Validate(bytes, {.check_array_names = true}).ok());
  DocView d = DocView(bytes)["a"].AsArray();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(d["0"].AsInt32(), i);
    if (i < 49) {
      d = d["1"].AsArray();
    }
  }
}

}  // namespace
}  // namespace septet::bson
