// SPDX-License-Identifier: Apache-2.0
#include "catalog/op.h"

namespace septet::catalog {
namespace {
constexpr std::string_view kWouldBlockText = "operation must run where it may block";
}  // namespace

// Never seen by a client: the dispatcher runs the operation again in the worker pool.
Status WouldBlock() { return Error(ErrorCode::kInternalError, kWouldBlockText); }

bool IsWouldBlock(const Status& status) {
  return !status.ok() && CodeOf(status) == ErrorCode::kInternalError &&
         TextOf(status) == kWouldBlockText;
}

}  // namespace septet::catalog
