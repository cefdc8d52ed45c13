// SPDX-License-Identifier: Apache-2.0
#include "bson/number.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace septet::bson {
namespace {

constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Decimal128 D(std::string_view text) { return DecimalFromString(text).value(); }
std::string S(Decimal128 v) { return DecimalToString(v); }

// The library's calling convention: a wrong variant would lose the rounding mode or the flags.
TEST(Number, TheDecimalLibraryTakesRoundingAndFlags) {
  Arena arena;
  EXPECT_EQ(S(DecimalBinary(DecimalOp::kDivide, D("1"), D("3"))),
            "0.3333333333333333333333333333333333");
  EXPECT_EQ(S(DecimalBinary(DecimalOp::kDivide, D("2"), D("3"))),
            "0.6666666666666666666666666666666667");
  const NumberParts tenth = SplitNumber(arena.Decimal(D("0.1")));
  EXPECT_FALSE(tenth.exact);
  EXPECT_LT(tenth.toward_zero, 0.1);
  EXPECT_EQ(std::nextafter(tenth.toward_zero, 1.0), 0.1);
  EXPECT_EQ(DecimalToDouble(D("0.1")), 0.1);
  const NumberParts half = SplitNumber(arena.Decimal(D("-0.50")));
  EXPECT_TRUE(half.exact);
  EXPECT_EQ(half.toward_zero, -0.5);
  EXPECT_EQ(S(DecimalRoundPlace(D("2.5"), 0, false)), "2");
  EXPECT_EQ(S(DecimalRoundPlace(D("2.5"), 0, true)), "2");
  EXPECT_EQ(S(DecimalRoundPlace(D("-2.7"), 0, true)), "-2");
  EXPECT_EQ(S(DecimalRoundPlace(D("-2.7"), 0, false)), "-3");
}

TEST(Number, SplitsExactly) {
  Arena arena;
  const auto check = [](ValueView v, double d, bool exact) {
    const NumberParts parts = SplitNumber(v);
    EXPECT_EQ(parts.toward_zero, d);
    EXPECT_EQ(parts.exact, exact);
  };
  check(arena.Int64(9007199254740993), 9007199254740992.0, false);
  check(arena.Int64(-9007199254740993), -9007199254740992.0, false);
  check(arena.Int64(9007199254740995), 9007199254740994.0, false);  // nearest would be ...996
  check(arena.Int64(kMax64), 0x1.fffffffffffffp62, false);
  check(arena.Int64(kMin64), -0x1p63, true);
  check(arena.Int64(kMin64 + 1), -0x1.fffffffffffffp62, false);
  check(arena.Int64(int64_t{1} << 60), 0x1p60, true);
  check(arena.Decimal(D("9007199254740993")), 9007199254740992.0, false);
  check(arena.Decimal(D("1E+6144")), std::numeric_limits<double>::max(), false);
  check(arena.Decimal(D("1E-6176")), 0, false);
  check(arena.Decimal(D("-1E-400")), 0, false);
  check(arena.Decimal(D("Infinity")), kInf, true);
  check(arena.Decimal(D("4.9E-324")), 0, false);
  check(arena.Decimal(D("5E-324")), std::numeric_limits<double>::denorm_min(), false);
}

// S05-023.
TEST(Number, IntegersWiden) {
  Arena arena;
  const auto add = [&arena](ValueView a, ValueView b, Overflow o) { return Add(a, b, o, &arena); };
  EXPECT_EQ(add(arena.Int32(1), arena.Int32(2), Overflow::kFail)->type(), Type::kInt32);
  const ValueView wide = *add(arena.Int32(2147483647), arena.Int32(1), Overflow::kFail);
  EXPECT_EQ(wide.type(), Type::kInt64);
  EXPECT_EQ(wide.AsInt64(), 2147483648);
  EXPECT_EQ(add(arena.Int32(1), arena.Int64(2), Overflow::kFail)->type(), Type::kInt64);
  EXPECT_EQ(CodeOf(add(arena.Int64(kMax64), arena.Int32(1), Overflow::kFail).status()),
            ErrorCode::kBadValue);
  EXPECT_EQ(add(arena.Int64(kMax64), arena.Int32(1), Overflow::kToDouble)->AsDouble(), 0x1p63);
  EXPECT_EQ(Multiply(arena.Int64(kMin64), arena.Int32(-1), Overflow::kToDouble, &arena)->AsDouble(),
            0x1p63);
  EXPECT_EQ(Subtract(arena.Int64(kMin64), arena.Int32(1), Overflow::kToDouble, &arena)->AsDouble(),
            -0x1p63);
  EXPECT_EQ(add(arena.Int32(1), arena.Double(0.5), Overflow::kFail)->AsDouble(), 1.5);
}

// S05-024: a double enters decimal arithmetic with 15 digits.
TEST(Number, DoublesBecomeDecimals) {
  EXPECT_EQ(S(DecimalFromDouble(0.1)), "0.100000000000000");
  EXPECT_EQ(S(DecimalFromDouble(1)), "1.00000000000000");
  EXPECT_EQ(S(DecimalFromDouble(-1.5)), "-1.50000000000000");
  EXPECT_EQ(S(DecimalFromDouble(0.99999999999999999)), "1.00000000000000");
  EXPECT_EQ(S(DecimalFromDouble(0.9999999999999999)), "1.00000000000000");
  EXPECT_EQ(S(DecimalFromDouble(1e300)), "1.00000000000000E+300");
  EXPECT_EQ(S(DecimalFromDouble(0)), "0");
  EXPECT_EQ(S(DecimalFromDouble(kInf)), "Infinity");
  EXPECT_EQ(S(DecimalFromDouble(kNaN)), "NaN");
  EXPECT_EQ(S(DecimalFromDoubleExact(0.1)), "0.1000000000000000055511151231257827");
  Arena arena;
  EXPECT_EQ(S(Add(arena.Double(1.5), arena.Decimal(D("1")), Overflow::kFail, &arena)->AsDecimal()),
            "2.50000000000000");
}

TEST(Number, DecimalText) {
  for (const char* text : {"0", "-0", "1", "1.50", "0.001234", "0.000001", "1E-7", "1.234E+5", "0E+3",
                           "-0E-6", "9.999999999999999999999999999999999E+6144", "1E-6176", "NaN",
                           "Infinity", "-Infinity", "1234567890123456789012345678901234"}) {
    const std::string expected =
        std::string_view(text) == "-0E-6" ? "-0.000000" : text;
    EXPECT_EQ(S(D(text)), expected);
  }
  EXPECT_EQ(S(D("1E6144")), "1.000000000000000000000000000000000E+6144");
  EXPECT_EQ(S(D("+1e3")), "1E+3");
  EXPECT_EQ(S(D(".5")), "0.5");
  EXPECT_EQ(S(D("inf")), "Infinity");
  EXPECT_EQ(S(D("12345678901234567890123456789012345")), "1.234567890123456789012345678901234E+34");
  for (const char* text : {"", "x", "1x", "1e", "--1", "1 ", " 1", "e5", ".", "1.2.3", "Infinityx"}) {
    EXPECT_FALSE(DecimalFromString(text).has_value()) << text;
  }
}

TEST(Number, PartsJoinToTheSameDecimal) {
  for (const char* text : {"0", "-0E+3", "1.50", "9.999999999999999999999999999999999E+6144"}) {
    const Decimal128 v = D(text);
    const Decimal128 joined = JoinDecimal(SplitDecimal(v));
    EXPECT_EQ(joined.high, v.high);
    EXPECT_EQ(joined.low, v.low);
  }
  EXPECT_EQ(CountDigits(0), 0);
  for (int i = 0; i < 39; ++i) {
    EXPECT_EQ(CountDigits(PowerOfTen(i)), i + 1);
    EXPECT_EQ(CountDigits(PowerOfTen(i) - 1), i);
  }
}

TEST(Number, Integral) {
  Arena arena;
  EXPECT_EQ(ExactInt64(arena.Double(3)), 3);
  EXPECT_EQ(ExactInt64(arena.Double(3.5)), std::nullopt);
  EXPECT_EQ(ExactInt64(arena.Double(0x1p63)), std::nullopt);
  EXPECT_EQ(ExactInt64(arena.Double(-0x1p63)), kMin64);
  EXPECT_EQ(ExactInt64(arena.Double(kNaN)), std::nullopt);
  EXPECT_EQ(ExactInt64(arena.Decimal(D("3.00"))), 3);
  EXPECT_EQ(ExactInt64(arena.Decimal(D("3.01"))), std::nullopt);
  EXPECT_EQ(ExactInt64(arena.Decimal(D("1E+19"))), std::nullopt);
  EXPECT_EQ(ExactInt64(arena.String("3")), std::nullopt);
  EXPECT_EQ(ToInt64Clamped(arena.Double(-3.9)), -3);
  EXPECT_EQ(ToInt64Clamped(arena.Double(1e300)), kMax64);
  EXPECT_EQ(ToInt64Clamped(arena.Double(-kInf)), kMin64);
  EXPECT_EQ(ToInt64Clamped(arena.Double(kNaN)), 0);
  EXPECT_EQ(ToInt64Clamped(arena.Decimal(D("-3.9"))), -3);
  EXPECT_EQ(ToInt64Clamped(arena.Decimal(D("1E+30"))), kMax64);
  EXPECT_EQ(ToInt64Clamped(arena.Decimal(D("-Infinity"))), kMin64);
  EXPECT_EQ(ToInt64Clamped(arena.Decimal(D("NaN"))), 0);
  EXPECT_EQ(Sign(arena.Decimal(D("-0"))), 0);
  EXPECT_EQ(Sign(arena.Decimal(D("-5"))), -1);
  EXPECT_EQ(Sign(arena.Double(0.1)), 1);
}

// S05-025, S05-026.
TEST(Number, Sums) {
  Arena arena;
  const auto sum = [&arena](std::initializer_list<ValueView> items) {
    SumState s;
    for (const ValueView v : items) {
      s.Add(v);
    }
    return s.Result(&arena);
  };
  EXPECT_EQ(sum({}).type(), Type::kInt32);
  EXPECT_EQ(sum({}).AsInt32(), 0);
  EXPECT_EQ(sum({arena.Int32(1), arena.Int32(2)}).type(), Type::kInt32);
  EXPECT_EQ(sum({arena.Int32(2147483647), arena.Int32(1)}).AsInt64(), 2147483648);
  EXPECT_EQ(sum({arena.Int64(1), arena.Int32(2)}).type(), Type::kInt64);
  EXPECT_EQ(sum({arena.Int64(kMax64), arena.Int64(kMax64), arena.Int64(-kMax64)}).AsInt64(), kMax64);
  EXPECT_EQ(sum({arena.Int64(kMax64), arena.Int64(1)}).AsDouble(), 0x1p63);
  EXPECT_EQ(sum({arena.Double(1e100), arena.Double(1), arena.Double(-1e100)}).AsDouble(), 1);
  EXPECT_EQ(sum({arena.Double(kInf), arena.Double(1)}).AsDouble(), kInf);
  EXPECT_TRUE(std::isnan(sum({arena.Double(kInf), arena.Double(-kInf)}).AsDouble()));
  EXPECT_EQ(sum({arena.Double(1.7e308), arena.Double(1.7e308)}).AsDouble(), kInf);
  EXPECT_TRUE(std::signbit(sum({arena.Double(-0.0)}).AsDouble()));
  EXPECT_EQ(sum({arena.Double(0.1), arena.Int64(int64_t{1} << 62), arena.Int64(-(int64_t{1} << 62))})
                .AsDouble(),
            0.1);
  EXPECT_EQ(S(sum({arena.Int32(1), arena.Decimal(D("0.10"))}).AsDecimal()), "1.10");
  EXPECT_EQ(S(sum({arena.Int64(kMax64), arena.Int64(kMax64), arena.Decimal(D("0"))}).AsDecimal()),
            "18446744073709551614");
  double tenths = 0;
  SumState s;
  for (int i = 0; i < 10; ++i) {
    s.Add(arena.Double(0.1));
    tenths += 0.1;
  }
  EXPECT_EQ(s.Result(&arena).AsDouble(), 1.0);
  EXPECT_NE(tenths, 1.0);
  SumState a;
  a.Add(arena.Int32(1));
  a.Add(arena.Int32(2));
  EXPECT_EQ(a.Average(2, &arena).AsDouble(), 1.5);
  a.Add(arena.Decimal(D("3")));
  EXPECT_EQ(S(a.Average(3, &arena).AsDecimal()), "2");
}

TEST(Number, DecimalFunctions) {
  EXPECT_EQ(S(DecimalBinary(DecimalOp::kMod, D("-7"), D("3"))), "-1");
  EXPECT_EQ(S(DecimalBinary(DecimalOp::kMod, D("7.5"), D("2"))), "1.5");
  EXPECT_EQ(S(DecimalApply(DecimalUnary::kSqrt, D("4"))), "2");
  EXPECT_EQ(S(DecimalApply(DecimalUnary::kCeil, D("1.2"))), "2");
  EXPECT_EQ(S(DecimalApply(DecimalUnary::kFloor, D("-1.2"))), "-2");
  EXPECT_EQ(S(DecimalApply(DecimalUnary::kNegate, D("1.20"))), "-1.20");
  EXPECT_EQ(DecimalCompare(DecimalApply(DecimalUnary::kLog10, D("1000")), D("3")), 0);
  EXPECT_EQ(DecimalCompare(DecimalBinary(DecimalOp::kPow, D("2"), D("10")), D("1024")), 0);
  EXPECT_EQ(S(DecimalRoundPlace(D("1234.567"), 2, false)), "1234.57");
  EXPECT_EQ(S(DecimalRoundPlace(D("1234.567"), -2, false)), "1.2E+3");
  EXPECT_EQ(S(DecimalRoundPlace(D("1.5"), 4, false)), "1.5000");
}

}  // namespace
}  // namespace septet::bson
