// SPDX-License-Identifier: Apache-2.0
// Inverse records: what an oplog entry alone does not tell and rollback needs. Space::kUndo, under the
// key of the entry, written in the same batch; dropped up to the commit point, behind which nothing is
// ever rolled back.
//   insert: none (the entry's o names the _id);  update, delete: RecordId and the document before
//   any entry of a session: the session record before;  a command: what its inverse needs (catalog)
// Format: docs/FORMATS "Undo".
// Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "bson/view.h"
#include "replication/core/optime.h"
#include "storage/engine.h"

namespace septet::repl {

struct UndoRecord {
  int64_t rid = 0;             // 0: no record
  std::string_view document;   // the record before (update, delete)
  bool has_session = false;
  std::string_view session;    // config.transactions' document before; empty: there was none
  bool has_image = false;
  std::string_view image;      // config.image_collection's document before; empty: there was none
  std::string_view ddl;        // encoded document of catalog/rollback_undo.h

  bool empty() const { return rid == 0 && !has_session && !has_image && ddl.empty(); }
};

// Appends the encoded record; appends nothing if it is empty.
void EncodeUndo(const UndoRecord& record, std::string* out);
// Views into `bytes`. Error: DataCorruptionDetected.
StatusOr<UndoRecord> DecodeUndo(std::string_view bytes);

// Drops all inverse records of entries up to and including `commit_point`.
Status TruncateUndo(storage::Engine* engine, bson::Timestamp commit_point);

}  // namespace septet::repl
