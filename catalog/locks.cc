// SPDX-License-Identifier: Apache-2.0
#include "catalog/locks.h"

#include "absl/container/flat_hash_map.h"
#include "base/check.h"
#include "bson/compare.h"

namespace septet::catalog {

bool Gate::TryEnterShared() {
  if (state_.fetch_add(1, std::memory_order_acquire) < kWriter) {
    return true;
  }
  LeaveShared();
  return false;
}

void Gate::EnterShared() {
  while (!TryEnterShared()) {
    absl::MutexLock lock(&mu_);
    while (state_.load(std::memory_order_relaxed) >= kWriter) {
      changed_.Wait(&mu_);
    }
  }
}

void Gate::LeaveShared() {
  const int64_t before = state_.fetch_sub(1, std::memory_order_release);
  if (before > kWriter && before % kWriter == 1) {
    // The last reader lets a waiting writer in.
    absl::MutexLock lock(&mu_);
    changed_.SignalAll();
  }
}

void Gate::EnterExclusive() {
  state_.fetch_add(kWriter, std::memory_order_acq_rel);
  absl::MutexLock lock(&mu_);
  while (held_ || state_.load(std::memory_order_acquire) % kWriter != 0) {
    changed_.Wait(&mu_);
  }
  held_ = true;
}

void Gate::LeaveExclusive() {
  absl::MutexLock lock(&mu_);
  P_CHECK(held_);
  held_ = false;
  state_.fetch_sub(kWriter, std::memory_order_acq_rel);
  changed_.SignalAll();
}

struct LockTable::Stripe {
  absl::Mutex mu;
  absl::flat_hash_map<uint64_t, const void*> owners ABSL_GUARDED_BY(mu);
};

LockTable::LockTable() : stripes_(new Stripe[kStripes]) {}
LockTable::~LockTable() { delete[] stripes_; }

LockTable::Stripe* LockTable::StripeOf(uint64_t hash) { return &stripes_[hash >> 58]; }

LockTable::Result LockTable::TryLock(uint64_t hash, const void* owner) {
  Stripe* const stripe = StripeOf(hash);
  absl::MutexLock lock(&stripe->mu);
  const auto [it, inserted] = stripe->owners.try_emplace(hash, owner);
  if (inserted) {
    return Result::kLocked;
  }
  return it->second == owner ? Result::kAlreadyMine : Result::kConflict;
}

void LockTable::Unlock(const std::vector<uint64_t>& hashes) {
  for (const uint64_t hash : hashes) {
    Stripe* const stripe = StripeOf(hash);
    absl::MutexLock lock(&stripe->mu);
    stripe->owners.erase(hash);
  }
}

uint64_t RecordLockHash(storage::Ident ident, storage::RecordId rid) {
  uint64_t h = (static_cast<uint64_t>(ident) << 40) ^ static_cast<uint64_t>(rid);
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53ULL;
  return h ^ (h >> 33);
}

uint64_t KeyLockHash(std::string_view key) { return bson::HashBytes(key, 0x5eb7e7); }

}  // namespace septet::catalog
