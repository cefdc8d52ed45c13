// SPDX-License-Identifier: Apache-2.0
// Accepts connections on TCP addresses and a Unix socket, deals them out to the I/O threads in
// turn, and knows those that are open. Thread rule: thread-safe, except Start and Stop: one thread,
// no I/O thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "base/status.h"
#include "wire/net/handler.h"
#include "wire/net/io_thread.h"
#include "wire/net/session.h"

namespace septet::wire {

struct ListenerOptions {
  // Numeric addresses or names: "127.0.0.1", "::1", "localhost"; "0.0.0.0" and "::" for all.
  std::vector<std::string> bind_ips = {"127.0.0.1"};
  int port = 27017;                // 0: one that is free, the same for all addresses
  std::string unix_socket_path{};  // e.g. /tmp/mongodb-27017.sock; empty: none
  int unix_socket_mode = 0700;
  int64_t max_connections = 1'000'000;  // beyond: accepted and closed at once (S01-070)
  int backlog = 4096;
};

struct ListenerStats {
  int64_t current = 0;
  int64_t available = 0;
  int64_t total_created = 0;
  int64_t rejected = 0;
};

class Listener final : private SessionOwner {
 public:
  // Both must outlive the listener; it must be stopped before `threads` is.
  Listener(IoThreads* threads, Handler* handler);
  ~Listener() override;  // Stop()
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Binds; who connects waits until Accept(). Errors: CannotListen-like SocketException (9001) with the
  // system's text, BadValue for a path that is too long, HostNotFound. On error nothing is left bound.
  Status Bind(const ListenerOptions& options);
  void Accept();
  // Takes no more connections and removes the Unix socket's file; open connections live on.
  void StopAccepting();
  // StopAccepting, closes all connections and waits until each OnClose has returned.
  void Stop();

  // The port that is bound; after Bind.
  int port() const { return port_; }
  ListenerStats stats() const;
  // Connections open now, in no order.
  std::vector<std::shared_ptr<Connection>> Connections() const;
  // Null if there is none of that id.
  std::shared_ptr<Connection> Find(int64_t id) const;

 private:
  class Acceptor;

  Handler& handler() override { return *handler_; }
  void OnSessionClosed(int64_t id) override;

  Status BindAll();
  Status BindTcp(const std::string& ip, std::set<std::string>* bound);
  Status BindUnix();
  void OnAccepted(int fd, int family);
  bool Admit(int64_t* id);

  IoThreads* const threads_;
  Handler* const handler_;
  ListenerOptions options_;
  int port_ = 0;
  bool unix_bound_ = false;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;

  mutable absl::Mutex mutex_;
  // Accepted and not yet closed; null until the session is made on its thread.
  std::unordered_map<int64_t, std::weak_ptr<Session>> sessions_ ABSL_GUARDED_BY(mutex_);
  int64_t total_created_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t rejected_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace septet::wire
