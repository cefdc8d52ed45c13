// SPDX-License-Identifier: Apache-2.0
#include "commands/replication_info.h"

namespace septet::commands {

std::string_view NameOf(MemberState state) {
  switch (state) {
    case MemberState::kStartup: return "STARTUP";
    case MemberState::kPrimary: return "PRIMARY";
    case MemberState::kSecondary: return "SECONDARY";
    case MemberState::kRecovering: return "RECOVERING";
    case MemberState::kStartup2: return "STARTUP2";
    case MemberState::kUnknown: return "UNKNOWN";
    case MemberState::kArbiter: return "ARBITER";
    case MemberState::kDown: return "DOWN";
    case MemberState::kRollback: return "ROLLBACK";
    case MemberState::kRemoved: return "REMOVED";
  }
  return "UNKNOWN";
}

namespace {

ReplicationSnapshotPtr WithDefaults(const ReplicationSnapshotPtr& plain, const RwConcernDefaults& defaults) {
  if (defaults.update_op_time.IsNull()) {
    return plain;
  }
  auto out = std::make_shared<ReplicationSnapshot>(*plain);
  out->defaults = defaults;
  if (defaults.write.has_value()) {
    out->default_write_concern = *defaults.write;
  }
  return out;
}

}  // namespace

ReplicationInfo::ReplicationInfo()
    : snapshot_(std::make_shared<ReplicationSnapshot>()), plain_(snapshot_) {}

// A newer document has a newer time; a rollback may bring an older one back.
void ReplicationInfo::SetDefaults(const RwConcernDefaults& defaults) {
  absl::MutexLock lock(&mutex_);
  if (defaults.update_op_time == defaults_.update_op_time &&
      defaults.update_wall_millis == defaults_.update_wall_millis) {
    return;
  }
  defaults_ = defaults;
  snapshot_ = WithDefaults(plain_, defaults_);
  generation_.fetch_add(1, std::memory_order_release);
}

ReplicationSnapshotPtr ReplicationInfo::Snapshot() const {
  absl::MutexLock lock(&mutex_);
  return snapshot_;
}

void ReplicationInfo::Publish(ReplicationSnapshotPtr snapshot) {
  std::vector<std::function<void()>> wake;
  {
    absl::MutexLock lock(&mutex_);
    plain_ = std::move(snapshot);
    snapshot_ = WithDefaults(plain_, defaults_);
    generation_.fetch_add(1, std::memory_order_release);
    for (auto it = waiters_.begin(); it != waiters_.end();) {
      if (it->second.known_counter < snapshot_->topology_counter || snapshot_->shutting_down) {
        wake.push_back(std::move(it->second.done));
        it = waiters_.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (const auto& done : wake) {
    done();
  }
}

ReplicationInfo::WaiterId ReplicationInfo::WaitForTopologyChange(int64_t known_counter,
                                                                 std::function<void()> done) {
  {
    absl::MutexLock lock(&mutex_);
    if (known_counter >= snapshot_->topology_counter && !snapshot_->shutting_down) {
      const WaiterId id = next_waiter_++;
      waiters_.emplace(id, TopologyWaiter{known_counter, std::move(done)});
      return id;
    }
  }
  done();
  return 0;
}

void ReplicationInfo::CancelTopologyWait(WaiterId id) {
  absl::MutexLock lock(&mutex_);
  waiters_.erase(id);
}

int ReplicationInfo::TopologyWaiters() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(waiters_.size());
}

}  // namespace septet::commands
