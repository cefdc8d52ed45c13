// SPDX-License-Identifier: Apache-2.0
// Time zones of date operators: Olson names ("Europe/Paris", over ICU) and fixed offsets ("+05:30",
// "-0330", "+03"). Thread rule: a TimeZone is immutable; a TimeZoneCache belongs to one operation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "query/expression/expression.h"

namespace septet::query {

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  ~TimeZone();
  TimeZone(TimeZone&&) noexcept;
  TimeZone& operator=(TimeZone&&) noexcept;

  // Error 40485: unknown.
  static StatusOr<TimeZone> Parse(std::string_view id);

  // Milliseconds to add to UTC to get local time.
  int64_t OffsetAt(int64_t utc_millis) const;
  int64_t ToLocal(int64_t utc_millis) const { return utc_millis + OffsetAt(utc_millis); }
  // A local time that happens twice is taken as the first; one that is skipped by the offset
  // before.
  int64_t ToUtc(int64_t local_millis) const;
  bool is_utc() const { return zone_ == nullptr && fixed_millis_ == 0; }

 private:
  struct Rules;                  // ICU's zone
  std::unique_ptr<Rules> zone_;  // null: a fixed offset
  int64_t fixed_millis_ = 0;
};

class TimeZoneCache {
 public:
  StatusOr<const TimeZone*> Get(std::string_view id);
  const TimeZone* utc() const { return &utc_; }

 private:
  TimeZone utc_;
  StringMap<TimeZone> zones_;
};

// The zone a 'timezone' argument names; null if the argument is null or missing (the operator then
// answers null). `given`: whether the argument stands in the expression; if not, UTC.
// Errors: 40485, and `not_string_code` for another type.
StatusOr<const TimeZone*> TimeZoneArgument(std::string_view op, ValueView v, bool given,
                                           int not_string_code, EvalContext* ctx);

}  // namespace septet::query
