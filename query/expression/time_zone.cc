// SPDX-License-Identifier: Apache-2.0
#include "query/expression/time_zone.h"

#include <unicode/basictz.h>
#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include "query/expression/calendar.h"
#include "query/expression/result.h"

namespace septet::query {

struct TimeZone::Rules {
  std::unique_ptr<icu::TimeZone> zone;
  const icu::BasicTimeZone* basic = nullptr;  // the same, if it is one
};

TimeZone::~TimeZone() = default;
TimeZone::TimeZone(TimeZone&&) noexcept = default;
TimeZone& TimeZone::operator=(TimeZone&&) noexcept = default;

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// "+hh", "+hhmm" or "+hh:mm" in milliseconds; false if it is none of these.
bool ParseOffset(std::string_view id, int64_t* millis) {
  if (id.empty() || (id[0] != '+' && id[0] != '-')) {
    return false;
  }
  std::string digits(id.substr(1));
  if (digits.size() == 5 && digits[2] == ':') {
    digits.erase(2, 1);
  }
  if (digits.size() != 2 && digits.size() != 4) {
    return false;
  }
  for (const char c : digits) {
    if (!IsDigit(c)) {
      return false;
    }
  }
  const int hours = (digits[0] - '0') * 10 + (digits[1] - '0');
  const int minutes = digits.size() == 4 ? (digits[2] - '0') * 10 + (digits[3] - '0') : 0;
  *millis = (hours * kMillisPerHour + minutes * kMillisPerMinute) * (id[0] == '-' ? -1 : 1);
  return true;
}

Status Unknown(std::string_view id) {
  return Error(40485, StrCat("unrecognized time zone identifier: \"", id, "\""));
}

}  // namespace

StatusOr<TimeZone> TimeZone::Parse(std::string_view id) {
  TimeZone zone;
  if (id == "UTC" || id == "GMT" || ParseOffset(id, &zone.fixed_millis_)) {
    return zone;
  }
  // ICU would also take custom forms like "GMT+5"; a server knows only names of the tz database.
  if (id.empty() || id == "Z" || id.starts_with("GMT+") || id.starts_with("GMT-")) {
    return Unknown(id);
  }
  auto rules = std::make_unique<Rules>();
  rules->zone.reset(icu::TimeZone::createTimeZone(
      icu::UnicodeString::fromUTF8(icu::StringPiece(id.data(), static_cast<int32_t>(id.size())))));
  icu::UnicodeString found;
  rules->zone->getID(found);
  std::string found_utf8;
  found.toUTF8String(found_utf8);
  if (found_utf8 != id) {
    return Unknown(id);
  }
  rules->basic = dynamic_cast<const icu::BasicTimeZone*>(rules->zone.get());
  zone.zone_ = std::move(rules);
  return zone;
}

int64_t TimeZone::OffsetAt(int64_t utc_millis) const {
  if (zone_ == nullptr) {
    return fixed_millis_;
  }
  int32_t raw = 0;
  int32_t dst = 0;
  UErrorCode error = U_ZERO_ERROR;
  zone_->zone->getOffset(static_cast<UDate>(utc_millis), false, raw, dst, error);
  return raw + dst;
}

int64_t TimeZone::ToUtc(int64_t local_millis) const {
  if (zone_ == nullptr) {
    return local_millis - fixed_millis_;
  }
  int32_t raw = 0;
  int32_t dst = 0;
  UErrorCode error = U_ZERO_ERROR;
  if (zone_->basic != nullptr) {
    zone_->basic->getOffsetFromLocal(static_cast<UDate>(local_millis), UCAL_TZ_LOCAL_FORMER,
                                     UCAL_TZ_LOCAL_FORMER, raw, dst, error);
  } else {
    zone_->zone->getOffset(static_cast<UDate>(local_millis), true, raw, dst, error);
  }
  return local_millis - raw - dst;
}

StatusOr<const TimeZone*> TimeZoneCache::Get(std::string_view id) {
  if (const auto known = zones_.find(id); known != zones_.end()) {
    return &known->second;
  }
  ASSIGN_OR_RETURN(TimeZone zone, TimeZone::Parse(id));
  return &zones_.emplace(std::string(id), std::move(zone)).first->second;
}

StatusOr<const TimeZone*> TimeZoneArgument(std::string_view op, ValueView v, bool given,
                                           int not_string_code, EvalContext* ctx) {
  if (ctx->time_zones == nullptr) {
    ctx->time_zones = {new TimeZoneCache, [](TimeZoneCache* cache) { delete cache; }};
  }
  if (!given) {
    return ctx->time_zones->utc();
  }
  if (v.nullish()) {
    return nullptr;
  }
  if (!v.is_string()) {
    return Error(not_string_code,
                 StrCat(op, " requires a string for the timezone argument, but was given a ",
                        bson::TypeName(v.type()), " (", ValueText(v), ")"));
  }
  return ctx->time_zones->Get(v.AsString());
}

}  // namespace septet::query
