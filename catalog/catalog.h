// SPDX-License-Identifier: Apache-2.0
// Names -> collections, and the only way to change them. Readers take an immutable CatalogSnapshot
// (one atomic load); DDL makes a new one under the catalog lock and commits through the sequencer.
// Also the entry to reads of documents.
// Thread rule: thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/collection.h"
#include "catalog/op.h"
#include "replication/oplog/entry.h"
#include "replication/oplog/sequencer.h"

namespace septet::catalog {

struct DroppedRange;

class CatalogSnapshot {
 public:
  CollectionPtr Find(std::string_view full_name) const;  // null if absent
  CollectionPtr FindByUuid(const Uuid& uuid) const;
  std::vector<CollectionPtr> Collections(std::string_view db) const;  // sorted by name
  std::vector<std::string> Databases() const;                          // sorted

  struct Impl;
  std::shared_ptr<const Impl> impl;
};

struct IndexBuildProgress {
  std::string ns;
  std::vector<std::string> names;
  int64_t total = 0;              // documents when it began
  std::atomic<int64_t> done{0};
};

struct CreateOptions {
  std::string options;             // create's options as stored (listCollections)
  Uuid uuid;                       // all zero: generate
  bool with_id_index = true;
  std::string id_index_spec;       // encoded, or empty for the default
  bool capped = false;
  int64_t capped_size = 0;
  int64_t capped_max = 0;
};

class Catalog {
 public:
  Catalog(storage::Engine* engine, repl::Sequencer* sequencer, repl::Positions* positions);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;
  // Collations and partial filters, made by the query floor. Before Load.
  void SetExtensions(const index::Extensions* extensions);
  const index::Extensions* extensions() const;
  // Reads the stored catalog, after Sequencer::Load; exact counts are there after a crash too.
  Status Load();

  CatalogSnapshot Snapshot() const;
  CollectionPtr Find(std::string_view full_name) const;
  storage::Engine* engine() const;
  repl::Sequencer* sequencer() const;
  repl::Positions* positions() const;

  // DDL. Each writes its oplog entry (op "c") with the metadata in one batch and sets op->last_write.
  // Errors: NamespaceExists (48), NamespaceNotFound (26), IndexNotFound (27), 67, 85, 86, 197, 73 ...
  StatusOr<CollectionPtr> CreateCollection(Op* op, const Namespace& ns, const CreateOptions& options);
  StatusOr<CollectionPtr> CreateView(Op* op, const Namespace& ns, std::string_view view_on,
                                     bson::DocView pipeline, bson::DocView options);
  // local.oplog.rs; no effect if it is there. On any member, never replicated.
  StatusOr<CollectionPtr> CreateOplog(Op* op, int64_t size_bytes);
  Status ResizeOplog(Op* op, int64_t size_bytes);
  Status DropCollection(Op* op, const Namespace& ns, int* indexes_was);
  Status DropDatabase(Op* op, std::string_view db);
  Status RenameCollection(Op* op, const Namespace& from, const Namespace& to, bool drop_target,
                          bool stay_temp = false);
  // Creates what is missing; builds over existing documents. Result tells numIndexesBefore/After.
  struct CreateIndexesResult {
    int before = 0;
    int after = 0;
    bool created_collection = false;
  };
  StatusOr<CreateIndexesResult> CreateIndexes(Op* op, const Namespace& ns,
                                              const std::vector<bson::DocView>& specs,
                                              bool ignore_unknown_options = false);
  // Builds that run now, for currentOp.
  std::vector<std::shared_ptr<const IndexBuildProgress>> IndexBuilds() const;
  // `index` is a name, a key pattern document, "*" or an array of names.
  Status DropIndexes(Op* op, const Namespace& ns, bson::ValueView index, int* indexes_was);
  // Changes stored options (collMod): `changes` is the command's document.
  Status CollMod(Op* op, const Namespace& ns, bson::DocView changes, bson::DocBuilder* reply);

  // Applying on a secondary (and while catching up): a command entry (op "c") alone in its batch, with
  // the entry itself. `entry` is the parsed form of `bytes`. Tolerant (initial sync): what is already
  // so, or is for something unknown, changes nothing. Errors: CommandNotSupported for a command that
  // this server does not log.
  Status ApplyCommand(const repl::EntryView& entry, const std::string& bytes, bool tolerant,
                      Interrupt* interrupt);

  // Destroys on disk what was dropped by entries up to the commit point. Called after every drop and
  // now and then by the owner of the commit point.
  Status ReapDropped();

  struct Impl;
  Impl* impl() const { return impl_.get(); }  // for this folder

 private:
  Status CleanUnfinishedBuilds(const std::vector<Ident>& idents);
  Status Destroy(const DroppedRange& range);

  std::unique_ptr<Impl> impl_;
};

// The snapshot an operation reads from: op->read_snapshot, or the newest.
std::shared_ptr<const storage::Snapshot> ReadSnapshot(Catalog* catalog, Op* op);
// Record by id. False if absent.
StatusOr<bool> GetRecord(storage::Engine* engine, const CollectionInfo& c, RecordId rid,
                         const storage::Snapshot* snapshot, storage::PinnedValue* out);
// RecordId of the document with that _id, 0 if none. One point look-up.
StatusOr<RecordId> FindById(storage::Engine* engine, const CollectionInfo& c, bson::ValueView id,
                            const storage::Snapshot* snapshot);
// The same with the document, mostly without reading the index.
StatusOr<RecordId> FindDocumentById(storage::Engine* engine, const CollectionInfo& c,
                                    bson::ValueView id, const storage::Snapshot* snapshot,
                                    storage::PinnedValue* document);
// Where a document with that _id was seen last, 0 if not known. It may not be there any more, or never
// was: compare what is there.
RecordId HintById(const CollectionInfo& c, bson::ValueView id);

}  // namespace septet::catalog
