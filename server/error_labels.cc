// SPDX-License-Identifier: Apache-2.0
#include "server/error_labels.h"

#include <algorithm>

namespace septet::server {
namespace {

// Class T of the surface's error table: the transaction may be tried again as a whole.
bool IsTransient(ErrorCode code) {
  constexpr ErrorCode kTransient[] = {
      ErrorCode::kLockTimeout,       ErrorCode::kWriteConflict,
      ErrorCode::kNoSuchTransaction, ErrorCode::kPreparedTransactionInProgress,
      ErrorCode::kSnapshotTooOld,    ErrorCode::kSnapshotUnavailable,
  };
  return std::find(std::begin(kTransient), std::end(kTransient), code) != std::end(kTransient);
}

bool IsResumable(ErrorCode code) {
  return IsRetriable(code) || code == ErrorCode::kRetryChangeStream ||
         code == ErrorCode::kFailedToSatisfyReadPreference || code == ErrorCode::kCursorNotFound;
}

bool IsTransientHere(ErrorCode code, const LabelFacts& facts) {
  if (!facts.in_transaction || code == ErrorCode::kOK) {
    return false;
  }
  if (facts.ends_transaction) {
    return code == ErrorCode::kNoSuchTransaction && facts.write_concern_code == ErrorCode::kOK;
  }
  return IsTransient(code) || IsRetriable(code);
}

}  // namespace

std::vector<std::string_view> ErrorLabels(ErrorCode code, const LabelFacts& facts) {
  std::vector<std::string_view> labels;
  if (IsTransientHere(code, facts)) {
    labels.push_back("TransientTransactionError");
  }
  const bool retriable = IsRetriable(code) || IsRetriable(facts.write_concern_code);
  if ((facts.retryable_write || facts.ends_transaction) && retriable && !facts.internal_client) {
    labels.push_back("RetryableWriteError");
    if (code != ErrorCode::kOK && !facts.wrote && facts.retryable_write) {
      labels.push_back("NoWritesPerformed");
    }
  }
  if (facts.change_stream && code != ErrorCode::kOK) {
    if (IsResumable(code)) {
      labels.push_back("ResumableChangeStreamError");
    } else if (code == ErrorCode::kChangeStreamFatalError ||
               code == ErrorCode::kChangeStreamHistoryLost) {
      labels.push_back("NonResumableChangeStreamError");
    }
  }
  return labels;
}

}  // namespace septet::server
