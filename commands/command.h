// SPDX-License-Identifier: Apache-2.0
// What a command is. One file per command in commands/<family>/<name>.cc defines
// `extern const CommandSpec k<Name>Command`; its row in registry.def makes it known.
//
// A command runs to completion on the connection's I/O thread, or returns a Suspend: plain data that
// says what it waits for and how to go on. It never blocks a thread and knows no sockets.
// Thread rule: CommandSpec is constant; Request and Op belong to the running operation.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/view.h"
#include "catalog/op.h"
#include "replication/core/optime.h"

namespace septet::commands {

struct Services;      // services.h: pointers to the parts of the server
struct WriteConcern;  // write_concern.h

// A document sequence (OP_MSG section kind 1): `identifier` and its documents back to back.
//   for (bson::DocView doc : sequence) ...
struct DocumentSequence {
  std::string_view identifier;
  std::string_view bytes;
  int32_t count = 0;

  class Iterator {
   public:
    explicit Iterator(const char* at) : at_(at) {}
    bson::DocView operator*() const { return bson::DocView(at_); }
    Iterator& operator++() {
      at_ += bson::DocView(at_).size_bytes();
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const char* at_;
  };
  Iterator begin() const { return Iterator(bytes.data()); }
  Iterator end() const { return Iterator(bytes.data() + bytes.size()); }
};

// What getLastError tells about the last legacy write of a connection (S01-043). Owned by the connection.
struct LastError {
  bool valid = false;          // false: nothing was written since the last reset
  int64_t n = 0;
  int code = 0;
  std::string err;             // empty: null
  bool is_update = false;
  bool updated_existing = false;
  std::string upserted;        // encoded {upserted: <_id>} or empty
  repl::OpTime optime;
  // Operations of this connection that came later; getLastError and its companions do not count.
  int64_t operations_since = 0;
};

// Facts about the connection a command may ask for.
struct ClientInfo {
  int64_t connection_id = 0;
  std::string remote;          // "127.0.0.1:54321"
  std::string app_name;
  std::string metadata;        // encoded client document
  bool local = true;           // loopback or Unix socket
  bool hello_ok = false;       // errors say "primary" instead of "master"
  bool internal = false;       // another member of the set
};

struct Request {
  std::string_view db;
  std::string_view name;       // as sent, e.g. "findandmodify"
  bson::DocView body;
  std::vector<DocumentSequence> sequences;
  // The sequence of that name, or null.
  const DocumentSequence* Sequence(std::string_view identifier) const {
    for (const DocumentSequence& s : sequences) {
      if (s.identifier == identifier) {
        return &s;
      }
    }
    return nullptr;
  }
  const ClientInfo* client = nullptr;
  LastError* last_error = nullptr;
  bool exhaust_allowed = false;
  bool is_legacy = false;      // OP_QUERY
  // Generic arguments, parsed once by the dispatcher.
  struct Generic* generic = nullptr;  // generic_args.h
};

// What a suspended command waits for.
// After a kWrite command the dispatcher waits for the request's write concern by itself; a command only
// asks for this wait when it must go on afterwards, or (getLastError) with a concern of its own.
struct WaitWriteConcern {
  repl::OpTime optime;
  std::shared_ptr<const WriteConcern> concern = nullptr;  // null: the request's
  // Receives the error (64, 79, 100, 189) before `resume` runs; may be null.
  Status* error = nullptr;
};
struct WaitOptime {             // written / durable / committed >= optime
  enum class Which { kWritten, kDurable, kCommitted } which;
  repl::OpTime optime;
};
struct WaitTimestamp {          // the same by timestamp only (afterClusterTime)
  WaitOptime::Which which;
  bson::Timestamp ts;
};
struct WaitTopologyChange {     // awaitable hello
  int64_t known_counter;
};
// tailable awaitData: writes after Snapshot::sequence() `seen`. May wake for other writes too: the
// command looks again and waits again. No write after the command's last step is missed.
struct WaitNewData {
  std::string ns;
  uint64_t seen;
};
struct WaitWorker {};           // go on in the worker pool at once (the slice is used up, or it blocks)
struct WaitBackoff {            // after a write conflict
  std::chrono::milliseconds delay;
};
struct WaitWritesUnlocked {};   // fsync with lock
// Something elsewhere (an election, another member's answer). `subscribe` arranges for `wake` to be called,
// from any thread, and returns what cancels that (or null). Spurious wakes are the command's to handle.
struct WaitExternal {
  std::function<std::function<void()>(std::function<void()> wake)> subscribe;
};
using Wait = std::variant<WaitWriteConcern, WaitOptime, WaitTimestamp, WaitTopologyChange,
                          WaitNewData, WaitWorker, WaitBackoff, WaitWritesUnlocked, WaitExternal>;

struct Outcome;
// Called when the wait is over. `timed_out`: the deadline of the Suspend passed first (no error for
// awaitData, awaitable hello and write concern; the command decides). An operation killed while it waits
// is resumed with op->interrupt.killed().
using Resume = std::function<Outcome(bool timed_out)>;

struct Suspend {
  Wait wait;
  Resume resume;
  // No deadline = the operation's own (maxTimeMS).
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  // The client asked to be kept waiting (awaitData, awaitable hello, a member's oplog fetch): the time is
  // not the operation's in latencies, profile and slow log.
  bool asked_for = false;
};

// The end of a command. Its reply's fields stand in the DocBuilder, without `ok` and what the dispatcher
// adds (operationTime, $clusterTime, errorLabels).
struct Done {
  Status status;               // not ok: becomes {ok: 0, errmsg, code, codeName, <info>}
  // Exhaust: another reply follows without a new request. `next` makes it, on an empty reply builder;
  // null: the command is run again.
  bool more_to_come = false;
  Resume next = nullptr;
};

struct Outcome {
  std::variant<Done, Suspend> v;
  static Outcome Ok() { return {Done{OkStatus()}}; }
  static Outcome Fail(Status s) { return {Done{std::move(s)}}; }
  static Outcome Of(Status s) { return {Done{std::move(s)}}; }
};

enum CommandFlags : unsigned {
  kNoFlags = 0,
  kAdminOnly = 1u << 0,         // must be sent to database admin
  kWrite = 1u << 1,             // needs a writable primary; takes a write concern
  kReadData = 1u << 2,          // reads user data: secondaries need a read preference; read concern applies
  kNoAuth = 1u << 3,            // allowed before authentication
  kRetryable = 1u << 4,         // accepts lsid + txnNumber as a retryable write
  kMaintenanceOk = 1u << 5,     // allowed in every member state (diagnostics, replSet*)
  kInternal = 1u << 6,          // only for members of the set
  kTestOnly = 1u << 7,          // needs enableTestCommands
  kHello = 1u << 8,
  kNoReplyOnOk = 1u << 9,       // shutdown
  kMayBeLong = 1u << 10,        // starts in the worker pool
  kOplogRead = 1u << 11,
  kTransactionOk = 1u << 12,    // allowed inside a multi-document transaction
  kAnyFields = 1u << 13,        // `fields` are known, others are ignored instead of refused (hello)
  kTakesWriteConcern = 1u << 14,  // accepts a write concern without being a write (aggregate's $out)
  kEndsTransaction = 1u << 15,  // commitTransaction, abortTransaction: may carry a write concern
};

// How the operation counts in opcounters, opLatencies and top.
enum class OpKind { kCommand, kInsert, kQuery, kUpdate, kDelete, kGetMore };

// Names in static storage. (No vector: a CommandSpec is a constant that needs no code before main.)
using NameList = std::initializer_list<std::string_view>;

struct CommandSpec {
  std::string_view name;
  NameList aliases = {};
  unsigned flags = 0;
  std::string_view help = {};   // one sentence for listCommands
  // Field names accepted beside the generic arguments; others fail with 40415. Empty = any.
  NameList fields = {};
  std::string_view api_version = {};  // "1" if in the Stable API
  std::string_view deprecated_api_version = {};  // the one in which it is deprecated
  OpKind kind = OpKind::kCommand;
  Outcome (*run)(catalog::Op* op, const Services& services, const Request& request,
                 bson::DocBuilder* reply) = nullptr;
};

// The table. Unknown: null.
const CommandSpec* FindCommand(std::string_view name);
std::vector<const CommandSpec*> AllCommands();  // sorted by name

}  // namespace septet::commands
