// SPDX-License-Identifier: Apache-2.0
#include "replication/oplog/oplog_book.h"

#include <cstring>
#include <string>

#include "replication/oplog/entry.h"

namespace septet::repl {
namespace {

using storage::Space;

// Keys in Space::kCatalog: "o" is the totals, "p" + timestamp a stone.
constexpr std::string_view kTotalsKey = "o";
constexpr char kStonePrefix = 'p';

std::string StoneKey(uint64_t ts) {
  return std::string(1, kStonePrefix) + OplogKey(bson::Timestamp::FromU64(ts));
}

// Values are little-endian 64-bit words.
template <size_t N>
std::string Pack(const uint64_t (&words)[N]) {
  return std::string(reinterpret_cast<const char*>(words), sizeof(words));
}

template <size_t N>
bool Unpack(std::string_view value, uint64_t (&words)[N]) {
  if (value.size() != sizeof(words)) {
    return false;
  }
  std::memcpy(words, value.data(), sizeof(words));
  return true;
}

Status Corrupt() {
  return Error(ErrorCode::kDataCorruptionDetected, "the oplog's totals cannot be decoded");
}

}  // namespace

Status OplogBook::Load(storage::Engine* engine) {
  storage::PinnedValue value;
  ASSIGN_OR_RETURN(const bool found, engine->Get(Space::kCatalog, kTotalsKey, nullptr, &value));
  if (!found) {
    return OkStatus();
  }
  uint64_t totals[3];
  if (!Unpack(value.view(), totals)) {
    return Corrupt();
  }
  count_ = static_cast<int64_t>(totals[0]);
  bytes_ = static_cast<int64_t>(totals[1]);
  first_ = totals[2];
  storage::CursorOptions options;
  options.lower = std::string(1, kStonePrefix);
  options.upper = std::string(1, kStonePrefix + 1);
  auto cursor = engine->NewCursor(Space::kCatalog, nullptr, options);
  open_ = {0, bytes(), count()};
  for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
    uint64_t words[2];
    if (!Unpack(cursor->value(), words)) {
      return Corrupt();
    }
    Stone stone;
    stone.last = TimestampOfKey(cursor->key().substr(1)).AsU64();
    stone.bytes = static_cast<int64_t>(words[0]);
    stone.count = static_cast<int64_t>(words[1]);
    open_.bytes -= stone.bytes;
    open_.count -= stone.count;
    stones_.push_back(stone);
  }
  RETURN_IF_ERROR(cursor->status());
  return DropFront(engine);
}

void OplogBook::Add(bson::Timestamp ts, size_t entry_bytes) {
  added_bytes_ += static_cast<int64_t>(entry_bytes);
  ++added_count_;
  added_last_ = ts.AsU64();
}

void OplogBook::PutTotals(storage::WriteBatch* batch) const {
  const uint64_t totals[3] = {static_cast<uint64_t>(count() + added_count_),
                              static_cast<uint64_t>(bytes() + added_bytes_), first_.load()};
  batch->Put(Space::kCatalog, kTotalsKey, Pack(totals));
}

void OplogBook::Store(storage::WriteBatch* batch) {
  if (added_count_ == 0) {
    return;
  }
  PutTotals(batch);
  if (open_.bytes + added_bytes_ >= chunk_bytes_) {
    const uint64_t words[2] = {static_cast<uint64_t>(open_.bytes + added_bytes_),
                               static_cast<uint64_t>(open_.count + added_count_)};
    batch->Put(Space::kCatalog, StoneKey(added_last_), Pack(words));
  }
}

void OplogBook::Commit() {
  if (added_count_ == 0) {
    return;
  }
  open_.bytes += added_bytes_;
  open_.count += added_count_;
  open_.last = added_last_;
  count_.store(count() + added_count_, std::memory_order_relaxed);
  bytes_.store(bytes() + added_bytes_, std::memory_order_relaxed);
  if (open_.bytes >= chunk_bytes_) {
    stones_.push_back(open_);
    open_ = {};
  }
  Abort();
}

void OplogBook::Abort() {
  added_bytes_ = 0;
  added_count_ = 0;
  added_last_ = 0;
}

void OplogBook::RemoveNewest(int64_t removed, int64_t entry_bytes, bson::Timestamp new_last,
                             storage::WriteBatch* batch) {
  count_.store(count() - removed, std::memory_order_relaxed);
  bytes_.store(bytes() - entry_bytes, std::memory_order_relaxed);
  open_.count -= removed;
  open_.bytes -= entry_bytes;
  // Chunks that end behind the new end are opened again.
  while (!stones_.empty() && stones_.back().last > new_last.AsU64()) {
    batch->Delete(Space::kCatalog, StoneKey(stones_.back().last));
    open_.count += stones_.back().count;
    open_.bytes += stones_.back().bytes;
    stones_.pop_back();
  }
  open_.last = new_last.AsU64();
  PutTotals(batch);
}

bool OplogBook::Cut(const CutLimits& limits, storage::WriteBatch* batch) {
  bool any = false;
  while (!stones_.empty()) {
    const Stone stone = stones_.front();
    const uint32_t last_secs = bson::Timestamp::FromU64(stone.last).secs;
    if (bytes() - stone.bytes < limits.max_bytes ||
        (limits.min_retention_secs > 0 &&
         int64_t{last_secs} > int64_t{limits.now_secs} - limits.min_retention_secs) ||
        (!limits.keep_from.IsNull() && stone.last >= limits.keep_from.AsU64())) {
      break;
    }
    batch->Delete(Space::kCatalog, StoneKey(stone.last));
    count_.store(count() - stone.count, std::memory_order_relaxed);
    bytes_.store(bytes() - stone.bytes, std::memory_order_relaxed);
    first_.store(stone.last + 1, std::memory_order_release);
    stones_.pop_front();
    any = true;
  }
  if (any) {
    PutTotals(batch);
  }
  return any;
}

Status OplogBook::DropFront(storage::Engine* engine) const {
  if (first().IsNull()) {
    return OkStatus();
  }
  storage::PinnedValue value;
  storage::CursorOptions options;
  options.upper = OplogKey(first());
  auto cursor = engine->NewCursor(Space::kOplog, nullptr, options);
  cursor->SeekForPrev(options.upper);
  if (!cursor->valid()) {
    return cursor->status();
  }
  return engine->DropRange(Space::kOplog, std::string(1, '\0'), options.upper);
}

}  // namespace septet::repl
