// SPDX-License-Identifier: Apache-2.0
// The locks of the write path, in the order in which they may be taken:
//   1. collection gates (several: ascending ident)   DDL exclusive, write units shared
//   2. the catalog's DDL mutex
//   3. LockTable entries (try only, so their order does not matter)
//   4. a capped collection's insert mutex
//   5. the sequencer's turn
// Readers take none of them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "storage/key.h"

namespace septet::catalog {

// Shared by write units, exclusive for DDL. A waiting writer keeps new readers out.
// Thread rule: thread-safe.
class Gate {
 public:
  // False if a writer holds or wants it.
  bool TryEnterShared();
  void EnterShared();
  void LeaveShared();
  void EnterExclusive();
  void LeaveExclusive();

 private:
  static constexpr int64_t kWriter = int64_t{1} << 40;  // added per writer that holds or waits

  std::atomic<int64_t> state_{0};  // number of readers + kWriter * number of writers
  absl::Mutex mu_;
  absl::CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
};

// Locks on 64-bit hashes of (ident, RecordId) or of unique keys. Two different things with one hash
// only cause a needless conflict. An owner may lock twice.
// Thread rule: thread-safe.
class LockTable {
 public:
  enum class Result { kLocked, kAlreadyMine, kConflict };

  LockTable();
  ~LockTable();
  Result TryLock(uint64_t hash, const void* owner);
  // Releases all; `hashes` must hold those that TryLock answered with kLocked.
  void Unlock(const std::vector<uint64_t>& hashes);

 private:
  struct Stripe;
  static constexpr size_t kStripes = 64;
  Stripe* StripeOf(uint64_t hash);
  Stripe* const stripes_;
};

uint64_t RecordLockHash(storage::Ident ident, storage::RecordId rid);
uint64_t KeyLockHash(std::string_view key);

}  // namespace septet::catalog
