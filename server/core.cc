// SPDX-License-Identifier: Apache-2.0
#include "server/core.h"

#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "commands/standalone_replication.h"
#include "commands/version.h"
#include "server/replica_set_info.h"

namespace septet::server {
namespace {

using commands::ParameterName;

// logComponentVerbosity as a tree: {verbosity, query: {verbosity}, replication: {verbosity, election: ...}}.
void AppendVerbosity(log::Component parent, bson::DocBuilder* out) {
  out->Append("verbosity", log::OwnVerbosity(parent));
  for (const log::ComponentRow& row : log::Components()) {
    if (row.component != parent && row.parent == parent) {
      const auto object = out->Object(row.parameter_name);
      AppendVerbosity(row.component, out);
    }
  }
}

const log::ComponentRow* ChildOf(log::Component parent, std::string_view name) {
  for (const log::ComponentRow& row : log::Components()) {
    if (row.component != parent && row.parent == parent && row.parameter_name == name) {
      return &row;
    }
  }
  return nullptr;
}

// Components of other servers that have no code here: named, so accepted.
bool IsForeignComponent(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "executor", "geo", "sharding", "ftdc", "tracking", "tenantMigration", "processHealth", "bridge",
      "asio", "connectionPool", "journal", "wt", "resharding", "globalIndex", "assert"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

Status SetVerbosity(log::Component component, std::string_view path, bson::DocView doc) {
  for (const bson::ElementView& e : doc) {
    if (e.name() == "verbosity") {
      if (!e.value().is_number()) {
        return Error(ErrorCode::kBadValue,
                     StrCat("Expected ", path, ".verbosity to be a number, but found ",
                            bson::TypeName(e.value().type())));
      }
      log::SetVerbosity(component, static_cast<int>(bson::ToInt64Clamped(e.value())));
      continue;
    }
    const std::string child_path = StrCat(path, ".", e.name());
    const log::ComponentRow* row = ChildOf(component, e.name());
    if (row == nullptr && IsForeignComponent(e.name())) {
      continue;
    }
    if (row == nullptr || !e.value().is_object()) {
      return Error(ErrorCode::kBadValue, StrCat("Invalid component name ", child_path));
    }
    RETURN_IF_ERROR(SetVerbosity(row->component, child_path, e.value().AsDoc()));
  }
  return OkStatus();
}

Status SetVerbosityTree(bson::ValueView value) {
  if (!value.is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("log component verbosity is not a BSON object: logComponentVerbosity: ",
                        bson::ToShellText(value)));
  }
  return SetVerbosity(log::Component::kDefault, "default", value.AsDoc());
}

}  // namespace

Core::Core(std::unique_ptr<storage::Engine> engine, commands::ServerControl* control)
    : engine_(std::move(engine)) {
  services_.server = control;
}

StatusOr<std::unique_ptr<Core>> Core::Create(std::unique_ptr<storage::Engine> engine,
                                             commands::ServerControl* control,
                                             const CoreOptions& options) {
  std::unique_ptr<Core> core(new Core(std::move(engine), control));
  RETURN_IF_ERROR(core->Init(options));
  return core;
}

Core::~Core() {
  StopReplication(std::chrono::milliseconds(0));
  if (dispatcher_ != nullptr) {
    dispatcher_->Stop();
  }
}

Status Core::Init(const CoreOptions& options) {
  RegisterParameters();
  if (options.configure) {
    options.configure(&parameters_);
  }
  positions_ = std::make_unique<repl::Positions>(engine_.get());
  repl::Sequencer::Options sequencer_options;
  sequencer_options.journal_interval_ms = options.journal_interval_ms;
  sequencer_ =
      std::make_unique<repl::Sequencer>(engine_.get(), positions_.get(), sequencer_options);
  RETURN_IF_ERROR(sequencer_->Load());
  catalog_ = std::make_unique<catalog::Catalog>(engine_.get(), sequencer_.get(), positions_.get());
  catalog_->SetExtensions(&extensions_);
  RETURN_IF_ERROR(catalog_->Load());
  if (options.replication.set_name.empty()) {
    sequencer_->SetMode(repl::Sequencer::Mode::kStandalone, repl::kUninitializedTerm);
  } else {
    sequencer_->SetMode(repl::Sequencer::Mode::kFollower, repl::kInitialTerm);
  }
  transactions_ = std::make_unique<txn::SessionCatalog>(catalog_.get());
  query_.temp_dir = options.temp_dir;
  sessions_ = std::make_unique<commands::SessionCache>(commands::SessionCache::Options{
      .max_sessions = parameters_.GetInt(ParameterName::k_maxSessions),
      .timeout_millis =
          parameters_.GetInt(ParameterName::k_localLogicalSessionTimeoutMinutes) * 60'000});
  sessions_->OnEnd([this](const std::vector<std::string>& ids) {
    for (const std::string& id : ids) {
      query_.cursors.KillSession(id);
    }
  });
  MakeReplication(options.replication);
  services_.catalog = catalog_.get();
  services_.query = &query_;
  services_.transactions = transactions_.get();
  services_.replication = replication_.get();
  services_.driver = driver_.get();
  services_.operations = &operations_;
  services_.sessions = sessions_.get();
  services_.parameters = &parameters_;
  services_.fail_points = &fail_points_;
  services_.metrics = &metrics_;
  services_.usage = &usage_;
  services_.write_gate = &write_gate_;
  RegisterMetrics();
  Dispatcher::Options dispatcher_options;
  dispatcher_options.test_commands =
      options.test_commands || parameters_.GetBool(ParameterName::k_enableTestCommands);
  dispatcher_options.max_workers = options.max_workers;
  dispatcher_ = std::make_unique<Dispatcher>(&services_, positions_.get(), dispatcher_options);
  return OkStatus();
}

void Core::MakeReplication(const ReplicationOptions& options) {
  if (options.set_name.empty()) {
    replication_ = std::make_unique<commands::StandaloneReplication>(positions_.get(),
                                                                     sequencer_.get());
    return;
  }
  auto info =
      std::make_unique<ReplicaSetInfo>(options.set_name, positions_.get(), sequencer_.get());
  repl::ReplicationDriver::Options driver_options;
  driver_options.set_name = options.set_name;
  driver_options.self = options.self;
  driver_options.data_dir = options.data_dir;
  driver_options.seed = RandomSeedFromSystem();
  if (options.oplog_bytes > 0) {
    driver_options.oplog_bytes = options.oplog_bytes;
  }
  driver_options.oplog_min_retention_secs = options.oplog_min_retention_secs;
  repl::ReplicationHooks hooks;
  hooks.on_topology = [i = info.get()](const repl::SnapshotPtr& s) { i->OnTopology(s); };
  hooks.on_step_down = [this] { OnStepDown(); };
  hooks.on_writable = [this](int64_t) {
    transactions_->Clear();
    catalog::Op op;
    if (const Status s = transactions_->OnStepUp(&op); !s.ok()) {
      P_LOG(kWarning, kReplication, 21404, "The tables of sessions could not be made",
            {"error", TextOf(s)});
    }
  };
  hooks.on_rollback = [this] { OnRollback(); };
  hooks.keep_rollback_files = [this] {
    return parameters_.GetBool(ParameterName::k_createRollbackDataFiles);
  };
  driver_ = std::make_unique<repl::ReplicationDriver>(driver_options, catalog_.get(),
                                                      std::move(hooks));
  info->SetDriver(driver_.get());
  replication_ = std::move(info);
}

Status Core::StartReplication() { return driver_ != nullptr ? driver_->Start() : OkStatus(); }

void Core::StopReplication(std::chrono::milliseconds wait) {
  if (driver_ != nullptr) {
    driver_->Shutdown(wait);
  }
}

// Writes that run end with InterruptedDueToReplStateChange; connections and read cursors stay.
void Core::OnStepDown() {
  operations_.KillIf(ErrorCode::kInterruptedDueToReplStateChange,
                     [](const commands::RunningOperation& running) { return running.is_write; });
  transactions_->Clear();
}

// What was read before may have been undone.
void Core::OnRollback() {
  query_.cursors.KillAll();
  transactions_->Clear();
}

void Core::RegisterParameters() {
  parameters_.AddSpecial({"featureCompatibilityVersion",
                          [](std::string_view name, bson::DocBuilder* out) {
                            const auto object = out->Object(name);
                            out->Append("version", commands::kFeatureCompatibilityVersion);
                          },
                          nullptr});
  parameters_.AddSpecial({"logComponentVerbosity",
                          [](std::string_view name, bson::DocBuilder* out) {
                            const auto object = out->Object(name);
                            AppendVerbosity(log::Component::kDefault, out);
                          },
                          SetVerbosityTree});
  parameters_.OnChange(ParameterName::k_logLevel, [this] {
    log::SetVerbosity(log::Component::kDefault,
                      static_cast<int>(parameters_.GetInt(ParameterName::k_logLevel)));
  });
  parameters_.OnChange(ParameterName::k_quiet, [this] {
    log::SetQuiet(parameters_.GetBool(ParameterName::k_quiet));
  });
}

void Core::RegisterMetrics() {
  MetricsRegistry& registry = metrics_.registry;
  const auto cursors = [this](int64_t query::CursorRegistry::Figures::*field) {
    return [this, field] { return query_.cursors.figures().*field; };
  };
  using Figures = query::CursorRegistry::Figures;
  registry.Register("cursor.open.noTimeout", cursors(&Figures::no_timeout));
  registry.Register("cursor.open.pinned", cursors(&Figures::pinned));
  registry.Register("cursor.open.total", cursors(&Figures::open));
  registry.Register("cursor.timedOut", cursors(&Figures::timed_out));
  registry.Register("cursor.totalOpened", cursors(&Figures::total_opened));
  if (driver_ == nullptr) {
    return;
  }
  const auto sync = [this](auto figure) {
    return [this, figure]() -> int64_t { return figure(driver_->sync()->status()); };
  };
  using Status = repl::SyncStatus;
  registry.Register("repl.apply.batches.num", sync([](const Status& s) { return s.fetched_batches; }));
  registry.Register("repl.apply.batches.totalMillis",
                    sync([](const Status& s) { return s.apply_micros / 1000; }));
  registry.Register("repl.apply.ops", sync([](const Status& s) { return s.applied_ops; }));
  // What is fetched is applied at once.
  registry.Register("repl.buffer.count", [] { return int64_t{0}; });
  registry.Register("repl.buffer.sizeBytes", [] { return int64_t{0}; });
  registry.Register("repl.network.bytes", sync([](const Status& s) { return s.fetched_bytes; }));
  registry.Register("repl.network.getmores.num", sync([](const Status& s) { return s.fetches; }));
  registry.Register("repl.network.getmores.totalMillis",
                    sync([](const Status& s) { return s.fetch_micros / 1000; }));
  registry.Register("repl.network.ops", sync([](const Status& s) { return s.fetched_ops; }));
}

}  // namespace septet::server
