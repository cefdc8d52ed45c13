// SPDX-License-Identifier: Apache-2.0
// P_CHECK guards invariants of our own code, in release builds too; never user input. A failed check
// prints the expression and its place on standard error and aborts the process.
#pragma once

namespace septet {
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);
}  // namespace septet

#define P_CHECK(condition)                                   \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::septet::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)
