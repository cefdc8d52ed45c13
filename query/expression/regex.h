// SPDX-License-Identifier: Apache-2.0
// Regular expressions of queries and expressions over PCRE2: UTF mode always; flags i m x s u (u changes
// nothing). The compiled program runs as machine code where PCRE2 can make it.
// Source: manual "$regex", PCRE2 10 pattern syntax.
// Thread rule: immutable after Compile; Match and Find may be called by several threads at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace septet::query {

class CompiledRegex {
 public:
  // One group of a match in bytes; begin is -1 for a group that took no part.
  struct Range {
    int64_t begin = -1;
    int64_t end = -1;
  };

  // `op` names the operator in error texts ("$regex", "$regexFind"). Errors: 51091 for a pattern that is
  // invalid, 51108 for an unknown flag, BadValue for a null byte in the pattern.
  static StatusOr<std::unique_ptr<const CompiledRegex>> Compile(std::string_view pattern,
                                                                std::string_view flags,
                                                                std::string_view op = "$regex");
  ~CompiledRegex();
  CompiledRegex(const CompiledRegex&) = delete;
  CompiledRegex& operator=(const CompiledRegex&) = delete;

  // Whether the pattern matches anywhere in `subject`. A match that runs out of PCRE2's limits does not
  // match. Allocates nothing once warm.
  bool Match(std::string_view subject) const;

  // The first match at or after byte `start`: groups[0] is the whole match, then the captures. Returns 1
  // for a match, 0 for none, a negative PCRE2 error number if a limit was hit.
  int Find(std::string_view subject, size_t start, std::vector<Range>* groups) const;
  int capture_count() const { return capture_count_; }

  const std::string& pattern() const { return pattern_; }
  const std::string& flags() const { return flags_; }

 private:
  CompiledRegex(std::string_view pattern, std::string_view flags)
      : pattern_(pattern), flags_(flags) {}
  pcre2_real_match_data_8* TakeMatchData() const;
  void ReturnMatchData(pcre2_real_match_data_8* data) const;
  int Run(std::string_view subject, size_t start, pcre2_real_match_data_8* data) const;

  std::string pattern_;
  std::string flags_;
  pcre2_real_code_8* code_ = nullptr;
  int capture_count_ = 0;
  // One block kept for the next caller; concurrent callers make their own.
  mutable std::atomic<pcre2_real_match_data_8*> spare_{nullptr};
};

}  // namespace septet::query
