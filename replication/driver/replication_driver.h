// SPDX-License-Identifier: Apache-2.0
// Everything a member of a replica set does beside serving clients: elections (ElectionDriver) and copying
// the log (SyncDriver), put together. commands/repl and server/ talk to this class.
// Thread rule: thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "replication/driver/election_driver.h"
#include "replication/driver/local_store.h"
#include "replication/driver/sync_driver.h"

namespace septet::repl {

struct ReplicationHooks {
  std::function<void(SnapshotPtr)> on_topology;
  std::function<void()> on_step_down;
  std::function<void(int64_t term)> on_writable;
  // A rollback changed the data under everybody: cursors and sessions in memory are void.
  std::function<void()> on_rollback;
  // createRollbackDataFiles: whether the removed documents are kept in files.
  std::function<bool()> keep_rollback_files;
};

class ReplicationDriver {
 public:
  struct Options {
    std::string set_name;
    SelfAddresses self;
    std::string data_dir;         // rollback files go under <data_dir>/rollback
    uint64_t seed = 0;
    int64_t oplog_bytes = 1LL << 30;
    int64_t oplog_min_retention_secs = 0;  // entries younger than this stay, whatever the size
  };
  ReplicationDriver(const Options& options, catalog::Catalog* catalog, ReplicationHooks hooks);
  ~ReplicationDriver();

  Status Start();
  // Hands over if primary (at most `wait`), then stops every thread. Idempotent.
  void Shutdown(std::chrono::milliseconds wait);

  ElectionDriver* election() { return election_.get(); }
  SyncDriver* sync() { return sync_.get(); }
  LocalStore* store() { return &store_; }
  SnapshotPtr snapshot() const { return election_->snapshot(); }
  const Options& options() const { return options_; }
  // Until the next start (replSetResizeOplog does not write it down, as the manual says of mongod).
  int64_t oplog_min_retention_secs() const {
    return oplog_min_retention_secs_.load(std::memory_order_relaxed);
  }
  void set_oplog_min_retention_secs(int64_t secs) {
    oplog_min_retention_secs_.store(secs, std::memory_order_relaxed);
  }

 private:
  const Options options_;
  catalog::Catalog* const catalog_;
  const ReplicationHooks hooks_;
  LocalStore store_;
  std::unique_ptr<ElectionDriver> election_;
  std::unique_ptr<SyncDriver> sync_;
  std::atomic<int64_t> oplog_min_retention_secs_;
  bool stopped_ = false;
};

}  // namespace septet::repl
