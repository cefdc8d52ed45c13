// SPDX-License-Identifier: Apache-2.0
// Prefix extractor for memtable insert hints that steps aside for range deletions.
//
// RocksDB 7.8 keeps one hint per prefix for two skip lists: keys and range tombstones. A hint left by
// one list and used in the other walks foreign nodes (seen as the assertion in ExtractUserKey, and as
// memory damage without assertions). So while a batch with a DeleteRange is on its way, and during
// recovery, no key is in the extractor's domain and RocksDB inserts without hints.
// Thread rule: thread-safe.
#pragma once

#include <atomic>
#include <memory>

#include "rocksdb/slice_transform.h"

namespace septet::storage {

class HintPause {
 public:
  void Begin() { count_.fetch_add(1, std::memory_order_acq_rel); }
  void End() { count_.fetch_sub(1, std::memory_order_acq_rel); }
  bool active() const { return count_.load(std::memory_order_acquire) != 0; }

 private:
  std::atomic<int> count_{0};
};

// Holds a pause for a scope.
class ScopedHintPause {
 public:
  explicit ScopedHintPause(HintPause* pause) : pause_(pause) {
    if (pause_ != nullptr) {
      pause_->Begin();
    }
  }
  ~ScopedHintPause() {
    if (pause_ != nullptr) {
      pause_->End();
    }
  }
  ScopedHintPause(const ScopedHintPause&) = delete;
  ScopedHintPause& operator=(const ScopedHintPause&) = delete;

 private:
  HintPause* pause_;
};

class InsertHintPrefix final : public rocksdb::SliceTransform {
 public:
  InsertHintPrefix(size_t bytes, std::shared_ptr<const HintPause> pause)
      : bytes_(bytes), pause_(std::move(pause)) {}
  const char* Name() const override { return "septet.InsertHintPrefix"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), key.size() < bytes_ ? key.size() : bytes_};
  }
  bool InDomain(const rocksdb::Slice&) const override { return !pause_->active(); }

 private:
  const size_t bytes_;
  const std::shared_ptr<const HintPause> pause_;
};

}  // namespace septet::storage
