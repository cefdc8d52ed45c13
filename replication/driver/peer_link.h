// SPDX-License-Identifier: Apache-2.0
// The connections to one other member: two threads with a socket each, one for heartbeats alone (they
// must never wait behind anything), one for votes, hand-off and position reports.
// A request is answered once by its callback, on the link's thread: with the reply or the error. A refused
// connection (HostUnreachable) is told apart from a time-out, see `refused`.
// Thread rule: thread-safe; callbacks run on the link's threads.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "bson/view.h"

namespace septet::repl {

class PeerLink {
 public:
  struct Answer {
    Status status;
    std::string reply;     // the reply document if status is ok
    bool refused = false;  // nobody listens at that address
  };
  using Callback = std::function<void(Answer)>;
  enum class Lane { kHeartbeat, kOther };

  explicit PeerLink(std::string host);
  ~PeerLink();  // closes the sockets and joins; pending callbacks are answered with CallbackCanceled

  void Send(Lane lane, std::string command, std::chrono::milliseconds timeout, Callback done);
  const std::string& host() const { return host_; }

 private:
  class Worker;
  std::string host_;
  std::unique_ptr<Worker> heartbeat_;
  std::unique_ptr<Worker> other_;
};

}  // namespace septet::repl
