// SPDX-License-Identifier: Apache-2.0
#include "bson/validate.h"

#include "base/random.h"
#include "bson/builder.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

using std::string_literals::operator""s;

std::string Everything() {
  const std::string sub = MakeDoc("x", 1, "y", "text");
  DocBuilder b;
  b.Append("d", 1.5).Append("i", 7).Append("l", int64_t{1}).Append("t", true).Append("s", "str");
  b.Append("o", ObjectId{}).Append("ts", Timestamp{5, 6}).Append("dec", Decimal128{});
  b.Append("bin", BinData{0, "abc"}).Append("re", Regex{"a", "i"}).AppendDate("w", 1).AppendNull("z");
  b.AppendMinKey("lo").AppendMaxKey("hi").AppendCode("js", "f").AppendSymbol("sy", "q");
  b.Append("sub", DocView(sub)).AppendArray("arr", DocView()).AppendUndefined("u");
  const std::string scoped = "\x17\x00\x00\x00\x02\x00\x00\x00z\x00\x0c\x00\x00\x00\x10x\x00\x01\x00\x00\x00\x00"s;
  std::string code = scoped;
  code[0] = static_cast<char>(code.size());
  b.Append("cws", ValueView(Type::kCodeWScope, code.data()));
  const std::string pointer = "\x02\x00\x00\x00n\x00" "123456789012"s;
  b.Append("ptr", ValueView(Type::kDBPointer, pointer.data()));
  return b.Finish();
}

TEST(Validate, AcceptsEveryType) {
  const std::string bytes = Everything();
  EXPECT_TRUE(Validate(bytes).ok()) << Validate(bytes);
  EXPECT_EQ(*ValidatePrefix(bytes + "tail"), static_cast<int32_t>(bytes.size()));
  EXPECT_EQ(CodeOf(Validate(bytes + "tail")), ErrorCode::kInvalidBSON);
}

TEST(Validate, RejectsEveryCut) {
  const std::string bytes = Everything();
  for (size_t n = 0; n < bytes.size(); ++n) {
    // A copy of that exact size, so that a sanitizer sees reads behind the end.
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
    EXPECT_FALSE(Validate({cut.data(), n}).ok()) << n;
  }
}

// Whatever passes can be walked to the end within its bytes.
TEST(Validate, SurvivesRandomDamage) {
  Random random(17);
  const std::string bytes = Everything();
  for (int round = 0; round < 20000; ++round) {
    std::vector<char> damaged(bytes.begin(), bytes.end());
    for (uint64_t k = random.Uniform(3) + 1; k > 0; --k) {
      damaged[random.Uniform(damaged.size())] = static_cast<char>(random.Next());
    }
    const std::string_view view(damaged.data(), damaged.size());
    if (Validate(view).ok()) {
      DocBuilder copy;
      for (const ElementView e : DocView(view)) {
        copy.Append(e);
      }
      EXPECT_EQ(copy.Finish(), view);
    }
  }
}

TEST(Validate, Rejects) {
  const auto code = [](std::string_view s) { return CodeOf(Validate(s)); };
  EXPECT_EQ(code("\x05\x00\x00\x00\x01"s), ErrorCode::kInvalidBSON);
  EXPECT_EQ(code("\x09\x00\x00\x00\x08" "a\x00\x02\x00"s), ErrorCode::kInvalidBSON);  // bool 2
  EXPECT_EQ(code("\x08\x00\x00\x00\x20" "a\x00\x00"s), ErrorCode::kInvalidBSON);      // type 32
  EXPECT_EQ(code("\x07\x00\x00\x00\x0a" "a\x00"s), ErrorCode::kInvalidBSON);  // terminator is the name's
  EXPECT_EQ(code(""), ErrorCode::kInvalidBSON);
}

TEST(Validate, LimitsDepth) {
  for (const int depth : {199, 200}) {
    DocBuilder b;
    for (int i = 0; i < depth; ++i) {
      b.OpenObject("a");
    }
    EXPECT_EQ(CodeOf(Validate(b.Finish())), depth == 199 ? ErrorCode::kOK : ErrorCode::kOverflow);
  }
}

TEST(Validate, ChecksUtf8AndArrayNamesOnRequest) {
  const std::string bad = MakeDoc("a", "\xff");
  EXPECT_TRUE(Validate(bad).ok());  // S05-113
  EXPECT_FALSE(Validate(bad, {.check_utf8 = true}).ok());
  DocBuilder b;
  { auto a = b.Array("a"); b.Append("1", 1); }
  const std::string names = b.Finish();
  EXPECT_TRUE(Validate(names).ok());
  EXPECT_FALSE(Validate(names, {.check_array_names = true}).ok());
}

// The cases of Table 3-7 in the Unicode standard.
TEST(Validate, Utf8) {
  for (const char* good : {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                           "a long text of more than sixteen bytes, then \xc3\xa9 and more bytes"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
                          "sixteen bytes here and then \xe2\x82"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace septet::bson
