// SPDX-License-Identifier: Apache-2.0
#define PCRE2_CODE_UNIT_WIDTH 8
#include "query/expression/regex.h"

#include <pcre2.h>

#include "base/strings.h"

namespace septet::query {
namespace {

StatusOr<uint32_t> CompileOptions(std::string_view flags, std::string_view op) {
  uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
  for (const char flag : flags) {
    switch (flag) {
      case 'i':
        options |= PCRE2_CASELESS;
        break;
      case 'm':
        options |= PCRE2_MULTILINE;
        break;
      case 's':
        options |= PCRE2_DOTALL;
        break;
      case 'u':
        break;
      case 'x':
        options |= PCRE2_EXTENDED;
        break;
      default:
        return Error(51108, StrCat(op, " invalid flag in regex options: ", flag));
    }
  }
  return options;
}

PCRE2_SPTR Units(std::string_view s) {
  return reinterpret_cast<PCRE2_SPTR>(s.data() == nullptr ? "" : s.data());
}

}  // namespace

StatusOr<std::unique_ptr<const CompiledRegex>> CompiledRegex::Compile(std::string_view pattern,
                                                                      std::string_view flags,
                                                                      std::string_view op) {
  if (pattern.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::kBadValue, "Regular expression cannot contain an embedded null byte");
  }
  if (flags.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::kBadValue,
                 "Regular expression options string cannot contain an embedded null byte");
  }
  ASSIGN_OR_RETURN(const uint32_t options, CompileOptions(flags, op));
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(Units(pattern), pattern.size(), options, &error, &offset, nullptr);
  if (code == nullptr) {
    char text[256];
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof(text));
    return Error(51091, StrCat("Regular expression is invalid: ", std::string_view(text)));
  }
  std::unique_ptr<CompiledRegex> regex(new CompiledRegex(pattern, flags));
  regex->code_ = code;
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // a failure leaves the interpreter
  uint32_t captures = 0;
  pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &captures);
  regex->capture_count_ = static_cast<int>(captures);
  return std::unique_ptr<const CompiledRegex>(std::move(regex));
}

CompiledRegex::~CompiledRegex() {
  pcre2_match_data_free(spare_.load(std::memory_order_relaxed));
  pcre2_code_free(code_);
}

pcre2_match_data* CompiledRegex::TakeMatchData() const {
  pcre2_match_data* data = spare_.exchange(nullptr, std::memory_order_acquire);
  return data != nullptr ? data : pcre2_match_data_create_from_pattern(code_, nullptr);
}

void CompiledRegex::ReturnMatchData(pcre2_match_data* data) const {
  pcre2_match_data_free(spare_.exchange(data, std::memory_order_acq_rel));
}

int CompiledRegex::Run(std::string_view subject, size_t start, pcre2_match_data* data) const {
  int rc = pcre2_match(code_, Units(subject), subject.size(), start, 0, data, nullptr);
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
    rc = pcre2_match(code_, Units(subject), subject.size(), start, PCRE2_NO_JIT, data, nullptr);
  }
  return rc;
}

bool CompiledRegex::Match(std::string_view subject) const {
  pcre2_match_data* data = TakeMatchData();
  const int rc = Run(subject, 0, data);
  ReturnMatchData(data);
  return rc >= 0;
}

int CompiledRegex::Find(std::string_view subject, size_t start, std::vector<Range>* groups) const {
  pcre2_match_data* data = TakeMatchData();
  const int rc = Run(subject, start, data);
  groups->clear();
  if (rc >= 0) {
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data);
    for (int i = 0; i <= capture_count_; ++i) {
      Range range;
      if (i < rc && ends[2 * i] != PCRE2_UNSET) {
        range.begin = static_cast<int64_t>(ends[2 * i]);
        range.end = static_cast<int64_t>(ends[2 * i + 1]);
      }
      groups->push_back(range);
    }
  }
  ReturnMatchData(data);
  return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : rc;
}

}  // namespace septet::query
