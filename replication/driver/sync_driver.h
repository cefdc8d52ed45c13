// SPDX-License-Identifier: Apache-2.0
// Copies the log from the source that the election driver names: fetches batches, applies them in order,
// clones everything if this member has no data (initial sync), and rolls back what the source never had.
// One thread pulls, one applies; helpers compute inside a batch.
// Thread rule: thread-safe; SetSource, StartDrain and Stop return at once.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catalog/catalog.h"
#include "election/events.h"
#include "replication/driver/applier.h"
#include "replication/driver/local_store.h"
#include "replication/driver/sync_status.h"
#include "wire/net/client.h"

namespace septet::repl {

class SyncDriver {
 public:
  struct Options {
    std::string data_dir;
    int64_t batch_bytes = 8 << 20;
    int apply_threads = 2;
  };
  using Post = std::function<void(election::Event)>;
  SyncDriver(const Options& options, catalog::Catalog* catalog, LocalStore* store, Post post,
             std::function<void()> on_rollback, std::function<bool()> keep_rollback_files,
             std::function<void(bool)> set_vouching);
  ~SyncDriver();

  Status Start();
  void Stop();

  // From the election thread. Empty: stop fetching.
  void SetSource(std::string host);
  // Applies what is buffered, then posts DrainComplete{term}.
  void StartDrain(int64_t term);

  // Answers another member's fetch, see commands/repl/fetch_oplog.cc.
  int32_t rollback_id() const { return rollback_id_.load(std::memory_order_relaxed); }
  SyncStatus status() const;

  // For InitialSync and Rollback, on the driver's own thread.
  Status Connect(const std::string& host);
  // The reply, or the error it stands for.
  StatusOr<std::string> Ask(std::string_view db, bson::DocView command,
                            std::chrono::milliseconds timeout);
  StatusOr<OpTimeAndWall> NewestOf(const std::string& host);
  Status HandleReply(const std::string& host, const OpTime& after, std::string reply, bool tolerant);
  // Still the source, and not stopping?
  bool SourceIs(const std::string& host);
  void UpdateStatus(const std::function<void(SyncStatus*)>& change);

  // The log began otherwise (replSetInitiate): no initial sync.
  void NoteLogStarted();

 private:
  void Run();
  Status FetchFrom(const std::string& host);
  Status CheckOrder(const OpTime& after, const std::vector<bson::DocView>& entries);
  Status SourceLacksMyPosition(const std::string& host, const OpTime& after, bson::DocView reply,
                               const election::FetchMetadata& metadata);
  void Disconnect();
  void SourceFailed(const std::string& host, const Status& status);
  Status RunInitialSync(const std::string& host);
  Status RunRollback(const std::string& host);

  const Options options_;
  catalog::Catalog* const catalog_;
  LocalStore* const store_;
  const Post post_;
  const std::function<void()> on_rollback_;
  const std::function<bool()> keep_rollback_files_;
  const std::function<void(bool)> set_vouching_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string source_;
  std::optional<int64_t> drain_term_;
  bool stop_ = false;
  bool needs_initial_sync_ = false;
  SyncStatus status_;
  std::atomic<int32_t> rollback_id_{1};
  std::unique_ptr<Applier> applier_;

  std::unique_ptr<wire::Client> client_;   // replaced under mutex_; used by the thread
  int32_t source_rollback_id_ = -1;        // of the source when it was chosen
  std::thread thread_;
};

}  // namespace septet::repl
