// SPDX-License-Identifier: Apache-2.0
#include "catalog/rollback_undo.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "catalog/apply.h"
#include "catalog/catalog_impl.h"
#include "catalog/catalog_keys.h"
#include "catalog/ddl.h"
#include "catalog/metadata.h"
#include "catalog/write_unit_impl.h"

namespace septet::catalog {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;
using storage::Space;

namespace {

Status Unrecoverable(std::string_view text) {
  return Error(ErrorCode::kUnrecoverableRollbackError, text);
}

class Rollback {
 public:
  Rollback(Catalog* catalog, const RollbackOptions& options)
      : catalog_(catalog), impl_(catalog->impl()), options_(options),
        writer_(catalog->engine(), false) {}

  const RollbackCounts& counts() const { return counts_; }

  // Undoes some of the newest entries behind `common_point`. Returns true when it is reached.
  StatusOr<bool> Step(const repl::OpTime& common_point) {
    auto cursor = impl_->engine->NewCursor(Space::kOplog, nullptr, {});
    cursor->SeekToLast();
    writer_.Clear();
    ddl_ = DdlUndo();
    int entries = 0;
    int64_t bytes = 0;
    step_keys_.clear();
    bool reached = false;
    for (; cursor->valid(); cursor->Prev()) {
      const std::string stored(cursor->value());
      ASSIGN_OR_RETURN(const repl::EntryView entry, repl::ParseEntry(DocView(stored)));
      if (entry.optime == common_point) {
        reached = true;
        break;
      }
      if (entry.optime < common_point) {
        return Unrecoverable("the common point is not in the log");
      }
      const bool command = entry.op == 'c';
      if (entries > 0 && (command || ddl_.any || entries >= options_.max_step_entries ||
                          bytes >= options_.max_step_bytes)) {
        break;
      }
      RETURN_IF_ERROR(UndoEntry(entry));
      step_keys_.emplace_back(cursor->key());
      ++entries;
      bytes += static_cast<int64_t>(stored.size());
    }
    RETURN_IF_ERROR(cursor->status());
    if (!cursor->valid()) {
      return Unrecoverable("the common point is not in the log");
    }
    if (entries > 0) {
      const repl::OpTimeAndWall last = repl::EntryOpTimeAndWall(DocView(cursor->value()));
      RETURN_IF_ERROR(Commit(last, bytes));
      counts_.entries += entries;
    }
    return reached;
  }

 private:
  struct DdlUndo {
    bool any = false;
    std::vector<std::pair<Ident, std::string>> restore;
    std::vector<Ident> remove;
  };

  Status UndoEntry(const repl::EntryView& entry) {
    storage::PinnedValue value;
    ASSIGN_OR_RETURN(const bool found,
                     impl_->engine->Get(Space::kUndo, repl::OplogKey(entry.optime.ts), nullptr,
                                        &value));
    repl::UndoRecord undo;
    if (found) {
      ASSIGN_OR_RETURN(undo, repl::DecodeUndo(value.view()));
    }
    if (!entry.lsid.missing() && options_.side != nullptr) {
      RETURN_IF_ERROR(options_.side->Undo(entry, undo));
    }
    switch (entry.op) {
      case 'n':
        return OkStatus();
      case 'c':
        ++counts_.commands;
        return UndoCommand(entry, undo);
      case 'i':
      case 'u':
      case 'd':
        return UndoDocument(entry, undo);
      default:
        return Unrecoverable(StrCat("entry ", entry.optime.ToString(), " has an unknown op"));
    }
  }

  Status UndoDocument(const repl::EntryView& entry, const repl::UndoRecord& undo) {
    CollectionPtr c;
    if (entry.uuid != nullptr) {
      Uuid uuid;
      std::copy(entry.uuid, entry.uuid + 16, uuid.bytes);
      c = catalog_->Snapshot().FindByUuid(uuid);
    }
    if (c == nullptr) {
      return Unrecoverable(StrCat("entry ", entry.optime.ToString(),
                                  " is for a collection that does not exist: ", entry.ns));
    }
    const ValueView id =
        entry.op == 'u' && entry.o2.is_object() ? entry.o2.AsDoc().Find("_id") : entry.o.Find("_id");
    ASSIGN_OR_RETURN(DocOverlay::Doc* const doc, writer_.overlay()->Get(*c, id));
    if ((entry.op == 'd') != (doc->rid == 0)) {
      return Unrecoverable(StrCat("entry ", entry.optime.ToString(),
                                  " does not fit the stored document in ", c->ns.full()));
    }
    if (entry.op != 'd' && options_.save) {
      RETURN_IF_ERROR(options_.save(*c, DocView(doc->bytes)));
    }
    if (entry.op == 'i') {
      ++counts_.inserts;
      return writer_.Change(c, doc, doc->rid, {});
    }
    if (undo.rid == 0) {
      return Unrecoverable(StrCat("entry ", entry.optime.ToString(), " has no undo record"));
    }
    ++(entry.op == 'u' ? counts_.updates : counts_.deletes);
    if (c->capped) {
      c->state->capped_first.store(0);  // a document may come back at the front
    }
    return writer_.Change(c, doc, undo.rid, undo.document);
  }

  Status UndoCommand(const repl::EntryView& entry, const repl::UndoRecord& undo) {
    if (undo.ddl.empty()) {
      return Unrecoverable(StrCat("entry ", entry.optime.ToString(), " has no undo record"));
    }
    const DocView document(undo.ddl);
    ddl_.any = true;
    for (const ElementView e : document.Find("restore").AsArray()) {
      const DocView item = e.value().AsDoc();
      ddl_.restore.emplace_back(static_cast<Ident>(bson::ToInt64Clamped(item.Find("ident"))),
                                item.Find("meta").AsDoc().ToBytes());
    }
    for (const ElementView e : document.Find("remove").AsArray()) {
      ddl_.remove.push_back(static_cast<Ident>(bson::ToInt64Clamped(e.value())));
    }
    return OkStatus();
  }

  // Writes the step. The oplog's totals, the entries and everything else go in one batch.
  Status Commit(const repl::OpTimeAndWall& last, int64_t bytes) {
    std::vector<CollectionPtr> put;
    std::vector<std::string> removed;
    if (ddl_.any) {
      RETURN_IF_ERROR(PrepareDdl(&put, &removed));
    }
    const Status status = impl_->sequencer->RunExclusive(
        [&](storage::WriteBatch* out) -> Status {
          out->Append(*writer_.batch());
          writer_.PutTotals(out);
          if (options_.side != nullptr) {
            RETURN_IF_ERROR(options_.side->PutInOrder(out));
          }
          for (const std::string& key : step_keys_) {
            out->Delete(Space::kOplog, key);
            out->Delete(Space::kUndo, key);
          }
          impl_->sequencer->NoteOplogRemoved(static_cast<int64_t>(step_keys_.size()), bytes,
                                             last.optime.ts, out);
          WriteDdl(put, out);
          return OkStatus();
        },
        &last);
    RETURN_IF_ERROR(status);
    if (ddl_.any) {
      PublishDdl(put, removed);
      return ReloadAllViews();
    }
    for (const std::string& db : writer_.view_dbs()) {
      RETURN_IF_ERROR(impl_->ReloadViews(db));
    }
    return OkStatus();
  }

  // The collections as they were before the command, with their state.
  Status PrepareDdl(std::vector<CollectionPtr>* put, std::vector<std::string>* removed) {
    const auto now = impl_->Current();
    const auto current = [&](Ident ident) -> CollectionPtr {
      for (const CollectionPtr& c : now->sorted) {
        if (!c->is_view && c->ident == ident) {
          return c;
        }
      }
      return nullptr;
    };
    for (const Ident ident : ddl_.remove) {
      if (const CollectionPtr c = current(ident); c != nullptr) {
        removed->push_back(c->ns.full());
        gone_.push_back(c);
      }
    }
    for (const auto& [ident, meta] : ddl_.restore) {
      std::shared_ptr<CollectionInfo> c;
      RETURN_IF_ERROR(impl_->LoadCollection(ident, DocView(meta), &c));
      if (const CollectionPtr there = current(ident); there != nullptr) {
        if (!(there->ns == c->ns)) {
          removed->push_back(there->ns.full());
        }
        KeepIndexes(*there, c.get());
        c->state = there->state;
        c->version = there->version + 1;
        CollectLostIndexes(*there, *c);
      }
      put->push_back(std::move(c));
    }
    // A name that is put again must not be taken away.
    std::erase_if(*removed, [&](const std::string& name) {
      return std::any_of(put->begin(), put->end(),
                         [&](const CollectionPtr& c) { return c->ns.full() == name; });
    });
    return OkStatus();
  }

  // Counters of indexes live on.
  static void KeepIndexes(const CollectionInfo& there, CollectionInfo* c) {
    for (auto& index : c->indexes) {
      for (const auto& other : there.indexes) {
        if (other->ident == index->ident) {
          auto entry = std::make_shared<IndexEntry>(*index);
          entry->multikey = other->multikey;
          entry->accesses = other->accesses;
          index = std::move(entry);
        }
      }
    }
  }

  void CollectLostIndexes(const CollectionInfo& there, const CollectionInfo& c) {
    for (const auto& index : there.indexes) {
      if (std::none_of(c.indexes.begin(), c.indexes.end(),
                       [&](const auto& i) { return i->ident == index->ident; })) {
        DroppedRange range;
        range.ident = index->ident;
        range.is_index = true;
        dropped_.push_back(std::move(range));
      }
    }
  }

  void WriteDdl(const std::vector<CollectionPtr>& put, storage::WriteBatch* out) {
    for (const CollectionPtr& c : gone_) {
      out->Delete(Space::kCatalog, keys::IdentKey(keys::kCollection, c->ident));
      DroppedRange range;
      range.ident = c->ident;
      for (const auto& index : c->indexes) {
        range.indexes.push_back(index->ident);
      }
      dropped_.push_back(std::move(range));
    }
    for (const DroppedRange& range : dropped_) {
      out->Put(Space::kCatalog, keys::IdentKey(keys::kDropped, range.ident), EncodeDropped(range));
    }
    for (const CollectionPtr& c : put) {
      out->Put(Space::kCatalog, keys::IdentKey(keys::kCollection, c->ident), EncodeMetadata(*c));
      out->Delete(Space::kCatalog, keys::IdentKey(keys::kDropped, c->ident));
      for (const auto& index : c->indexes) {
        out->Delete(Space::kCatalog, keys::IdentKey(keys::kDropped, index->ident));
      }
    }
  }

  void PublishDdl(const std::vector<CollectionPtr>& put, const std::vector<std::string>& removed) {
    for (const CollectionPtr& c : gone_) {
      c->state->dropped.store(true);
    }
    impl_->Publish(put, removed);
    absl::MutexLock lock(&impl_->dropped_mu);
    const auto is_back = [&](const DroppedRange& range) {
      return std::any_of(put.begin(), put.end(), [&](const CollectionPtr& c) {
        return c->ident == range.ident ||
               std::any_of(c->indexes.begin(), c->indexes.end(),
                           [&](const auto& i) { return i->ident == range.ident; });
      });
    };
    std::erase_if(impl_->dropped, is_back);
    impl_->dropped.insert(impl_->dropped.end(), dropped_.begin(), dropped_.end());
    dropped_.clear();
    gone_.clear();
  }

  Status ReloadAllViews() {
    for (const std::string& db : catalog_->Snapshot().Databases()) {
      RETURN_IF_ERROR(impl_->ReloadViews(db));
    }
    return OkStatus();
  }

  Catalog* const catalog_;
  Catalog::Impl* const impl_;
  const RollbackOptions& options_;
  DocWriter writer_;
  DdlUndo ddl_;
  std::vector<CollectionPtr> gone_;
  std::vector<DroppedRange> dropped_;
  std::vector<std::string> step_keys_;
  RollbackCounts counts_;
};

}  // namespace

StatusOr<RollbackCounts> RollBackTo(Catalog* catalog, const repl::OpTime& common_point,
                                    const RollbackOptions& options) {
  Rollback rollback(catalog, options);
  while (true) {
    ASSIGN_OR_RETURN(const bool reached, rollback.Step(common_point));
    if (reached) {
      return rollback.counts();
    }
  }
}

}  // namespace septet::catalog
