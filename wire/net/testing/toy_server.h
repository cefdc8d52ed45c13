// SPDX-License-Identifier: Apache-2.0
// For tests: a server with a toy handler on a free port of the loopback interface, and a raw socket
// to talk to it.
//
// Commands: ping; echo {text} gives {n: bytes of text, text}; sleep-like `park` is answered by
// Release(); `count` with exhaustAllowed streams {n: 1..of}; `later` is answered by another thread;
// `drop` closes; `bye` is answered, then closed.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "bson/builder.h"

#include "base/check.h"
#include "wire/codec/parse.h"
#include "wire/codec/serialize.h"
#include "wire/net/address.h"
#include "wire/net/listener.h"

namespace septet::wire::testing {

inline constexpr int kPatienceMillis = 20'000;

class ToyHandler : public Handler {
 public:
  ~ToyHandler() override {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  std::unique_ptr<ClientState> OnConnect(Connection&) override {
    const absl::MutexLock lock(&mutex_);
    ++connects_;
    return std::make_unique<State>();
  }
  void OnClose(Connection& connection) override {
    P_CHECK(connection.io().RunningHere());
    P_CHECK(!std::exchange(static_cast<State*>(connection.state())->closed, true));
    const absl::MutexLock lock(&mutex_);
    ++closes_;
  }
  std::string ErrorBody(Connection&, const Status& status) override {
    return bson::MakeDoc("ok", 0.0, "code", static_cast<int32_t>(CodeOf(status)), "errmsg",
                         TextOf(status));
  }

  void Handle(const std::shared_ptr<Connection>& connection, Request&& request) override {
    P_CHECK(connection->io().RunningHere());
    if (Park(connection, &request)) {
      return;
    }
    if (!request.wants_reply()) {
      connection->Done();
      return;
    }
    const OpMsg* const msg = request.msg();
    const std::string_view name =
        msg != nullptr ? msg->command_name()
                       : (request.query() != nullptr ? request.query()->command_name() : "");
    if (name == "later") {
      const absl::MutexLock lock(&mutex_);
      threads_.emplace_back([connection] { connection->SendReply(Ok()); });
    } else if (name == "count") {
      Count(connection, 1, msg->body.Find("of").AsInt32());
    } else if (name == "drop") {
      connection->Close();
    } else {
      Reply reply = name == "echo" ? Echo(*msg) : Ok();
      reply.close = name == "bye";
      connection->SendReply(std::move(reply));
    }
  }

  // Answers all parked requests from the calling thread, reading their views again.
  void Release() {
    std::vector<std::pair<std::shared_ptr<Connection>, Request>> parked;
    {
      const absl::MutexLock lock(&mutex_);
      parked.swap(parked_);
    }
    for (auto& [connection, request] : parked) {
      P_CHECK(request.msg()->command_name() == "park");
      connection->SendReply(Ok());
    }
  }

  // Wait until so many things happened.
  void AwaitCloses(int n) { Await(&ToyHandler::closes_, n); }
  void AwaitRequests(int n) { Await(&ToyHandler::requests_, n); }
  int connects() const {
    const absl::MutexLock lock(&mutex_);
    return connects_;
  }
  int closes() const {
    const absl::MutexLock lock(&mutex_);
    return closes_;
  }
  int requests() const {
    const absl::MutexLock lock(&mutex_);
    return requests_;
  }

 private:
  struct State : ClientState {
    bool closed = false;
  };

  // Counts the request; in the same step, so that nobody waits for a count and finds nothing
  // parked.
  bool Park(const std::shared_ptr<Connection>& connection, Request* request) {
    const OpMsg* const msg = request->msg();
    const absl::MutexLock lock(&mutex_);
    ++requests_;
    if (msg == nullptr || msg->command_name() != "park") {
      return false;
    }
    parked_.emplace_back(connection, std::move(*request));
    return true;
  }
  static Reply Ok() {
    Reply reply;
    reply.body = bson::MakeDoc("ok", 1.0);
    return reply;
  }
  static Reply Echo(const OpMsg& msg) {
    const std::string_view text = msg.body.Find("text").AsString();
    Reply reply;
    reply.body = bson::MakeDoc("n", static_cast<int32_t>(text.size()), "text", text, "ok", 1.0);
    return reply;
  }
  static void Count(const std::shared_ptr<Connection>& connection, int32_t n, int32_t of) {
    Reply reply;
    reply.body = bson::MakeDoc("n", n, "ok", 1.0);
    reply.more_to_come = n < of;
    connection->SendReply(std::move(reply), n < of ? std::function<void()>([connection, n, of] {
                            Count(connection, n + 1, of);
                          })
                                                   : nullptr);
  }
  void Await(int ToyHandler::*member, int n) {
    const absl::MutexLock lock(&mutex_);
    const auto reached = [this, member, n] { return this->*member >= n; };
    P_CHECK(
        mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Milliseconds(kPatienceMillis)));
  }

  mutable absl::Mutex mutex_;
  int connects_ = 0;
  int closes_ = 0;
  int requests_ = 0;
  std::vector<std::pair<std::shared_ptr<Connection>, Request>> parked_;
  std::vector<std::thread> threads_;
};

struct ToyServer {
  explicit ToyServer(ListenerOptions options = {}, size_t threads = 2)
      : io(threads), listener(&io, &handler) {
    options.port = 0;
    const Status status = listener.Bind(options);
    P_CHECK(status.ok());
    listener.Accept();
  }
  HostAndPort address() const { return {"127.0.0.1", listener.port()}; }

  ToyHandler handler;
  IoThreads io;
  Listener listener;
};

// A blocking socket that sends any bytes.
class RawSocket {
 public:
  explicit RawSocket(const HostAndPort& host) {
    const SocketAddress address = Resolve(host)->front();
    fd_ = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    P_CHECK(::connect(fd_, address.get(), address.size) == 0);
  }
  ~RawSocket() { ::close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      P_CHECK(n > 0);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void Shutdown() { ::shutdown(fd_, SHUT_WR); }
  // Up to n bytes; fewer if the server closes before.
  std::string Read(size_t n) {
    std::string out;
    while (out.size() < n) {
      pollfd poll_fd{fd_, POLLIN, 0};
      P_CHECK(::poll(&poll_fd, 1, kPatienceMillis) == 1);
      char part[65536];
      const ssize_t got = ::recv(fd_, part, std::min(sizeof(part), n - out.size()), 0);
      if (got <= 0) {
        break;
      }
      out.append(part, static_cast<size_t>(got));
    }
    return out;
  }
  // The next whole message; empty if the server closed.
  std::string ReadMessage() {
    std::string message = Read(kHeaderBytes);
    if (message.size() < kHeaderBytes) {
      return "";
    }
    const auto length = static_cast<size_t>(DecodeHeader(message.data()).message_length);
    return message + Read(length - kHeaderBytes);
  }
  bool ClosedByServer() { return Read(1).empty(); }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

inline std::string Message(std::string_view command, int32_t id, uint32_t flags = 0) {
  const std::string body = bson::MakeDoc(command, 1, "$db", "admin");
  return SerializeMsg({id, 0}, flags, bson::DocView(body));
}

}  // namespace septet::wire::testing
