// SPDX-License-Identifier: Apache-2.0
// The decimal128 functions of number.h that need only the bits. BID layout of the high word: sign 1,
// exponent 14, coefficient 49 bits; 11 in the exponent's top bits is the form for coefficients that do
// not fit decimal128 (read as zero), 1111 there is infinity, 11111 NaN.
#include <array>

#include "base/check.h"
#include "bson/number.h"

namespace septet::bson {
namespace {
using U128 = unsigned __int128;

constexpr int kExponentBias = 6176;
constexpr uint64_t kCoefficientMask = (1ULL << 49) - 1;

constexpr std::array<U128, 39> MakePowers() {
  std::array<U128, 39> powers{};
  U128 power = 1;
  for (U128& p : powers) {
    p = power;
    power *= 10;
  }
  return powers;
}
constexpr std::array<U128, 39> kPowers = MakePowers();

U128 Coefficient(Decimal128 v) {
  if (((v.high >> 61) & 3) == 3) {
    return 0;
  }
  const U128 c = (static_cast<U128>(v.high & kCoefficientMask) << 64) | v.low;
  return c < kPowers[34] ? c : 0;
}
}  // namespace

bool DecimalIsNaN(Decimal128 v) { return ((v.high >> 58) & 0x1f) == 0x1f; }
bool DecimalIsInfinite(Decimal128 v) { return ((v.high >> 58) & 0x1f) == 0x1e; }
bool DecimalIsNegative(Decimal128 v) { return (v.high >> 63) != 0; }
bool DecimalIsZero(Decimal128 v) { return ((v.high >> 59) & 0xf) != 0xf && Coefficient(v) == 0; }

DecimalParts SplitDecimal(Decimal128 v) {
  const int shift = ((v.high >> 61) & 3) == 3 ? 47 : 49;
  const auto biased = static_cast<int>((v.high >> shift) & 0x3fff);
  return {DecimalIsNegative(v), biased - kExponentBias, Coefficient(v)};
}

Decimal128 JoinDecimal(const DecimalParts& parts) {
  P_CHECK(parts.coefficient < kPowers[34]);
  const auto biased = static_cast<uint64_t>(parts.exponent + kExponentBias);
  P_CHECK(biased < 12288);
  return {static_cast<uint64_t>(parts.coefficient),
          (parts.negative ? 1ULL << 63 : 0) | (biased << 49) |
              static_cast<uint64_t>(parts.coefficient >> 64)};
}

int CountDigits(U128 coefficient) {
  if (coefficient == 0) {
    return 0;
  }
  // log10(2) = 0.30103; the estimate is right or one too low.
  const auto high = static_cast<uint64_t>(coefficient >> 64);
  const int bits = high != 0 ? 128 - __builtin_clzll(high)
                             : 64 - __builtin_clzll(static_cast<uint64_t>(coefficient));
  const int digits = bits * 1233 / 4096;
  return digits < 39 && coefficient >= kPowers[static_cast<size_t>(digits)] ? digits + 1 : digits;
}

U128 PowerOfTen(int exponent) { return kPowers[static_cast<size_t>(exponent)]; }

}  // namespace septet::bson
