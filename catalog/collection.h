// SPDX-License-Identifier: Apache-2.0
// A collection as readers see it: immutable metadata (CollectionInfo) in a catalog snapshot, shared
// mutable counters, and readers over its records and indexes.
// Thread rule: CollectionInfo is immutable and shared; readers belong to one operation.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "bson/compare.h"
#include "bson/view.h"
#include "catalog/namespace.h"
#include "index/spec.h"
#include "storage/engine.h"
#include "storage/key.h"

namespace septet::catalog {

using storage::Ident;
using storage::RecordId;

struct Uuid {
  uint8_t bytes[16] = {};
  bool operator==(const Uuid& o) const { return std::memcmp(bytes, o.bytes, 16) == 0; }
  static Uuid Generate();
  std::string ToString() const;
};

// One index as listed in the catalog.
struct IndexEntry {
  index::Spec spec;          // key pattern, name, options (index/spec.h)
  Ident ident = 0;
  bool ready = true;
  // Set once some document has an array on a key path; per path bit i = key field i.
  std::shared_ptr<std::atomic<uint64_t>> multikey;  // bit mask of key fields; 0 = not multikey
  std::shared_ptr<std::atomic<int64_t>> accesses;   // $indexStats
};

// Counters and gates that outlive catalog snapshots. Definition in collection_state.h.
struct CollectionState;

struct CollectionInfo {
  Namespace ns;
  Uuid uuid;
  Ident ident = 0;
  std::string options;  // encoded document: the create options as listCollections shows them
  bool capped = false;
  int64_t capped_size = 0;
  int64_t capped_max = 0;
  bool is_view = false;
  std::string view_on;
  std::string view_pipeline;  // encoded array
  std::vector<std::shared_ptr<const IndexEntry>> indexes;  // [0] is _id_ (unless none: oplog)
  std::shared_ptr<CollectionState> state;

  const IndexEntry* FindIndexByName(std::string_view name) const;
  const IndexEntry* IdIndex() const;
};
using CollectionPtr = std::shared_ptr<const CollectionInfo>;

// Exact number and bytes of documents.
int64_t RecordCount(const CollectionInfo& c);
int64_t DataBytes(const CollectionInfo& c);

// Walks records in RecordId order.
class RecordCursor {
 public:
  RecordCursor(storage::Engine* engine, const CollectionInfo& c,
               std::shared_ptr<const storage::Snapshot> snapshot, bool forward);
  // Positions on the first record (of the direction), or the first at/after `rid`.
  void SeekFirst();
  void Seek(RecordId rid);
  bool valid() const { return cursor_->valid(); }
  void Next();
  RecordId rid() const;
  bson::DocView doc() const;  // valid until the next move
  Status status() const { return cursor_->status(); }

 private:
  Ident ident_;
  bool forward_;
  std::unique_ptr<storage::Cursor> cursor_;
};

// Walks one index between two encoded keys (storage::KeyBuilder bounds).
class IndexCursor {
 public:
  IndexCursor(storage::Engine* engine, const IndexEntry& index,
              std::shared_ptr<const storage::Snapshot> snapshot, bool forward);
  void Seek(std::string_view key);  // forward: first >= key; backward: last <= key
  bool valid() const { return cursor_->valid(); }
  void Next();
  std::string_view key() const { return cursor_->key(); }  // with ident and, if not unique, RecordId
  RecordId rid() const;
  // The key's values with empty names, or with the names of the key pattern. Exact types.
  Status DecodeTo(bson::DocBuilder* out, bool with_names) const;
  Status status() const { return cursor_->status(); }

 private:
  const IndexEntry* index_;
  bool forward_;
  std::unique_ptr<storage::Cursor> cursor_;
};

}  // namespace septet::catalog
