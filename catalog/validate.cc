// SPDX-License-Identifier: Apache-2.0
#include "catalog/validate.h"

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/validate.h"
#include "catalog/catalog_keys.h"
#include "catalog/collection_state.h"
#include "catalog/index_keys.h"

namespace septet::catalog {

using bson::DocView;
using storage::Space;

namespace {

constexpr size_t kMaxNamed = 100;  // entries named one by one

// What an index should hold, or holds: independent of order.
struct Sum {
  int64_t count = 0;
  uint64_t hash = 0;
  void Add(std::string_view key, std::string_view value) {
    ++count;
    hash += bson::HashBytes(value, bson::HashBytes(key));
  }
  bool operator==(const Sum&) const = default;
};

class Validator {
 public:
  Validator(storage::Engine* engine, const CollectionInfo& c, Interrupt* interrupt)
      : engine_(engine), c_(c), interrupt_(interrupt), snapshot_(engine->GetSnapshot()),
        expected_(c.indexes.size()), multikey_(c.indexes.size()) {}

  StatusOr<ValidateReport> Run() {
    RETURN_IF_ERROR(ScanRecords());
    for (size_t i = 0; i < c_.indexes.size(); ++i) {
      RETURN_IF_ERROR(CheckIndex(i));
    }
    RETURN_IF_ERROR(CheckTotals());
    report_.valid = report_.errors.empty();
    return std::move(report_);
  }

 private:
  Status ScanRecords() {
    RecordCursor cursor(engine_, c_, snapshot_, true, true);
    for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
      RETURN_IF_ERROR(interrupt_->Check());
      ++report_.records;
      RETURN_IF_ERROR(CheckRecord(cursor.rid(), cursor.bytes()));
    }
    return cursor.status();
  }

  Status CheckRecord(RecordId rid, std::string_view bytes) {
    report_.bytes += static_cast<int64_t>(bytes.size());
    const Status good = bson::Validate(bytes);
    if (!good.ok()) {
      ++report_.invalid_documents;
      report_.corrupt_records.push_back(rid);
      report_.errors.push_back(
          StrCat("record ", rid, " is not a valid document: ", TextOf(good)));
      return OkStatus();
    }
    for (size_t i = 0; i < c_.indexes.size(); ++i) {
      const IndexEntry& index = *c_.indexes[i];
      const Status made = index::MakeKeys(index.spec, index.ident, DocView(bytes), &keys_);
      if (!made.ok()) {
        report_.errors.push_back(StrCat("record ", rid, " cannot be in index '", index.spec.name,
                                        "': ", TextOf(made)));
        continue;
      }
      multikey_[i] |= keys_.multikey;
      for (const auto& key : keys_.keys) {
        std::string a;
        std::string b;
        expected_[i].Add(FullKey(index, key, rid, &a), FullValue(index, key, rid, &b));
      }
    }
    return OkStatus();
  }

  Status CheckIndex(size_t i) {
    const IndexEntry& index = *c_.indexes[i];
    IndexReport& out = report_.indexes.emplace_back();
    out.name = index.spec.name;
    Sum actual;
    auto cursor = OpenIndex(index);
    for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
      RETURN_IF_ERROR(interrupt_->Check());
      actual.Add(cursor->key(), cursor->value());
    }
    RETURN_IF_ERROR(cursor->status());
    out.keys = actual.count;
    if ((multikey_[i] & ~index.multikey->load()) != 0) {
      out.valid = false;
      report_.errors.push_back(
          StrCat("index '", index.spec.name, "' has arrays but is not marked multikey"));
    }
    if (actual == expected_[i]) {
      return OkStatus();
    }
    out.valid = false;
    report_.errors.push_back(StrCat("index '", index.spec.name, "' does not fit the documents: ",
                                    actual.count, " entries instead of ", expected_[i].count));
    RETURN_IF_ERROR(NameMissing(index));
    return NameExtra(index);
  }

  std::unique_ptr<storage::Cursor> OpenIndex(const IndexEntry& index) const {
    storage::CursorOptions options;
    options.lower = storage::IdentPrefix(index.ident);
    options.upper = storage::IdentPrefixEnd(index.ident);
    options.long_scan = true;
    return engine_->NewCursor(Space::kIndexes, snapshot_, options);
  }

  std::string Describe(const IndexEntry& index, RecordId rid, std::string_view key,
                       std::string_view type_bits) const {
    bson::DocBuilder values;
    std::string decoded;
    if (DecodeIndexKey(index, key, type_bits, true, &values).ok()) {
      decoded = values.Finish();
    }
    bson::DocBuilder b;
    b.Append("indexName", index.spec.name);
    b.Append("recordId", static_cast<int64_t>(rid));
    if (decoded.empty()) {
      b.Append("rawKey", ToHex(key));
    } else {
      b.Append("indexKey", DocView(decoded));
    }
    return b.Finish();
  }

  // Documents' keys that are not in the index.
  Status NameMissing(const IndexEntry& index) {
    RecordCursor cursor(engine_, c_, snapshot_, true, true);
    storage::PinnedValue value;
    for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
      RETURN_IF_ERROR(interrupt_->Check());
      if (!bson::Validate(cursor.bytes()).ok() ||
          !index::MakeKeys(index.spec, index.ident, cursor.doc(), &keys_).ok()) {
        continue;
      }
      for (const auto& key : keys_.keys) {
        std::string full;
        ASSIGN_OR_RETURN(const bool found,
                         engine_->Get(Space::kIndexes, FullKey(index, key, cursor.rid(), &full),
                                      snapshot_.get(), &value));
        const bool mine =
            found && (!index.spec.unique || RecordIdOfValue(value.view()) == cursor.rid());
        if (!mine) {
          report_.missing_index_entries.push_back(
              Describe(index, cursor.rid(), key.bytes, key.type_bits));
          if (report_.missing_index_entries.size() >= kMaxNamed) {
            return OkStatus();
          }
        }
      }
    }
    return cursor.status();
  }

  // Entries that no document asks for.
  Status NameExtra(const IndexEntry& index) {
    auto cursor = OpenIndex(index);
    for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
      RETURN_IF_ERROR(interrupt_->Check());
      const RecordId rid = index.spec.unique ? RecordIdOfValue(cursor->value())
                                             : storage::TrailingRecordId(cursor->key());
      ASSIGN_OR_RETURN(const bool wanted, IsWanted(index, rid, cursor->key()));
      if (!wanted) {
        report_.extra_index_entries.push_back(
            Describe(index, rid, cursor->key(), TypeBitsOfValue(index.spec.unique,
                                                                cursor->value())));
        if (report_.extra_index_entries.size() >= kMaxNamed) {
          return OkStatus();
        }
      }
    }
    return cursor->status();
  }

  StatusOr<bool> IsWanted(const IndexEntry& index, RecordId rid, std::string_view key) {
    storage::PinnedValue value;
    ASSIGN_OR_RETURN(const bool found, GetRecord(engine_, c_, rid, snapshot_.get(), &value));
    if (!found || !bson::Validate(value.view()).ok() ||
        !index::MakeKeys(index.spec, index.ident, DocView(value.view()), &keys_).ok()) {
      return false;
    }
    for (const auto& candidate : keys_.keys) {
      std::string full;
      if (FullKey(index, candidate, rid, &full) == key) {
        return true;
      }
    }
    return false;
  }

  Status CheckTotals() {
    if (c_.is_oplog()) {
      return OkStatus();  // its totals are in another snapshot's hands
    }
    storage::PinnedValue value;
    ASSIGN_OR_RETURN(const bool found, engine_->Get(Space::kCatalog, CountsKey(c_.ident),
                                                    snapshot_.get(), &value));
    int64_t count = 0;
    int64_t bytes = 0;
    if (found && !DecodeCounts(value.view(), &count, &bytes)) {
      report_.errors.push_back("the stored totals cannot be read");
      return OkStatus();
    }
    if (count != report_.records || bytes != report_.bytes) {
      report_.errors.push_back(StrCat("the stored totals are ", count, " records and ", bytes,
                                      " bytes instead of ", report_.records, " and ",
                                      report_.bytes));
    }
    return OkStatus();
  }

  storage::Engine* const engine_;
  const CollectionInfo& c_;
  Interrupt* const interrupt_;
  const std::shared_ptr<const storage::Snapshot> snapshot_;
  std::vector<Sum> expected_;
  std::vector<uint64_t> multikey_;
  index::KeySet keys_;
  ValidateReport report_;
};

}  // namespace

StatusOr<ValidateReport> ValidateCollection(storage::Engine* engine, const CollectionInfo& c,
                                            Interrupt* interrupt) {
  return Validator(engine, c, interrupt).Run();
}

}  // namespace septet::catalog
