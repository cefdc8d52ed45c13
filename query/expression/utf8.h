// SPDX-License-Identifier: Apache-2.0
// Code points of UTF-8 text. Text from clients need not be valid: every byte that is no
// continuation byte begins a code point. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace septet::query {

inline bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Number of code points.
inline int64_t CountCodePoints(std::string_view s) {
  int64_t n = 0;
  for (const char c : s) {
    n += IsContinuation(c) ? 0 : 1;
  }
  return n;
}

// Byte offset of the code point after the one at `at`; at most s.size().
inline size_t NextCodePoint(std::string_view s, size_t at) {
  ++at;
  while (at < s.size() && IsContinuation(s[at])) {
    ++at;
  }
  return at < s.size() ? at : s.size();
}

// Byte offset of the code point before the one at `at`; at > 0.
inline size_t PreviousCodePoint(std::string_view s, size_t at) {
  --at;
  while (at > 0 && IsContinuation(s[at])) {
    --at;
  }
  return at;
}

}  // namespace septet::query
