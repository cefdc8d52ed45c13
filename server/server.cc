// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/os_cpu.h"
#include "base/os_host.h"
#include "base/os_memory.h"
#include "base/strings.h"
#include "server/client.h"
#include "server/reapers.h"
#include "server/startup_log.h"
#include "wire/codec/compress.h"

namespace septet::server {

using commands::ParameterName;

namespace {

// Memory of the block cache: what was asked, or 40 % of what the process may use beyond 1 GiB (control
// groups count), at least 256 MiB.
uint64_t CacheBytes(const ServerOptions& options) {
  if (options.cache_gb.has_value()) {
    return static_cast<uint64_t>(*options.cache_gb * static_cast<double>(1ull << 30));
  }
  constexpr uint64_t kMinimum = 256ull << 20;
  const uint64_t limit = ReadMemoryLimits().limit_bytes;
  const uint64_t spare = limit > (1ull << 30) ? limit - (1ull << 30) : 0;
  return std::max(kMinimum, spare / 10 * 4);
}

// 5 % of the free disk, at least 990 MiB and at most 50 GiB (S11: replication.oplogSizeMB).
int64_t DefaultOplogBytes(const std::string& dbpath) {
  constexpr int64_t kLeast = 990LL << 20;
  constexpr int64_t kMost = 50LL << 30;
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(dbpath, error);
  return error ? kLeast : std::clamp(static_cast<int64_t>(space.available / 20), kLeast, kMost);
}

}  // namespace

Server::Server(const ServerOptions& options, std::vector<std::string> argv) : options_(options) {
  facts_.host = StrCat(HostName(), ":", options.port);
  if (options.port == 27017) {
    facts_.host = HostName();
  }
  facts_.port = options.port;
  facts_.pid = getpid();
  facts_.argv = std::move(argv);
  facts_.parsed_options = options.parsed;
  facts_.start_wall_millis = WallMillis();
  facts_.start_monotonic_micros = MonotonicMicros();
  facts_.max_connections = options.max_connections;
  facts_.storage_engine = options.in_memory ? "inMemory" : "rocksdb";
  facts_.persistent = !options.in_memory;
  facts_.data_path = options.in_memory ? "" : options.dbpath;
}

Server::~Server() { Stop(); }

Status Server::Start() {
  auto compressors = wire::ParseCompressorList(options_.compressors);
  RETURN_IF_ERROR(compressors.status());
  for (const wire::CompressorId id : *compressors) {
    facts_.compressors.emplace_back(NameOf(id));
  }
  RaiseOpenFilesLimit();
  LogStart(options_, facts_);
  RETURN_IF_ERROR(OpenData());
  LogStartupWarnings(options_);
  profiler_ = std::make_unique<ProfileWriter>(&core_->catalog());
  core_->usage().SetProfiler(profiler_.get());
  core_->usage().SetDefaults({.level = options_.profile_level,
                              .slow_millis = options_.slow_ms,
                              .sample_rate = options_.sample_rate,
                              .filter = {}});
  background_ = std::make_unique<Background>();
  AddReapers(core_.get(), background_.get());
  background_->Start();
  RETURN_IF_ERROR(Listen());
  // Only now may commands come: they ask the replication that is started here.
  RETURN_IF_ERROR(core_->StartReplication());
  listener_->Accept();
  P_LOG(kInfo, kNetwork, 23016, "Waiting for connections", {"port", listener_->port()},
        {"ssl", "off"});
  return OkStatus();
}

Status Server::OpenData() {
  if (options_.in_memory) {
    return MakeCore(storage::NewMemoryEngine());
  }
  ASSIGN_OR_RETURN(directory_, DataDirectory::Open(options_.dbpath));
  if (directory_->was_unclean()) {
    P_LOG(kWarning, kStorage, 22271, "Detected unclean shutdown - Lock file is not empty",
          {"lockFile", StrCat(options_.dbpath, "/mongod.lock")});
  }
  storage::EngineOptions engine_options;
  engine_options.path = directory_->EnginePath();
  engine_options.cache_bytes = CacheBytes(options_);
  P_LOG(kInfo, kStorage, 22315, "Opening storage engine", {"path", engine_options.path},
        {"cacheBytes", engine_options.cache_bytes});
  ASSIGN_OR_RETURN(std::unique_ptr<storage::Engine> engine,
                   storage::OpenRocksEngine(engine_options));
  return MakeCore(std::move(engine));
}

void Server::ApplyParameters(commands::Parameters* parameters, Status* status) {
  const auto set = [&](std::string_view name, std::string_view value) {
    if (status->ok()) {
      *status = parameters->SetAtStart(name, value);
    }
  };
  if (options_.notablescan) {
    set("notablescan", "true");
  }
  if (options_.quiet) {
    set("quiet", "true");
  }
  set("logLevel", std::to_string(options_.verbosity));
  set("journalCommitInterval", std::to_string(options_.journal_interval_ms));
  for (const auto& [name, value] : options_.set_parameters) {
    set(name, value);
  }
}

Status Server::MakeCore(std::unique_ptr<storage::Engine> engine) {
  Status parameters = OkStatus();
  CoreOptions core_options;
  core_options.temp_dir = directory_ != nullptr
                              ? directory_->TempPath()
                              : std::filesystem::temp_directory_path().string();
  core_options.journal_interval_ms = options_.journal_interval_ms;
  core_options.replication.set_name = options_.repl_set;
  core_options.replication.self = SelfAddresses();
  core_options.replication.data_dir = options_.in_memory ? core_options.temp_dir : options_.dbpath;
  core_options.replication.oplog_bytes =
      options_.oplog_size_mb > 0 ? options_.oplog_size_mb << 20 : DefaultOplogBytes(options_.dbpath);
  core_options.replication.oplog_min_retention_secs =
      static_cast<int64_t>(options_.oplog_min_retention_hours * 3600);
  core_options.configure = [&](commands::Parameters* p) { ApplyParameters(p, &parameters); };
  auto core = Core::Create(std::move(engine), this, core_options);
  RETURN_IF_ERROR(parameters);
  RETURN_IF_ERROR(core.status());
  core_ = *std::move(core);
  return OkStatus();
}

// By which addresses of a config this process knows itself.
repl::SelfAddresses Server::SelfAddresses() const {
  const wire::ListenerOptions listener = MakeListenerOptions();
  repl::SelfAddresses self;
  self.port = options_.port;
  for (const std::string& name : listener.bind_ips) {
    self.all_interfaces = self.all_interfaces || name == "0.0.0.0" || name == "::";
    const auto addresses = wire::Resolve({name, options_.port});
    if (!addresses.ok()) {
      continue;
    }
    for (const wire::SocketAddress& address : *addresses) {
      self.ips.push_back(repl::IpText(address));
    }
  }
  // The default config of replSetInitiate names this host; if only loopback is listened on, that.
  const std::string host = self.all_interfaces || self.ips.empty() ? HostName() : listener.bind_ips[0];
  self.names.push_back(wire::HostAndPort{host, options_.port}.ToString());
  return self;
}

wire::ListenerOptions Server::MakeListenerOptions() const {
  wire::ListenerOptions listener;
  if (options_.bind_ip_all) {
    listener.bind_ips = {"0.0.0.0"};
    if (options_.ipv6) {
      listener.bind_ips.emplace_back("::");
    }
  } else if (!options_.bind_ips.empty()) {
    listener.bind_ips.clear();
    for (const std::string& ip : options_.bind_ips) {
      if (ip == "*") {
        listener.bind_ips.emplace_back("0.0.0.0");
        listener.bind_ips.emplace_back("::");
      } else if (ip.starts_with("/")) {
        listener.unix_socket_path = ip;
      } else {
        listener.bind_ips.push_back(ip);
      }
    }
  } else {
    listener.bind_ips = {"127.0.0.1"};
    if (options_.ipv6 && HasIpv6Loopback()) {
      listener.bind_ips.emplace_back("::1");
    }
  }
  listener.port = options_.port;
  if (options_.unix_socket && listener.unix_socket_path.empty()) {
    listener.unix_socket_path =
        StrCat(options_.unix_socket_prefix, "/mongodb-", options_.port, ".sock");
  }
  listener.unix_socket_mode = options_.unix_socket_permissions;
  listener.max_connections = options_.max_connections;
  listener.backlog = options_.listen_backlog;
  return listener;
}

Status Server::Listen() {
  const int threads = options_.io_threads > 0 ? options_.io_threads : AvailableCpus();
  io_ = std::make_unique<wire::IoThreads>(static_cast<size_t>(threads));
  listener_ = std::make_unique<wire::Listener>(io_.get(), &core_->dispatcher());
  const wire::ListenerOptions listener = MakeListenerOptions();
  if (const Status s = listener_->Bind(listener); !s.ok()) {
    return Prefixed("Failed to set up listener: SocketException: ", s);
  }
  std::vector<std::string> addresses = listener.bind_ips;
  if (!listener.unix_socket_path.empty()) {
    addresses.push_back(listener.unix_socket_path);
  }
  for (const std::string& address : addresses) {
    P_LOG(kInfo, kNetwork, 23015, "Listening on", {"address", address});
  }
  return OkStatus();
}

commands::ConnectionCounts Server::Connections() const {
  commands::ConnectionCounts counts;
  if (listener_ != nullptr) {
    const wire::ListenerStats stats = listener_->stats();
    counts.current = stats.current;
    counts.total_created = stats.total_created;
    counts.rejected = stats.rejected;
  }
  if (core_ != nullptr) {
    Dispatcher::Counts& c = core_->dispatcher().counts();
    counts.exhaust_hello = c.exhaust_hello.load(std::memory_order_relaxed);
    counts.exhaust_is_master = c.exhaust_is_master.load(std::memory_order_relaxed);
  }
  return counts;
}

commands::NetworkTotals Server::Network() const {
  commands::NetworkTotals totals;
  for (size_t i = 0; io_ != nullptr && i < io_->size(); ++i) {
    const wire::NetworkCounters& c = io_->at(i).counters();
    totals.bytes_in += c.bytes_in.load(std::memory_order_relaxed);
    totals.bytes_out += c.bytes_out.load(std::memory_order_relaxed);
    totals.physical_bytes_in += c.physical_bytes_in.load(std::memory_order_relaxed);
    totals.physical_bytes_out += c.physical_bytes_out.load(std::memory_order_relaxed);
    totals.requests += c.requests.load(std::memory_order_relaxed);
  }
  for (const std::string& name : facts_.compressors) {
    commands::CompressionTotals& sum = totals.compression.emplace_back();
    sum.name = name;
    const std::optional<wire::CompressorId> id = wire::CompressorByName(name);
    for (size_t i = 0; io_ != nullptr && id && i < io_->size(); ++i) {
      const auto& c = io_->at(i).counters().compression[static_cast<size_t>(*id)];
      sum.packed_from += c.packed_from.load(std::memory_order_relaxed);
      sum.packed_to += c.packed_to.load(std::memory_order_relaxed);
      sum.unpacked_from += c.unpacked_from.load(std::memory_order_relaxed);
      sum.unpacked_to += c.unpacked_to.load(std::memory_order_relaxed);
    }
  }
  return totals;
}

void Server::RequestShutdown(std::chrono::milliseconds quiesce) {
  absl::MutexLock lock(&mutex_);
  quiesce_ = quiesce;
  shutdown_requested_ = true;
}

void Server::AwaitShutdown() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&shutdown_requested_));
}

std::chrono::milliseconds Server::SignalQuiesce() const {
  const commands::ReplicationSnapshotPtr replication = core_->replication().Snapshot();
  if (!replication->replica_set || replication->hosts.size() <= 1) {
    return std::chrono::milliseconds(0);
  }
  return std::chrono::milliseconds(
      core_->parameters().GetInt(ParameterName::k_shutdownTimeoutMillisForSignaledShutdown));
}

Status Server::RotateLog() {
  std::string error;
  if (!log::Rotate(!options_.log_rotate_reopen, &error)) {
    return Error(ErrorCode::kOperationFailed, error);
  }
  LogStart(options_, facts_);
  return OkStatus();
}

// Tells clients that this server goes, and gives them time to finish (S01-112).
void Server::Quiesce(std::chrono::milliseconds time) {
  const commands::ReplicationSnapshotPtr now = core_->replication().Snapshot();
  if (!now->replica_set || time.count() == 0) {
    return;
  }
  P_LOG(kInfo, kReplication, 4695102, "Entering quiesce mode for shutdown",
        {"quiesceTimeMillis", time.count()});
  auto next = std::make_shared<commands::ReplicationSnapshot>(*now);
  next->shutting_down = true;
  next->quiesce_until_micros = MonotonicMicros() + std::chrono::microseconds(time).count();
  next->topology_counter += 1;
  core_->replication().Publish(std::move(next));
  // Nobody tells when the last operation ends: that would cost every operation something.
  constexpr std::chrono::milliseconds kLookAgain{10};
  const auto until = std::chrono::steady_clock::now() + time;
  while (core_->operations().Busy() > 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookAgain);
  }
}

void Server::Stop() {
  if (stopped_) {
    return;
  }
  stopped_ = true;
  if (listener_ != nullptr) {
    std::chrono::milliseconds quiesce{0};
    {
      absl::MutexLock lock(&mutex_);
      quiesce = quiesce_;
    }
    core_->StopReplication(std::chrono::seconds(10));
    listener_->StopAccepting();
    Quiesce(quiesce);
    P_LOG(kInfo, kNetwork, 20562, "Shutdown: going to close listening sockets");
    core_->operations().KillIf(ErrorCode::kInterruptedAtShutdown,
                               [](const commands::RunningOperation&) { return true; });
    listener_->Stop();
  }
  if (background_ != nullptr) {
    background_->Stop();
  }
  if (core_ != nullptr) {
    core_->dispatcher().Stop();
    core_->usage().SetProfiler(nullptr);
  }
  profiler_ = nullptr;
  if (io_ != nullptr) {
    io_->Stop();
  }
  if (core_ != nullptr) {
    if (const Status s = core_->sequencer().SyncNow(); !s.ok()) {
      P_LOG(kError, kStorage, 22318, "The last writes could not be made durable",
            {"error", TextOf(s)});
    }
  }
  listener_ = nullptr;
  io_ = nullptr;
  core_ = nullptr;
  directory_ = nullptr;
}

}  // namespace septet::server
