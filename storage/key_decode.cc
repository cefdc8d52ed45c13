// SPDX-License-Identifier: Apache-2.0
// Ordered keys back to values. Every length is checked: keys come from disk.
#include <algorithm>
#include <limits>

#include "bson/number.h"
#include "storage/key.h"
#include "storage/key_format.h"

namespace septet::storage {

using bson::Decimal128;
using bson::DocBuilder;

namespace {

using namespace key_format;  // NOLINT(google-build-using-namespace): the format of this file

constexpr int kMaxDepth = 250;

// The bytes of one value, complemented if the field is descending. Reading beyond the end gives zeros
// and sets bad().
class Reader {
 public:
  Reader(std::string_view bytes, bool descending)
      : bytes_(bytes), flip_(descending ? static_cast<char>(0xff) : '\0') {}

  uint8_t Byte() {
    if (at_ == bytes_.size()) {
      bad_ = true;
      return 0;
    }
    return static_cast<uint8_t>(bytes_[at_++] ^ flip_);
  }
  std::string Take(size_t n) {
    if (n > bytes_.size() - at_) {
      bad_ = true;
      return {};
    }
    std::string out(bytes_.substr(at_, n));
    at_ += n;
    if (flip_ != '\0') {
      for (char& c : out) {
        c = static_cast<char>(~c);
      }
    }
    return out;
  }
  uint64_t BigEndian(int size) {
    uint64_t v = 0;
    for (int i = 0; i < size; ++i) {
      v = (v << 8) | Byte();
    }
    return v;
  }
  // Up to a zero byte.
  std::string Terminated() {
    std::string out;
    for (uint8_t c = Byte(); c != 0; c = Byte()) {
      out.push_back(static_cast<char>(c));
    }
    return out;
  }
  // Up to two zero bytes; 00 ff stands for 00.
  std::string Escaped() {
    std::string out;
    while (true) {
      const uint8_t c = Byte();
      if (c == 0) {
        const uint8_t next = Byte();
        if (next != 0xff) {
          bad_ = bad_ || next != 0;
          return out;
        }
      }
      out.push_back(static_cast<char>(c));
    }
  }
  bool bad() const { return bad_; }
  void SetBad() { bad_ = true; }
  size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  char flip_;
  size_t at_ = 0;
  bool bad_ = false;
};

// The type bits of a key, in the order of its values.
class TypeReader {
 public:
  explicit TypeReader(std::string_view bits) : bits_(bits) { Next(); }

  // What the next value needs, or nothing.
  bool Take(TypeKind* kind) {
    if (!has_entry_ || plain_left_ > 0) {
      plain_left_ -= has_entry_ ? 1 : 0;
      return false;
    }
    *kind = kind_;
    taken_ = true;
    return true;
  }
  // Call once the payload of a taken entry is read.
  void Done() {
    if (taken_) {
      taken_ = false;
      Next();
    }
  }
  uint64_t Varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bits_.empty()) {
        break;
      }
      const auto c = static_cast<uint8_t>(bits_.front());
      bits_.remove_prefix(1);
      v |= static_cast<uint64_t>(c & 0x7f) << shift;
      if (c < 0x80) {
        return v;
      }
    }
    bad_ = true;
    return 0;
  }
  std::string_view Bytes(uint64_t n) {
    if (n > bits_.size()) {
      bad_ = true;
      return {};
    }
    const std::string_view out = bits_.substr(0, n);
    bits_.remove_prefix(n);
    return out;
  }
  bool bad() const { return bad_; }

 private:
  void Next() {
    has_entry_ = !bits_.empty();
    if (has_entry_) {
      const uint64_t entry = Varint();
      plain_left_ = entry >> kKindBits;
      kind_ = static_cast<TypeKind>(entry & ((1U << kKindBits) - 1));
    }
  }

  std::string_view bits_;
  bool has_entry_ = false;
  bool taken_ = false;
  bool bad_ = false;
  uint64_t plain_left_ = 0;
  TypeKind kind_ = kInt64Kind;
};

double FromOrderedBits(uint64_t bits) {
  if (bits == 0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  constexpr uint64_t kSign = 1ULL << 63;
  bits = (bits & kSign) != 0 ? bits & ~kSign : ~bits;
  double d = 0;
  std::memcpy(&d, &bits, sizeof(d));
  return d;
}

class Decoder {
 public:
  Decoder(Reader* in, TypeReader* types, DocBuilder* out) : in_(in), types_(types), out_(out) {}

  void Value(std::string_view name) { Payload(in_->Byte(), name); }

 private:
  void Payload(uint8_t value_class, std::string_view name);
  void Constant(uint8_t value_class, std::string_view name);
  void Number(std::string_view name);
  void Integer(bool wide, double d, const bson::DecimalParts* digits, std::string_view name);
  void Decimal(double d, const bson::DecimalParts* digits, std::string_view name);
  void Text(std::string_view name);
  void Array(std::string_view name);
  void Fields();
  void Pointer(std::string_view name);
  void CodeWScope(std::string_view name);
  bool Bad() const { return in_->bad() || types_->bad(); }

  Reader* in_;
  TypeReader* types_;
  DocBuilder* out_;
  int depth_ = 0;
};

void Decoder::Integer(bool wide, double d, const bson::DecimalParts* digits,
                      std::string_view name) {
  int64_t n = 0;
  if (digits == nullptr) {
    if (!(d >= -0x1p63 && d < 0x1p63)) {
      return in_->SetBad();
    }
    n = static_cast<int64_t>(d);
  } else {
    if (digits->exponent > 0 || digits->exponent < -kDigits) {
      return in_->SetBad();
    }
    const auto magnitude = digits->coefficient / bson::PowerOfTen(-digits->exponent);
    n = static_cast<int64_t>(digits->negative ? 0 - static_cast<uint64_t>(magnitude)
                                              : static_cast<uint64_t>(magnitude));
  }
  if (wide) {
    out_->Append(name, n);
  } else {
    out_->Append(name, static_cast<int32_t>(n));
  }
}

void Decoder::Decimal(double d, const bson::DecimalParts* digits, std::string_view name) {
  const uint64_t zigzag = types_->Varint();
  const auto exponent =
      static_cast<int>(static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1));
  Decimal128 v;
  const bson::DecimalParts value =
      digits != nullptr ? *digits : bson::SplitDecimal(bson::DecimalFromDoubleExact(d));
  if (!RebuildDecimal(value, exponent, &v)) {
    return in_->SetBad();
  }
  out_->Append(name, v);
}

void Decoder::Number(std::string_view name) {
  const double d = FromOrderedBits(in_->BigEndian(8));
  const uint8_t exactness = in_->Byte();
  bson::DecimalParts parts{};
  const bson::DecimalParts* digits = nullptr;
  if (exactness != kExact) {
    parts.negative = exactness == kLess;
    const uint64_t flip = parts.negative ? ~0ULL : 0;
    parts.exponent = static_cast<int>((in_->BigEndian(2) ^ flip) & 0xffff) - kExponentBias;
    const uint64_t high = (in_->BigEndian(7) ^ flip) & 0xffffffffffffffULL;
    const uint64_t low = in_->BigEndian(8) ^ flip;
    parts.coefficient = (static_cast<unsigned __int128>(high) << 64) | low;
    digits = &parts;
  }
  TypeKind kind = kInt64Kind;
  if (!types_->Take(&kind)) {
    return Integer(false, d, digits, name);
  }
  switch (kind) {
    case kInt64Kind:
      Integer(true, d, digits, name);
      break;
    case kDoubleKind:
      out_->Append(name, d);
      break;
    case kDecimalKind:
      Decimal(d, digits, name);
      break;
    case kRawDoubleKind:
      if (const std::string_view raw = types_->Bytes(8); !raw.empty()) {
        out_->Append(name, bson::ValueView(bson::Type::kDouble, raw.data()));
      }
      break;
    case kRawDecimalKind:
      if (const std::string_view raw = types_->Bytes(16); !raw.empty()) {
        out_->Append(name, bson::ValueView(bson::Type::kDecimal128, raw.data()));
      }
      break;
    default:
      in_->SetBad();
  }
  types_->Done();
}

void Decoder::Text(std::string_view name) {
  const std::string text = in_->Escaped();
  TypeKind kind = kSymbolKind;
  if (types_->Take(&kind)) {
    types_->Done();
    if (kind != kSymbolKind) {
      return in_->SetBad();
    }
    out_->AppendSymbol(name, text);
  } else {
    out_->Append(name, text);
  }
}

void Decoder::Array(std::string_view name) {
  TypeKind kind = kArrayNamesKind;
  std::string_view names;
  const bool named = types_->Take(&kind);
  if (named) {
    if (kind != kArrayNamesKind) {
      return in_->SetBad();
    }
    names = types_->Bytes(types_->Varint());
    types_->Done();
  }
  out_->OpenArray(name);
  for (uint8_t c = in_->Byte(); c != static_cast<uint8_t>(kEnd) && !Bad(); c = in_->Byte()) {
    if (!named) {
      Payload(c, std::string(out_->NextIndex()));
      continue;
    }
    const size_t end = names.find('\0');
    if (end == std::string_view::npos) {
      in_->SetBad();
      break;
    }
    Payload(c, names.substr(0, end));
    names.remove_prefix(end + 1);
  }
  out_->Close();
}

void Decoder::Fields() {
  for (uint8_t c = in_->Byte(); c != static_cast<uint8_t>(kEnd) && !Bad(); c = in_->Byte()) {
    const std::string name = in_->Terminated();
    Payload(c, name);
  }
}

void Decoder::Pointer(std::string_view name) {
  const std::string ns = in_->Take(in_->BigEndian(4));
  const std::string id = in_->Take(sizeof(bson::ObjectId));
  if (!id.empty()) {
    out_->AppendDBPointer(name, ns, bson::view_internal::Load<bson::ObjectId>(id.data()));
  }
}

void Decoder::CodeWScope(std::string_view name) {
  const std::string code = in_->Escaped();
  DocBuilder* const outer = out_;
  DocBuilder scope;
  out_ = &scope;
  Fields();
  out_ = outer;
  const std::string bytes = scope.Finish();
  out_->AppendCodeWScope(name, code, bson::DocView(bytes));
}

void Decoder::Constant(uint8_t value_class, std::string_view name) {
  switch (value_class) {
    case kMinKeyClass:
      out_->AppendMinKey(name);
      return;
    case kMaxKeyClass:
      out_->AppendMaxKey(name);
      return;
    case kUndefinedClass:
      out_->AppendUndefined(name);
      return;
    case kNullClass:
      out_->AppendNull(name);
      return;
    default:
      in_->SetBad();
  }
}

void Decoder::Payload(uint8_t value_class, std::string_view name) {
  if (++depth_ > kMaxDepth) {
    in_->SetBad();
  }
  if (Bad()) {
    return;
  }
  switch (value_class) {
    case kNumberClass:
      Number(name);
      break;
    case kStringClass:
      Text(name);
      break;
    case kObjectClass:
      out_->OpenObject(name);
      Fields();
      out_->Close();
      break;
    case kArrayClass:
      Array(name);
      break;
    case kBinDataClass: {
      const uint64_t size = in_->BigEndian(4);
      const uint8_t subtype = in_->Byte();
      out_->Append(name, bson::BinData{subtype, in_->Take(size)});
      break;
    }
    case kObjectIdClass: {
      const std::string id = in_->Take(sizeof(bson::ObjectId));
      if (!id.empty()) {
        out_->Append(name, bson::ValueView(bson::Type::kObjectId, id.data()));
      }
      break;
    }
    case kBoolClass:
      out_->Append(name, in_->Byte() != 0);
      break;
    case kDateClass:
      out_->AppendDate(name, static_cast<int64_t>(in_->BigEndian(8) ^ (1ULL << 63)));
      break;
    case kTimestampClass:
      out_->Append(name, bson::Timestamp::FromU64(in_->BigEndian(8)));
      break;
    case kRegexClass: {
      const std::string pattern = in_->Terminated();
      out_->Append(name, bson::Regex{pattern, in_->Terminated()});
      break;
    }
    case kDBPointerClass:
      Pointer(name);
      break;
    case kCodeClass:
      out_->AppendCode(name, in_->Escaped());
      break;
    case kCodeWScopeClass:
      CodeWScope(name);
      break;
    default:
      Constant(value_class, name);
  }
  --depth_;
}

}  // namespace

Status DecodeKey(std::string_view key, std::string_view type_bits, int field_count,
                 uint64_t descending, bson::DocBuilder* out) {
  if (key.size() < sizeof(Ident)) {
    return Error(ErrorCode::kInternalError, "An ordered key is shorter than its ident");
  }
  key.remove_prefix(sizeof(Ident));
  TypeReader types(type_bits);
  for (int i = 0; i < field_count; ++i) {
    Reader in(key, ((descending >> i) & 1U) != 0);
    Decoder(&in, &types, out).Value("");
    if (in.bad() || types.bad()) {
      return Error(ErrorCode::kInternalError, "Malformed ordered key");
    }
    key.remove_prefix(in.at());
  }
  return OkStatus();
}

}  // namespace septet::storage
