// SPDX-License-Identifier: Apache-2.0
// What a benchmark reads about another process of the same user: processor time and memory.
#pragma once

#include <cstdint>
#include <optional>

namespace septet::tools {

// User and system time of all threads of the process, those that ended too, in microseconds.
// Nothing if there is no such process.
std::optional<double> CpuMicrosOf(int pid);

// Resident set; 0 if there is no such process.
int64_t ResidentKbOf(int pid);

// Of a monotonic clock.
int64_t NowNanos();

}  // namespace septet::tools
