// SPDX-License-Identifier: Apache-2.0
// From the sockets to the commands and back: the one implementation of wire::Handler.
//
// It finds the command, checks that it may run, builds its Op, runs it on the connection's I/O thread, and
// parks, resumes or moves it to the worker pool as its Outcome says. It is the only place where a Status
// becomes a reply.
// Thread rule: Handler's functions on I/O threads; everything shared is thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "commands/services.h"
#include "replication/oplog/positions.h"
#include "server/worker_pool.h"
#include "wire/net/handler.h"

namespace septet::server {

class Client;
class Operation;

class Dispatcher : public wire::Handler {
 public:
  struct Options {
    bool test_commands = false;                 // enableTestCommands
    size_t max_workers = 64;
    std::chrono::microseconds slice{3000};      // of a reading command on an I/O thread
  };
  // `services` and `positions` outlive the dispatcher. `positions` null: a server without data (tests).
  Dispatcher(const commands::Services* services, repl::Positions* positions,
             const Options& options);
  ~Dispatcher() override;

  // Ends the worker pool; requests that come later are answered InterruptedAtShutdown.
  void Stop();

  std::unique_ptr<wire::ClientState> OnConnect(wire::Connection& connection) override;
  void OnClose(wire::Connection& connection) override;
  void Handle(const std::shared_ptr<wire::Connection>& connection,
              wire::Request&& request) override;
  std::string ErrorBody(wire::Connection& connection, const Status& status) override;

  const commands::Services& services() const { return *services_; }
  repl::Positions* positions() const { return positions_; }
  const Options& options() const { return options_; }
  WorkerPool& workers() { return workers_; }

  // Parked operations by id, so that a kill can wake them.
  void AddParked(uint64_t op_id, const std::shared_ptr<wire::Connection>& connection);
  void RemoveParked(uint64_t op_id);

  struct Counts {
    std::atomic<int64_t> current{0};
    std::atomic<int64_t> total{0};
    std::atomic<int64_t> exhaust_hello{0};
    std::atomic<int64_t> exhaust_is_master{0};
  };
  Counts& counts() { return counts_; }

  // Who waits for new data in any collection is woken after every write. The version grows before that.
  uint64_t data_version() const { return data_version_.load(std::memory_order_acquire); }
  using DataWaiter = std::function<void()>;
  uint64_t AddDataWaiter(DataWaiter waiter);
  void RemoveDataWaiter(uint64_t id);
  void OnNewData();

 private:
  void WakeKilled(uint64_t op_id);

  const commands::Services* const services_;
  repl::Positions* const positions_;
  const Options options_;
  WorkerPool workers_;
  Counts counts_;
  absl::Mutex mutex_;
  std::unordered_map<uint64_t, std::weak_ptr<wire::Connection>> parked_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex data_mutex_;
  std::atomic<uint64_t> data_version_{0};
  std::atomic<int> data_waiter_count_{0};
  std::unordered_map<uint64_t, DataWaiter> data_waiters_ ABSL_GUARDED_BY(data_mutex_);
  uint64_t next_data_waiter_ ABSL_GUARDED_BY(data_mutex_) = 1;
};

}  // namespace septet::server
