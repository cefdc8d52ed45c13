// SPDX-License-Identifier: Apache-2.0
#include "bson/compare.h"

#include <algorithm>
#include <vector>

#include "bson/testing/random_bson.h"
#include "bson/validate.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

using std::string_literals::operator""s;

Decimal128 D(std::string_view text) { return DecimalFromString(text).value(); }

// S05-001 to S05-015: one value of each class, low to high, with neighbours inside a class.
TEST(Compare, CanonicalOrder) {
  DocBuilder b;
  const auto n = [&b] { return std::to_string(b.size_bytes()); };
  b.AppendMinKey(n()).AppendUndefined(n()).AppendNull(n());
  b.Append(n(), __builtin_nan("")).Append(n(), D("-Infinity")).Append(n(), D("-1E+6144"));
  b.Append(n(), -1e300).Append(n(), INT64_MIN).Append(n(), -1).Append(n(), D("-0.1"));
  b.Append(n(), 0).Append(n(), D("1E-6176")).Append(n(), 5e-324).Append(n(), D("0.1"));
  b.Append(n(), 0.1).Append(n(), 1).Append(n(), 9007199254740992.0);
  b.Append(n(), int64_t{9007199254740993}).Append(n(), D("9007199254740993.5"));
  b.Append(n(), D("9223372036854775806.9")).Append(n(), INT64_MAX).Append(n(), 0x1p63);
  b.Append(n(), std::numeric_limits<double>::max()).Append(n(), D("1E+309")).Append(n(), HUGE_VAL);
  b.Append(n(), "").Append(n(), "\0"s).AppendSymbol(n(), "a").Append(n(), "ab").Append(n(), "\xff");
  b.Append(n(), DocView());
  const std::string a1 = MakeDoc("a", 1);
  const std::string a2 = MakeDoc("a", 1, "b", 1);
  const std::string b1 = MakeDoc("b", 1);
  const std::string as = MakeDoc("a", "x");
  b.Append(n(), DocView(a1)).Append(n(), DocView(a2)).Append(n(), DocView(b1)).Append(n(), DocView(as));
  b.AppendArray(n(), DocView()).AppendArray(n(), DocView(a1)).AppendArray(n(), DocView(as));
  b.Append(n(), BinData{5, ""}).Append(n(), BinData{0, "z"}).Append(n(), BinData{5, "a"});
  b.Append(n(), BinData{0, "aa"}).Append(n(), ObjectId{}).Append(n(), ObjectId{{1}});
  b.Append(n(), false).Append(n(), true).AppendDate(n(), -1).AppendDate(n(), 0).AppendDate(n(), 1);
  b.Append(n(), Timestamp{0, 1}).Append(n(), Timestamp{1, 0}).Append(n(), Timestamp{~0U, 0});
  b.Append(n(), Regex{"a", ""}).Append(n(), Regex{"a", "i"}).Append(n(), Regex{"b", ""});
  b.AppendDBPointer(n(), "z", ObjectId{}).AppendDBPointer(n(), "aa", ObjectId{});
  b.AppendCode(n(), "a").AppendCode(n(), "b").AppendCodeWScope(n(), "a", DocView());
  b.AppendCodeWScope(n(), "a", DocView(a1)).AppendMaxKey(n());
  const std::string bytes = b.Finish();
  ASSERT_TRUE(Validate(bytes).ok());
  std::vector<ElementView> all;
  for (const ElementView e : DocView(bytes)) {
    all.push_back(e);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < all.size(); ++j) {
      EXPECT_EQ(Compare(all[i].value(), all[j].value()), i < j ? -1 : i > j ? 1 : 0)
          << i << ' ' << j << ' ' << all[i].name() << ' ' << all[j].name();
    }
  }
}

// S05-016, S05-018.
TEST(Compare, EqualNumbersHashAlike) {
  DocBuilder b;
  b.Append("a", 1).Append("b", 1.0).Append("c", int64_t{1}).Append("d", D("1")).Append("e", D("1.00"));
  const std::string ones = b.Finish();
  b.Append("a", 0).Append("b", -0.0).Append("c", D("-0E+3")).Append("d", D("0.000"));
  const std::string zeros = b.Finish();
  b.Append("a", __builtin_nan("")).Append("b", D("NaN")).Append("c", -__builtin_nan("1"));
  const std::string nans = b.Finish();
  b.Append("a", int64_t{9007199254740993}).Append("b", D("9007199254740993.0"));
  const std::string big = b.Finish();
  b.Append("a", HUGE_VAL).Append("b", D("Infinity"));
  const std::string infinities = b.Finish();
  for (const std::string& group : {ones, zeros, nans, big, infinities}) {
    const DocView d(group);
    for (const ElementView e : d) {
      EXPECT_EQ(Compare(d["a"], e.value()), 0) << e.name();
      EXPECT_EQ(Hash(d["a"]), Hash(e.value())) << e.name();
    }
  }
  EXPECT_EQ(Compare(DocView(ones)["b"], DocView(ones)["d"]), 0);
  EXPECT_FALSE(Identical(DocView(ones)["a"], DocView(ones)["b"]));
  EXPECT_TRUE(Identical(DocView(ones)["d"], DocView(ones)["d"]));
}

TEST(Compare, MissingIsLikeUndefined) {
  DocBuilder b;
  b.AppendUndefined("u").AppendNull("n").AppendMinKey("m");
  const std::string bytes = b.Finish();
  const DocView d(bytes);
  EXPECT_EQ(Compare(ValueView(), d["u"]), 0);
  EXPECT_EQ(Hash(ValueView()), Hash(d["u"]));
  EXPECT_EQ(Compare(ValueView(), d["n"]), -1);
  EXPECT_EQ(Compare(ValueView(), d["m"]), 1);
}

TEST(Compare, NamesCountInDocumentsOnly) {
  const std::string a = MakeDoc("x", 1, "y", 2);
  const std::string b = MakeDoc("y", 1, "x", 2);
  EXPECT_EQ(Compare(DocView(a), DocView(b)), -1);
  EXPECT_EQ(CompareIgnoringNames(DocView(a), DocView(b)), 0);
}

class LastByteFirst : public StringComparator {
 public:
  int Compare(std::string_view a, std::string_view b) const override {
    return SortKey(a).compare(SortKey(b));
  }
  std::string SortKey(std::string_view s) const override { return {s.rbegin(), s.rend()}; }
};

TEST(Compare, UsesTheCollatorInside) {
  const LastByteFirst collator;
  const std::string a = MakeDoc("x", "az");
  const std::string b = MakeDoc("x", "ba");
  EXPECT_EQ(Compare(DocView(a), DocView(b)), -1);
  EXPECT_EQ(Compare(DocView(a), DocView(b), &collator), 1);
  EXPECT_NE(Hash(DocView(a)["x"]), Hash(DocView(a)["x"], &collator));
}

// All digits of a number: sign, then 400 before and 1200 after the point.
std::string Expanded(double d) {
  char text[1700];
  const int n = std::snprintf(text, sizeof(text), "%1601.1200f", std::fabs(d));
  std::string digits(text, static_cast<size_t>(n));
  std::replace(digits.begin(), digits.end(), ' ', '0');
  digits.erase(digits.find('.'), 1);
  return (std::signbit(d) ? '-' : '+') + digits;
}
std::string Expanded(Decimal128 d) {
  const DecimalParts parts = SplitDecimal(d);
  std::string digits(1600, '0');
  unsigned __int128 c = parts.coefficient;
  for (int at = 399 - parts.exponent; c != 0; --at, c /= 10) {
    digits[static_cast<size_t>(at)] = static_cast<char>('0' + static_cast<int>(c % 10));
  }
  return (parts.negative ? '-' : '+') + digits;
}

// S05-017, against an exact comparison that shares nothing with the product's.
TEST(Compare, DecimalsAndDoublesCompareByAllTheirDigits) {
  Random random(11);
  for (int i = 0; i < 4000; ++i) {
    unsigned __int128 c = random.Next();
    c = ((c << 49) | (random.Next() >> 15)) % PowerOfTen(static_cast<int>(random.Uniform(34)) + 1) + 1;
    const auto exponent = static_cast<int>(random.OneIn(0.3) ? random.Between(-360, 290)
                                                             : random.Between(-45, 5));
    const Decimal128 decimal = JoinDecimal({random.OneIn(0.5), exponent, c % PowerOfTen(34)});
    const double near = DecimalToDouble(decimal);
    for (const double d : {near, std::nextafter(near, HUGE_VAL), std::nextafter(near, -HUGE_VAL), -near}) {
      if (!std::isfinite(d) || d == 0 || DecimalIsZero(decimal)) {
        continue;
      }
      const std::string a = Expanded(decimal);
      const std::string b = Expanded(d);
      int expected = a[0] != b[0] ? (a[0] == '-' ? -1 : 1)
                                  : a.compare(b) * (a[0] == '-' ? -1 : 1);
      expected = expected < 0 ? -1 : expected > 0 ? 1 : 0;
      DocBuilder doc;
      doc.Append("a", decimal).Append("b", d);
      const std::string bytes = doc.Finish();
      ASSERT_EQ(Compare(DocView(bytes)["a"], DocView(bytes)["b"]), expected) << a << '\n' << b;
      ASSERT_EQ(Compare(DocView(bytes)["b"], DocView(bytes)["a"]), -expected);
    }
  }
}

// The order is total: antisymmetric, transitive, and equality goes with the hash.
TEST(Compare, IsATotalOrder) {
  testing::RandomBson random(42);
  std::vector<std::string> docs;
  for (int i = 0; i < 400; ++i) {
    docs.push_back(random.One());
    ASSERT_TRUE(Validate(docs.back()).ok());
  }
  const auto value = [](const std::string& doc) { return DocView(doc).FirstElement().value(); };
  std::sort(docs.begin(), docs.end(), [&value](const std::string& a, const std::string& b) {
    return Compare(value(a), value(b)) < 0;
  });
  for (size_t i = 0; i < docs.size(); ++i) {
    for (size_t j = i; j < docs.size(); ++j) {
      const int c = Compare(value(docs[i]), value(docs[j]));
      EXPECT_LE(c, 0);
      EXPECT_EQ(c, -Compare(value(docs[j]), value(docs[i])));
      if (c == 0) {
        EXPECT_EQ(Hash(value(docs[i])), Hash(value(docs[j])));
      }
    }
  }
}

}  // namespace
}  // namespace septet::bson
