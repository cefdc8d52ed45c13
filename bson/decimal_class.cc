// SPDX-License-Identifier: Apache-2.0
// The decimal128 predicates of number.h that need only the bits. BID layout of the high word: sign 1,
// exponent 14, coefficient 49 bits; 11 in the exponent's top bits is the form for coefficients that do
// not fit decimal128 (read as zero), 1111 there is infinity, 11111 NaN.
#include "bson/number.h"

namespace septet::bson {
namespace {
constexpr uint64_t kCoefficientMask = (1ULL << 49) - 1;
// 10^34 - 1, the largest coefficient.
constexpr uint64_t kMaxHigh = 0x1ed09bead87c0ULL;
constexpr uint64_t kMaxLow = 0x378d8e63ffffffffULL;
}  // namespace

bool DecimalIsNaN(Decimal128 v) { return ((v.high >> 58) & 0x1f) == 0x1f; }
bool DecimalIsInfinite(Decimal128 v) { return ((v.high >> 58) & 0x1f) == 0x1e; }
bool DecimalIsNegative(Decimal128 v) { return (v.high >> 63) != 0; }

bool DecimalIsZero(Decimal128 v) {
  if (((v.high >> 59) & 0xf) == 0xf) {
    return false;
  }
  if (((v.high >> 61) & 3) == 3) {
    return true;
  }
  const uint64_t high = v.high & kCoefficientMask;
  return (high == 0 && v.low == 0) || high > kMaxHigh || (high == kMaxHigh && v.low > kMaxLow);
}

}  // namespace septet::bson
