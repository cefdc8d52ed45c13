// SPDX-License-Identifier: Apache-2.0
#include "catalog/collection.h"

#include <cstring>

#include "base/check.h"
#include "base/random.h"
#include "bson/builder.h"
#include "catalog/catalog_keys.h"
#include "catalog/collection_state.h"
#include "replication/oplog/entry.h"

namespace septet::catalog {

using storage::Space;

Uuid Uuid::Generate() {
  Uuid uuid;
  const uint64_t words[2] = {RandomSeedFromSystem(), RandomSeedFromSystem()};
  std::memcpy(uuid.bytes, words, 16);
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // version 4
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

std::string Uuid::ToString() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      out += '-';
    }
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

const IndexEntry* CollectionInfo::FindIndexByName(std::string_view name) const {
  for (const auto& index : indexes) {
    if (index->spec.name == name) {
      return index.get();
    }
  }
  return nullptr;
}

const IndexEntry* CollectionInfo::IdIndex() const {
  return !indexes.empty() && indexes[0]->spec.is_id ? indexes[0].get() : nullptr;
}

int64_t RecordCount(const CollectionInfo& c) {
  if (c.state == nullptr) {
    return 0;  // a view
  }
  return c.state->oplog != nullptr ? c.state->oplog->count() : c.state->count.load();
}

int64_t DataBytes(const CollectionInfo& c) {
  if (c.state == nullptr) {
    return 0;
  }
  return c.state->oplog != nullptr ? c.state->oplog->bytes() : c.state->bytes.load();
}

bool Exists(const CollectionInfo& c) { return c.state == nullptr || !c.state->dropped.load(); }

bool IsCurrent(const CollectionInfo& c) {
  return c.state == nullptr || (!c.state->dropped.load() && c.state->version.load() == c.version);
}

Space RecordSpace(const CollectionInfo& c) {
  return c.is_oplog() ? Space::kOplog : Space::kRecords;
}

std::string StoredKey(const CollectionInfo& c, RecordId rid) {
  if (c.is_oplog()) {
    return repl::OplogKey(bson::Timestamp::FromU64(static_cast<uint64_t>(rid)));
  }
  return storage::RecordKey(c.ident, rid);
}

void CollectionState::AddCounts(Ident ident, int64_t records, int64_t record_bytes,
                                storage::WriteBatch* out) {
  const int64_t new_count = count.load(std::memory_order_relaxed) + records;
  const int64_t new_bytes = bytes.load(std::memory_order_relaxed) + record_bytes;
  count.store(new_count, std::memory_order_relaxed);
  bytes.store(new_bytes, std::memory_order_relaxed);
  if (out != nullptr) {
    char key[5];
    char value[16];
    keys::WriteIdentKey(keys::kCounts, ident, key);
    std::memcpy(value, &new_count, 8);
    std::memcpy(value + 8, &new_bytes, 8);
    out->Put(Space::kCatalog, {key, sizeof(key)}, {value, sizeof(value)});
  }
}

std::string CountsKey(Ident ident) { return keys::IdentKey(keys::kCounts, ident); }

std::string EncodeCounts(int64_t count, int64_t bytes) {
  std::string value(16, '\0');
  std::memcpy(value.data(), &count, 8);
  std::memcpy(value.data() + 8, &bytes, 8);
  return value;
}

bool DecodeCounts(std::string_view value, int64_t* count, int64_t* bytes) {
  if (value.size() != 16) {
    return false;
  }
  std::memcpy(count, value.data(), 8);
  std::memcpy(bytes, value.data() + 8, 8);
  return true;
}

RecordCursor::RecordCursor(storage::Engine* engine, const CollectionInfo& c,
                           std::shared_ptr<const storage::Snapshot> snapshot, bool forward,
                           bool long_scan)
    : ident_(c.ident), forward_(forward) {
  storage::CursorOptions options;
  options.long_scan = long_scan;
  if (c.is_oplog()) {
    const bson::Timestamp first = c.state->oplog->first();
    options.lower = first.IsNull() ? std::string(1, '\0') : repl::OplogKey(first);
  } else {
    options.lower = storage::IdentPrefix(c.ident);
    options.upper = storage::IdentPrefixEnd(c.ident);
  }
  cursor_ = engine->NewCursor(RecordSpace(c), std::move(snapshot), options);
}

void RecordCursor::SeekFirst() { forward_ ? cursor_->SeekToFirst() : cursor_->SeekToLast(); }

void RecordCursor::Seek(RecordId rid) {
  const std::string key =
      ident_ == kOplogIdent
          ? repl::OplogKey(bson::Timestamp::FromU64(static_cast<uint64_t>(rid)))
          : storage::RecordKey(ident_, rid);
  forward_ ? cursor_->Seek(key) : cursor_->SeekForPrev(key);
}

void RecordCursor::Next() { forward_ ? cursor_->Next() : cursor_->Prev(); }

RecordId RecordCursor::rid() const {
  if (ident_ == kOplogIdent) {
    return static_cast<RecordId>(repl::TimestampOfKey(cursor_->key()).AsU64());
  }
  return storage::RecordIdOfKey(cursor_->key());
}

bson::DocView RecordCursor::doc() const { return bson::DocView(cursor_->value()); }

IndexCursor::IndexCursor(storage::Engine* engine, const IndexEntry& index,
                         std::shared_ptr<const storage::Snapshot> snapshot, bool forward)
    : index_(&index), forward_(forward) {
  storage::CursorOptions options;
  options.lower = storage::IdentPrefix(index.ident);
  options.upper = storage::IdentPrefixEnd(index.ident);
  cursor_ = engine->NewCursor(Space::kIndexes, std::move(snapshot), options);
}

void IndexCursor::Seek(std::string_view key) {
  forward_ ? cursor_->Seek(key) : cursor_->SeekForPrev(key);
}

void IndexCursor::Next() { forward_ ? cursor_->Next() : cursor_->Prev(); }

RecordId IndexCursor::rid() const {
  return index_->spec.unique ? RecordIdOfValue(cursor_->value())
                             : storage::TrailingRecordId(cursor_->key());
}

Status IndexCursor::DecodeTo(bson::DocBuilder* out, bool with_names) const {
  return DecodeIndexKey(*index_, cursor_->key(),
                        TypeBitsOfValue(index_->spec.unique, cursor_->value()), with_names, out);
}

RecordId RecordIdOfValue(std::string_view value) {
  P_CHECK(value.size() >= 8);
  uint64_t v = 0;
  std::memcpy(&v, value.data(), 8);
  return static_cast<RecordId>(__builtin_bswap64(v));
}

std::string_view TypeBitsOfValue(bool unique, std::string_view value) {
  return unique ? value.substr(8) : value;
}

Status DecodeIndexKey(const IndexEntry& index, std::string_view key, std::string_view type_bits,
                      bool with_names, bson::DocBuilder* out) {
  const int count = static_cast<int>(index.spec.fields.size());
  if (!with_names) {
    return storage::DecodeKey(key, type_bits, count, index.spec.descending_mask, out);
  }
  bson::DocBuilder plain;
  RETURN_IF_ERROR(storage::DecodeKey(key, type_bits, count, index.spec.descending_mask, &plain));
  const std::string bytes = plain.Finish();
  size_t i = 0;
  for (const bson::ElementView e : bson::DocView(bytes)) {
    out->Append(index.spec.fields[i++].path.text(), e.value());
  }
  return OkStatus();
}

}  // namespace septet::catalog
