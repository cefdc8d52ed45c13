// SPDX-License-Identifier: Apache-2.0
// Readings of the system's clocks and their text form. Only code that may look at a clock (server,
// drivers, commands) calls these; pure floors get the time as a parameter.
// Thread rule: thread-safe.
#pragma once

#include <cstdint>
#include <string>

namespace septet {

// Milliseconds since 1970-01-01T00:00:00Z.
int64_t WallMillis();
// Microseconds of a clock that never goes back; only differences mean something.
int64_t MonotonicMicros();

// "2024-01-31T10:20:30.123+00:00"; local: with the offset of the process's time zone.
std::string FormatIso8601(int64_t millis, bool local);

}  // namespace septet
