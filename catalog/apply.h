// SPDX-License-Identifier: Apache-2.0
// A secondary's side of the commit path: what entries of the log do to records, indexes and totals.
//
// A batch of entries is computed by several lanes (threads) and committed as one engine batch:
//   lane->Apply(entry i, &undo[i])   any number of lanes; all entries of one document in one lane, all
//                                    entries of a collection that NeedsSerialApply in one lane
//   CommitLanes(...)                 entries, undo records, data, totals at once
// Commands are alone in their batch: Catalog::ApplyCommand.
// Strict (steady state): a missing document or a duplicate key is corruption, and the member stops.
// Tolerant (initial sync replays over newer data): insert on existing replaces, update and delete of
// missing are ignored, unknown collections are ignored, unique keys may clash for a while.
// Source: replication.md 3.5, 4.3. Thread rule: a lane belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"
#include "index/spec.h"
#include "replication/oplog/entry.h"
#include "replication/oplog/undo.h"
#include "storage/engine.h"

namespace septet::catalog {

struct ApplyOptions {
  // Applies the inner document of {$v: 2, diff: {...}} (query::ApplyDiff).
  StatusOr<std::string> (*apply_diff)(bson::DocView doc, bson::DocView diff) = nullptr;
  bool tolerant = false;
};

// Must the entries of this collection be applied in the log's order? (capped, unique secondary index)
bool NeedsSerialApply(const CollectionInfo& c);

// The newest state of documents as a running batch sees them: what it has changed itself, else what is
// stored. Shared by applying and rolling back.
class DocOverlay {
 public:
  explicit DocOverlay(storage::Engine* engine) : engine_(engine) {}

  struct Doc {
    RecordId rid = 0;      // 0: does not exist
    std::string bytes;
  };
  // By _id. The pointer is good until the next call.
  StatusOr<Doc*> Get(const CollectionInfo& c, bson::ValueView id);
  void Clear() { docs_.clear(); }

 private:
  storage::Engine* const engine_;
  std::unordered_map<std::string, Doc> docs_;  // by key in the _id index
};

// Changes of documents with their index entries, collected for one batch.
class DocWriter {
 public:
  DocWriter(storage::Engine* engine, bool tolerant);
  ~DocWriter();

  storage::Engine* engine() const { return engine_; }
  DocOverlay* overlay() { return &overlay_; }
  storage::WriteBatch* batch() { return batch_.get(); }

  // `before` empty: there was none. `after` empty: the record goes. Also updates *doc.
  Status Change(const CollectionPtr& c, DocOverlay::Doc* doc, RecordId rid, std::string_view after);

  // In commit order: totals and multikey flags into `out`. Forget: the batch was not written.
  void PutTotals(storage::WriteBatch* out);
  void ForgetTotals();
  bool touched_views() const { return !view_dbs_.empty(); }
  const std::vector<std::string>& view_dbs() const { return view_dbs_; }
  void Clear();

 private:
  struct Totals {
    CollectionPtr collection;
    int64_t count = 0;
    int64_t bytes = 0;
    std::vector<uint64_t> multikey;  // by index
  };
  Totals* TotalsOf(const CollectionPtr& c);
  Status ChangeKeys(const CollectionInfo& c, const IndexEntry& index, size_t i, RecordId rid,
                    std::string_view before, std::string_view after, Totals* totals);
  Status PutKey(const CollectionInfo& c, const IndexEntry& index, const index::KeySet::Key& key,
                RecordId rid);
  Status DeleteKey(const IndexEntry& index, const index::KeySet::Key& key, RecordId rid);
  StatusOr<RecordId> OwnerOf(const index::KeySet::Key& key);

  storage::Engine* const engine_;
  const bool tolerant_;
  DocOverlay overlay_;
  std::unique_ptr<storage::WriteBatch> batch_;
  std::unordered_map<Ident, Totals> totals_;
  std::unordered_map<std::string, RecordId> unique_owners_;  // of unique secondary keys changed here
  std::vector<std::string> view_dbs_;
  index::KeySet before_keys_;
  index::KeySet after_keys_;
  std::string scratch_;
  storage::PinnedValue value_;
};

class ApplyLane {
 public:
  ApplyLane(Catalog* catalog, const ApplyOptions& options);

  // Applies one entry of op i, u or d (n: nothing). `*undo` gets its inverse record (strict only), and
  // `*image` the image that needsRetryImage asks for.
  Status Apply(const repl::EntryView& entry, std::string* undo, std::string* image);
  DocWriter* writer() { return &writer_; }

 private:
  StatusOr<CollectionPtr> CollectionOf(const repl::EntryView& entry);
  Status ApplyInsert(const CollectionPtr& c, const repl::EntryView& entry, std::string* undo);
  Status ApplyUpdate(const CollectionPtr& c, const repl::EntryView& entry, std::string* undo,
                     std::string* image);
  Status ApplyDelete(const CollectionPtr& c, const repl::EntryView& entry, std::string* undo,
                     std::string* image);
  Status Missing(const CollectionInfo& c, const repl::EntryView& entry) const;

  Catalog* const catalog_;
  const ApplyOptions options_;
  const CatalogSnapshot snapshot_;
  DocWriter writer_;
};

// What else goes into the batch in commit order: session records (txn/session_apply.h).
class SideApply {
 public:
  virtual ~SideApply() = default;
  virtual Status PutInOrder(storage::WriteBatch* out) = 0;
  virtual void OnWritten() = 0;
  virtual void OnFailed() = 0;
};

// Commits what the lanes computed. `entries` are whole and in order; `undo` is parallel to them or
// empty; `side` may be null.
Status CommitLanes(Catalog* catalog, const std::vector<std::unique_ptr<ApplyLane>>& lanes,
                   const std::vector<std::string>& entries, const std::vector<std::string>& undo,
                   SideApply* side);

}  // namespace septet::catalog
