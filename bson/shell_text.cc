// SPDX-License-Identifier: Apache-2.0
// Values as a server prints them in error messages. Source: observed messages of a mongod; texts are
// not escaped, long texts and binary data are cut.
#include <cmath>
#include <cstdio>

#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"

namespace septet::bson {
namespace {

constexpr size_t kCutTextAbove = 159;  // characters
constexpr size_t kCutCodeAbove = 79;
constexpr size_t kCutBinaryAbove = 80;
constexpr size_t kKept = 70;

void AppendCut(std::string* out, std::string_view text, size_t above) {
  if (text.size() > above) {
    StrAppend(out, text.substr(0, kKept), "...");
  } else {
    out->append(text);
  }
}

void AppendDouble(std::string* out, double d) {
  char buffer[40];
  const int n = std::snprintf(buffer, sizeof(buffer), "%.16g", d);
  const std::string_view text(buffer, static_cast<size_t>(n));
  StrAppend(out, text, text.find('.') == std::string_view::npos ? ".0" : "");
}

std::string UpperHex(std::string_view bytes) {
  std::string hex = ToHex(bytes);
  for (char& c : hex) {
    if (c >= 'a') {
      c = static_cast<char>(c - 'a' + 'A');
    }
  }
  return hex;
}

void AppendBinary(std::string* out, BinData data) {
  constexpr uint8_t kUuid = 4;
  if (data.subtype == kUuid && data.bytes.size() == 16) {
    const std::string hex = ToHex(data.bytes);
    const std::string_view h = hex;
    StrAppend(out, "UUID(\"", h.substr(0, 8), '-', h.substr(8, 4), '-', h.substr(12, 4), '-',
              h.substr(16, 4), '-', h.substr(20), "\")");
    return;
  }
  const bool cut = data.bytes.size() > kCutBinaryAbove;
  StrAppend(out, "BinData(", static_cast<int>(data.subtype), ", ",
            UpperHex(cut ? data.bytes.substr(0, kKept) : data.bytes), cut ? "...)" : ")");
}

void AppendValue(std::string* out, ValueView v);

void AppendDoc(std::string* out, DocView doc, bool is_array) {
  if (doc.empty()) {
    out->append(is_array ? "[]" : "{}");
    return;
  }
  out->append(is_array ? "[ " : "{ ");
  bool first = true;
  for (const ElementView e : doc) {
    out->append(first ? "" : ", ");
    first = false;
    if (!is_array) {
      StrAppend(out, e.name(), ": ");
    }
    AppendValue(out, e.value());
  }
  out->append(is_array ? " ]" : " }");
}

void AppendRare(std::string* out, ValueView v) {
  switch (v.type()) {
    case Type::kCode:
      return AppendCut(out, v.AsString(), kCutCodeAbove);
    case Type::kCodeWScope:
      StrAppend(out, "CodeWScope( ", v.AsCodeWScope().code, ", ",
                ToShellText(v.AsCodeWScope().scope), ")");
      return;
    case Type::kDBPointer:
      StrAppend(out, "DBRef('", v.AsDBPointer().ns, "',", v.AsDBPointer().id.ToHex(), ")");
      return;
    case Type::kMinKey:
      out->append("MinKey");
      return;
    case Type::kMaxKey:
      out->append("MaxKey");
      return;
    case Type::kUndefined:
      out->append("undefined");
      return;
    case Type::kMissing:
      out->append("EOO");
      return;
    default:
      out->append("null");
      return;
  }
}

void AppendValue(std::string* out, ValueView v) {
  switch (v.type()) {
    case Type::kObject:
      return AppendDoc(out, v.AsDoc(), false);
    case Type::kArray:
      return AppendDoc(out, v.AsArray(), true);
    case Type::kString:
    case Type::kSymbol:
      out->push_back('"');
      AppendCut(out, v.AsString(), kCutTextAbove);
      out->push_back('"');
      return;
    case Type::kInt32:
      return StrAppend(out, v.AsInt32());
    case Type::kInt64:
      return StrAppend(out, v.AsInt64());
    case Type::kDouble:
      return AppendDouble(out, v.AsDouble());
    case Type::kDecimal128:
      return StrAppend(out, DecimalToString(v.AsDecimal()));
    case Type::kBool:
      return StrAppend(out, v.AsBool() ? "true" : "false");
    case Type::kObjectId:
      return StrAppend(out, "ObjectId('", v.AsObjectId().ToHex(), "')");
    case Type::kDate:
      return StrAppend(out, "new Date(", v.AsDateMillis(), ")");
    case Type::kTimestamp:
      return StrAppend(out, "Timestamp(", v.AsTimestamp().secs, ", ", v.AsTimestamp().inc, ")");
    case Type::kRegex:
      return StrAppend(out, "/", v.AsRegex().pattern, "/", v.AsRegex().options);
    case Type::kBinData:
      return AppendBinary(out, v.AsBinData());
    default:
      return AppendRare(out, v);
  }
}

}  // namespace

std::string ToShellText(ValueView v) {
  std::string out;
  AppendValue(&out, v);
  return out;
}

std::string ToShellText(DocView doc) {
  std::string out;
  AppendDoc(&out, doc, false);
  return out;
}

}  // namespace septet::bson
