// SPDX-License-Identifier: Apache-2.0
// A session's stored record, a document of config.transactions:
// {_id: lsid, txnNum, lastWriteOpTime, lastWriteDate, statements: [{f, l, k}], upserted: [{s, id}]}
// A server's fields, and two of our own: runs of executed statement ids f..l of one kind k (i, u, d) and
// the _ids that upserts made. So a retry does not depend on how far back the oplog reaches.
// Thread rule: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "bson/view.h"
#include "catalog/op.h"
#include "replication/core/optime.h"
#include "txn/retryable.h"

namespace septet::txn {

struct SessionRecord {
  int64_t txn_number = -1;
  repl::OpTime last_write;
  int64_t last_write_millis = 0;
  bool is_transaction = false;  // has `state`: written by a multi-document transaction
  struct Run {
    int32_t first = 0;
    int32_t last = 0;
    char kind = 'i';
  };
  std::vector<Run> runs;  // by first, apart from each other
  struct Upsert {
    int32_t stmt_id = 0;
    std::string id;  // encoded {_id: ...}
  };
  std::vector<Upsert> upserts;

  void Add(const catalog::ExecutedStatement& statement);
  // Rollback of an entry: the statement was never executed.
  void Remove(int32_t stmt_id);
  std::vector<StatementResult> Results() const;
};

std::string EncodeSession(bson::DocView lsid, const SessionRecord& record);
// Error: IncompleteTransactionHistory (217) if the document makes no sense (written by hand).
StatusOr<SessionRecord> DecodeSession(bson::DocView document);

// A document of config.image_collection.
std::string EncodeImage(bson::DocView lsid, int64_t txn_number, bson::Timestamp ts,
                        bool is_post_image, bson::DocView image);

inline constexpr std::string_view kTransactionsName = "config.transactions";
inline constexpr std::string_view kImagesName = "config.image_collection";

}  // namespace septet::txn
