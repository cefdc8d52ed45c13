// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks/rocks_cursor.h"

#include <utility>

#include "storage/rocks/rocks_status.h"

namespace septet::storage {
namespace {

constexpr size_t kLongScanReadAheadBytes = 1 << 20;

}  // namespace

RocksCursor::RocksCursor(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family,
                         std::string_view path, std::shared_ptr<const Snapshot> snapshot,
                         const CursorOptions& options, std::atomic<int64_t>* live)
    : live_(live),
      path_(path),
      snapshot_(std::move(snapshot)),
      lower_(options.lower),
      upper_(options.upper),
      lower_slice_(lower_),
      upper_slice_(upper_) {
  rocksdb::ReadOptions read;
  if (snapshot_ != nullptr) {
    read.snapshot = static_cast<const RocksSnapshot*>(snapshot_.get())->raw();
  }
  if (!lower_.empty()) {
    read.iterate_lower_bound = &lower_slice_;
  }
  if (!upper_.empty()) {
    read.iterate_upper_bound = &upper_slice_;
  }
  read.fill_cache = options.fill_cache;
  if (options.long_scan) {
    read.readahead_size = kLongScanReadAheadBytes;
  }
  iterator_.reset(db->NewIterator(read, family));
}

Status RocksCursor::status() const {
  return FromRocks(iterator_->status(), "scan", path_);
}

}  // namespace septet::storage
