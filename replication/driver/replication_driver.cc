// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/replication_driver.h"

#include <future>

#include "base/log.h"

namespace septet::repl {

ReplicationDriver::ReplicationDriver(const Options& options, catalog::Catalog* catalog,
                                     ReplicationHooks hooks)
    : options_(options),
      catalog_(catalog),
      hooks_(std::move(hooks)),
      store_(catalog),
      oplog_min_retention_secs_(options.oplog_min_retention_secs) {
  ElectionHooks election_hooks;
  election_hooks.on_topology = hooks_.on_topology;
  election_hooks.on_step_down = hooks_.on_step_down;
  election_hooks.on_writable = hooks_.on_writable;
  election_hooks.set_sync_source = [this](std::string host) { sync_->SetSource(std::move(host)); };
  election_hooks.start_drain = [this](int64_t term) { sync_->StartDrain(term); };
  election_hooks.on_log_started = [this] { sync_->NoteLogStarted(); };
  election_hooks.has_data = [catalog] {
    for (const std::string& db : catalog->Snapshot().Databases()) {
      if (db != "local" && db != "admin" && db != "config") {
        return true;
      }
    }
    return false;
  };
  ElectionDriver::Options election_options;
  election_options.node.set_name = options.set_name;
  election_options.self = options.self;
  election_options.seed = options.seed;
  election_ = std::make_unique<ElectionDriver>(election_options, catalog, &store_,
                                               std::move(election_hooks));
  SyncDriver::Options sync_options;
  sync_options.data_dir = options.data_dir;
  sync_ = std::make_unique<SyncDriver>(
      sync_options, catalog, &store_,
      [this](election::Event event) { election_->Post(std::move(event)); }, hooks_.on_rollback,
      hooks_.keep_rollback_files,
      [this](bool vouching) { election_->SetVouching(vouching); });
}

ReplicationDriver::~ReplicationDriver() { Shutdown(std::chrono::milliseconds(0)); }

Status ReplicationDriver::Start() {
  catalog::Op op;
  RETURN_IF_ERROR(catalog_->CreateOplog(&op, options_.oplog_bytes).status());
  catalog_->sequencer()->SetMode(Sequencer::Mode::kFollower, 0);
  RETURN_IF_ERROR(election_->Start());
  return sync_->Start();
}

void ReplicationDriver::Shutdown(std::chrono::milliseconds wait) {
  if (std::exchange(stopped_, true)) {
    return;
  }
  if (wait.count() > 0) {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> finished = done->get_future();
    election::ShutdownRequested event{};
    event.catch_up = wait;
    election_->HandleAdmin(event, [done](Status, std::string) { done->set_value(); });
    // The Node answers in time by itself; the slack covers a busy disk.
    finished.wait_for(wait + std::chrono::milliseconds(2000));
  }
  sync_->Stop();
  election_->Stop();
}

}  // namespace septet::repl
