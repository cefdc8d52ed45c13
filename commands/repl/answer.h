// SPDX-License-Identifier: Apache-2.0
// Commands whose answer comes later from the replication driver: they are parked, hold no thread, and go
// on when the driver calls back.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "commands/command.h"

namespace septet::commands {

// Runs `start(done)`; when `done(result)` was called (from any thread, at once or later), `finish(result)`
// makes the outcome on the operation's own thread.
template <typename Result>
Outcome AwaitAnswer(catalog::Op* op, std::function<void(std::function<void(Result)>)> start,
                    std::function<Outcome(Result)> finish) {
  struct State {
    std::mutex mutex;
    std::optional<Result> result;
    std::function<void()> wake;
    bool started = false;
  };
  auto state = std::make_shared<State>();
  auto suspend = std::make_shared<std::function<Outcome()>>();
  *suspend = [op, state, start = std::move(start), finish = std::move(finish),
              weak = std::weak_ptr<std::function<Outcome()>>(suspend)]() -> Outcome {
    WaitExternal wait;
    wait.subscribe = [state, start](std::function<void()> wake) -> std::function<void()> {
      bool first = false;
      {
        const std::lock_guard lock(state->mutex);
        first = !state->started;
        state->started = true;
        if (state->result) {
          wake();
          return nullptr;
        }
        state->wake = std::move(wake);
      }
      if (first) {
        start([state](Result result) {
          std::function<void()> call;
          {
            const std::lock_guard lock(state->mutex);
            state->result = std::move(result);
            call = std::exchange(state->wake, nullptr);
          }
          if (call) {
            call();
          }
        });
      }
      return [state] {
        const std::lock_guard lock(state->mutex);
        state->wake = nullptr;
      };
    };
    return {Suspend{std::move(wait), [op, state, finish, again = weak.lock()](bool) -> Outcome {
                      std::optional<Result> result;
                      {
                        const std::lock_guard lock(state->mutex);
                        result = state->result;
                      }
                      if (result) {
                        return finish(*std::move(result));
                      }
                      if (const Status status = op->interrupt.CheckNow(); !status.ok()) {
                        return Outcome::Fail(status);
                      }
                      return (*again)();
                    }}};
  };
  return (*suspend)();
}

}  // namespace septet::commands
