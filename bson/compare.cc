// SPDX-License-Identifier: Apache-2.0
#include "bson/compare.h"

#include <cmath>

#include "bson/number.h"

namespace septet::bson {
namespace {

int ThreeWay(int64_t a, int64_t b) { return a < b ? -1 : a > b ? 1 : 0; }
int ThreeWayUnsigned(uint64_t a, uint64_t b) { return a < b ? -1 : a > b ? 1 : 0; }
int ThreeWayDouble(double a, double b) { return a < b ? -1 : a > b ? 1 : 0; }

int CompareBytes(std::string_view a, std::string_view b) {
  const int c = a.compare(b);
  return c < 0 ? -1 : c > 0 ? 1 : 0;
}

int CompareInt64ToDouble(int64_t a, double b) {
  if (b >= 0x1p63) {
    return -1;
  }
  if (b < -0x1p63) {
    return 1;
  }
  const double whole = std::trunc(b);
  const int c = ThreeWay(a, static_cast<int64_t>(whole));
  return c != 0 ? c : ThreeWayDouble(whole, b);
}

int CompareParts(const NumberParts& a, const NumberParts& b) {
  if (a.toward_zero != b.toward_zero) {
    return ThreeWayDouble(a.toward_zero, b.toward_zero);
  }
  if (a.exact && b.exact) {
    return 0;
  }
  if (!a.exact && !b.exact) {
    return DecimalCompare(a.decimal, b.decimal);
  }
  // The inexact one is farther from zero than the double they share.
  const bool negative = DecimalIsNegative(a.exact ? b.decimal : a.decimal);
  return a.exact == negative ? 1 : -1;
}

int CompareNumbers(ValueView a, ValueView b) {
  const Type ta = a.type();
  const Type tb = b.type();
  if (ta == Type::kInt32 && tb == Type::kInt32) {
    return ThreeWay(a.AsInt32(), b.AsInt32());
  }
  if (IsNaN(a) || IsNaN(b)) {
    return static_cast<int>(IsNaN(b)) - static_cast<int>(IsNaN(a));
  }
  if (ta == Type::kDouble && tb == Type::kDouble) {
    return ThreeWayDouble(a.AsDouble(), b.AsDouble());
  }
  if (ta == Type::kDecimal128 || tb == Type::kDecimal128) {
    return ta == tb ? DecimalCompare(a.AsDecimal(), b.AsDecimal())
                    : CompareParts(SplitNumber(a), SplitNumber(b));
  }
  if (tb == Type::kDouble) {
    return CompareInt64ToDouble(ToInt64Clamped(a), b.AsDouble());
  }
  if (ta == Type::kDouble) {
    return -CompareInt64ToDouble(ToInt64Clamped(b), a.AsDouble());
  }
  return ThreeWay(ToInt64Clamped(a), ToInt64Clamped(b));
}

int CompareFields(DocView a, DocView b, bool with_names, const StringComparator* collator) {
  auto ia = a.begin();
  auto ib = b.begin();
  const auto ea = a.end();
  const auto eb = b.end();
  for (; ia != ea && ib != eb; ++ia, ++ib) {
    int c = CanonicalClass(ia->type()) - CanonicalClass(ib->type());
    if (c == 0 && with_names) {
      c = CompareBytes(ia->name(), ib->name());
    }
    if (c == 0) {
      c = Compare(ia->value(), ib->value(), collator);
    }
    if (c != 0) {
      return c < 0 ? -1 : 1;
    }
  }
  return static_cast<int>(ia != ea) - static_cast<int>(ib != eb);
}

int CompareBinData(BinData a, BinData b) {
  if (a.bytes.size() != b.bytes.size()) {
    return a.bytes.size() < b.bytes.size() ? -1 : 1;
  }
  return a.subtype != b.subtype ? ThreeWay(a.subtype, b.subtype) : CompareBytes(a.bytes, b.bytes);
}

int CompareRegex(Regex a, Regex b) {
  const int c = CompareBytes(a.pattern, b.pattern);
  return c != 0 ? c : CompareBytes(a.options, b.options);
}

int CompareCodeScope(const ValueView::CodeScope& a, const ValueView::CodeScope& b) {
  const int c = CompareBytes(a.code, b.code);
  return c != 0 ? c : CompareFields(a.scope, b.scope, true, nullptr);
}

int ComparePointer(const ValueView::Pointer& a, const ValueView::Pointer& b) {
  if (a.ns.size() != b.ns.size()) {
    return a.ns.size() < b.ns.size() ? -1 : 1;
  }
  const int c = CompareBytes(a.ns, b.ns);
  return c != 0 ? c : ThreeWay(std::memcmp(a.id.bytes, b.id.bytes, sizeof(a.id.bytes)), 0);
}

uint64_t Mix(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

constexpr uint64_t kHash1 = 0x9e3779b97f4a7c15ULL;
constexpr uint64_t kHash2 = 0xd6e8feb86659fd93ULL;

uint64_t HashWord(uint64_t word, uint64_t seed) { return Mix(word ^ kHash1, seed ^ kHash2); }

uint64_t HashDouble(double d, uint64_t seed) {
  uint64_t bits = 0;
  d += 0.0;  // -0 becomes 0
  std::memcpy(&bits, &d, sizeof(bits));
  return HashWord(bits, seed);
}

uint64_t HashNumber(ValueView v, uint64_t seed) {
  if (IsNaN(v)) {
    return HashWord(1, ~seed);
  }
  const NumberParts parts = SplitNumber(v);
  seed = HashDouble(parts.toward_zero, seed);
  if (parts.exact) {
    return seed;
  }
  // Equal decimals have one form without trailing zeros.
  DecimalParts decimal = SplitDecimal(parts.decimal);
  while (decimal.coefficient != 0 && decimal.coefficient % 10 == 0) {
    decimal.coefficient /= 10;
    ++decimal.exponent;
  }
  seed = HashWord(static_cast<uint64_t>(decimal.coefficient), seed);
  return HashWord(static_cast<uint64_t>(decimal.coefficient >> 64) ^
                      (static_cast<uint64_t>(decimal.exponent) << 52),
                  seed);
}

uint64_t HashDoc(DocView doc, bool with_names, const StringComparator* collator, uint64_t seed) {
  for (const ElementView e : doc) {
    if (with_names) {
      seed = HashBytes(e.name(), seed);
    }
    seed = Hash(e.value(), collator, seed);
  }
  return HashWord(kHash1, seed);
}

}  // namespace

int CanonicalClass(Type type) {
  // By wire number: missing, double, string, object, array, binData, undefined, objectId, bool, date,
  // null, regex, dbPointer, code, symbol, code with scope, int32, timestamp, int64, decimal.
  static constexpr int8_t kClasses[20] = {0, 10, 15, 20, 25, 30, 0,  35, 40, 45,
                                          5, 50, 55, 60, 15, 65, 10, 47, 10, 10};
  const auto number = static_cast<uint8_t>(type);
  return number < 20 ? kClasses[number] : type == Type::kMinKey ? -1 : 127;
}

int Compare(ValueView a, ValueView b, const StringComparator* collator) {
  const int class_a = CanonicalClass(a.type());
  const int class_b = CanonicalClass(b.type());
  if (class_a != class_b) {
    return class_a < class_b ? -1 : 1;
  }
  switch (a.type()) {
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
      return CompareNumbers(a, b);
    case Type::kString:
    case Type::kSymbol:
      return collator != nullptr ? ThreeWay(collator->Compare(a.AsString(), b.AsString()), 0)
                                 : CompareBytes(a.AsString(), b.AsString());
    case Type::kCode:
      return CompareBytes(a.AsString(), b.AsString());
    case Type::kObject:
      return CompareFields(a.AsDoc(), b.AsDoc(), true, collator);
    case Type::kArray:
      return CompareFields(a.AsArray(), b.AsArray(), false, collator);
    case Type::kBinData:
      return CompareBinData(a.AsBinData(), b.AsBinData());
    case Type::kObjectId:
      return ThreeWay(std::memcmp(a.data(), b.data(), sizeof(ObjectId)), 0);
    case Type::kBool:
      return static_cast<int>(a.AsBool()) - static_cast<int>(b.AsBool());
    case Type::kDate:
      return ThreeWay(a.AsDateMillis(), b.AsDateMillis());
    case Type::kTimestamp:
      return ThreeWayUnsigned(a.AsTimestamp().AsU64(), b.AsTimestamp().AsU64());
    case Type::kRegex:
      return CompareRegex(a.AsRegex(), b.AsRegex());
    case Type::kDBPointer:
      return ComparePointer(a.AsDBPointer(), b.AsDBPointer());
    case Type::kCodeWScope:
      return CompareCodeScope(a.AsCodeWScope(), b.AsCodeWScope());
    default:
      return 0;  // types with one value
  }
}

int Compare(DocView a, DocView b, const StringComparator* collator) {
  return CompareFields(a, b, true, collator);
}

int CompareIgnoringNames(DocView a, DocView b, const StringComparator* collator) {
  return CompareFields(a, b, false, collator);
}

bool Identical(ValueView a, ValueView b) {
  return a.type() == b.type() && (a.missing() || a.raw() == b.raw());
}

uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  using view_internal::Load;
  const char* p = bytes.data();
  size_t n = bytes.size();
  seed ^= Mix(n ^ kHash1, kHash2);
  if (n >= 32) {
    uint64_t other = seed ^ kHash1;  // two lanes, so that the multiplications overlap
    for (; n >= 32; n -= 32, p += 32) {
      seed = Mix(Load<uint64_t>(p) ^ kHash1, Load<uint64_t>(p + 8) ^ seed);
      other = Mix(Load<uint64_t>(p + 16) ^ kHash2, Load<uint64_t>(p + 24) ^ other);
    }
    seed ^= other;
  }
  for (; n >= 8; n -= 8, p += 8) {
    seed = HashWord(Load<uint64_t>(p), seed);
  }
  if (n > 0) {
    uint64_t tail = 0;
    std::memcpy(&tail, p, n);
    seed = HashWord(tail, seed);
  }
  return Mix(seed ^ kHash2, kHash1);
}

uint64_t Hash(ValueView v, const StringComparator* collator, uint64_t seed) {
  seed = HashWord(static_cast<uint64_t>(CanonicalClass(v.type())), seed);
  switch (v.type()) {
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
      return HashNumber(v, seed);
    case Type::kString:
    case Type::kSymbol:
      return HashBytes(collator != nullptr ? std::string_view(collator->SortKey(v.AsString()))
                                           : v.AsString(),
                       seed);
    case Type::kObject:
      return HashDoc(v.AsDoc(), true, collator, seed);
    case Type::kArray:
      return HashDoc(v.AsArray(), false, collator, seed);
    case Type::kCodeWScope:
      return HashDoc(v.AsCodeWScope().scope, true, nullptr,
                     HashBytes(v.AsCodeWScope().code, seed));
    case Type::kMissing:
    case Type::kUndefined:
      return seed;
    default:
      return HashBytes(v.raw(), seed);
  }
}

}  // namespace septet::bson
