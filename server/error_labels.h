// SPDX-License-Identifier: Apache-2.0
// Which labels an error reply carries, so that drivers know what they may retry (S01-124..S01-128).
// Thread rule: pure.
#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"

namespace septet::server {

struct LabelFacts {
  bool in_transaction = false;       // autocommit: false
  bool retryable_write = false;      // txnNumber without autocommit
  bool ends_transaction = false;     // commitTransaction, abortTransaction
  bool internal_client = false;
  bool wrote = false;                // an oplog entry was written by this request
  bool change_stream = false;        // aggregate or getMore of a pipeline with $changeStream
  ErrorCode write_concern_code = ErrorCode::kOK;  // of the reply's writeConcernError
};

// `code` kOK: only the write concern failed.
std::vector<std::string_view> ErrorLabels(ErrorCode code, const LabelFacts& facts);

}  // namespace septet::server
