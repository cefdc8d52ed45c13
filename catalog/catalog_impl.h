// SPDX-License-Identifier: Apache-2.0
// The catalog's inside, shared by the files of this folder that implement DDL and write units.
// Thread rule: thread-safe as annotated.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "catalog/catalog.h"
#include "catalog/collection_state.h"
#include "catalog/locks.h"

namespace septet::catalog {

struct CatalogSnapshot::Impl {
  std::vector<CollectionPtr> sorted;  // by full name; views too
  // Positions in `sorted`.
  std::unordered_map<std::string_view, size_t> by_name;
  std::unordered_map<std::string_view, size_t> by_uuid;  // 16 bytes; not views
};

// A collection or an index that is out of the catalog but still on disk.
struct DroppedRange {
  Ident ident = 0;              // key of the record
  bool is_index = false;
  std::vector<Ident> indexes;   // of a collection
  bson::Timestamp ts;           // of the entry that dropped it; null: not replicated
};

// Write batches are reused, because their buffers have grown to the right size.
class BatchPool {
 public:
  explicit BatchPool(storage::Engine* engine) : engine_(engine) {}
  std::unique_ptr<storage::WriteBatch> Take();
  void Give(std::unique_ptr<storage::WriteBatch> batch);

 private:
  static constexpr size_t kMaxKept = 32;
  static constexpr size_t kMaxKeptBytes = 1 << 20;
  storage::Engine* const engine_;
  absl::Mutex mu_;
  std::vector<std::unique_ptr<storage::WriteBatch>> free_ ABSL_GUARDED_BY(mu_);
};

struct Catalog::Impl {
  Impl(storage::Engine* e, repl::Sequencer* s, repl::Positions* p)
      : engine(e), sequencer(s), positions(p), batches(e) {}

  // Changes the published snapshot: `put` replaces the collection of the same name (and ident),
  // `removed` names go.
  void Publish(const std::vector<CollectionPtr>& put, const std::vector<std::string>& removed);
  std::shared_ptr<const CatalogSnapshot::Impl> Current() const;
  // A new version of a collection's metadata to be changed and published.
  static std::shared_ptr<CollectionInfo> NextVersion(const CollectionInfo& c);
  bool replicated() const { return sequencer->mode() != repl::Sequencer::Mode::kStandalone; }
  Status LoadCollection(Ident ident, bson::DocView metadata, std::shared_ptr<CollectionInfo>* out);
  // Reads <db>.system.views again and publishes the views that it holds.
  Status ReloadViews(std::string_view db);
  Status LoadViews(const CollectionInfo& system_views, std::vector<CollectionPtr>* out);

  storage::Engine* const engine;
  repl::Sequencer* const sequencer;
  repl::Positions* const positions;
  const index::Extensions* extensions = nullptr;
  LockTable locks;
  BatchPool batches;
  const std::shared_ptr<IdHints> id_hints = std::make_shared<IdHints>();

  mutable absl::Mutex snapshot_mu;
  std::shared_ptr<const CatalogSnapshot::Impl> current ABSL_GUARDED_BY(snapshot_mu);

  absl::Mutex ddl_mu ABSL_ACQUIRED_BEFORE(snapshot_mu);
  // Idents are never used again; the next one is stored with the change that took some.
  std::atomic<Ident> next_ident{1};

  absl::Mutex builds_mu;
  std::vector<std::shared_ptr<IndexBuildProgress>> builds ABSL_GUARDED_BY(builds_mu);

  absl::Mutex dropped_mu;
  std::vector<DroppedRange> dropped ABSL_GUARDED_BY(dropped_mu);
};

std::string EncodeMeta(Ident next_ident);
std::string EncodeDropped(const DroppedRange& range);
StatusOr<DroppedRange> DecodeDropped(Ident ident, bson::DocView document);

}  // namespace septet::catalog
