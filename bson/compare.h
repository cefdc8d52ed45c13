// SPDX-License-Identifier: Apache-2.0
// The one order of all BSON values, and equality.
// Canonical classes, low to high: MinKey, (missing), undefined, null, numbers, symbol and string,
// object, array, BinData, ObjectId, bool, date, timestamp, regex, DBPointer, code, code with scope,
// MaxKey. Numbers compare by exact mathematical value across int32, int64, double and decimal128; NaN
// is equal to itself and less than every other number. Source: manual "BSON comparison order".
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "bson/view.h"

namespace septet::bson {

// Turns a string into bytes whose memcmp order is the collation's order; implemented over ICU higher
// up (query/expression/collator). Null collator = binary comparison.
class StringComparator {
 public:
  virtual ~StringComparator() = default;
  virtual int Compare(std::string_view a, std::string_view b) const = 0;
  virtual std::string SortKey(std::string_view s) const = 0;
};

// Canonical class of a type: equal classes are compared by value.
int CanonicalClass(Type type);

// <0, 0, >0. Missing sorts below everything but MinKey... (as undefined does).
int Compare(ValueView a, ValueView b, const StringComparator* collator = nullptr);
// Field by field: class, then name (if with_names), then value; the shorter is less.
int Compare(DocView a, DocView b, const StringComparator* collator = nullptr);
// As Compare() of documents without looking at field names (sort keys, index keys).
int CompareIgnoringNames(DocView a, DocView b, const StringComparator* collator = nullptr);
inline bool Equal(ValueView a, ValueView b, const StringComparator* collator = nullptr) {
  return Compare(a, b, collator) == 0;
}
// Same type and same bytes.
bool Identical(ValueView a, ValueView b);

// Equal values hash alike (1, 1.0, NumberLong(1), NumberDecimal("1.0")). Stable across processes.
uint64_t Hash(ValueView v, const StringComparator* collator = nullptr, uint64_t seed = 0);
uint64_t HashBytes(std::string_view bytes, uint64_t seed = 0);

}  // namespace septet::bson
