// SPDX-License-Identifier: Apache-2.0
// Parking an operation until what it waits for happens, and going on.
#include "base/clock.h"
#include "commands/services.h"
#include "commands/write_gate.h"
#include "server/dispatcher.h"
#include "server/operation.h"

namespace septet::server {

using commands::Done;
using commands::Resume;
using commands::Suspend;

namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

repl::Positions::Which WhichOf(commands::WaitOptime::Which which) {
  switch (which) {
    case commands::WaitOptime::Which::kWritten: return repl::Positions::Which::kWritten;
    case commands::WaitOptime::Which::kDurable: return repl::Positions::Which::kDurable;
    case commands::WaitOptime::Which::kCommitted: return repl::Positions::Which::kCommitted;
  }
  return repl::Positions::Which::kWritten;
}

}  // namespace

// What the step holds (a session, for one) must be let go before the operation ends and its Op with
// it: so the step is destroyed here, not when the caller is done with the outcome.
commands::Outcome Operation::GoOn(Resume&& resume, bool timed_out) {
  const Resume step = std::move(resume);
  resume = nullptr;
  return step(timed_out);
}

// Goes on with an outcome, on whichever thread has the operation now.
void Operation::Handle(Outcome outcome) {
  if (on_io_thread_ || std::holds_alternative<Done>(outcome.v)) {
    HandleHere(std::move(outcome));
    return;
  }
  // Parking is the I/O thread's work: hand the operation back to it.
  auto shared = std::make_shared<Outcome>(std::move(outcome));
  connection_->io().Post([this, self = self_, shared] {
    on_io_thread_ = true;
    HandleHere(std::move(*shared));
  });
}

void Operation::HandleHere(Outcome outcome) {
  while (true) {
    if (Done* done = std::get_if<Done>(&outcome.v)) {
      outcome = AfterCommand(std::move(*done));
      if (Done* final_done = std::get_if<Done>(&outcome.v)) {
        Finish(std::move(*final_done));
        return;
      }
    }
    auto* suspend = std::get_if<Suspend>(&outcome.v);
    if (!on_io_thread_) {
      Handle(std::move(outcome));
      return;
    }
    Outcome next;
    if (Park(suspend, &next)) {
      return;
    }
    outcome = std::move(next);
  }
}

// True if the wait is over before it began (fast ways that need no subscription).
std::optional<bool> Operation::AlreadyOver(const commands::Wait& wait) {
  if (const auto* wc = std::get_if<commands::WaitWriteConcern>(&wait)) {
    const commands::WriteConcern& concern =
        wc->concern != nullptr ? *wc->concern : EffectiveWriteConcern();
    if (dispatcher_->services().replication->IsSatisfied(concern, wc->optime)) {
      return false;
    }
  }
  return std::nullopt;
}

// Parks the operation. False: there was nothing to wait for, and `*next` is how it goes on.
bool Operation::Park(Suspend* suspend, Outcome* next) {
  if (std::holds_alternative<commands::WaitWorker>(suspend->wait)) {
    RunInWorker(std::move(suspend->resume), /*timed_out=*/false);
    return true;
  }
  if (const std::optional<bool> over = AlreadyOver(suspend->wait); over.has_value()) {
    *next = suspend->resume(*over);
    return false;
  }
  if (self_ == nullptr) {
    self_ = connection_->shared_from_this();
  }
  const uint64_t ticket = ++ticket_;
  parked_ = true;
  asked_wait_since_ = suspend->asked_for ? MonotonicMicros() : 0;
  resume_ = std::move(suspend->resume);
  client_->slot.SetWaiting(true, suspend->asked_for);
  if (registered_) {
    dispatcher_->AddParked(op_->op_id, self_);
  }
  auto deadline = suspend->deadline;
  if (op_->interrupt.has_deadline()) {
    deadline = std::min(deadline, op_->interrupt.deadline());
  }
  if (const auto* backoff = std::get_if<commands::WaitBackoff>(&suspend->wait)) {
    deadline = std::min(deadline, std::chrono::steady_clock::now() + backoff->delay);
  }
  if (deadline != std::chrono::steady_clock::time_point::max()) {
    const auto delay = std::max(deadline - std::chrono::steady_clock::now(),
                                std::chrono::steady_clock::duration::zero());
    timer_ = connection_->io().After(delay, [this, self = self_, ticket] { Wake(ticket, true); });
  }
  unsubscribe_ = Subscribe(suspend->wait, ticket);
  // A kill or a close that came before the subscription is not repeated.
  if (op_->interrupt.killed()) {
    PostWake(ticket, false);
  }
  return true;
}

// Arranges for PostWake(ticket) and returns what cancels that.
std::function<void()> Operation::Subscribe(const commands::Wait& wait, uint64_t ticket) {
  const auto wake = [this, self = self_, ticket] { PostWake(ticket, false); };
  repl::Positions* positions = dispatcher_->positions();
  return std::visit(
      Overloaded{
          [&](const commands::WaitWriteConcern& w) -> std::function<void()> {
            return SubscribeWriteConcern(w, ticket);
          },
          [&](const commands::WaitOptime& w) -> std::function<void()> {
            const auto id = positions->WaitFor(WhichOf(w.which), w.optime, wake);
            return [positions, id] { positions->CancelWait(id); };
          },
          [&](const commands::WaitTimestamp& w) -> std::function<void()> {
            const auto id = positions->WaitForTimestamp(WhichOf(w.which), w.ts, wake);
            return [positions, id] { positions->CancelWait(id); };
          },
          [&](const commands::WaitTopologyChange& w) -> std::function<void()> {
            commands::ReplicationInfo* replication = dispatcher_->services().replication;
            const auto id = replication->WaitForTopologyChange(w.known_counter, wake);
            return [replication, id] { replication->CancelTopologyWait(id); };
          },
          [&](const commands::WaitNewData&) -> std::function<void()> {
            const auto id = dispatcher_->AddDataWaiter(wake);
            if (dispatcher_->data_version() != data_version_) {
              wake();
            }
            return [d = dispatcher_, id] { d->RemoveDataWaiter(id); };
          },
          [&](const commands::WaitExternal& w) -> std::function<void()> { return w.subscribe(wake); },
          [&](const commands::WaitWorker&) -> std::function<void()> { return nullptr; },
          [&](const commands::WaitBackoff&) -> std::function<void()> { return nullptr; },
          [&](const commands::WaitWritesUnlocked&) -> std::function<void()> {
            commands::WriteGate* gate = dispatcher_->services().write_gate;
            const auto id = gate->WaitUnlocked(wake);
            return [gate, id] { gate->CancelWait(id); };
          },
      },
      wait);
}

std::function<void()> Operation::SubscribeWriteConcern(const commands::WaitWriteConcern& wait,
                                                       uint64_t ticket) {
  commands::ReplicationInfo* replication = dispatcher_->services().replication;
  const commands::WriteConcern& concern =
      wait.concern != nullptr ? *wait.concern : EffectiveWriteConcern();
  Status* error = wait.error != nullptr ? wait.error : &write_concern_error_;
  if (const Status s = replication->CheckWriteConcern(concern); !s.ok()) {
    *error = s;
    PostWake(ticket, false);
    return nullptr;
  }
  const auto done = [this, self = self_, ticket, error](const Status& status) {
    connection_->io().Post([this, self, ticket, error, status] {
      if (ticket == ticket_ && parked_) {
        *error = status;
        Wake(ticket, false);
      }
    });
  };
  const auto id = replication->WaitForWriteConcern(concern, wait.optime, done);
  return [replication, id] { replication->CancelWriteConcernWait(id); };
}

void Operation::PostWake(uint64_t ticket, bool timed_out) {
  connection_->io().Post([this, self = self_, ticket, timed_out] { Wake(ticket, timed_out); });
}

// I/O thread.
void Operation::Wake(uint64_t ticket, bool timed_out) {
  if (!parked_ || ticket != ticket_) {
    return;
  }
  parked_ = false;
  if (asked_wait_since_ != 0) {
    asked_wait_micros_ += MonotonicMicros() - asked_wait_since_;
  }
  timer_.Cancel();
  timer_ = {};
  if (unsubscribe_) {
    std::exchange(unsubscribe_, nullptr)();
  }
  if (registered_) {
    dispatcher_->RemoveParked(op_->op_id);
  }
  client_->slot.SetWaiting(false);
  op_->may_block = false;
  data_version_ = dispatcher_->data_version();
  HandleHere(GoOn(std::exchange(resume_, nullptr), timed_out));
}

void Operation::RunInWorker(Resume resume, bool timed_out) {
  if (self_ == nullptr) {
    self_ = connection_->shared_from_this();
  }
  on_io_thread_ = false;
  dispatcher_->workers().Post(
      [this, self = self_, resume = std::move(resume), timed_out]() mutable {
        op_->may_block = true;
        op_->interrupt.EndSlice();
        data_version_ = dispatcher_->data_version();
        Handle(GoOn(std::move(resume), timed_out));
      });
}

}  // namespace septet::server
