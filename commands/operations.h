// SPDX-License-Identifier: Apache-2.0
// Who runs what: the source of currentOp and $currentOp, and the way killOp, killSessions and a step-down
// reach running operations.
//
// Each connection (and each background job that wants to be seen) owns one OperationSlot for its life
// and fills it while it works, so that a request costs two uncontended locks and no allocation.
// Thread rule: Begin/End on the thread that runs the operation; everything else thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/interrupt.h"
#include "bson/builder.h"
#include "bson/view.h"
#include "commands/command.h"

namespace septet::commands {

struct Generic;

// What a slot shows of its operation. Views point into the running request.
struct RunningOperation {
  uint64_t op_id = 0;                  // 0 = idle
  const CommandSpec* spec = nullptr;
  std::string_view db;
  bson::DocView command;
  bson::DocView originating_command;   // of a getMore's cursor; empty if none
  std::string_view session_id;         // 16 bytes or empty
  std::string_view plan_summary;
  int64_t start_micros = 0;            // monotonic
  Interrupt* interrupt = nullptr;
  bool is_write = false;
  bool waiting = false;                // parked: for new data, a topology change, a write concern
  bool asked_for = false;              // parked because its client asked to be kept waiting
};

class OperationSlot {
 public:
  // `client` outlives the slot. Null for background jobs; then `description` names the job.
  OperationSlot(const ClientInfo* client, std::string_view description)
      : client_(client), description_(description) {}
  OperationSlot(const OperationSlot&) = delete;
  OperationSlot& operator=(const OperationSlot&) = delete;

  void Begin(const RunningOperation& operation);
  void SetWaiting(bool waiting, bool asked_for = false);
  void End();
  // Marks what runs now, if anything, as killed.
  void Kill(ErrorCode code);
  // Runs `change` under the lock: changes of *client that others may read meanwhile.
  void Update(const std::function<void()>& change);

 private:
  friend class OperationRegistry;
  mutable absl::Mutex mutex_;
  RunningOperation running_ ABSL_GUARDED_BY(mutex_);
  const ClientInfo* const client_;
  const std::string description_;
};

class OperationRegistry {
 public:
  uint64_t NextOpId() { return next_op_id_.fetch_add(1, std::memory_order_relaxed); }

  void Add(OperationSlot* slot);
  void Remove(OperationSlot* slot);

  // Visits every slot under its lock; `visit` must be short and must not call back.
  void ForEach(const std::function<void(const RunningOperation&, const ClientInfo*,
                                        std::string_view description)>& visit) const;
  // Marks the operation killed. False if there is none of that id.
  bool Kill(uint64_t op_id, ErrorCode code);
  // Kills all that match; returns how many.
  int KillIf(ErrorCode code, const std::function<bool(const RunningOperation&)>& matches);
  // Operations killed while parked must be woken: called with their op id after the mark.
  void OnKill(std::function<void(uint64_t op_id)> observer);
  // How many run or wait for something other than what their client asked to be kept waiting for.
  int Busy() const;

 private:
  std::atomic<uint64_t> next_op_id_{1};
  mutable absl::Mutex mutex_;
  std::set<OperationSlot*> slots_ ABSL_GUARDED_BY(mutex_);
  std::function<void(uint64_t)> on_kill_ ABSL_GUARDED_BY(mutex_);
};

// Options of $currentOp and currentOp.
struct CurrentOpOptions {
  bool idle_connections = false;
  bool idle_sessions = true;
  bool idle_cursors = false;
  bool own_ops_only = false;      // those of `own_connection_id`
  int64_t own_connection_id = 0;
  bool truncate_ops = false;
  std::string host;               // "host:port" shown in every document
};

// One encoded document per operation, as $currentOp shows them. The aggregate stage and the currentOp
// command both use it.
std::vector<std::string> DescribeOperations(const OperationRegistry& registry,
                                            const CurrentOpOptions& options);

}  // namespace septet::commands
