// SPDX-License-Identifier: Apache-2.0
// Position in the log: a timestamp and the term it was written in; compared term first.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "bson/builder.h"
#include "bson/view.h"

namespace septet::repl {

inline constexpr int64_t kUninitializedTerm = -1;
inline constexpr int64_t kInitialTerm = 0;

// A moment on the monotonic clock of this process. PURE floors take it as a parameter.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;

struct OpTime {
  bson::Timestamp ts;
  int64_t term = kUninitializedTerm;

  bool IsNull() const { return ts.IsNull(); }
  std::strong_ordering operator<=>(const OpTime& other) const {
    if (const auto c = term <=> other.term; c != 0) {
      return c;
    }
    return ts <=> other.ts;
  }
  bool operator==(const OpTime& other) const = default;
  // Greater than every position an entry can have.
  static OpTime Max() { return {{UINT32_MAX, UINT32_MAX}, INT64_MAX}; }
  // "{ ts: Timestamp(5, 1), t: 2 }"
  std::string ToString() const;
};

// Appends {ts: <Timestamp>, t: <long>} as the field `name`, the form used between members.
void AppendOpTime(bson::DocBuilder* b, std::string_view name, const OpTime& optime);
// Reads that form; anything else is a null OpTime.
OpTime ParseOpTime(bson::ValueView v);

// A position and the wall clock time at which its entry was written.
struct OpTimeAndWall {
  OpTime optime;
  int64_t wall_millis = 0;
  bool operator==(const OpTimeAndWall& other) const = default;
};

}  // namespace septet::repl
