// SPDX-License-Identifier: Apache-2.0
// Bytes of ordered keys, version 1; see docs/FORMATS "Ordered keys". Internal to key.cc, key_decode.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bson/number.h"
#include "bson/view.h"

namespace septet::storage::key_format {

// First byte of a value. All lie in [0x08, 0xf0], so that neither they nor their complements meet
// kEnd or kAfterByte.
enum Class : uint8_t {
  kMinKeyClass = 0x08,
  kUndefinedClass = 0x10,
  kNullClass = 0x18,
  kNumberClass = 0x20,
  kStringClass = 0x30,
  kObjectClass = 0x38,
  kArrayClass = 0x40,
  kBinDataClass = 0x48,
  kObjectIdClass = 0x50,
  kBoolClass = 0x58,
  kDateClass = 0x60,
  kTimestampClass = 0x68,
  kRegexClass = 0x70,
  kDBPointerClass = 0x78,
  kCodeClass = 0x80,
  kCodeWScopeClass = 0x88,
  kMaxKeyClass = 0xf0,
};

inline constexpr char kEnd = 0;                          // ends objects and arrays
inline constexpr char kAfterByte = static_cast<char>(0xff);  // Discriminator::kAfter

// After the eight bytes of a number's double: is the number less than, equal to or greater than it?
// All but kExact are followed by the exponent and 34 digits of the number.
enum Exactness : uint8_t { kLess = 0, kExact = 1, kGreater = 2 };
inline constexpr int kDigits = 34;
inline constexpr int kExponentBias = 6209;  // of a 34-digit coefficient: -6209 ... 6111
inline constexpr size_t kDigitBytes = 17;   // exponent 2, coefficient 15

// What type bits say of a value. int32, string and arrays named "0", "1", ... need none.
enum TypeKind : uint8_t {
  kInt64Kind = 0,
  kDoubleKind = 1,
  kDecimalKind = 2,     // then the exponent, zigzag varint
  kSymbolKind = 3,
  kRawDoubleKind = 4,   // then 8 bytes: -0, unusual NaN
  kRawDecimalKind = 5,  // then 16 bytes: NaN, infinities, -0, unusual forms
  kArrayNamesKind = 6,  // then a varint length and the names, each ended by 0
};
inline constexpr int kKindBits = 3;

// The decimal of that value and exponent. Returns false if it does not fit. Used to write (is the
// result the value itself?) and to read.
bool RebuildDecimal(bson::DecimalParts value, int exponent, bson::Decimal128* out);

}  // namespace septet::storage::key_format
