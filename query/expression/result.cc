// SPDX-License-Identifier: Apache-2.0
#include "query/expression/result.h"

#include <charconv>
#include <cmath>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/calendar.h"

namespace septet::query {

using bson::Type;

ResultWriter::ResultWriter(EvalContext* ctx)
    : arena_(ctx->arena), buffer_(ctx->arena->TakeBuffer()) {
  buffer_->assign(4, '\0');
}

ResultWriter::~ResultWriter() {
  arena_->ReleaseBuffer(buffer_);
}

void ResultWriter::Append(std::string_view name, ValueView v) {
  buffer_->push_back(static_cast<char>(v.type()));
  buffer_->append(name);
  buffer_->push_back('\0');
  buffer_->append(v.raw());
}

ValueView ResultWriter::Close(Type type) {
  buffer_->push_back('\0');
  const auto size = static_cast<int32_t>(buffer_->size());
  std::memcpy(buffer_->data(), &size, sizeof(size));
  return {type, arena_->Copy(*buffer_).data()};
}

void ArrayWriter::Add(ValueView v) {
  char text[12];
  const auto end = std::to_chars(text, text + sizeof(text), next_++);
  Append({text, static_cast<size_t>(end.ptr - text)}, v.missing() ? NullValue() : v);
}

namespace {

std::string DoubleText(double d) {
  if (std::isnan(d)) {
    return "nan";
  }
  if (std::isinf(d)) {
    return d < 0 ? "-inf" : "inf";
  }
  return StrCat(d);
}

std::string DocText(DocView doc, bool names) {
  std::string out(1, names ? '{' : '[');
  bool first = true;
  for (const bson::ElementView e : doc) {
    StrAppend(&out, first ? "" : ", ");
    first = false;
    if (names) {
      StrAppend(&out, e.name(), ": ");
    }
    out += ValueText(e.value());
  }
  out.push_back(names ? '}' : ']');
  return out;
}

}  // namespace

std::string ValueText(ValueView v) {
  switch (v.type()) {
    case Type::kMissing:
      return "MISSING";
    case Type::kNull:
      return "null";
    case Type::kUndefined:
      return "undefined";
    case Type::kMinKey:
      return "MinKey";
    case Type::kMaxKey:
      return "MaxKey";
    case Type::kInt32:
      return StrCat(v.AsInt32());
    case Type::kInt64:
      return StrCat(v.AsInt64());
    case Type::kDouble:
      return DoubleText(v.AsDouble());
    case Type::kDecimal128:
      return bson::DecimalToString(v.AsDecimal());
    case Type::kBool:
      return v.AsBool() ? "true" : "false";
    case Type::kString:
    case Type::kSymbol:
      return StrCat("\"", v.AsString(), "\"");
    case Type::kCode:
      return StrCat("Code(\"", v.AsString(), "\")");
    case Type::kCodeWScope:
      return StrCat("CodeWScope(\"", v.AsCodeWScope().code, "\")");
    case Type::kObject:
      return DocText(v.AsDoc(), true);
    case Type::kArray:
      return DocText(v.AsArray(), false);
    case Type::kObjectId:
      return v.AsObjectId().ToHex();
    case Type::kDate:
      return DateText(v.AsDateMillis());
    case Type::kTimestamp:
      return StrCat("Timestamp(", v.AsTimestamp().secs, ", ", v.AsTimestamp().inc, ")");
    case Type::kRegex:
      return StrCat("/", v.AsRegex().pattern, "/", v.AsRegex().options);
    case Type::kBinData:
      return StrCat("BinData(", static_cast<int>(v.AsBinData().subtype), ", \"",
                    ToHex(v.AsBinData().bytes), "\")");
    case Type::kDBPointer:
      return StrCat("DBRef(\"", v.AsDBPointer().ns, "\", ", v.AsDBPointer().id.ToHex(), ")");
  }
  return "?";
}

}  // namespace septet::query
