// SPDX-License-Identifier: Apache-2.0
// What the sockets ask of the server, and what they offer it.
//
// A connection belongs to one I/O thread for life. Its requests are given to Handler::Handle one at
// a time, in the order they came: the next one only after the last was answered. The handler
// answers
//   - inside Handle: the reply is written at once, by the same thread, without a copy; or
//   - later, from any thread: the reply is handed to the connection's thread first.
// While an answer is outstanding the socket is watched, so a client that goes away is noticed
// (OnClose); an answer given after that is dropped.
//
// Life of views: everything a Request points to stays valid until the request is answered (its last
// Reply, or Done) and the Connection is alive. A handler that answers later keeps the shared_ptr.
// Thread rule: stated per function. Handler's functions are called on the connection's I/O thread;
// connections of different threads call them concurrently.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wire/codec/compress.h"
#include "wire/codec/message.h"

namespace septet::wire {

class Connection;

// What the handler keeps with a connection: subclass it. Dies with the connection.
class ClientState {
 public:
  virtual ~ClientState() = default;
};

// Facts that never change while the connection lives.
struct ConnectionFacts {
  int64_t id = 0;      // unique in this process, from 1
  std::string remote;  // "127.0.0.1:54321", "[::1]:54321", "anonymous unix socket"
  std::string local;   // "127.0.0.1:27017", "/tmp/mongodb-27017.sock"
  bool is_unix = false;
  bool is_loopback = false;  // 127.0.0.0/8, ::1 or a Unix socket
  bool is_tls = false;
  std::chrono::system_clock::time_point accepted_at;
};

struct Request {
  MessageHeader header;
  // OpMsg, or a legacy OpQuery, OpGetMore, OpInsert, OpUpdate, OpDelete, OpKillCursors.
  Message message;
  std::optional<CompressorId> compressor;  // the request came in an OP_COMPRESSED

  const OpMsg* msg() const { return std::get_if<OpMsg>(&message); }
  const OpQuery* query() const { return std::get_if<OpQuery>(&message); }
  // False for OP_MSG with moreToCome and for the legacy writes: end those with Done().
  bool wants_reply() const {
    if (const OpMsg* m = msg()) {
      return !m->more_to_come();
    }
    return query() != nullptr || std::holds_alternative<OpGetMore>(message);
  }
};

// An answer. To an OpMsg it is sent as OP_MSG (with a checksum if the request had one, compressed
// if the request was); to a legacy request as OP_REPLY with the fields of `legacy`.
struct Reply {
  std::string body;  // one document; of a legacy reply any number, see legacy.count
  // Another reply to the same request follows (exhaust). Only for a request with exhaust_allowed().
  bool more_to_come = false;
  bool close = false;  // close the connection once this is written
  // Legacy replies only.
  uint32_t reply_flags = 0;
  int64_t cursor_id = 0;
  int32_t starting_from = 0;
  int32_t count = 1;
};

class IoThread;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;

  const ConnectionFacts& facts() const { return facts_; }
  // What OnConnect returned. The pointer is constant; the object is the handler's to guard.
  ClientState* state() const { return state_.get(); }
  // The thread this connection lives on: timers, Post.
  IoThread& io() const { return *io_; }

  // Answers the request in flight. Any thread. A reply with more_to_come leaves the request in
  // flight. `written`, if given, runs on the I/O thread once the socket took the reply (an exhaust
  // stream then makes its next one); it does not run if the connection is closed. After the
  // connection is closed: does nothing.
  virtual void SendReply(Reply reply, std::function<void()> written = nullptr) = 0;
  // Ends a request that gets no reply. Any thread.
  virtual void Done() = 0;
  // Closes the connection, now, with whatever is in flight. Any thread.
  virtual void Close() = 0;
  // False once the connection is closed. Any thread; only a hint off the I/O thread.
  virtual bool open() const = 0;

 protected:
  ConnectionFacts facts_;
  std::unique_ptr<ClientState> state_;
  IoThread* io_ = nullptr;
};

class Handler {
 public:
  virtual ~Handler() = default;

  // A connection was accepted. The state returned (may be null) is kept as connection.state().
  virtual std::unique_ptr<ClientState> OnConnect(Connection& connection) = 0;
  // The connection is closed, by either side; called once, also while a request is in flight. The
  // request's views stay valid as long as the Connection lives.
  virtual void OnClose(Connection& connection) = 0;
  // One request; must lead to exactly one final Reply or Done(), now or later, unless the
  // connection closes before.
  virtual void Handle(const std::shared_ptr<Connection>& connection, Request&& request) = 0;
  // A request that did not parse: returns the body of the error reply ({ok: 0, errmsg, code,
  // codeName}, and whatever else the server puts into errors). Only the dispatcher turns a Status
  // into a document.
  virtual std::string ErrorBody(Connection& connection, const Status& status) = 0;
};

}  // namespace septet::wire
