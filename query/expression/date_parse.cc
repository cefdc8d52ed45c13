// SPDX-License-Identifier: Apache-2.0
#include "query/expression/date_parse.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "query/expression/calendar.h"

namespace septet::query {

namespace {

constexpr std::string_view kMonthNames[] = {"January",   "February", "March",    "April",
                                            "May",       "June",     "July",     "August",
                                            "September", "October",  "November", "December"};
constexpr std::string_view kDayNames[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                          "Friday", "Saturday", "Sunday"};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool EqualFold(std::string_view a, std::string_view b) {
  return ToLower(a) == ToLower(b);
}

// What a text has said so far.
struct Parsed {
  std::optional<int64_t> year, month, day;
  std::optional<int64_t> iso_year, iso_week, iso_day;
  std::optional<int64_t> day_of_year;
  std::optional<int64_t> hour, minute, second, millisecond;
  std::optional<int64_t> zone_millis;
  std::string_view zone_text;
};

Status Failure(std::string_view text) {
  return Error(ErrorCode::kConversionFailure, text);
}

Status SyntaxError(std::string_view text, size_t at, std::string_view why) {
  const char c = at < text.size() ? text[at] : '\0';
  return Failure(StrCat("Error parsing date string '", text, "'; ", at, ": ", why, " '", c, "'"));
}

// The moment, if enough was said.
StatusOr<int64_t> Finish(const Parsed& parsed, std::string_view text, const TimeZone* zone) {
  if (parsed.zone_millis.has_value() && zone != nullptr) {
    return Failure(StrCat("you cannot pass in a date/time string with time zone information ('",
                          parsed.zone_text, "') together with a timezone argument"));
  }
  int64_t days = 0;
  if (parsed.year && parsed.day_of_year) {
    days = DaysFromCivil(*parsed.year, 1, 1) + *parsed.day_of_year - 1;
  } else if (parsed.year && parsed.month && parsed.day) {
    days = DaysFromCivil(*parsed.year, *parsed.month, *parsed.day);
  } else if (parsed.iso_year && parsed.iso_week && parsed.iso_day) {
    days = DaysFromIsoWeek(*parsed.iso_year, *parsed.iso_week, *parsed.iso_day);
  } else {
    return Failure(StrCat(
        "an incomplete date/time string has been found, with elements missing: \"", text, "\""));
  }
  const int64_t local = days * kMillisPerDay + parsed.hour.value_or(0) * kMillisPerHour +
                        parsed.minute.value_or(0) * kMillisPerMinute +
                        parsed.second.value_or(0) * kMillisPerSecond +
                        parsed.millisecond.value_or(0);
  if (zone != nullptr) {
    return zone->ToUtc(local);
  }
  return local - parsed.zone_millis.value_or(0);
}

// Reads tokens from a text; every Read... either advances or leaves the position.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  size_t at() const { return at_; }
  void set_at(size_t at) { at_ = at; }
  bool done() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  std::string_view rest() const { return text_.substr(at_); }

  bool Skip(char c) {
    if (peek() != c || done()) {
      return false;
    }
    ++at_;
    return true;
  }
  size_t DigitRun() const {
    size_t n = 0;
    while (IsDigit(peek(n))) {
      ++n;
    }
    return n;
  }
  std::optional<int64_t> Number(size_t min_digits, size_t max_digits) {
    const size_t run = std::min(DigitRun(), max_digits);
    if (run < min_digits) {
      return std::nullopt;
    }
    int64_t n = 0;
    for (size_t i = 0; i < run; ++i) {
      n = n * 10 + (text_[at_ + i] - '0');
    }
    at_ += run;
    return n;
  }
  // As Number, but takes no more digits than keep the value within [min, max].
  std::optional<int64_t> Bounded(size_t min_digits, size_t max_digits, int64_t min, int64_t max) {
    for (size_t digits = max_digits; digits >= min_digits; --digits) {
      const size_t start = at_;
      const std::optional<int64_t> n = Number(min_digits, digits);
      if (n.has_value() && *n >= min && *n <= max) {
        return n;
      }
      at_ = start;
    }
    return std::nullopt;
  }
  std::string_view Word() const {
    size_t n = 0;
    while (IsLetter(peek(n))) {
      ++n;
    }
    return text_.substr(at_, n);
  }
  // 1-based index of the name (whole, or its first three letters), or 0.
  template <size_t N>
  int Name(const std::string_view (&names)[N]) {
    const std::string_view word = Word();
    for (size_t i = 0; i < N; ++i) {
      if (EqualFold(word, names[i]) || EqualFold(word, names[i].substr(0, 3)) ||
          (names[i] == "September" && EqualFold(word, "Sept"))) {
        at_ += word.size();
        return static_cast<int>(i) + 1;
      }
    }
    return 0;
  }

  // "Z", "UTC", "GMT", "+05", "+0530", "+05:30".
  bool Zone(Parsed* parsed) {
    const size_t start = at_;
    const std::string_view word = Word();
    if (EqualFold(word, "Z") || EqualFold(word, "UTC") || EqualFold(word, "GMT")) {
      at_ += word.size();
      parsed->zone_millis = 0;
    } else if (peek() == '+' || peek() == '-') {
      const int64_t sign = peek() == '-' ? -1 : 1;
      ++at_;
      const std::optional<int64_t> hours = Number(1, 2);
      if (!hours.has_value()) {
        at_ = start;
        return false;
      }
      Skip(':');
      const int64_t minutes = Number(2, 2).value_or(0);
      parsed->zone_millis = sign * (*hours * kMillisPerHour + minutes * kMillisPerMinute);
    } else {
      return false;
    }
    parsed->zone_text = text_.substr(start, at_ - start);
    return true;
  }

  // ".589": digits after the third are dropped.
  std::optional<int64_t> Fraction() {
    if ((peek() != '.' && peek() != ',') || !IsDigit(peek(1))) {
      return std::nullopt;
    }
    ++at_;
    int64_t millis = 0;
    int digits = 0;
    for (; IsDigit(peek()); ++at_, ++digits) {
      if (digits < 3) {
        millis = millis * 10 + (peek() - '0');
      }
    }
    for (; digits < 3; ++digits) {
      millis *= 10;
    }
    return millis;
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
};

// ---- written forms ----

class FreeParser {
 public:
  explicit FreeParser(std::string_view text) : text_(text), scan_(text) {}

  StatusOr<Parsed> Run() {
    if (text_.find_first_not_of(" \t") == std::string_view::npos) {
      return SyntaxError(text_, 0, "Empty string");
    }
    while (true) {
      while (scan_.Skip(' ') || scan_.Skip('\t') || scan_.Skip(',')) {
      }
      if (scan_.done()) {
        return parsed_;
      }
      const size_t start = scan_.at();
      if (Date() || Time() || (HasTime() && !parsed_.zone_millis && scan_.Zone(&parsed_)) ||
          scan_.Name(kDayNames) != 0) {
        continue;
      }
      scan_.set_at(start);
      const std::string_view why =
          IsLetter(scan_.peek()) || scan_.peek() == '('
              ? "passing a time zone identifier as part of the string is not allowed"
              : "Unexpected character";
      return SyntaxError(text_, start, why);
    }
  }

 private:
  bool HasDate() const { return parsed_.year || parsed_.month || parsed_.iso_year; }
  bool HasTime() const { return parsed_.hour.has_value(); }

  bool Date() {
    if (HasDate()) {
      return false;
    }
    const size_t start = scan_.at();
    const Parsed before = parsed_;
    using Form = bool (FreeParser::*)();
    constexpr Form kForms[] = {&FreeParser::YearFirst, &FreeParser::Compact, &FreeParser::American,
                               &FreeParser::DayFirst, &FreeParser::MonthName};
    for (const Form form : kForms) {
      if ((this->*form)()) {
        scan_.Skip('T') || scan_.Skip('t');
        return true;
      }
      scan_.set_at(start);
      parsed_ = before;
    }
    return false;
  }

  // 2020-07-04, 2020/7/4, 2020-07, 2020-W27-6, 2020-186.
  bool YearFirst() {
    if (scan_.DigitRun() != 4) {
      return false;
    }
    const std::optional<int64_t> year = scan_.Number(4, 4);
    const char separator = scan_.peek();
    if (separator == 'W' || (separator == '-' && scan_.peek(1) == 'W')) {
      return WeekDate(*year);
    }
    if (!scan_.Skip('-') && !scan_.Skip('/')) {
      return false;
    }
    parsed_.year = year;
    if (separator == '-' && scan_.DigitRun() == 3) {
      parsed_.day_of_year = scan_.Bounded(3, 3, 1, 366);
      return parsed_.day_of_year.has_value();
    }
    const int name = scan_.Name(kMonthNames);
    parsed_.month = name != 0 ? name : scan_.Bounded(1, 2, 1, 12);
    if (!parsed_.month.has_value()) {
      return false;
    }
    if (!scan_.Skip(separator)) {
      parsed_.day = 1;
      return separator == '-';
    }
    parsed_.day = scan_.Bounded(1, 2, 0, 31);
    return parsed_.day.has_value();
  }

  bool WeekDate(int64_t year) {
    scan_.Skip('-');
    scan_.Skip('W');
    parsed_.iso_year = year;
    parsed_.iso_week = scan_.Number(2, 2);
    if (!parsed_.iso_week.has_value()) {
      return false;
    }
    scan_.Skip('-');
    parsed_.iso_day = scan_.Bounded(1, 1, 0, 7);
    if (!parsed_.iso_day.has_value()) {
      parsed_.iso_day = 1;
    }
    return true;
  }

  // 20200704, 20200704T101112.
  bool Compact() {
    if (scan_.DigitRun() != 8 && scan_.DigitRun() != 14) {
      return false;
    }
    parsed_.year = scan_.Number(4, 4);
    parsed_.month = scan_.Bounded(2, 2, 1, 12);
    parsed_.day = parsed_.month ? scan_.Bounded(2, 2, 0, 31) : std::nullopt;
    return parsed_.day.has_value();
  }

  // 7/4/2020.
  bool American() {
    parsed_.month = scan_.Bounded(1, 2, 1, 12);
    if (!parsed_.month || !scan_.Skip('/')) {
      return false;
    }
    parsed_.day = scan_.Bounded(1, 2, 0, 31);
    if (!parsed_.day || !scan_.Skip('/')) {
      return false;
    }
    return Year();
  }

  // 4-7-2020, 04.07.2020, 4 July 2020, 4-Jul-2020.
  bool DayFirst() {
    parsed_.day = scan_.Bounded(1, 2, 0, 31);
    if (!parsed_.day) {
      return false;
    }
    const char separator = scan_.peek();
    Ordinal();
    while (scan_.Skip(' ') || scan_.Skip('-') || scan_.Skip('.')) {
    }
    const int name = scan_.Name(kMonthNames);
    if (name != 0) {
      parsed_.month = name;
      while (scan_.Skip(' ') || scan_.Skip('-') || scan_.Skip('.') || scan_.Skip(',')) {
      }
      return Year();
    }
    if (separator != '-' && separator != '.') {
      return false;
    }
    parsed_.month = scan_.Bounded(1, 2, 1, 12);
    return parsed_.month && scan_.Skip(separator) && scan_.DigitRun() == 4 && Year();
  }

  // July 4 2020, Jul 4, 2020, July 4th, 2020.
  bool MonthName() {
    const int name = scan_.Name(kMonthNames);
    if (name == 0) {
      return false;
    }
    parsed_.month = name;
    while (scan_.Skip(' ') || scan_.Skip('-') || scan_.Skip('.')) {
    }
    if (scan_.DigitRun() == 4) {  // "July 2020"
      parsed_.day = 1;
      return Year();
    }
    parsed_.day = scan_.Bounded(1, 2, 0, 31);
    if (!parsed_.day) {
      return false;
    }
    Ordinal();
    while (scan_.Skip(' ') || scan_.Skip('-') || scan_.Skip('.') || scan_.Skip(',')) {
    }
    Year();  // without it the text is incomplete
    return true;
  }

  void Ordinal() {
    const std::string_view word = scan_.Word();
    if (EqualFold(word, "st") || EqualFold(word, "nd") || EqualFold(word, "rd") ||
        EqualFold(word, "th")) {
      scan_.set_at(scan_.at() + 2);
    }
  }

  bool Year() {
    const size_t run = scan_.DigitRun();
    if (run != 2 && run != 4) {
      return false;
    }
    if (run == 2 && scan_.peek(2) == ':') {  // a time of day
      return false;
    }
    parsed_.year = scan_.Number(run, run);
    if (run == 2) {
      *parsed_.year += *parsed_.year < 70 ? 2000 : 1900;
    }
    return true;
  }

  // 10:11, 10:11:12.5, 10:11 PM, 5pm, 101112 after a date and T.
  bool Time() {
    if (HasTime()) {
      return false;
    }
    const size_t start = scan_.at();
    if (HasDate() && scan_.DigitRun() == 6) {
      parsed_.hour = scan_.Number(2, 2);
      parsed_.minute = scan_.Number(2, 2);
      parsed_.second = scan_.Number(2, 2);
      return true;
    }
    std::optional<int64_t> hour = scan_.Bounded(1, 2, 0, 24);
    if (!hour) {
      return false;
    }
    if (scan_.Skip(':')) {
      parsed_.minute = scan_.Bounded(2, 2, 0, 59);
      if (!parsed_.minute) {
        scan_.set_at(start);
        return false;
      }
      if (scan_.Skip(':')) {
        parsed_.second = scan_.Bounded(1, 2, 0, 60);
        parsed_.millisecond = scan_.Fraction();
      }
      Meridian(&*hour);
    } else if (!Meridian(&*hour)) {
      scan_.set_at(start);
      return false;
    }
    parsed_.hour = hour;
    return true;
  }

  bool Meridian(int64_t* hour) {
    const size_t start = scan_.at();
    while (scan_.Skip(' ')) {
    }
    const std::string_view word = scan_.Word();
    const bool pm = EqualFold(word, "pm");
    if (!pm && !EqualFold(word, "am")) {
      scan_.set_at(start);
      return false;
    }
    scan_.set_at(scan_.at() + 2);
    *hour = *hour % 12 + (pm ? 12 : 0);
    return true;
  }

  const std::string_view text_;
  Scanner scan_;
  Parsed parsed_;
};

// ---- formats ----

struct NumberSpecifier {
  char letter;
  size_t min_digits;
  size_t max_digits;
  int64_t max;
  std::optional<int64_t> Parsed::*field;
  std::string_view missing;
};
constexpr NumberSpecifier kNumbers[] = {
    {'Y', 4, 4, 9999, &Parsed::year, "A four digit year could not be found"},
    {'m', 1, 2, 12, &Parsed::month, "A two digit month could not be found"},
    {'d', 1, 2, 31, &Parsed::day, "A two digit day could not be found"},
    {'H', 1, 2, 24, &Parsed::hour, "A two digit hour could not be found"},
    {'M', 2, 2, 59, &Parsed::minute, "A two digit minute could not be found"},
    {'S', 2, 2, 60, &Parsed::second, "A two digit second could not be found"},
    {'L', 1, 3, 999, &Parsed::millisecond, "A three digit millisecond could not be found"},
    {'j', 1, 3, 366, &Parsed::day_of_year, "A three digit day-of-year could not be found"},
    {'G', 4, 4, 9999, &Parsed::iso_year, "A four digit ISO year could not be found"},
    {'V', 1, 2, 53, &Parsed::iso_week, "A two digit ISO week could not be found"},
    {'u', 1, 1, 7, &Parsed::iso_day, "A one digit ISO day of week could not be found"},
};

const NumberSpecifier* FindNumber(char letter) {
  for (const NumberSpecifier& specifier : kNumbers) {
    if (specifier.letter == letter) {
      return &specifier;
    }
  }
  return nullptr;
}

Status CheckFormat(std::string_view format) {
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      continue;
    }
    if (++i == format.size()) {
      return Error(18535, "Unmatched '%' at end of format string");
    }
    const char c = format[i];
    if (FindNumber(c) == nullptr && c != '%' && c != 'z' && c != 'Z' && c != 'b' && c != 'B') {
      return Error(18536, StrCat("Invalid format character '%", c, "' in format string"));
    }
  }
  return OkStatus();
}

// One specifier; false with *why if the text does not fit.
bool ReadSpecifier(char letter, Scanner* scan, Parsed* parsed, std::string_view* why) {
  if (letter == '%') {
    *why = "The format separator does not match";
    return scan->Skip('%');
  }
  if (letter == 'z') {
    *why = "The timezone could not be found in the database";
    return scan->Zone(parsed);
  }
  if (letter == 'Z') {  // minutes east of UTC
    *why = "The timezone offset in minutes could not be found";
    const bool negative = scan->Skip('-');
    if (!negative) {
      scan->Skip('+');
    }
    const std::optional<int64_t> minutes = scan->Number(1, 4);
    if (!minutes) {
      return false;
    }
    parsed->zone_millis = *minutes * kMillisPerMinute * (negative ? -1 : 1);
    parsed->zone_text = "minutes";
    return true;
  }
  if (letter == 'b' || letter == 'B') {
    *why = "A textual month could not be found";
    const int month = scan->Name(kMonthNames);
    parsed->month = month;
    return month != 0;
  }
  const NumberSpecifier* specifier = FindNumber(letter);
  *why = specifier->missing;
  const std::optional<int64_t> n = scan->Number(specifier->min_digits, specifier->max_digits);
  if (!n.has_value() || *n > specifier->max) {
    return false;
  }
  parsed->*(specifier->field) = n;
  return true;
}

}  // namespace

std::string_view MonthName(int month) {
  return kMonthNames[month];
}

StatusOr<int64_t> MomentOf(ValueView v) {
  switch (v.type()) {
    case bson::Type::kDate:
      return v.AsDateMillis();
    case bson::Type::kTimestamp:
      return static_cast<int64_t>(v.AsTimestamp().secs) * kMillisPerSecond;
    case bson::Type::kObjectId: {
      uint32_t seconds = 0;
      const bson::ObjectId id = v.AsObjectId();
      for (int i = 0; i < 4; ++i) {
        seconds = seconds << 8 | id.bytes[i];
      }
      return static_cast<int64_t>(static_cast<int32_t>(seconds)) * kMillisPerSecond;
    }
    default:
      return Error(16006,
                   StrCat("can't convert from BSON type ", bson::TypeName(v.type()), " to Date"));
  }
}

StatusOr<int64_t> ParseDate(std::string_view text, const TimeZone* zone) {
  ASSIGN_OR_RETURN(const Parsed parsed, FreeParser(text).Run());
  return Finish(parsed, text, zone);
}

StatusOr<int64_t> ParseDateByFormat(std::string_view text, std::string_view format,
                                    const TimeZone* zone) {
  RETURN_IF_ERROR(CheckFormat(format));
  Scanner scan(text);
  Parsed parsed;
  for (size_t i = 0; i < format.size(); ++i) {
    if (scan.done()) {
      return SyntaxError(text, scan.at(), "Data missing");
    }
    std::string_view why = "The format separator does not match";
    const bool fits =
        format[i] == '%' ? ReadSpecifier(format[++i], &scan, &parsed, &why) : scan.Skip(format[i]);
    if (!fits) {
      return SyntaxError(text, scan.at(), why);
    }
  }
  if (!scan.done()) {
    return SyntaxError(text, scan.at(), "Trailing data");
  }
  return Finish(parsed, text, zone);
}

}  // namespace septet::query
