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
  // Set once some document has an array on a key path; per path bit i = key field i. Read it after
  // the snapshot was taken: the flag is set before such a document becomes visible.
  std::shared_ptr<std::atomic<uint64_t>> multikey;  // bit mask of key fields; 0 = not multikey
  std::shared_ptr<std::atomic<int64_t>> accesses;   // $indexStats
};

// Counters and gates that outlive catalog snapshots. Definition in collection_state.h.
struct CollectionState;

inline constexpr Ident kOplogIdent = 0xfffffffe;

struct CollectionInfo {
  Namespace ns;
  Uuid uuid;
  Ident ident = 0;
  std::string options;  // encoded document: the create options as listCollections shows them
  uint64_t version = 0;  // grows with every change of the metadata, see IsCurrent
  bool capped = false;
  int64_t capped_size = 0;
  int64_t capped_max = 0;
  bool is_view = false;
  std::string view_on;
  std::string view_pipeline;  // encoded array
  // Default collation of queries and indexes; empty and null: simple.
  std::string collation;
  std::shared_ptr<const bson::StringComparator> collator;
  std::vector<std::shared_ptr<const IndexEntry>> indexes;  // [0] is _id_ (unless none: oplog)
  std::shared_ptr<CollectionState> state;

  const IndexEntry* FindIndexByName(std::string_view name) const;
  const IndexEntry* IdIndex() const;
  // The oplog lives in a space of its own, keyed by timestamp; its RecordIds are timestamps.
  bool is_oplog() const { return ident == kOplogIdent; }
};
using CollectionPtr = std::shared_ptr<const CollectionInfo>;

// Exact number and bytes of documents.
int64_t RecordCount(const CollectionInfo& c);
int64_t DataBytes(const CollectionInfo& c);
// False once the collection was dropped (also by a rename over it): cursors on it die (175).
bool Exists(const CollectionInfo& c);
// False if the metadata has changed since: look it up again.
bool IsCurrent(const CollectionInfo& c);
// Name of the space and key that a record is stored under.
storage::Space RecordSpace(const CollectionInfo& c);
std::string StoredKey(const CollectionInfo& c, RecordId rid);

// Walks records in RecordId order.
class RecordCursor {
 public:
  RecordCursor(storage::Engine* engine, const CollectionInfo& c,
               std::shared_ptr<const storage::Snapshot> snapshot, bool forward,
               bool long_scan = false);
  // Positions on the first record (of the direction), or the first at/after `rid`.
  void SeekFirst();
  void Seek(RecordId rid);
  bool valid() const { return cursor_->valid(); }
  void Next();
  RecordId rid() const;
  bson::DocView doc() const;  // valid until the next move
  std::string_view bytes() const { return cursor_->value(); }
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

// Index entries: a unique one has the RecordId in its value, in front of the type bits; another one at
// the end of its key.
RecordId RecordIdOfValue(std::string_view value);
std::string_view TypeBitsOfValue(bool unique, std::string_view value);
// The values of an index key, with the names of the key pattern or with empty ones.
Status DecodeIndexKey(const IndexEntry& index, std::string_view key, std::string_view type_bits,
                      bool with_names, bson::DocBuilder* out);

}  // namespace septet::catalog
