// SPDX-License-Identifier: Apache-2.0
// An outgoing connection for threads that may block: replication workers, health probes, tools.
// Plain sockets and poll, every call with a deadline.
//
// Errors of the transport, after which the connection is of no more use: HostNotFound (no such
// name), HostUnreachable (refused, no route), NetworkTimeout (the deadline passed), SocketException
// (reset, end of file), ProtocolError (the peer does not speak the protocol), CallbackCanceled
// (Close was called). Thread rule: owned by one thread; Close and usable from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "bson/view.h"

#include "base/status.h"
#include "wire/codec/message.h"
#include "wire/net/address.h"

namespace septet::wire {

// A reply and the bytes it stands in.
struct Received {
  std::unique_ptr<char[]> bytes;
  MessageHeader header;
  OpMsg msg;  // views into `bytes`
};

class Client {
 public:
  using Duration = std::chrono::milliseconds;

  Client() = default;
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Once per object. Tries all addresses of a name within the time. The look-up of a name is done
  // by the system and may take longer.
  Status Connect(const HostAndPort& host, Duration timeout);

  // Sends `command` with $db appended and returns the reply's body, whatever its `ok`: see
  // StatusOfReply. Sends no hello and no credentials of its own.
  StatusOr<std::string> RunCommand(std::string_view db, bson::DocView command, Duration timeout);

  // For exhaust streams and sequences: one message out (the body must hold $db), one message in.
  // Returns the request id.
  StatusOr<int32_t> Send(uint32_t flags, bson::DocView body,
                         std::span<const DocumentSequence> sequences, Duration timeout);
  StatusOr<Received> Receive(Duration timeout);

  // Interrupts the call that is blocked, and fails all later ones. Any thread, also twice.
  void Close();
  bool usable() const { return usable_.load(std::memory_order_relaxed); }
  const HostAndPort& host() const { return host_; }
  // Address of this end as the peer sees it; while connected.
  std::string LocalAddress() const;

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  Status ConnectTo(const SocketAddress& address, Deadline deadline);
  Status WaitFor(short events, Deadline deadline);  // NOLINT(google-runtime-int): as poll has it
  Status WriteAll(std::string_view bytes, Deadline deadline);
  Status ReadAll(char* out, size_t n, Deadline deadline);
  StatusOr<Received> ReceiveBy(Deadline deadline);
  // Marks the connection as of no more use; Closed by us wins over what the socket says.
  Status Broken(ErrorCode code, std::string_view text);

  HostAndPort host_;
  int fd_ = -1;  // written under mutex_, read by the owner freely
  int32_t last_id_ = 0;
  std::atomic<bool> usable_{false};
  absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// The error a reply {ok: 0, errmsg, code, ...} stands for, or ok.
Status StatusOfReply(bson::DocView reply);

}  // namespace septet::wire
