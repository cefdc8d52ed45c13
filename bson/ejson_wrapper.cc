// SPDX-License-Identifier: Apache-2.0
#include "bson/ejson_wrapper.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/strings.h"
#include "bson/number.h"

namespace septet::bson {
namespace {

// The whole text as an integer.
template <typename T>
std::optional<T> IntegerFromText(std::string_view text, int base = 10) {
  T n{};
  if (text.starts_with('+')) {
    return std::nullopt;
  }
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (r.ec != std::errc() || r.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return n;
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const auto byte = IntegerFromText<uint8_t>(hex.substr(i, 2), 16);
    if (!byte.has_value()) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(*byte));
  }
  return out;
}

std::optional<std::string> FromBase64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string out;
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = i < text.size() - padding ? kDigits.find(text[i]) : 0;
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    group = (group << 6) | static_cast<uint32_t>(digit);
    if (i % 4 == 3) {
      StrAppend(&out, static_cast<char>(group >> 16), static_cast<char>(group >> 8),
                static_cast<char>(group));
    }
  }
  out.resize(out.size() - padding);
  return out;
}

// Reads digits and signs of a date from the front.
class DateText {
 public:
  explicit DateText(std::string_view text) : rest_(text) {}

  // YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM|+HHMM|-HHMM) as milliseconds.
  std::optional<int64_t> Parse() {
    const int year = Digits(4);
    Expect('-');
    const int month = Digits(2);
    Expect('-');
    const int day = Digits(2);
    Expect('T');
    const int hour = Digits(2);
    Expect(':');
    const int minute = Digits(2);
    Expect(':');
    const int second = Digits(2);
    const int millis = Fraction();
    const int offset_minutes = Offset();
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (bad_ || !rest_.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) {
      return std::nullopt;
    }
    const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return ((days * 24 + hour) * 60 + minute - offset_minutes) * 60'000 + second * 1000 + millis;
  }

 private:
  int Digits(size_t n) {
    const auto value = IntegerFromText<int>(rest_.substr(0, n));
    if (rest_.size() < n || !value.has_value() || rest_[0] == '-') {
      bad_ = true;
      return 0;
    }
    rest_.remove_prefix(n);
    return *value;
  }
  bool Take(char c) {
    if (!rest_.starts_with(c)) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) { bad_ = !Take(c) || bad_; }
  int Fraction() {
    if (!Take('.')) {
      return 0;
    }
    const size_t n = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    bad_ = bad_ || n == 0;
    int millis = 0;
    for (size_t i = 0; i < 3; ++i) {
      millis = millis * 10 + (i < n ? rest_[i] - '0' : 0);
    }
    rest_.remove_prefix(n);
    return millis;
  }
  int Offset() {
    if (Take('Z')) {
      return 0;
    }
    const bool negative = Take('-');
    if (!negative) {
      Expect('+');
    }
    const int hours = Digits(2);
    Take(':');
    const int minutes = hours * 60 + Digits(2);
    return negative ? -minutes : minutes;
  }

  std::string_view rest_;
  bool bad_ = false;
};

Status Bad(std::string_view key) {
  return Error(ErrorCode::kFailedToParse, StrCat("bad value of ", key));
}

// One wrapper under way.
struct Wrapper {
  DocView object;
  int fields;
  std::string_view key;  // the name that tells which wrapper this is
  ValueView value;       // its value
  std::string_view name;
  DocBuilder* b;
};

bool IsText(ValueView v) { return v.is_string(); }

std::optional<uint32_t> Unsigned32(ValueView v) {
  if (v.type() != Type::kInt32 && v.type() != Type::kInt64) {
    return std::nullopt;
  }
  const int64_t n = ToInt64Clamped(v);
  if (n < 0 || n > std::numeric_limits<uint32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(n);
}

bool Int32Wrapper(const Wrapper& w) {
  const auto n = IsText(w.value) ? IntegerFromText<int32_t>(w.value.AsString()) : std::nullopt;
  if (n.has_value()) {
    w.b->Append(w.name, *n);
  }
  return n.has_value();
}

bool Int64Wrapper(const Wrapper& w) {
  const auto n = IsText(w.value) ? IntegerFromText<int64_t>(w.value.AsString()) : std::nullopt;
  if (n.has_value()) {
    w.b->Append(w.name, *n);
  }
  return n.has_value();
}

bool DoubleWrapper(const Wrapper& w) {
  const auto d = IsText(w.value) ? DoubleFromText(w.value.AsString()) : std::nullopt;
  if (d.has_value()) {
    w.b->Append(w.name, *d);
  }
  return d.has_value();
}

bool DecimalWrapper(const Wrapper& w) {
  const auto d = IsText(w.value) ? DecimalFromString(w.value.AsString()) : std::nullopt;
  if (d.has_value()) {
    w.b->Append(w.name, *d);
  }
  return d.has_value();
}

std::optional<ObjectId> ObjectIdOf(ValueView v) {
  const auto bytes = IsText(v) ? FromHex(v.AsString()) : std::nullopt;
  if (!bytes.has_value() || bytes->size() != sizeof(ObjectId)) {
    return std::nullopt;
  }
  ObjectId id;
  std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(id.bytes));
  return id;
}

bool ObjectIdWrapper(const Wrapper& w) {
  const auto id = ObjectIdOf(w.value);
  if (id.has_value()) {
    w.b->Append(w.name, *id);
  }
  return id.has_value();
}

bool DateWrapper(const Wrapper& w) {
  std::optional<int64_t> millis;
  if (w.value.type() == Type::kInt64) {
    millis = w.value.AsInt64();
  } else if (IsText(w.value)) {
    millis = DateText(w.value.AsString()).Parse();
  }
  if (millis.has_value()) {
    w.b->AppendDate(w.name, *millis);
  }
  return millis.has_value();
}

bool AppendBinary(const Wrapper& w, ValueView base64, ValueView subtype_text) {
  if (!IsText(base64) || !IsText(subtype_text) || subtype_text.AsString().size() > 2) {
    return false;
  }
  auto bytes = FromBase64(base64.AsString());
  const auto subtype = IntegerFromText<uint8_t>(subtype_text.AsString(), 16);
  if (!bytes.has_value() || !subtype.has_value()) {
    return false;
  }
  constexpr uint8_t kOldBinary = 2;  // has its length inside once more
  if (*subtype == kOldBinary) {
    const auto size = static_cast<int32_t>(bytes->size());
    bytes->insert(0, reinterpret_cast<const char*>(&size), sizeof(size));
  }
  w.b->Append(w.name, BinData{*subtype, *bytes});
  return true;
}

bool BinaryWrapper(const Wrapper& w) {
  if (w.fields == 2) {
    return AppendBinary(w, w.value, w.object["$type"]);  // the form of version 1
  }
  if (!w.value.is_object() || w.value.AsDoc().CountFields() != 2) {
    return false;
  }
  return AppendBinary(w, w.value.AsDoc()["base64"], w.value.AsDoc()["subType"]);
}

bool UuidWrapper(const Wrapper& w) {
  if (!IsText(w.value) || w.value.AsString().size() != 36) {
    return false;
  }
  std::string hex;
  const std::string_view text = w.value.AsString();
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen != (text[i] == '-')) {
      return false;
    }
    if (!hyphen) {
      hex.push_back(text[i]);
    }
  }
  const auto bytes = FromHex(hex);
  if (bytes.has_value()) {
    w.b->Append(w.name, BinData{4, *bytes});
  }
  return bytes.has_value();
}

bool CodeWrapper(const Wrapper& w) {
  if (!IsText(w.value)) {
    return false;
  }
  if (w.fields == 1) {
    w.b->AppendCode(w.name, w.value.AsString());
    return true;
  }
  const ValueView scope = w.object["$scope"];
  if (!scope.is_object()) {
    return false;
  }
  w.b->AppendCodeWScope(w.name, w.value.AsString(), scope.AsDoc());
  return true;
}

bool SymbolWrapper(const Wrapper& w) {
  if (!IsText(w.value)) {
    return false;
  }
  w.b->AppendSymbol(w.name, w.value.AsString());
  return true;
}

bool TimestampWrapper(const Wrapper& w) {
  if (!w.value.is_object() || w.value.AsDoc().CountFields() != 2) {
    return false;
  }
  const auto secs = Unsigned32(w.value.AsDoc()["t"]);
  const auto inc = Unsigned32(w.value.AsDoc()["i"]);
  if (!secs.has_value() || !inc.has_value()) {
    return false;
  }
  w.b->Append(w.name, Timestamp{*secs, *inc});
  return true;
}

bool RegexWrapper(const Wrapper& w) {
  if (!w.value.is_object() || w.value.AsDoc().CountFields() != 2) {
    return false;
  }
  const ValueView pattern = w.value.AsDoc()["pattern"];
  const ValueView options = w.value.AsDoc()["options"];
  if (!IsText(pattern) || !IsText(options) ||
      pattern.AsString().find('\0') != std::string_view::npos ||
      options.AsString().find('\0') != std::string_view::npos) {
    return false;
  }
  std::string sorted(options.AsString());
  std::sort(sorted.begin(), sorted.end());
  w.b->Append(w.name, Regex{pattern.AsString(), sorted});
  return true;
}

bool PointerWrapper(const Wrapper& w) {
  if (!w.value.is_object() || w.value.AsDoc().CountFields() != 2) {
    return false;
  }
  const ValueView ns = w.value.AsDoc()["$ref"];
  const ValueView id = w.value.AsDoc()["$id"];
  if (!IsText(ns) || id.type() != Type::kObjectId) {
    return false;
  }
  w.b->AppendDBPointer(w.name, ns.AsString(), id.AsObjectId());
  return true;
}

bool IsOne(ValueView v) { return v.type() == Type::kInt32 && v.AsInt32() == 1; }

bool MinKeyWrapper(const Wrapper& w) {
  w.b->AppendMinKey(w.name);
  return IsOne(w.value);
}

bool MaxKeyWrapper(const Wrapper& w) {
  w.b->AppendMaxKey(w.name);
  return IsOne(w.value);
}

bool UndefinedWrapper(const Wrapper& w) {
  w.b->AppendUndefined(w.name);
  return w.value.type() == Type::kBool && w.value.AsBool();
}

struct Kind {
  std::string_view key;
  std::string_view second_key;  // may stand beside it
  bool (*append)(const Wrapper&);
};

constexpr Kind kKinds[] = {
    {"$binary", "$type", BinaryWrapper},
    {"$code", "$scope", CodeWrapper},
    {"$date", "", DateWrapper},
    {"$dbPointer", "", PointerWrapper},
    {"$maxKey", "", MaxKeyWrapper},
    {"$minKey", "", MinKeyWrapper},
    {"$numberDecimal", "", DecimalWrapper},
    {"$numberDouble", "", DoubleWrapper},
    {"$numberInt", "", Int32Wrapper},
    {"$numberLong", "", Int64Wrapper},
    {"$oid", "", ObjectIdWrapper},
    {"$regularExpression", "", RegexWrapper},
    {"$symbol", "", SymbolWrapper},
    {"$timestamp", "", TimestampWrapper},
    {"$undefined", "", UndefinedWrapper},
    {"$uuid", "", UuidWrapper},
};

}  // namespace

std::optional<double> DoubleFromText(std::string_view text) {
  if (text == "NaN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (text == "Infinity" || text == "-Infinity") {
    return text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
  }
  double d = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), d);
  // from_chars also takes "inf" and "nan".
  if (r.ptr != text.data() + text.size() || text.find_first_of("nN") != std::string_view::npos) {
    return std::nullopt;
  }
  if (r.ec == std::errc::result_out_of_range) {
    // from_chars does not say which end; the exponent's sign does.
    const size_t e = text.find_first_of("eE");
    const bool tiny = e != std::string_view::npos && text.substr(e + 1).starts_with('-');
    d = tiny ? 0.0 : HUGE_VAL;
    return text[0] == '-' ? -d : d;
  }
  return r.ec == std::errc() ? std::optional<double>(d) : std::nullopt;
}

Status AppendWrapped(DocView object, std::string_view name, DocBuilder* b) {
  const int fields = object.CountFields();
  for (const ElementView e : object) {
    const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                    [&e](const Kind& k) { return k.key == e.name(); });
    if (kind == std::end(kKinds)) {
      continue;
    }
    const bool pair = fields == 2 && !kind->second_key.empty() && object.Has(kind->second_key);
    if ((fields != 1 && !pair) || !kind->append({object, fields, e.name(), e.value(), name, b})) {
      return Bad(e.name());
    }
    return OkStatus();
  }
  b->Append(name, object);
  return OkStatus();
}

}  // namespace septet::bson
