// SPDX-License-Identifier: Apache-2.0
// All parts of a server but its sockets: the one place where objects are built and wired. The process
// (server.h) puts listeners and background work around it; tests use it alone.
// Thread rule: Create and destruction on one thread; the parts have their own rules.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/failpoint.h"
#include "catalog/catalog.h"
#include "commands/metrics.h"
#include "commands/operations.h"
#include "commands/parameters.h"
#include "commands/replication_info.h"
#include "commands/server_control.h"
#include "commands/services.h"
#include "commands/session_cache.h"
#include "commands/usage.h"
#include "commands/write_gate.h"
#include "query/index_extensions.h"
#include "query/runtime.h"
#include "replication/driver/replication_driver.h"
#include "replication/oplog/positions.h"
#include "replication/oplog/sequencer.h"
#include "server/dispatcher.h"
#include "storage/engine.h"
#include "txn/session_catalog.h"

namespace septet::server {

struct ReplicationOptions {
  std::string set_name;              // empty: no replica set
  repl::SelfAddresses self;
  std::string data_dir;              // rollback files
  int64_t oplog_bytes = 0;
  int64_t oplog_min_retention_secs = 0;
};

struct CoreOptions {
  ReplicationOptions replication;
  std::string temp_dir;              // spills of sorts and groups
  int journal_interval_ms = 100;
  size_t max_workers = 64;
  bool test_commands = false;
  std::function<void(commands::Parameters*)> configure = nullptr;  // before the parts are made
};

class Core {
 public:
  // `control` outlives the core. Errors: the engine's, of reading the stored catalog.
  static StatusOr<std::unique_ptr<Core>> Create(std::unique_ptr<storage::Engine> engine,
                                                commands::ServerControl* control,
                                                const CoreOptions& options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // A member of a set begins to take part. Call when the listeners stand. Nothing without a set name.
  Status StartReplication();
  // Hands over if primary, waiting at most so long, and leaves the set's work.
  void StopReplication(std::chrono::milliseconds wait);

  const commands::Services& services() const { return services_; }
  Dispatcher& dispatcher() { return *dispatcher_; }
  commands::Parameters& parameters() { return parameters_; }
  commands::OperationRegistry& operations() { return operations_; }
  commands::SessionCache& sessions() { return *sessions_; }
  commands::ReplicationInfo& replication() { return *replication_; }
  query::Runtime& query() { return query_; }
  catalog::Catalog& catalog() { return *catalog_; }
  repl::Sequencer& sequencer() { return *sequencer_; }
  storage::Engine& engine() { return *engine_; }
  repl::ReplicationDriver* driver() { return driver_.get(); }  // null: no set
  repl::Positions& positions() { return *positions_; }
  commands::ServerMetrics& metrics() { return metrics_; }
  commands::UsageRecorder& usage() { return usage_; }

 private:
  Core(std::unique_ptr<storage::Engine> engine, commands::ServerControl* control);
  Status Init(const CoreOptions& options);
  void MakeReplication(const ReplicationOptions& options);
  void OnStepDown();
  void OnRollback();
  void RegisterParameters();
  void RegisterMetrics();

  // In order of construction; destroyed the other way round.
  commands::Parameters parameters_;
  FailPoints fail_points_;
  commands::ServerMetrics metrics_;
  commands::UsageRecorder usage_;
  commands::WriteGate write_gate_;
  commands::OperationRegistry operations_;
  std::unique_ptr<storage::Engine> engine_;
  std::unique_ptr<repl::Positions> positions_;
  std::unique_ptr<repl::Sequencer> sequencer_;
  const query::IndexExtensions extensions_;
  std::unique_ptr<catalog::Catalog> catalog_;
  query::Runtime query_;
  std::unique_ptr<txn::SessionCatalog> transactions_;
  std::unique_ptr<commands::SessionCache> sessions_;
  std::unique_ptr<commands::ReplicationInfo> replication_;
  std::unique_ptr<repl::ReplicationDriver> driver_;
  commands::Services services_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace septet::server
