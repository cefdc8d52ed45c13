// SPDX-License-Identifier: Apache-2.0
// createIndexes. A build holds the collection's gate alone: it scans the records once, sorts the keys of
// each index in memory in chunks and writes them in batches. They belong to the index only when the
// metadata names it; until then the ident is marked as being built, and a start after a crash removes
// what is there.
#include <algorithm>

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "catalog/catalog_keys.h"
#include "catalog/ddl.h"
#include "catalog/write_unit_impl.h"

namespace septet::catalog {

using bson::DocView;
using storage::Space;

namespace {

constexpr size_t kChunkBytes = 64 << 20;
constexpr size_t kBatchBytes = 2 << 20;

struct SortItem {
  std::string key;  // complete, with the RecordId if not unique
  std::string value;
  bool operator<(const SortItem& other) const { return key < other.key; }
};

// Collects one index's entries and writes them in sorted chunks.
class Builder {
 public:
  Builder(Catalog::Impl* catalog, const CollectionInfo& c, std::shared_ptr<IndexEntry> index,
          bool allow_duplicates)
      : catalog_(catalog), c_(c), index_(std::move(index)), allow_duplicates_(allow_duplicates) {}

  const std::shared_ptr<IndexEntry>& index() const { return index_; }

  Status Add(RecordId rid, DocView doc) {
    RETURN_IF_ERROR(index::MakeKeys(index_->spec, index_->ident, doc, &keys_));
    multikey_ |= keys_.multikey;
    for (index::KeySet::Key& key : keys_.keys) {
      SortItem& item = items_.emplace_back();
      item.key = std::move(key.bytes);
      if (index_->spec.unique) {
        storage::AppendRecordId(&item.value, rid);
        item.value += key.type_bits;
      } else {
        storage::AppendRecordId(&item.key, rid);
        item.value = std::move(key.type_bits);
      }
      bytes_ += item.key.size() + item.value.size() + sizeof(SortItem);
    }
    return bytes_ >= kChunkBytes ? Flush() : OkStatus();
  }

  Status Finish() {
    RETURN_IF_ERROR(Flush());
    index_->multikey->store(multikey_);
    return OkStatus();
  }

  uint64_t multikey() const { return multikey_; }

 private:
  Status Flush() {
    std::stable_sort(items_.begin(), items_.end());
    if (index_->spec.unique && !allow_duplicates_) {
      RETURN_IF_ERROR(CheckUnique());
    }
    auto batch = catalog_->engine->NewBatch();
    for (const SortItem& item : items_) {
      batch->Put(Space::kIndexes, item.key, item.value);
      if (batch->size_bytes() >= kBatchBytes) {
        RETURN_IF_ERROR(catalog_->sequencer->WriteRaw(batch.get(), nullptr));
        batch->Clear();
      }
    }
    if (batch->count() > 0) {
      RETURN_IF_ERROR(catalog_->sequencer->WriteRaw(batch.get(), nullptr));
    }
    items_.clear();
    bytes_ = 0;
    ++chunks_;
    return OkStatus();
  }

  Status CheckUnique() const {
    for (size_t i = 1; i < items_.size(); ++i) {
      if (items_[i].key == items_[i - 1].key) {
        return Duplicate(items_[i]);
      }
    }
    if (chunks_ == 0) {
      return OkStatus();
    }
    storage::PinnedValue value;
    for (const SortItem& item : items_) {
      ASSIGN_OR_RETURN(const bool found,
                       catalog_->engine->Get(Space::kIndexes, item.key, nullptr, &value));
      if (found) {
        return Duplicate(item);
      }
    }
    return OkStatus();
  }

  Status Duplicate(const SortItem& item) const {
    return DuplicateKeyError(c_, *index_, item.key, TypeBitsOfValue(true, item.value));
  }

  Catalog::Impl* const catalog_;
  const CollectionInfo& c_;
  const std::shared_ptr<IndexEntry> index_;
  const bool allow_duplicates_;
  index::KeySet keys_;
  uint64_t multikey_ = 0;
  std::vector<SortItem> items_;
  size_t bytes_ = 0;
  int chunks_ = 0;
};

Status Clean(Catalog::Impl* catalog, const std::vector<Builder>& builders) {
  auto batch = catalog->engine->NewBatch();
  for (const Builder& b : builders) {
    const Ident ident = b.index()->ident;
    RETURN_IF_ERROR(catalog->engine->DropRange(Space::kIndexes, storage::IdentPrefix(ident),
                                               storage::IdentPrefixEnd(ident)));
    batch->Delete(Space::kCatalog, keys::IdentKey(keys::kBuilding, ident));
    batch->Delete(Space::kCatalog, keys::IdentKey(keys::kMultikey, ident));
  }
  return catalog->sequencer->WriteRaw(batch.get(), nullptr);
}

Status Scan(Catalog::Impl* catalog, Interrupt* interrupt, const CollectionInfo& c,
            std::vector<Builder>* builders, std::atomic<int64_t>* done) {
  RecordCursor cursor(catalog->engine, c, nullptr, true, true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    if (interrupt != nullptr) {
      RETURN_IF_ERROR(interrupt->Check());
    }
    for (Builder& b : *builders) {
      RETURN_IF_ERROR(b.Add(cursor.rid(), cursor.doc()));
    }
    done->fetch_add(1, std::memory_order_relaxed);
  }
  RETURN_IF_ERROR(cursor.status());
  for (Builder& b : *builders) {
    RETURN_IF_ERROR(b.Finish());
  }
  return OkStatus();
}

// Notes a running build for currentOp, for as long as it lives.
class ProgressScope {
 public:
  ProgressScope(Catalog::Impl* catalog, std::shared_ptr<IndexBuildProgress> progress)
      : catalog_(catalog), progress_(std::move(progress)) {
    absl::MutexLock lock(&catalog_->builds_mu);
    catalog_->builds.push_back(progress_);
  }
  ~ProgressScope() {
    absl::MutexLock lock(&catalog_->builds_mu);
    std::erase(catalog_->builds, progress_);
  }
  ProgressScope(const ProgressScope&) = delete;
  ProgressScope& operator=(const ProgressScope&) = delete;

 private:
  Catalog::Impl* const catalog_;
  const std::shared_ptr<IndexBuildProgress> progress_;
};

}  // namespace

StatusOr<std::vector<std::shared_ptr<const IndexEntry>>> BuildIndexes(
    Catalog::Impl* catalog, Interrupt* interrupt, const CollectionInfo& c,
    std::vector<index::Spec> specs, CatalogChange* change, bool allow_duplicates) {
  auto progress = std::make_shared<IndexBuildProgress>();
  progress->ns = c.ns.full();
  progress->total = RecordCount(c);
  const bool empty = progress->total == 0;
  auto batch = catalog->engine->NewBatch();
  std::vector<Builder> builders;
  std::vector<std::shared_ptr<const IndexEntry>> out;
  for (index::Spec& spec : specs) {
    progress->names.push_back(spec.name);
    auto entry = std::make_shared<IndexEntry>();
    entry->spec = std::move(spec);
    entry->ident = catalog->next_ident++;
    entry->multikey = std::make_shared<std::atomic<uint64_t>>(0);
    entry->accesses = std::make_shared<std::atomic<int64_t>>(0);
    batch->Put(Space::kCatalog, keys::IdentKey(keys::kBuilding, entry->ident), "");
    out.push_back(entry);
    builders.emplace_back(catalog, c, std::move(entry), allow_duplicates);
  }
  change->NoteNextIdent();
  if (empty) {
    return out;
  }
  batch->Put(Space::kCatalog, keys::kMeta, EncodeMeta(catalog->next_ident.load()));
  RETURN_IF_ERROR(catalog->sequencer->WriteRaw(batch.get(), nullptr));
  const ProgressScope scope(catalog, progress);
  if (Status status = Scan(catalog, interrupt, c, &builders, &progress->done); !status.ok()) {
    RETURN_IF_ERROR(Clean(catalog, builders));
    return Prefixed(StrCat("Index build failed: ", Uuid::Generate().ToString(), ": Collection ",
                           c.ns.full(), " ( ", c.uuid.ToString(), " ) :: caused by :: "),
                    status);
  }
  for (const Builder& b : builders) {
    change->FinishBuild(b.index()->ident, b.multikey());
  }
  return out;
}

std::vector<std::shared_ptr<const IndexBuildProgress>> Catalog::IndexBuilds() const {
  absl::MutexLock lock(&impl_->builds_mu);
  return {impl_->builds.begin(), impl_->builds.end()};
}

}  // namespace septet::catalog
