// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/cursor_reply.h"

#include <algorithm>

#include "commands/crud/query_args.h"
#include "commands/generic_args.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

// One batch in the making. Lives in the Resume while the operation is suspended.
struct BatchRun {
  catalog::Op* op;
  const Services* services;
  std::unique_ptr<query::Cursor> cursor;
  BatchRequest request;
  bson::DocBuilder* reply;
  int64_t count = 0;
  size_t start = 0;  // of the batch in the reply
  bool opened = false;

  ~BatchRun() {
    // Ended by an error or a kill while checked out: the cursor is gone.
    if (cursor && cursor->id != 0) {
      services->query->cursors.Forget(cursor->id);
    }
  }
};

void Open(BatchRun* run) {
  run->reply->OpenObject("cursor");
  run->reply->OpenArray(run->request.field);
  run->start = run->reply->size_bytes();
  run->opened = true;
}

// Ends the open cursor of the reply. `token`: null if none was asked for.
void CloseAs(BatchRun* run, int64_t id, std::string_view ns, const catalog::RecordId* token) {
  run->reply->Close();
  if (token != nullptr) {
    const auto scope = run->reply->Object("postBatchResumeToken");
    if (*token == 0) {
      run->reply->AppendNull("$recordId");
    } else {
      run->reply->Append("$recordId", *token);
    }
  }
  run->reply->Append("id", id);
  run->reply->Append("ns", ns);
  run->reply->Close();
}

// maxTimeMS of the command that opened a cursor covers its getMores too, except waits for new data.
bool InheritsMaxTime(const query::Cursor& cursor) {
  return !(cursor.tailable && cursor.await_data);
}

void KeepTimeLeft(const Interrupt& interrupt, query::Cursor* cursor) {
  if (interrupt.has_deadline() && InheritsMaxTime(*cursor)) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(interrupt.deadline() -
                                                                            Interrupt::Clock::now());
    cursor->max_time_left_micros = std::max<int64_t>(left.count(), 1);
  }
}

void Close(BatchRun* run, int64_t id) {
  CloseAs(run, id, run->cursor->ns, run->cursor->resume_token ? &run->cursor->last_rid : nullptr);
}

Outcome Finish(BatchRun* run, bool exhausted) {
  query::Cursor* cursor = run->cursor.get();
  KeepTimeLeft(run->op->interrupt, cursor);
  query::CursorRegistry& registry = run->services->query->cursors;
  cursor->returned += run->count;
  ++cursor->batches;
  if ((exhausted && !cursor->tailable) || run->request.single_batch) {
    Close(run, 0);
    run->op->diagnostics.cursor_exhausted = true;
    if (cursor->id != 0) {
      registry.Forget(cursor->id);
      cursor->id = 0;
    }
    return Outcome::Ok();
  }
  if (cursor->id == 0) {
    // Its number is only known once it is parked, but the reply names it: reserve it first.
    const std::string ns = cursor->ns;
    const bool resume_token = cursor->resume_token;
    const catalog::RecordId last_rid = cursor->last_rid;
    const int64_t id = registry.Add(std::move(run->cursor));
    run->op->diagnostics.cursor_id = id;
    CloseAs(run, id, ns, resume_token ? &last_rid : nullptr);
    return Outcome::Ok();
  }
  Close(run, cursor->id);
  registry.Return(std::move(run->cursor));
  return Outcome::Ok();
}

Outcome Wait(std::shared_ptr<BatchRun> run);

Outcome Continue(const std::shared_ptr<BatchRun>& run) {
  if (!run->opened) {
    Open(run.get());
  }
  query::BatchLimits rest = run->request.limits;  // less what earlier slices have put in
  rest.max_bytes -= static_cast<int64_t>(run->reply->size_bytes() - run->start);
  const StatusOr<query::Step> step =
      query::FillBatch(run->cursor.get(), run->op, rest, run->reply, &run->count);
  if (!step.ok()) {
    return Outcome::Fail(ExecutorError(run->request.command, step.status()));
  }
  if (*step == query::Step::kYield) {
    return {Suspend{WaitWorker{}, [run](bool) {
                      run->op->interrupt.EndSlice();
                      return Continue(run);
                    }}};
  }
  const bool exhausted = *step == query::Step::kDone;
  if (exhausted && run->count == 0 && run->cursor->tailable && run->cursor->await_data &&
      run->request.field == "nextBatch") {
    return Wait(run);
  }
  return Finish(run.get(), exhausted);
}

// awaitData: nothing there; look again when something was written, or answer empty at the deadline.
Outcome Wait(std::shared_ptr<BatchRun> run) {
  const uint64_t seen = run->cursor->plan.context->snapshot->sequence();
  Suspend suspend{.wait = WaitNewData{run->cursor->ns, seen}, .resume = nullptr, .asked_for = true};
  suspend.deadline = run->op->interrupt.has_deadline()
                         ? run->op->interrupt.deadline()
                         : std::chrono::steady_clock::now() +
                               std::chrono::milliseconds(limits::kAwaitDataDefaultMillis);
  run->op->interrupt.SetDeadline(suspend.deadline);
  suspend.resume = [run](bool timed_out) -> Outcome {
    if (run->op->interrupt.killed()) {
      return Outcome::Fail(run->op->interrupt.CheckNow());
    }
    if (timed_out) {
      return Finish(run.get(), true);
    }
    run->cursor->plan.context->snapshot = catalog::ReadSnapshot(run->services->catalog, run->op);
    return Continue(run);
  };
  return {std::move(suspend)};
}

}  // namespace

Outcome RunBatch(catalog::Op* op, const Services& services, std::unique_ptr<query::Cursor> cursor,
                 const BatchRequest& request, bson::DocBuilder* reply) {
  auto run = std::make_shared<BatchRun>();
  run->op = op;
  run->services = &services;
  run->cursor = std::move(cursor);
  run->request = request;
  run->reply = reply;
  op->diagnostics.plan_summary = run->cursor->plan.summary;
  op->diagnostics.cursor_position = run->cursor->returned;
  if (run->cursor->id != 0) {
    op->diagnostics.cursor_id = run->cursor->id;
    op->diagnostics.originating_command = run->cursor->command;
    if (run->cursor->max_time_left_micros > 0 && InheritsMaxTime(*run->cursor)) {
      op->interrupt.SetDeadline(Interrupt::Clock::now() +
                                std::chrono::microseconds(run->cursor->max_time_left_micros));
    }
  }
  if (!op->may_block) {
    op->interrupt.StartSlice(kSlice);
  }
  return Continue(run);
}

std::string SessionIdOf(const Request& request) {
  return request.generic != nullptr && request.generic->has_lsid
             ? std::string(request.generic->session_id)
             : std::string();
}

}  // namespace septet::commands
