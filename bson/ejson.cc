// SPDX-License-Identifier: Apache-2.0
// BSON to extended JSON.
#include "bson/ejson.h"

#include <charconv>
#include <chrono>
#include <cmath>

#include "base/strings.h"
#include "bson/number.h"

namespace septet::bson {
namespace {

void AppendBase64(std::string* out, std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < n ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out->push_back(k <= n ? kDigits[(group >> (18 - 6 * k)) & 63] : '=');
    }
  }
}

// A double with the fewest digits that read back, always with a point or an exponent.
void AppendDouble(std::string* out, double d) {
  if (!std::isfinite(d)) {
    out->append(std::isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
    return;
  }
  char buffer[64];
  const auto end = buffer + sizeof(buffer);
  const double magnitude = std::fabs(d);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    for (const char* p = buffer;
         p != std::to_chars(buffer, end, d, std::chars_format::scientific).ptr; ++p) {
      out->push_back(*p == 'e' ? 'E' : *p);
    }
    return;
  }
  const std::string_view text(
      buffer, static_cast<size_t>(
                  std::to_chars(buffer, end, d, std::chars_format::fixed).ptr - buffer));
  StrAppend(out, text, text.find('.') == std::string_view::npos ? ".0" : "");
}

class Writer {
 public:
  explicit Writer(bool canonical) : canonical_(canonical) {}

  void Doc(DocView doc, bool is_array) {
    out_.push_back(is_array ? '[' : '{');
    bool first = true;
    for (const ElementView e : doc) {
      if (!first) {
        out_.push_back(',');
      }
      first = false;
      if (!is_array) {
        Text(e.name());
        out_.push_back(':');
      }
      Value(e.value());
    }
    out_.push_back(is_array ? ']' : '}');
  }
  void Value(ValueView v);
  std::string Take() { return std::move(out_); }

 private:
  void Scalar(ValueView v);
  void Text(std::string_view s);
  // {"<key>":"<text>"}
  void Wrapped(std::string_view key, std::string_view text) {
    StrAppend(&out_, "{\"", key, "\":");
    Text(text);
    out_.push_back('}');
  }
  void Date(int64_t millis);
  void Binary(BinData data);

  bool canonical_;
  std::string out_;
};

void Writer::Text(std::string_view s) {
  static constexpr char kHex[] = "0123456789abcdef";
  out_.push_back('"');
  size_t from = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c >= 0x20 && c != '"' && c != '\\') [[likely]] {
      continue;
    }
    out_.append(s.substr(from, i - from));
    from = i + 1;
    out_.push_back('\\');
    static constexpr std::string_view kPlain = "\"\\\b\f\n\r\t";
    static constexpr std::string_view kLetters = "\"\\bfnrt";
    const size_t at = kPlain.find(s[i]);
    if (at != std::string_view::npos) {
      out_.push_back(kLetters[at]);
    } else {
      StrAppend(&out_, "u00", kHex[c >> 4], kHex[c & 15]);
    }
  }
  out_.append(s.substr(from));
  out_.push_back('"');
}

void Writer::Date(int64_t millis) {
  constexpr int64_t kYear10000 = 253402300800000;
  if (canonical_ || millis < 0 || millis >= kYear10000) {
    StrAppend(&out_, "{\"$date\":{\"$numberLong\":\"", millis, "\"}}");
    return;
  }
  using std::chrono::days;
  using std::chrono::sys_days;
  const auto day = static_cast<int>(millis / 86'400'000);
  const auto in_day = static_cast<int>(millis % 86'400'000);
  const std::chrono::year_month_day date{sys_days{days{day}}};
  char buffer[40];
  int n = std::snprintf(buffer, sizeof(buffer), "%04d-%02u-%02uT%02d:%02d:%02d",
                        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                        static_cast<unsigned>(date.day()), in_day / 3'600'000,
                        in_day / 60'000 % 60, in_day / 1000 % 60);
  if (in_day % 1000 != 0) {
    n += std::snprintf(buffer + n, sizeof(buffer) - static_cast<size_t>(n), ".%03d", in_day % 1000);
  }
  StrAppend(&out_, "{\"$date\":\"", std::string_view(buffer, static_cast<size_t>(n)), "Z\"}");
}

void Writer::Binary(BinData data) {
  // Subtype 2 repeats its length inside; JSON shows the payload only.
  constexpr uint8_t kOldBinary = 2;
  if (data.subtype == kOldBinary && data.bytes.size() >= 4) {
    data.bytes.remove_prefix(4);
  }
  out_.append("{\"$binary\":{\"base64\":\"");
  AppendBase64(&out_, data.bytes);
  const char subtype = static_cast<char>(data.subtype);
  StrAppend(&out_, "\",\"subType\":\"", ToHex({&subtype, 1}), "\"}}");
}

void Writer::Value(ValueView v) {
  switch (v.type()) {
    case Type::kObject:
      return Doc(v.AsDoc(), false);
    case Type::kArray:
      return Doc(v.AsArray(), true);
    case Type::kString:
      return Text(v.AsString());
    case Type::kInt32:
      if (canonical_) {
        StrAppend(&out_, "{\"$numberInt\":\"", v.AsInt32(), "\"}");
      } else {
        StrAppend(&out_, v.AsInt32());
      }
      return;
    case Type::kInt64:
      if (canonical_) {
        StrAppend(&out_, "{\"$numberLong\":\"", v.AsInt64(), "\"}");
      } else {
        StrAppend(&out_, v.AsInt64());
      }
      return;
    case Type::kDouble:
      if (canonical_ || !std::isfinite(v.AsDouble())) {
        out_.append("{\"$numberDouble\":\"");
        AppendDouble(&out_, v.AsDouble());
        out_.append("\"}");
      } else {
        AppendDouble(&out_, v.AsDouble());
      }
      return;
    default:
      return Scalar(v);
  }
}

void Writer::Scalar(ValueView v) {
  switch (v.type()) {
    case Type::kBool:
      out_.append(v.AsBool() ? "true" : "false");
      return;
    case Type::kDecimal128:
      return Wrapped("$numberDecimal", DecimalToString(v.AsDecimal()));
    case Type::kObjectId:
      return Wrapped("$oid", v.AsObjectId().ToHex());
    case Type::kDate:
      return Date(v.AsDateMillis());
    case Type::kBinData:
      return Binary(v.AsBinData());
    case Type::kTimestamp:
      StrAppend(&out_, "{\"$timestamp\":{\"t\":", v.AsTimestamp().secs, ",\"i\":",
                v.AsTimestamp().inc, "}}");
      return;
    case Type::kRegex:
      out_.append("{\"$regularExpression\":{\"pattern\":");
      Text(v.AsRegex().pattern);
      out_.append(",\"options\":");
      Text(v.AsRegex().options);
      out_.append("}}");
      return;
    case Type::kDBPointer:
      out_.append("{\"$dbPointer\":{\"$ref\":");
      Text(v.AsDBPointer().ns);
      StrAppend(&out_, ",\"$id\":{\"$oid\":\"", v.AsDBPointer().id.ToHex(), "\"}}}");
      return;
    case Type::kCode:
      return Wrapped("$code", v.AsString());
    case Type::kSymbol:
      return Wrapped("$symbol", v.AsString());
    case Type::kCodeWScope:
      out_.append("{\"$code\":");
      Text(v.AsCodeWScope().code);
      out_.append(",\"$scope\":");
      Doc(v.AsCodeWScope().scope, false);
      out_.push_back('}');
      return;
    case Type::kMinKey:
      out_.append("{\"$minKey\":1}");
      return;
    case Type::kMaxKey:
      out_.append("{\"$maxKey\":1}");
      return;
    case Type::kUndefined:
      out_.append("{\"$undefined\":true}");
      return;
    default:
      out_.append("null");
      return;
  }
}

}  // namespace

std::string ToCanonicalJson(DocView doc) {
  Writer writer(true);
  writer.Doc(doc, false);
  return writer.Take();
}

std::string ToRelaxedJson(DocView doc) {
  Writer writer(false);
  writer.Doc(doc, false);
  return writer.Take();
}

std::string ToRelaxedJson(ValueView v) {
  Writer writer(false);
  writer.Value(v);
  return writer.Take();
}

}  // namespace septet::bson
