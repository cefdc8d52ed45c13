// SPDX-License-Identifier: Apache-2.0
// One request from its parsed message to its reply. A connection has one Operation and uses it again for
// each request, so the usual request allocates nothing but its reply.
//
// An operation is always in one hand: running on the I/O thread, running in the worker pool, or parked.
// A parked one is woken only by a function posted to its I/O thread that carries the park's ticket; a
// late wake finds another ticket and does nothing.
// Thread rule: see above; Kill reaches it only through its interrupt and a posted Wake.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bson/builder.h"
#include "catalog/op.h"
#include "commands/command.h"
#include "commands/generic_args.h"
#include "server/client.h"
#include "wire/net/handler.h"
#include "wire/net/io_thread.h"

namespace septet::server {

class Dispatcher;

class Operation {
 public:
  Operation(Dispatcher* dispatcher, Client* client, wire::Connection* connection)
      : dispatcher_(dispatcher), client_(client), connection_(connection) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Gives the reply of a command as a document to somebody else than the socket (legacy opcodes), and how
  // many documents its cursor had returned before.
  using ReplySink = std::function<void(std::string reply, bool failed, int64_t cursor_position)>;

  // Runs the command in `request` (an OpMsg, or an OpQuery on $cmd) and answers it.
  void Start(wire::Request&& request);
  // Runs a command that stands for a legacy message; `command` is its document with $db.
  void StartTranslated(wire::Request&& request, std::string command,
                       std::vector<commands::DocumentSequence> sequences, ReplySink sink);
  // The client is gone. I/O thread.
  void OnClose();
  // Somebody killed the operation: wakes it if it is parked. I/O thread.
  void OnKill(uint64_t op_id);

 private:
  using Outcome = commands::Outcome;

  // Start
  void Begin(bson::DocView body, bool is_legacy);
  Status Prepare(bson::DocView body);
  Status FindSpec(std::string_view name);
  Status ReadHello();
  void Execute();
  Outcome FirstStep();
  Outcome RunCommand();
  Outcome EnterWriteGate(const commands::Resume& then);
  Outcome ApplyReadConcern(const commands::Resume& then);
  Outcome FailCommand(const commands::Resume& then);

  // Waits (operation_wait.cc)
  static Outcome GoOn(commands::Resume&& resume, bool timed_out);
  void Handle(Outcome outcome);
  void HandleHere(Outcome outcome);
  bool Park(commands::Suspend* suspend, Outcome* next);
  std::function<void()> Subscribe(const commands::Wait& wait, uint64_t ticket);
  std::function<void()> SubscribeWriteConcern(const commands::WaitWriteConcern& wait,
                                              uint64_t ticket);
  void PostWake(uint64_t ticket, bool timed_out);
  void Wake(uint64_t ticket, bool timed_out);
  void RunInWorker(commands::Resume resume, bool timed_out);
  std::optional<bool> AlreadyOver(const commands::Wait& wait);

  // End (operation_finish.cc)
  Outcome ConfirmLinearizable(commands::Done done);
  Outcome AfterCommand(commands::Done done);
  Outcome AfterWriteConcern(commands::Done done);
  void Finish(commands::Done done);
  void TakeDefaultReadConcern();
  bool WantsNoResult() const;
  std::string BuildReply(const Status& status);
  void LeaveWriteGate();
  void AppendTimes();
  void AppendWritePosition();
  void AppendErrorFields(const Status& status);
  void AppendLabels(ErrorCode code);
  void AppendWriteConcernError();
  void Account(const Status& status, size_t reply_bytes);
  void Send(std::string body, bool failed, commands::Done* done);
  void NextExhaustRound();
  const commands::WriteConcern& EffectiveWriteConcern();

  Dispatcher* const dispatcher_;
  Client* const client_;
  wire::Connection* const connection_;
  // Keeps the connection alive while a request is in flight off the I/O thread's stack.
  std::shared_ptr<wire::Connection> self_;

  wire::Request wire_;
  std::string translated_;
  ReplySink sink_;
  commands::Request request_;
  commands::Generic generic_;
  const commands::CommandSpec* spec_ = nullptr;
  std::optional<catalog::Op> op_;
  bson::DocBuilder reply_;
  int64_t start_micros_ = 0;
  bool in_flight_ = false;
  bool on_io_thread_ = true;
  bool registered_ = false;
  bool write_concern_done_ = false;
  bool linearizable_done_ = false;
  Status linearizable_error_;
  bool holds_gate_ = false;
  uint64_t data_version_ = 0;  // of the dispatcher, before the command's last step

  // Write concern and forced failures.
  Status write_concern_error_;
  bool write_concern_timed_out_ = false;
  int64_t write_concern_wait_micros_ = 0;
  int64_t asked_wait_since_ = 0;    // 0: not in a wait that the client asked for
  int64_t asked_wait_micros_ = 0;   // of this reply
  std::string forced_write_concern_error_;  // encoded, of failCommand
  std::string forced_labels_;               // encoded array, of failCommand
  bool labels_forced_ = false;
  commands::Resume exhaust_next_;

  // Parked.
  uint64_t ticket_ = 0;
  bool parked_ = false;
  commands::Resume resume_;
  std::function<void()> unsubscribe_;
  wire::TimerHandle timer_;
};

}  // namespace septet::server
