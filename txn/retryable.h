// SPDX-License-Identifier: Apache-2.0
// Retryable writes: which statements of a session's current transaction number were executed, and what
// they answered. The records are written by catalog::WriteUnit in the batch of the change itself
// (config.transactions), so they survive crash and failover; see docs/FORMATS.
// Source: drivers' retryable-writes specification; replication.md 7.1.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace septet::txn {

// What one executed statement answers to a retry.
struct StatementResult {
  int stmt_id = 0;
  char kind = 'i';           // what it did: i, u or d
  int32_t n = 0;
  int32_t n_modified = 0;
  std::string upserted;      // encoded {_id: ...} if it was an upsert that inserted
  // findAndModify: the document it returned.
  bool has_image = false;
  bool is_post_image = false;  // as it became, not as it was
  std::string image;
};

}  // namespace septet::txn
