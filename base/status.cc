// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "absl/strings/cord.h"
#include "base/check.h"

namespace septet {
namespace {

struct CodeRow {
  int number;
  std::string_view name;
  unsigned categories;
};

using namespace error_category;  // NOLINT: the table below is unreadable otherwise

constexpr CodeRow kRows[] = {
#define P_ERROR_CODE(name, number, categories) {number, #name, categories},
#include "base/error_codes.def"
#undef P_ERROR_CODE
};

const CodeRow* FindRow(int number) {
  const auto* end = std::end(kRows);
  const auto* it = std::lower_bound(std::begin(kRows), end, number,
                                    [](const CodeRow& row, int n) { return row.number < n; });
  return it != end && it->number == number ? it : nullptr;
}

constexpr char kCodePayload[] = "septet/code";
constexpr char kInfoPayload[] = "septet/info";

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

Status Error(ErrorCode code, std::string_view text) {
  P_CHECK(code != ErrorCode::kOK);
  absl::Status status(absl::StatusCode::kUnknown, Absl(text));
  status.SetPayload(kCodePayload, absl::Cord(std::to_string(static_cast<int>(code))));
  return status;
}

Status WithInfo(Status status, std::string_view bson_document) {
  status.SetPayload(kInfoPayload, absl::Cord(Absl(bson_document)));
  return status;
}

std::string InfoOf(const Status& status) {
  const auto payload = status.GetPayload(kInfoPayload);
  return payload ? std::string(*payload) : std::string();
}

ErrorCode CodeOf(const Status& status) {
  if (status.ok()) {
    return ErrorCode::kOK;
  }
  const auto payload = status.GetPayload(kCodePayload);
  if (!payload) {
    return ErrorCode::kInternalError;
  }
  const std::string digits(*payload);
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return static_cast<ErrorCode>(number);
}

std::string_view TextOf(const Status& status) {
  const absl::string_view text = status.message();
  return {text.data(), text.size()};
}

Status Prefixed(std::string_view prefix, const Status& status) {
  if (status.ok()) {
    return status;
  }
  std::string text(prefix);
  text += TextOf(status);
  Status result = Error(CodeOf(status), text);
  const std::string info = InfoOf(status);
  return info.empty() ? result : WithInfo(std::move(result), info);
}

std::string CodeName(ErrorCode code) {
  const CodeRow* row = FindRow(static_cast<int>(code));
  if (code == ErrorCode::kOK) {
    return "OK";
  }
  if (row == nullptr || (row->categories & kUnnamed) != 0) {
    return "Location" + std::to_string(static_cast<int>(code));
  }
  return std::string(row->name);
}

unsigned CategoriesOf(ErrorCode code) {
  const CodeRow* row = FindRow(static_cast<int>(code));
  return row == nullptr ? kNone : row->categories;
}

}  // namespace septet
