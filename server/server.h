// SPDX-License-Identifier: Apache-2.0
// The running process: core, sockets, background work, and its end.
//
// Start order: data directory's lock, engine, core, I/O threads, listener, background. The end is the
// other way round; clients are told first (quiesce), then writes are made durable.
// Thread rule: Start, AwaitShutdown and Stop on the main thread; RequestShutdown from any.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "commands/server_control.h"
#include "server/background.h"
#include "server/core.h"
#include "server/data_directory.h"
#include "server/options.h"
#include "server/profile_writer.h"
#include "wire/net/io_thread.h"
#include "wire/net/listener.h"

namespace septet::server {

class Server : public commands::ServerControl {
 public:
  Server(const ServerOptions& options, std::vector<std::string> argv);
  ~Server() override;  // Stop()

  // Errors carry the text for the log: DBPathInUse, NonExistentPath, the engine's, SocketException.
  Status Start();
  // Returns when somebody asked for the end.
  void AwaitShutdown();
  void Stop();

  const commands::ProcessFacts& facts() const override { return facts_; }
  commands::ConnectionCounts Connections() const override;
  commands::NetworkTotals Network() const override;
  void RequestShutdown(std::chrono::milliseconds quiesce) override;
  Status RotateLog() override;
  // How long a signalled shutdown lets clients leave.
  std::chrono::milliseconds SignalQuiesce() const;

 private:
  Status OpenData();
  Status MakeCore(std::unique_ptr<storage::Engine> engine);
  void ApplyParameters(commands::Parameters* parameters, Status* status);
  Status Listen();
  repl::SelfAddresses SelfAddresses() const;
  wire::ListenerOptions MakeListenerOptions() const;
  void Quiesce(std::chrono::milliseconds time);

  const ServerOptions options_;
  commands::ProcessFacts facts_;
  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<ProfileWriter> profiler_;
  std::unique_ptr<wire::IoThreads> io_;
  std::unique_ptr<wire::Listener> listener_;
  std::unique_ptr<Background> background_;
  bool stopped_ = false;

  absl::Mutex mutex_;
  bool shutdown_requested_ ABSL_GUARDED_BY(mutex_) = false;
  std::chrono::milliseconds quiesce_ ABSL_GUARDED_BY(mutex_){0};
};

}  // namespace septet::server
