// SPDX-License-Identifier: Apache-2.0
// Position in the log: a timestamp and the term it was written in; compared term first.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "bson/view.h"

namespace septet::repl {

inline constexpr int64_t kUninitializedTerm = -1;
inline constexpr int64_t kInitialTerm = 0;

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
};

}  // namespace septet::repl
