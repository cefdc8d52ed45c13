// SPDX-License-Identifier: Apache-2.0
// The write unit's inside. Order of one change: compute all keys, check the unique ones (lock, then
// look), and only then put anything into the batch, so that a refused document leaves no trace.
// Thread rule: owned by one thread, except On...(), which the commit group's leader calls while the
// owner waits in Commit.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog_impl.h"
#include "catalog/write_unit.h"
#include "index/spec.h"
#include "replication/oplog/entry.h"
#include "replication/oplog/undo.h"

namespace septet::catalog {

Status WriteConflict();
// 11000 with keyPattern and keyValue.
Status DuplicateKeyError(const CollectionInfo& c, const IndexEntry& index, std::string_view key,
                         std::string_view type_bits);
// Sets the collection's next RecordId from what is stored, if it is not known yet.
Status FindNextRecordId(storage::Engine* engine, const CollectionInfo& c);

struct WriteUnit::Impl final : repl::CommitUnit {
  Impl(Catalog* catalog_in, Op* op_in, CollectionPtr collection);
  ~Impl() override;

  Status Open();
  Status TakeNewestVersion();
  // The analysis does not know what capped_locked does: capped_mu is held from MakeRoom to Release.
  void Release() ABSL_NO_THREAD_SAFETY_ANALYSIS;
  Status LockHash(uint64_t hash, bool* already_mine);
  StatusOr<RecordId> Insert(bson::DocView doc, int stmt_id, bool from_upsert);
  Status Update(RecordId rid, bson::DocView before, bson::DocView after, bson::DocView log_o,
                int stmt_id);
  Status Remove(RecordId rid, bson::DocView before, int stmt_id, bool from_migrate);
  Status Commit();

  void OnSequenced(const std::vector<repl::OpTime>& optimes, int64_t wall_millis,
                   storage::WriteBatch* out) override;
  void OnWritten() override;
  void OnAborted() override;

  Status CheckUnique(const IndexEntry& index, const index::KeySet::Key& key);
  void PutKey(const IndexEntry& index, const index::KeySet::Key& key, RecordId rid);
  void DeleteKey(const IndexEntry& index, const index::KeySet::Key& key, RecordId rid);
  void NoteMultikey(size_t i, uint64_t mask);
  void PutMultikey(storage::WriteBatch* out);
  void AddEntry(char entry_op, bson::DocView o, std::string_view o2, int stmt_id, bool from_upsert,
                bool from_migrate);
  void AddUndo(RecordId rid, bson::DocView before);
  Status PrepareUpdate(bson::DocView before, bson::DocView after);
  static void ForNewKeys(const index::KeySet& before, const index::KeySet& after,
                         std::vector<const index::KeySet::Key*>* out);
  StatusOr<RecordId> NextRecordId();
  // Capped (capped.cc): takes the insert mutex and removes the oldest documents until one of
  // `doc_bytes` fits.
  Status MakeRoom(int64_t doc_bytes) ABSL_NO_THREAD_SAFETY_ANALYSIS;

  enum class OwnChange { kNone, kAdded, kRemoved };
  OwnChange FindOwnChange(std::string_view key) const;
  void NoteUnique(std::string_view key, bool added);

  Catalog::Impl& catalog;
  Op* const op;
  CollectionPtr coll;  // replaced by Open if a newer version is there
  CollectionState* const state;
  std::unique_ptr<storage::WriteBatch> owned_batch;
  bool opened = false;         // holds the gate
  bool want_entries = false;
  bool capped_locked = false;
  RecordId capped_next = 0;    // capped: oldest record this unit has not removed
  std::deque<std::pair<RecordId, std::string>> capped_own;  // capped: inserted by this unit
  std::vector<uint64_t> locks;

  int changes = 0;
  int64_t count_delta = 0;
  int64_t bytes_delta = 0;
  bool any_multikey = false;
  std::vector<uint64_t> pending_multikey;  // by index
  std::vector<ExecutedStatement> statements;
  RetryImage image;
  size_t image_entry = 0;

  // Changes of unique keys so far, their bytes in one string.
  struct UniqueChange {
    uint32_t offset;
    uint32_t size;
    bool added;
  };
  std::string unique_arena;
  std::vector<UniqueChange> unique_changes;

  std::vector<index::KeySet> before_keys;  // by index
  std::vector<index::KeySet> after_keys;
  std::vector<const index::KeySet::Key*> new_keys;
  std::string scratch;
  storage::PinnedValue scratch_value;
};

}  // namespace septet::catalog
