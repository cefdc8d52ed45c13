// SPDX-License-Identifier: Apache-2.0
#include "storage/key.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "bson/number.h"
#include "storage/key_format.h"

namespace septet::storage {

using bson::DocView;
using bson::ElementView;
using bson::Type;
using bson::ValueView;

namespace key_format {

bool RebuildDecimal(bson::DecimalParts value, int exponent, bson::Decimal128* out) {
  while (value.coefficient != 0 && value.coefficient % 10 == 0) {
    value.coefficient /= 10;
    ++value.exponent;
  }
  if (exponent < -6176 || exponent > 6111) {
    return false;
  }
  const int zeros = value.coefficient == 0 ? 0 : value.exponent - exponent;
  if (zeros < 0 || bson::CountDigits(value.coefficient) + zeros > kDigits) {
    return false;
  }
  value.coefficient *= bson::PowerOfTen(zeros);
  value.exponent = exponent;
  *out = bson::JoinDecimal(value);
  return true;
}

}  // namespace key_format

namespace {

using namespace key_format;  // NOLINT(google-build-using-namespace): the format of this file

void AppendBigEndian32(std::string* out, uint32_t v) {
  v = __builtin_bswap32(v);
  out->append(reinterpret_cast<const char*>(&v), sizeof(v));
}
void AppendBigEndian64(std::string* out, uint64_t v) {
  v = __builtin_bswap64(v);
  out->append(reinterpret_cast<const char*>(&v), sizeof(v));
}
void AppendVarint(std::string* out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) {
    out->push_back(static_cast<char>(v | 0x80));
  }
  out->push_back(static_cast<char>(v));
}

uint64_t OrderedBits(double d) {
  if (std::isnan(d)) {
    return 0;
  }
  d += 0.0;  // -0 becomes 0
  uint64_t bits = 0;
  std::memcpy(&bits, &d, sizeof(bits));
  constexpr uint64_t kSign = 1ULL << 63;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

// Appends one value's bytes, ascending; notes what the bytes do not tell in type_bits.
class Encoder {
 public:
  Encoder(std::string* out, std::string* type_bits, uint32_t* plain_values,
          const bson::StringComparator* collator)
      : out_(out), type_bits_(type_bits), plain_values_(plain_values), collator_(collator) {}

  void Value(ValueView v) {
    out_->push_back(static_cast<char>(ClassOf(v.type())));
    Payload(v);
  }

 private:
  static uint8_t ClassOf(Type type) {
    static constexpr uint8_t kClasses[20] = {
        kNullClass,      kNumberClass,   kStringClass,   kObjectClass,    kArrayClass,
        kBinDataClass,   kUndefinedClass, kObjectIdClass, kBoolClass,     kDateClass,
        kNullClass,      kRegexClass,    kDBPointerClass, kCodeClass,     kStringClass,
        kCodeWScopeClass, kNumberClass,  kTimestampClass, kNumberClass,   kNumberClass};
    const auto number = static_cast<uint8_t>(type);
    if (number >= 20) {
      return type == Type::kMinKey ? kMinKeyClass : kMaxKeyClass;
    }
    return kClasses[number];
  }

  void Payload(ValueView v);
  void Number(ValueView v);
  void WholeNumber(double d);
  void Digits(bson::Decimal128 decimal);
  void NumberKind(ValueView v, const bson::NumberParts& parts);
  void DecimalKind(bson::Decimal128 v, const bson::NumberParts& parts);
  void Array(DocView array);
  void Fields(DocView doc);
  void BinData(bson::BinData v);
  void Escaped(std::string_view s);
  void Terminated(std::string_view s) { out_->append(s).push_back('\0'); }

  // Each value that may need type bits calls one of these once.
  void Plain() { ++*plain_values_; }
  void Note(TypeKind kind) {
    AppendVarint(type_bits_, (static_cast<uint64_t>(*plain_values_) << kKindBits) | kind);
    *plain_values_ = 0;
  }

  std::string* out_;
  std::string* type_bits_;
  uint32_t* plain_values_;
  const bson::StringComparator* collator_;
};

void Encoder::Escaped(std::string_view s) {
  for (size_t zero = s.find('\0'); zero != std::string_view::npos; zero = s.find('\0')) {
    out_->append(s.substr(0, zero + 1)).push_back(static_cast<char>(0xff));
    s.remove_prefix(zero + 1);
  }
  out_->append(s).append(2, '\0');
}

void Encoder::WholeNumber(double d) {
  char bytes[9];
  const uint64_t bits = __builtin_bswap64(OrderedBits(d));
  std::memcpy(bytes, &bits, sizeof(bits));
  bytes[8] = static_cast<char>(kExact);
  out_->append(bytes, sizeof(bytes));
}

// The value is coefficient * 10^exponent with a coefficient of exactly 34 digits.
void Encoder::Digits(bson::Decimal128 decimal) {
  bson::DecimalParts parts = bson::SplitDecimal(decimal);
  const int scale = kDigits - bson::CountDigits(parts.coefficient);
  parts.coefficient *= bson::PowerOfTen(scale);
  const int exponent = parts.exponent - scale + kExponentBias;
  const char flip = parts.negative ? static_cast<char>(0xff) : '\0';
  out_->push_back(static_cast<char>(static_cast<char>(exponent >> 8) ^ flip));
  out_->push_back(static_cast<char>(static_cast<char>(exponent) ^ flip));
  for (int shift = 112; shift >= 0; shift -= 8) {
    out_->push_back(static_cast<char>(static_cast<char>(parts.coefficient >> shift) ^ flip));
  }
}

void Encoder::DecimalKind(bson::Decimal128 v, const bson::NumberParts& parts) {
  if (!bson::DecimalIsNaN(v) && !bson::DecimalIsInfinite(v)) {
    // What a reader will have: the digits of the key, or the double.
    const bson::DecimalParts read = bson::SplitDecimal(
        parts.exact ? bson::DecimalFromDoubleExact(parts.toward_zero + 0.0) : v);
    const int exponent = bson::SplitDecimal(v).exponent;
    bson::Decimal128 rebuilt;
    if (RebuildDecimal(read, exponent, &rebuilt) && rebuilt.low == v.low &&
        rebuilt.high == v.high) {
      Note(kDecimalKind);
      AppendVarint(type_bits_, (static_cast<uint64_t>(exponent) << 1) ^
                                   static_cast<uint64_t>(exponent >> 31));
      return;
    }
  }
  Note(kRawDecimalKind);
  type_bits_->append(reinterpret_cast<const char*>(&v), sizeof(v));
}

void Encoder::NumberKind(ValueView v, const bson::NumberParts& parts) {
  switch (v.type()) {
    case Type::kInt32:
      return Plain();
    case Type::kInt64:
      return Note(kInt64Kind);
    case Type::kDouble: {
      const double d = v.AsDouble();
      const double usual = std::isnan(d) ? std::numeric_limits<double>::quiet_NaN() : d + 0.0;
      if (std::memcmp(&d, &usual, sizeof(d)) == 0) {
        return Note(kDoubleKind);
      }
      Note(kRawDoubleKind);
      type_bits_->append(v.raw());
      return;
    }
    default:
      return DecimalKind(v.AsDecimal(), parts);
  }
}

void Encoder::Number(ValueView v) {
  if (v.type() == Type::kInt32) {
    Plain();
    return WholeNumber(v.AsInt32());
  }
  if (bson::IsNaN(v)) {
    NumberKind(v, {});
    return WholeNumber(std::numeric_limits<double>::quiet_NaN());
  }
  const bson::NumberParts parts = bson::SplitNumber(v);
  NumberKind(v, parts);
  WholeNumber(parts.toward_zero);
  if (!parts.exact) {
    out_->back() =
        static_cast<char>(bson::DecimalIsNegative(parts.decimal) ? kLess : kGreater);
    Digits(parts.decimal);
  }
}

void Encoder::Array(DocView array) {
  uint32_t index = 0;
  std::string names;
  bool usual = true;
  for (const ElementView e : array) {
    char text[12];
    const auto r = std::to_chars(text, text + sizeof(text), index++);
    usual = usual && e.name() == std::string_view(text, static_cast<size_t>(r.ptr - text));
  }
  if (usual) {
    Plain();
  } else {
    for (const ElementView e : array) {
      names.append(e.name()).push_back('\0');
    }
    Note(kArrayNamesKind);
    AppendVarint(type_bits_, names.size());
    type_bits_->append(names);
  }
  for (const ElementView e : array) {
    Value(e.value());
  }
  out_->push_back(kEnd);
}

void Encoder::Fields(DocView doc) {
  for (const ElementView e : doc) {
    out_->push_back(static_cast<char>(ClassOf(e.type())));
    Terminated(e.name());
    Payload(e.value());
  }
  out_->push_back(kEnd);
}

void Encoder::BinData(bson::BinData v) {
  AppendBigEndian32(out_, static_cast<uint32_t>(v.bytes.size()));
  out_->push_back(static_cast<char>(v.subtype));
  out_->append(v.bytes);
}

void Encoder::Payload(ValueView v) {
  switch (v.type()) {
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
      return Number(v);
    case Type::kString:
      Plain();
      return Escaped(collator_ == nullptr ? v.AsString()
                                          : std::string_view(collator_->SortKey(v.AsString())));
    case Type::kSymbol:
      Note(kSymbolKind);
      return Escaped(collator_ == nullptr ? v.AsString()
                                          : std::string_view(collator_->SortKey(v.AsString())));
    case Type::kCode:
      return Escaped(v.AsString());
    case Type::kObject:
      return Fields(v.AsDoc());
    case Type::kArray:
      return Array(v.AsArray());
    case Type::kBinData:
      return BinData(v.AsBinData());
    case Type::kObjectId:
      out_->append(v.data(), sizeof(bson::ObjectId));
      return;
    case Type::kBool:
      out_->push_back(*v.data());
      return;
    case Type::kDate:
      return AppendBigEndian64(out_, static_cast<uint64_t>(v.AsDateMillis()) ^ (1ULL << 63));
    case Type::kTimestamp:
      return AppendBigEndian64(out_, v.AsTimestamp().AsU64());
    case Type::kRegex:
      Terminated(v.AsRegex().pattern);
      return Terminated(v.AsRegex().options);
    case Type::kDBPointer: {
      const ValueView::Pointer pointer = v.AsDBPointer();
      AppendBigEndian32(out_, static_cast<uint32_t>(pointer.ns.size()));
      out_->append(pointer.ns);
      out_->append(reinterpret_cast<const char*>(pointer.id.bytes), sizeof(pointer.id.bytes));
      return;
    }
    case Type::kCodeWScope: {
      const ValueView::CodeScope code = v.AsCodeWScope();
      Escaped(code.code);
      // A scope is compared without collation.
      return Encoder(out_, type_bits_, plain_values_, nullptr).Fields(code.scope);
    }
    default:
      return;  // types with one value
  }
}

}  // namespace

std::string IdentPrefix(Ident ident) {
  std::string key;
  AppendBigEndian32(&key, ident);
  return key;
}

std::string IdentPrefixEnd(Ident ident) {
  return ident == std::numeric_limits<Ident>::max() ? std::string(5, '\xff')
                                                    : IdentPrefix(ident + 1);
}

std::string RecordKey(Ident ident, RecordId rid) {
  std::string key = IdentPrefix(ident);
  AppendRecordId(&key, rid);
  return key;
}

RecordId RecordIdOfKey(std::string_view record_key) { return TrailingRecordId(record_key); }

RecordId TrailingRecordId(std::string_view key) {
  P_CHECK(key.size() >= sizeof(Ident) + sizeof(RecordId));
  const auto big_endian =
      bson::view_internal::Load<uint64_t>(key.data() + key.size() - sizeof(RecordId));
  return static_cast<RecordId>(__builtin_bswap64(big_endian));
}

void AppendRecordId(std::string* out, RecordId rid) {
  AppendBigEndian64(out, static_cast<uint64_t>(rid));
}

KeyBuilder::KeyBuilder(Ident ident, uint64_t descending) : descending_(descending) {
  AppendBigEndian32(&key_, ident);
}

void KeyBuilder::Reset(Ident ident) {
  key_.clear();
  type_bits_.clear();
  field_ = 0;
  plain_values_ = 0;
  AppendBigEndian32(&key_, ident);
}

void KeyBuilder::Append(ValueView v, const bson::StringComparator* collator) {
  const size_t from = key_.size();
  Encoder(&key_, &type_bits_, &plain_values_, collator).Value(v);
  if (((descending_ >> field_) & 1U) != 0) {
    for (size_t i = from; i < key_.size(); ++i) {
      key_[i] = static_cast<char>(~key_[i]);
    }
  }
  ++field_;
}

void KeyBuilder::Append(Discriminator d) {
  if (d == Discriminator::kAfter) {
    key_.push_back(kAfterByte);
  }
}

void KeyBuilder::AppendRecordId(RecordId rid) { storage::AppendRecordId(&key_, rid); }

}  // namespace septet::storage
