// SPDX-License-Identifier: Apache-2.0
// Where the documents looked up last by _id lie: a look-up that hits saves the read of the _id index.
//
// A hint may be wrong (the document is gone, the snapshot is older, two keys share a slot), so whoever
// follows one compares the _id of what it finds; only the index can tell that a document is absent.
// One table for all collections: the hash is of the whole index key, which starts with the index's
// ident. Memory is touched as it is used.
// Thread rule: thread-safe, without locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string_view>

#include "storage/key.h"

namespace septet::catalog {

class IdHints {
 public:
  static uint64_t HashOf(std::string_view index_key) {
    return std::hash<std::string_view>{}(index_key);
  }

  // 0 if nothing is known.
  storage::RecordId Find(uint64_t hash) const {
    if (slots_ == nullptr) {
      return 0;
    }
    const uint64_t slot = Slot(hash).load(std::memory_order_relaxed);
    return (slot ^ hash) >> kRidBits == 0 ? static_cast<storage::RecordId>(slot & kRidMask) : 0;
  }
  void Put(uint64_t hash, storage::RecordId rid) {
    if (slots_ != nullptr && rid > 0 && static_cast<uint64_t>(rid) <= kRidMask) {
      Slot(hash).store((hash & ~kRidMask) | static_cast<uint64_t>(rid), std::memory_order_relaxed);
    }
  }

 private:
  // A slot: the upper bits of the hash, and a RecordId.
  static constexpr int kRidBits = 40;
  static constexpr uint64_t kRidMask = (uint64_t{1} << kRidBits) - 1;
  static constexpr size_t kSlots = size_t{1} << 21;

  struct Free {
    void operator()(uint64_t* p) const { std::free(p); }
  };

  std::atomic_ref<uint64_t> Slot(uint64_t hash) const {
    return std::atomic_ref<uint64_t>(slots_.get()[hash & (kSlots - 1)]);
  }

  // Zeroed by the system page by page, so a server with little data keeps little.
  std::unique_ptr<uint64_t, Free> slots_{
      static_cast<uint64_t*>(std::calloc(kSlots, sizeof(uint64_t)))};
};

}  // namespace septet::catalog
