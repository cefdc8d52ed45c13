// SPDX-License-Identifier: Apache-2.0
// Errors of the whole tree: absl::Status with a server error code as payload.
//
// A Status that is not ok is made only by Error(code, text); CodeOf reads the code back. Only the
// dispatcher turns a Status into {ok: 0, code, codeName, errmsg}. Extra reply fields (keyPattern,
// keyValue of a duplicate key, ...) travel as one BSON document, see WithInfo/InfoOf.
// Thread rule: values, immutable once made.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace septet {

using absl::OkStatus;
using absl::Status;
using absl::StatusOr;

// The wire's error numbers. Any number may be cast to ErrorCode; those without a row in
// error_codes.def are called Location<number>.
enum class ErrorCode : int {
  kOK = 0,
#define P_ERROR_CODE(name, number, categories) k##name = number,
#include "base/error_codes.def"
#undef P_ERROR_CODE
};

namespace error_category {
inline constexpr unsigned kNone = 0;
inline constexpr unsigned kRetriable = 1;      // a retryable write may be sent again
inline constexpr unsigned kNotPrimary = 2;     // state change: drivers mark the server Unknown
inline constexpr unsigned kShutdown = 4;       // drivers also clear the pool
inline constexpr unsigned kInterruption = 8;   // the operation was killed or ran out of time
inline constexpr unsigned kNetwork = 16;
inline constexpr unsigned kUnnamed = 32;       // reported as Location<number>
}  // namespace error_category

// Makes a failed status. `code` must not be kOK.
Status Error(ErrorCode code, std::string_view text);
// The same for a code that has a number only, e.g. 16410.
inline Status Error(int code, std::string_view text) {
  return Error(static_cast<ErrorCode>(code), text);
}

// Attaches the fields of one encoded BSON document, merged into the error reply.
Status WithInfo(Status status, std::string_view bson_document);
// The document given to WithInfo, or empty.
std::string InfoOf(const Status& status);

// Code of a failed status; kInternalError for a status not made by Error(); kOK for ok.
ErrorCode CodeOf(const Status& status);
// Message text of a status as std::string_view.
std::string_view TextOf(const Status& status);
// The same status with `prefix` put before its text; code and info are kept.
Status Prefixed(std::string_view prefix, const Status& status);

// "BadValue", or "Location16410" for a number without a name.
std::string CodeName(ErrorCode code);
// Union of error_category bits of a code.
unsigned CategoriesOf(ErrorCode code);
inline bool IsRetriable(ErrorCode code) {
  return (CategoriesOf(code) & error_category::kRetriable) != 0;
}
inline bool IsNotPrimary(ErrorCode code) {
  return (CategoriesOf(code) & error_category::kNotPrimary) != 0;
}

}  // namespace septet

#define P_CONCAT_INNER(a, b) a##b
#define P_CONCAT(a, b) P_CONCAT_INNER(a, b)

// Returns from the calling function if the expression's Status is not ok.
#define RETURN_IF_ERROR(expr) P_RETURN_IF_ERROR_IMPL(P_CONCAT(p_status_, __COUNTER__), expr)
#define P_RETURN_IF_ERROR_IMPL(var, expr)  \
  do {                                     \
    ::septet::Status var = (expr);         \
    if (!var.ok()) [[unlikely]] return var; \
  } while (false)

// ASSIGN_OR_RETURN(auto x, F()): x = *F(), or returns F()'s status.
#define ASSIGN_OR_RETURN(lhs, expr) \
  P_ASSIGN_OR_RETURN_IMPL(P_CONCAT(p_statusor_, __LINE__), lhs, expr)
#define P_ASSIGN_OR_RETURN_IMPL(var, lhs, expr)          \
  auto var = (expr);                                     \
  if (!var.ok()) [[unlikely]] return std::move(var).status(); \
  lhs = *std::move(var)
