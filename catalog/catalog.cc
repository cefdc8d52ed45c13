// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/number.h"
#include "catalog/catalog_impl.h"
#include "catalog/catalog_keys.h"
#include "catalog/metadata.h"

namespace septet::catalog {

using bson::DocView;
using storage::Space;

namespace {

// Of all keys and values, docs/FORMATS.md.
constexpr int32_t kFormatVersion = 1;

std::string_view UuidKey(const CollectionInfo& c) {
  return {reinterpret_cast<const char*>(c.uuid.bytes), 16};
}

// Calls `visit(key, value)` for all keys of one letter.
Status ForEachKey(storage::Engine* engine, char letter,
                  const std::function<Status(std::string_view, std::string_view)>& visit) {
  storage::CursorOptions options;
  options.lower = std::string(1, letter);
  options.upper = std::string(1, static_cast<char>(letter + 1));
  auto cursor = engine->NewCursor(Space::kCatalog, nullptr, options);
  for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
    RETURN_IF_ERROR(visit(cursor->key(), cursor->value()));
  }
  return cursor->status();
}

// Before anything else of the catalog is read or any key is written.
Status CheckFormat(DocView meta) {
  const int64_t version = bson::ToInt64Clamped(meta.Find("version"));
  return version == kFormatVersion
             ? OkStatus()
             : Error(ErrorCode::kUnsupportedFormat,
                     StrCat("the data files have format version ", version,
                            ", this server reads version ", kFormatVersion,
                            "; start the server version that wrote them"));
}

}  // namespace

std::unique_ptr<storage::WriteBatch> BatchPool::Take() {
  {
    absl::MutexLock lock(&mu_);
    if (!free_.empty()) {
      auto batch = std::move(free_.back());
      free_.pop_back();
      return batch;
    }
  }
  return engine_->NewBatch();
}

void BatchPool::Give(std::unique_ptr<storage::WriteBatch> batch) {
  if (batch->size_bytes() > kMaxKeptBytes) {
    return;
  }
  batch->Clear();
  absl::MutexLock lock(&mu_);
  if (free_.size() < kMaxKept) {
    free_.push_back(std::move(batch));
  }
}

CollectionPtr CatalogSnapshot::Find(std::string_view full_name) const {
  const auto it = impl->by_name.find(full_name);
  return it == impl->by_name.end() ? nullptr : impl->sorted[it->second];
}

CollectionPtr CatalogSnapshot::FindByUuid(const Uuid& uuid) const {
  const auto it = impl->by_uuid.find({reinterpret_cast<const char*>(uuid.bytes), 16});
  return it == impl->by_uuid.end() ? nullptr : impl->sorted[it->second];
}

std::vector<CollectionPtr> CatalogSnapshot::Collections(std::string_view db) const {
  std::vector<CollectionPtr> out;
  for (const CollectionPtr& c : impl->sorted) {
    if (c->ns.db() == db) {
      out.push_back(c);
    }
  }
  return out;
}

std::vector<std::string> CatalogSnapshot::Databases() const {
  std::vector<std::string> out;
  for (const CollectionPtr& c : impl->sorted) {
    out.emplace_back(c->ns.db());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::shared_ptr<const CatalogSnapshot::Impl> Catalog::Impl::Current() const {
  absl::MutexLock lock(&snapshot_mu);
  return current;
}

void Catalog::Impl::Publish(const std::vector<CollectionPtr>& put,
                            const std::vector<std::string>& removed) {
  absl::MutexLock lock(&snapshot_mu);
  auto next = std::make_shared<CatalogSnapshot::Impl>();
  const auto replaced = [&](const CollectionInfo& c) {
    return std::find(removed.begin(), removed.end(), c.ns.full()) != removed.end() ||
           std::any_of(put.begin(), put.end(),
                       [&](const CollectionPtr& p) { return p->ns == c.ns; });
  };
  if (current != nullptr) {
    for (const CollectionPtr& c : current->sorted) {
      if (!replaced(*c)) {
        next->sorted.push_back(c);
      }
    }
  }
  next->sorted.insert(next->sorted.end(), put.begin(), put.end());
  std::sort(next->sorted.begin(), next->sorted.end(),
            [](const CollectionPtr& a, const CollectionPtr& b) {
              return a->ns.full() < b->ns.full();
            });
  for (size_t i = 0; i < next->sorted.size(); ++i) {
    const CollectionInfo* c = next->sorted[i].get();
    next->by_name[c->ns.full()] = i;
    if (!c->is_view) {
      next->by_uuid[UuidKey(*c)] = i;
      c->state->version.store(c->version, std::memory_order_release);
    }
  }
  current = std::move(next);
}

std::shared_ptr<CollectionInfo> Catalog::Impl::NextVersion(const CollectionInfo& c) {
  auto next = std::make_shared<CollectionInfo>(c);
  ++next->version;
  return next;
}

std::string EncodeMeta(Ident next_ident) {
  return bson::MakeDoc("version", kFormatVersion, "nextIdent", static_cast<int64_t>(next_ident));
}

std::string EncodeDropped(const DroppedRange& range) {
  bson::DocBuilder b;
  b.Append("ts", range.ts);
  b.Append("index", range.is_index);
  {
    auto array = b.Array("indexes");
    for (const Ident ident : range.indexes) {
      b.Add(static_cast<int64_t>(ident));
    }
  }
  return b.Finish();
}

StatusOr<DroppedRange> DecodeDropped(Ident ident, DocView document) {
  DroppedRange out;
  out.ident = ident;
  out.is_index = document.Find("index").Truthy();
  const bson::ValueView ts = document.Find("ts");
  const bson::ValueView indexes = document.Find("indexes");
  if (ts.type() != bson::Type::kTimestamp || !indexes.is_array()) {
    return Error(ErrorCode::kDataCorruptionDetected, "stored drop record cannot be decoded");
  }
  out.ts = ts.AsTimestamp();
  for (const bson::ElementView e : indexes.AsArray()) {
    out.indexes.push_back(static_cast<Ident>(bson::ToInt64Clamped(e.value())));
  }
  return out;
}

Catalog::Catalog(storage::Engine* engine, repl::Sequencer* sequencer, repl::Positions* positions)
    : impl_(std::make_unique<Impl>(engine, sequencer, positions)) {
  impl_->Publish({}, {});
}

Catalog::~Catalog() = default;

void Catalog::SetExtensions(const index::Extensions* extensions) {
  impl_->extensions = extensions;
}

CatalogSnapshot Catalog::Snapshot() const {
  CatalogSnapshot out;
  out.impl = impl_->Current();
  return out;
}

CollectionPtr Catalog::Find(std::string_view full_name) const { return Snapshot().Find(full_name); }

storage::Engine* Catalog::engine() const { return impl_->engine; }
repl::Sequencer* Catalog::sequencer() const { return impl_->sequencer; }
repl::Positions* Catalog::positions() const { return impl_->positions; }
const index::Extensions* Catalog::extensions() const { return impl_->extensions; }

Status Catalog::Impl::LoadCollection(Ident ident, DocView metadata,
                                     std::shared_ptr<CollectionInfo>* out) {
  ASSIGN_OR_RETURN(std::shared_ptr<CollectionInfo> c, DecodeMetadata(ident, metadata, extensions));
  c->state = std::make_shared<CollectionState>(id_hints);
  c->state->next_rid = 0;  // found when the first insert asks for it
  if (c->is_oplog()) {
    c->state->oplog = &sequencer->oplog();
  }
  storage::PinnedValue value;
  ASSIGN_OR_RETURN(const bool counted,
                   engine->Get(Space::kCatalog, CountsKey(ident), nullptr, &value));
  int64_t count = 0;
  int64_t bytes = 0;
  if (counted && !DecodeCounts(value.view(), &count, &bytes)) {
    return Error(ErrorCode::kDataCorruptionDetected,
                 StrCat("stored counts of '", c->ns.full(), "' cannot be decoded"));
  }
  c->state->count = count;
  c->state->bytes = bytes;
  for (const auto& index : c->indexes) {
    ASSIGN_OR_RETURN(const bool found,
                     engine->Get(Space::kCatalog, keys::IdentKey(keys::kMultikey, index->ident),
                                 nullptr, &value));
    if (found && value.view().size() == 8) {
      uint64_t mask = 0;
      std::memcpy(&mask, value.view().data(), 8);
      index->multikey->store(mask);
    }
  }
  *out = std::move(c);
  return OkStatus();
}

Status Catalog::Load() {
  Impl& impl = *impl_;
  storage::PinnedValue meta;
  ASSIGN_OR_RETURN(const bool has_meta,
                   impl.engine->Get(Space::kCatalog, keys::kMeta, nullptr, &meta));
  RETURN_IF_ERROR(has_meta ? CheckFormat(DocView(meta.view())) : OkStatus());
  std::vector<CollectionPtr> all;
  std::vector<Ident> unfinished;
  Ident newest = 0;  // ident in use
  const auto load_collection = [&](std::string_view key, std::string_view value) -> Status {
    std::shared_ptr<CollectionInfo> c;
    RETURN_IF_ERROR(impl.LoadCollection(keys::IdentOfKey(key), DocView(value), &c));
    newest = std::max(newest, c->is_oplog() ? 0 : c->ident);
    for (const auto& index : c->indexes) {
      newest = std::max(newest, index->ident);
    }
    all.push_back(std::move(c));
    return OkStatus();
  };
  const auto load_dropped = [&](std::string_view key, std::string_view value) -> Status {
    ASSIGN_OR_RETURN(DroppedRange range, DecodeDropped(keys::IdentOfKey(key), DocView(value)));
    newest = std::max(newest, range.ident == kOplogIdent ? 0 : range.ident);
    for (const Ident ident : range.indexes) {
      newest = std::max(newest, ident);
    }
    absl::MutexLock lock(&impl.dropped_mu);
    impl.dropped.push_back(std::move(range));
    return OkStatus();
  };
  const auto note_unfinished = [&](std::string_view key, std::string_view) {
    unfinished.push_back(keys::IdentOfKey(key));
    newest = std::max(newest, unfinished.back());
    return OkStatus();
  };
  RETURN_IF_ERROR(ForEachKey(impl.engine, keys::kCollection, load_collection));
  RETURN_IF_ERROR(ForEachKey(impl.engine, keys::kDropped, load_dropped));
  RETURN_IF_ERROR(ForEachKey(impl.engine, keys::kBuilding, note_unfinished));
  const int64_t stored =
      has_meta ? bson::ToInt64Clamped(DocView(meta.view()).Find("nextIdent")) : 1;
  impl.next_ident = std::max(static_cast<Ident>(stored), newest + 1);
  std::vector<CollectionPtr> views;
  for (const CollectionPtr& c : all) {
    if (c->ns.collection() == "system.views") {
      RETURN_IF_ERROR(impl.LoadViews(*c, &views));
    }
  }
  all.insert(all.end(), views.begin(), views.end());
  impl.Publish(all, {});
  return CleanUnfinishedBuilds(unfinished);
}

Status Catalog::CleanUnfinishedBuilds(const std::vector<Ident>& idents) {
  for (const Ident ident : idents) {
    RETURN_IF_ERROR(impl_->engine->DropRange(Space::kIndexes, storage::IdentPrefix(ident),
                                             storage::IdentPrefixEnd(ident)));
    auto batch = impl_->engine->NewBatch();
    batch->Delete(Space::kCatalog, keys::IdentKey(keys::kBuilding, ident));
    batch->Delete(Space::kCatalog, keys::IdentKey(keys::kMultikey, ident));
    RETURN_IF_ERROR(impl_->sequencer->WriteRaw(batch.get(), nullptr));
    P_LOG(kWarning, kIndex, 42001, "Removed what an unfinished index build left", {"ident", ident});
  }
  return OkStatus();
}

std::shared_ptr<const storage::Snapshot> ReadSnapshot(Catalog* catalog, Op* op) {
  return op->read_snapshot != nullptr ? op->read_snapshot : catalog->engine()->GetSnapshot();
}

StatusOr<bool> GetRecord(storage::Engine* engine, const CollectionInfo& c, RecordId rid,
                         const storage::Snapshot* snapshot, storage::PinnedValue* out) {
  return engine->Get(RecordSpace(c), StoredKey(c, rid), snapshot, out);
}

namespace {

// The way to a document by its _id.
struct IdLookUp {
  IdLookUp(const CollectionInfo& c, const IndexEntry& index, bson::ValueView id)
      : hints(c.state->hints.get()), key(index.ident) {
    key.Append(id, index.spec.collator.get());
    hash = IdHints::HashOf(key.key());
  }

  StatusOr<RecordId> ReadIndex(storage::Engine* engine, const storage::Snapshot* snapshot) const {
    storage::PinnedValue value;
    ASSIGN_OR_RETURN(const bool found,
                     engine->Get(Space::kIndexes, key.key(), snapshot, &value));
    const RecordId rid = found ? RecordIdOfValue(value.view()) : RecordId{0};
    hints->Put(hash, rid);
    return rid;
  }
  // Whether the document is the one that is looked for.
  bool IsOf(DocView document, const IndexEntry& index, bson::ValueView id) const {
    const bson::ValueView its_id = document.Find("_id");
    if (bson::Identical(its_id, id)) {
      return true;
    }
    storage::KeyBuilder its_key(index.ident);
    its_key.Append(its_id, index.spec.collator.get());
    return its_key.key() == key.key();
  }

  IdHints* hints;
  storage::KeyBuilder key;
  uint64_t hash;
};

Status NoIdIndex(const CollectionInfo& c) {
  return Error(ErrorCode::kIndexNotFound,
               StrCat("collection '", c.ns.full(), "' has no _id index"));
}

}  // namespace

StatusOr<RecordId> FindById(storage::Engine* engine, const CollectionInfo& c, bson::ValueView id,
                            const storage::Snapshot* snapshot) {
  const IndexEntry* const index = c.IdIndex();
  if (index == nullptr) {
    return NoIdIndex(c);
  }
  return IdLookUp(c, *index, id).ReadIndex(engine, snapshot);
}

StatusOr<RecordId> FindDocumentById(storage::Engine* engine, const CollectionInfo& c,
                                    bson::ValueView id, const storage::Snapshot* snapshot,
                                    storage::PinnedValue* document) {
  const IndexEntry* const index = c.IdIndex();
  if (index == nullptr) {
    return NoIdIndex(c);
  }
  const IdLookUp look_up(c, *index, id);
  if (const RecordId hint = look_up.hints->Find(look_up.hash); hint != 0) {
    ASSIGN_OR_RETURN(const bool found, GetRecord(engine, c, hint, snapshot, document));
    if (found && look_up.IsOf(DocView(document->view()), *index, id)) {
      return hint;
    }
  }
  ASSIGN_OR_RETURN(const RecordId rid, look_up.ReadIndex(engine, snapshot));
  if (rid == 0) {
    return rid;
  }
  ASSIGN_OR_RETURN(const bool found, GetRecord(engine, c, rid, snapshot, document));
  return found ? rid : RecordId{0};
}

RecordId HintById(const CollectionInfo& c, bson::ValueView id) {
  const IndexEntry* const index = c.IdIndex();
  return index == nullptr ? RecordId{0} : c.state->hints->Find(IdLookUp(c, *index, id).hash);
}

}  // namespace septet::catalog
