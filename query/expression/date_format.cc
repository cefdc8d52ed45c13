// SPDX-License-Identifier: Apache-2.0
// $dateToString {date, format, timezone, onNull} and
// $dateFromString {dateString, format, timezone, onError, onNull}.
// Source: manual, "$dateToString", "$dateFromString".
#include <cstdio>

#include "base/strings.h"
#include "query/expression/date_argument.h"
#include "query/expression/date_parse.h"

namespace septet::query {

using bson::TypeName;

namespace {

void AppendNumber(std::string* out, int64_t n, int width) {
  char text[24];
  const int size = std::snprintf(text, sizeof(text), "%0*lld", width, static_cast<long long>(n));
  out->append(text, static_cast<size_t>(size));
}

void AppendOffset(std::string* out, int64_t offset_millis) {
  const int64_t minutes = offset_millis / kMillisPerMinute;
  const int64_t positive = minutes < 0 ? -minutes : minutes;
  out->push_back(minutes < 0 ? '-' : '+');
  AppendNumber(out, positive / 60, 2);
  AppendNumber(out, positive % 60, 2);
}

Status AppendSpecifier(char c, const DateParts& p, int64_t offset_millis, std::string* out) {
  switch (c) {
    case 'd':
      AppendNumber(out, p.day, 2);
      break;
    case 'G':
      AppendNumber(out, IsoWeekOf(p).year, 4);
      break;
    case 'H':
      AppendNumber(out, p.hour, 2);
      break;
    case 'j':
      AppendNumber(out, DayOfYear(p), 3);
      break;
    case 'L':
      AppendNumber(out, p.millisecond, 3);
      break;
    case 'm':
      AppendNumber(out, p.month, 2);
      break;
    case 'M':
      AppendNumber(out, p.minute, 2);
      break;
    case 'S':
      AppendNumber(out, p.second, 2);
      break;
    case 'u':
      AppendNumber(out, IsoWeekOf(p).weekday, 1);
      break;
    case 'U':
      AppendNumber(out, SundayWeek(p), 2);
      break;
    case 'V':
      AppendNumber(out, IsoWeekOf(p).week, 2);
      break;
    case 'w':
      AppendNumber(out, DayOfWeek(DaysFromCivil(p.year, p.month, p.day)) + 1, 1);
      break;
    case 'Y':
      if (p.year < 0 || p.year > 9999) {
        return Error(18537, StrCat("$dateToString is only defined on year 0-9999, tried to use "
                                   "year ",
                                   p.year));
      }
      AppendNumber(out, p.year, 4);
      break;
    case 'z':
      AppendOffset(out, offset_millis);
      break;
    case 'Z':
      AppendNumber(out, offset_millis / kMillisPerMinute, 1);
      break;
    case 'b':
      out->append(MonthName(p.month - 1).substr(0, 3));
      break;
    case 'B':
      out->append(MonthName(p.month - 1));
      break;
    case '%':
      out->push_back('%');
      break;
    default:
      return Error(18536, StrCat("Invalid format character '%", c, "' in format string"));
  }
  return OkStatus();
}

Status FormatDate(std::string_view format, int64_t millis, const TimeZone& zone, std::string* out) {
  const int64_t offset = zone.OffsetAt(millis);
  const DateParts parts = PartsOf(millis + offset);
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out->push_back(format[i]);
      continue;
    }
    if (++i == format.size()) {
      return Error(18535, "Unmatched '%' at end of format string");
    }
    RETURN_IF_ERROR(AppendSpecifier(format[i], parts, offset, out));
  }
  return OkStatus();
}

// ---- $dateToString ----

constexpr NamedArgument kToStringArguments[] = {
    {"date", 18628, "Missing 'date' parameter to $op"}, {"format"}, {"timezone"}, {"onNull"}};
constexpr std::string_view kToStringNames[] = {"date", "format", "timezone", "onNull"};
constexpr NamedSpec kToString = {18629,
                                 "$op only supports an object as its argument",
                                 18534,
                                 "Unrecognized argument to $op: %",
                                 kToStringArguments,
                                 kToStringNames};

StatusOr<ValueView> DateToString(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView date, call(0));
  ASSIGN_OR_RETURN(const ValueView format, call(1));
  if (call.Has(1) && !format.nullish() && !format.is_string()) {
    return Error(18533, StrCat("$dateToString requires that 'format' be a string, found: ",
                               TypeName(format.type()), " with value ", ValueText(format)));
  }
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(2));
  ASSIGN_OR_RETURN(const TimeZone* zone,
                   TimeZoneArgument(call.name, zone_argument, call.Has(2), 40517, call.ctx));
  if (date.nullish()) {
    return call.Has(3) ? call(3) : StatusOr<ValueView>(NullValue());
  }
  if (zone == nullptr || (call.Has(1) && format.nullish())) {
    return NullValue();
  }
  ASSIGN_OR_RETURN(const int64_t millis, MomentOf(date));
  // Without a format the letter Z stands for UTC only.
  const std::string_view pattern =
      call.Has(1) ? format.AsString() : std::string_view("%Y-%m-%dT%H:%M:%S.%LZ");
  std::string* buffer = call.ctx->arena->TakeBuffer();
  const Status formatted = FormatDate(pattern, millis, *zone, buffer);
  StatusOr<ValueView> result =
      formatted.ok() ? call.ctx->arena->String(*buffer) : StatusOr<ValueView>(formatted);
  call.ctx->arena->ReleaseBuffer(buffer);
  return result;
}

// ---- $dateFromString ----

constexpr NamedArgument kFromStringArguments[] = {
    {"dateString", 40542, "Missing 'dateString' parameter to $op"},
    {"format"},
    {"timezone"},
    {"onError"},
    {"onNull"},
};
constexpr std::string_view kFromStringNames[] = {"dateString", "format", "timezone", "onError",
                                                 "onNull"};
constexpr NamedSpec kFromString = {40540,
                                   "$op only supports an object as an argument, found: %",
                                   40541,
                                   "Unrecognized argument to $op: %",
                                   kFromStringArguments,
                                   kFromStringNames};

StatusOr<int64_t> ParseString(const LazyCall& call, ValueView text, ValueView format,
                              const TimeZone* zone) {
  if (!text.is_string()) {
    return Error(ErrorCode::kConversionFailure,
                 StrCat("$dateFromString requires that 'dateString' be a string, found: ",
                        TypeName(text.type()), " with value ", ValueText(text)));
  }
  const TimeZone* given = call.Has(2) ? zone : nullptr;
  return call.Has(1) ? ParseDateByFormat(text.AsString(), format.AsString(), given)
                     : ParseDate(text.AsString(), given);
}

StatusOr<ValueView> DateFromString(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView text, call(0));
  ASSIGN_OR_RETURN(const ValueView format, call(1));
  if (call.Has(1) && !format.nullish() && !format.is_string()) {
    return Error(40684, StrCat("$dateFromString requires that 'format' be a string, found: ",
                               TypeName(format.type()), " with value ", ValueText(format)));
  }
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(2));
  ASSIGN_OR_RETURN(const TimeZone* zone,
                   TimeZoneArgument(call.name, zone_argument, call.Has(2), 40517, call.ctx));
  if (text.nullish()) {
    return call.Has(4) ? call(4) : StatusOr<ValueView>(NullValue());
  }
  if (zone == nullptr || (call.Has(1) && format.nullish())) {
    return NullValue();
  }
  const StatusOr<int64_t> millis = ParseString(call, text, format, zone);
  if (!millis.ok()) {
    if (call.Has(3) && CodeOf(millis.status()) == ErrorCode::kConversionFailure) {
      return call(3);
    }
    return millis.status();
  }
  return call.ctx->arena->Date(*millis);
}

constexpr ExpressionRow kRows[] = {
    {"$dateFromString", ParseNamedLazy<kFromString, DateFromString>},
    {"$dateToString", ParseNamedLazy<kToString, DateToString>},
};

}  // namespace

std::span<const ExpressionRow> DateFormatExpressions() {
  return kRows;
}

}  // namespace septet::query
