// SPDX-License-Identifier: Apache-2.0
// Changes of the catalog. A CatalogChange says what the stored metadata and the published snapshot
// become; it is committed by a DdlUnit (primary, standalone) or inside a secondary's batch.
//
// Dropping has two phases: the change hides a collection or index and notes its range under 'd'; the
// range is destroyed (Catalog::ReapDropped) when the entry that dropped it can no longer be rolled back.
// Inverse: every change keeps the metadata documents from before, see UndoDocument.
// Thread rule: a change belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog_impl.h"
#include "catalog/op.h"

namespace septet::catalog {

class CatalogChange {
 public:
  explicit CatalogChange(Catalog::Impl* catalog) : catalog_(catalog) {}

  // Adds or replaces a collection. `before` is the version it replaces, or null.
  void Put(CollectionPtr after, CollectionPtr before);
  // Takes a collection out.
  void Drop(CollectionPtr c);
  // Indexes that `after` no longer has.
  void DropIndexes(const CollectionInfo& before, const CollectionInfo& after);
  // Idents were taken: the next free one is stored with this change.
  void NoteNextIdent() { store_next_ident_ = true; }
  void FinishBuild(Ident index, uint64_t multikey) { built_.emplace_back(index, multikey); }
  // Takes over what `build` says of one index.
  void TakeBuild(const CatalogChange& build, Ident index);

  // Puts the metadata into the batch; `ts` of the entry (null: none).
  void Write(bson::Timestamp ts, storage::WriteBatch* out);
  // After the batch was written.
  void Publish();
  // {restore: [{ident, meta}], remove: [ident]}
  std::string UndoDocument() const;
  const std::vector<DroppedRange>& dropped() const { return dropped_; }

 private:
  Catalog::Impl* const catalog_;
  std::vector<CollectionPtr> put_;
  std::vector<CollectionPtr> gone_;
  std::vector<std::string> removed_names_;
  std::vector<DroppedRange> dropped_;
  std::vector<std::pair<Ident, std::string>> restore_;  // ident, metadata document
  std::vector<Ident> created_;
  std::vector<std::pair<Ident, uint64_t>> built_;  // ident, multikey mask
  bool store_next_ident_ = false;
};

// Commits one change with its oplog entry.
class DdlUnit final : public repl::CommitUnit {
 public:
  DdlUnit(Catalog::Impl* catalog, Op* op);

  CatalogChange* change() { return &change_; }
  // The entry {op: "c", ns: db + ".$cmd", ui, o, o2}. Not called for what is not replicated.
  void SetCommand(std::string_view db, const Uuid* uuid, bson::DocView o, std::string_view o2);
  Status Commit();

  void OnSequenced(const std::vector<repl::OpTime>& optimes, int64_t wall_millis,
                   storage::WriteBatch* out) override;
  void OnWritten() override { change_.Publish(); }

 private:
  Catalog::Impl* const catalog_;
  Op* const op_;
  CatalogChange change_;
  std::unique_ptr<storage::WriteBatch> owned_;
};

// Holds the gates of up to two collections exclusively, taken in the order of their idents.
class ExclusiveGates {
 public:
  explicit ExclusiveGates(CollectionPtr a, CollectionPtr b = nullptr);
  ~ExclusiveGates();
  ExclusiveGates(const ExclusiveGates&) = delete;
  ExclusiveGates& operator=(const ExclusiveGates&) = delete;

 private:
  std::vector<CollectionPtr> held_;
};

// DDL waits for gates and scans: never on an I/O thread.
Status RequireMayBlock(const Op& op);
// NotWritablePrimary on a follower, for names that are replicated.
Status RequireWritable(const Catalog::Impl& catalog, const Namespace& ns);
// Does a change of `ns` get an entry?
bool IsLogged(const Catalog::Impl& catalog, const Namespace& ns);
Status NamespaceNotFound(std::string_view text);

// Makes the new collection's info (idents, state, _id index); nothing is published.
StatusOr<CollectionPtr> MakeCollection(Catalog::Impl* catalog, const Namespace& ns,
                                       const CreateOptions& options, CatalogChange* change);
// o of a create entry.
std::string CreateCommand(const CollectionInfo& c);

// Renames inside a database, over `target` if that is not null, while the caller holds the gates of both
// (of a source that nobody else knows: not needed).
Status RenameUnderGates(Catalog::Impl* catalog, Op* op, const CollectionInfo& source,
                        const CollectionInfo* target, const Namespace& to, bool stay_temp);

// Drops a collection while the caller holds its gate.
Status DropUnderGate(Catalog::Impl* catalog, Op* op, const CollectionInfo& found);

// What collMod does to a collection's info; a view is not one.
Status ApplyCollMod(const CollectionInfo& before, bson::DocView changes,
                    const index::Extensions* extensions, std::shared_ptr<CollectionInfo> after);

// Index builds (index_build.cc). Fills new index entries, fully built and durable in order but not yet
// in the metadata. Requires the gate (or no other writers: a secondary's applier). On failure what was
// written is removed again.
StatusOr<std::vector<std::shared_ptr<const IndexEntry>>> BuildIndexes(
    Catalog::Impl* catalog, Interrupt* interrupt, const CollectionInfo& c,
    std::vector<index::Spec> specs, CatalogChange* change, bool allow_duplicates = false);

}  // namespace septet::catalog
