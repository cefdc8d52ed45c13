// SPDX-License-Identifier: Apache-2.0
#include "commands/operations.h"

namespace septet::commands {

void OperationSlot::Begin(const RunningOperation& operation) {
  absl::MutexLock lock(&mutex_);
  running_ = operation;
}

void OperationSlot::SetWaiting(bool waiting, bool asked_for) {
  absl::MutexLock lock(&mutex_);
  running_.waiting = waiting;
  running_.asked_for = asked_for;
}

void OperationSlot::End() {
  absl::MutexLock lock(&mutex_);
  running_.op_id = 0;
}

void OperationSlot::Kill(ErrorCode code) {
  absl::MutexLock lock(&mutex_);
  if (running_.op_id != 0 && running_.interrupt != nullptr) {
    running_.interrupt->Kill(code);
  }
}

void OperationSlot::Update(const std::function<void()>& change) {
  absl::MutexLock lock(&mutex_);
  change();
}

void OperationRegistry::Add(OperationSlot* slot) {
  absl::MutexLock lock(&mutex_);
  slots_.insert(slot);
}

void OperationRegistry::Remove(OperationSlot* slot) {
  absl::MutexLock lock(&mutex_);
  slots_.erase(slot);
}

void OperationRegistry::ForEach(
    const std::function<void(const RunningOperation&, const ClientInfo*, std::string_view)>& visit)
    const {
  absl::MutexLock lock(&mutex_);
  for (const OperationSlot* slot : slots_) {
    absl::MutexLock slot_lock(&slot->mutex_);
    visit(slot->running_, slot->client_, slot->description_);
  }
}

bool OperationRegistry::Kill(uint64_t op_id, ErrorCode code) {
  return KillIf(code, [&](const RunningOperation& r) { return r.op_id == op_id; }) > 0;
}

int OperationRegistry::KillIf(ErrorCode code,
                              const std::function<bool(const RunningOperation&)>& matches) {
  std::vector<uint64_t> killed;
  std::function<void(uint64_t)> on_kill;
  {
    absl::MutexLock lock(&mutex_);
    on_kill = on_kill_;
    for (OperationSlot* slot : slots_) {
      absl::MutexLock slot_lock(&slot->mutex_);
      const RunningOperation& running = slot->running_;
      if (running.op_id != 0 && running.interrupt != nullptr && matches(running)) {
        running.interrupt->Kill(code);
        killed.push_back(running.op_id);
      }
    }
  }
  for (const uint64_t op_id : killed) {
    if (on_kill) {
      on_kill(op_id);
    }
  }
  return static_cast<int>(killed.size());
}

void OperationRegistry::OnKill(std::function<void(uint64_t)> observer) {
  absl::MutexLock lock(&mutex_);
  on_kill_ = std::move(observer);
}

int OperationRegistry::Busy() const {
  int n = 0;
  ForEach([&](const RunningOperation& r, const ClientInfo*, std::string_view) {
    n += r.op_id != 0 && !r.asked_for ? 1 : 0;
  });
  return n;
}

}  // namespace septet::commands
