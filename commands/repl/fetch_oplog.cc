// SPDX-License-Identifier: Apache-2.0
// How members copy the log from each other (own commands; only this product answers them):
//   {septetFetchOplog: 1, after: {ts, t}, maxAwaitMillis, maxBytes, commitPoint: {ts, t}}
//     reply {found: true, entries: [<entry>, ...], $replData, $oplogQueryData}: entries newer than `after`, in
//     order; `found: false` if this log holds no entry at exactly that position (then oldest, newest).
//     Waits up to maxAwaitMillis while there is nothing newer and the commit point is the one named.
//   {septetOplogPositions: 1, before: Timestamp | null, limit}
//     reply {positions: [{ts, t, wall}, ...]} from newest to oldest, for finding the common point.
#include <chrono>

#include "base/limits.h"
#include "bson/number.h"
#include "commands/parse.h"
#include "commands/repl/common.h"
#include "replication/oplog/entry.h"
#include "replication/oplog/sequencer.h"
#include "storage/engine.h"

namespace septet::commands {
namespace {

struct FetchArgs {
  repl::OpTime after;
  repl::OpTime known_commit_point;
  int64_t max_await_millis = 0;
  int64_t max_bytes = 8 << 20;
};

StatusOr<FetchArgs> ParseFetch(const Request& request) {
  FetchArgs args;
  bson::ValueView after;
  bson::ValueView commit_point;
  RETURN_IF_ERROR(ParseFields("septetFetchOplog", request.body,
                              {FieldBinding("after", &after, true), {"commitPoint", &commit_point},
                               {"maxAwaitMillis", &args.max_await_millis}, {"maxBytes", &args.max_bytes}}));
  args.after = repl::ParseOpTime(after);
  args.known_commit_point = repl::ParseOpTime(commit_point);
  if (args.max_bytes <= 0 || args.max_bytes > limits::kMaxBsonObjectSize) {
    args.max_bytes = limits::kMaxBsonObjectSize;
  }
  return args;
}

void AppendMetadata(const Services& services, bson::DocBuilder* reply) {
  const repl::SnapshotPtr s = services.driver->snapshot();
  election::FetchMetadata m;
  m.term = s->term;
  m.commit_point = services.catalog->positions()->commit_point();
  m.last_written = services.catalog->positions()->written().optime;
  if (s->config != nullptr) {
    m.config = s->config->config_version();
    m.replica_set_id = s->config->settings.replica_set_id;
    m.primary_index = s->config->IndexOf(s->primary_id);
  }
  m.rbid = services.driver->sync()->rollback_id();
  m.sync_source_host = s->sync_source_host;
  m.is_primary = s->state == election::MemberState::kPrimary;
  m.AppendTo(reply);
}

// Appends what is newer than `after`. `*count` tells how many entries.
Status AppendEntries(const Services& services, const FetchArgs& args, int* count, bool* found,
                     bson::DocBuilder* reply) {
  storage::Engine* engine = services.catalog->engine();
  storage::CursorOptions options;
  options.lower = repl::OplogKey(args.after.ts);
  const std::unique_ptr<storage::Cursor> cursor =
      engine->NewCursor(storage::Space::kOplog, engine->GetSnapshot(), options);
  cursor->Seek(options.lower);
  RETURN_IF_ERROR(cursor->status());
  *found = cursor->valid() &&
           repl::EntryOpTime(bson::DocView(cursor->value())) == args.after;
  if (!*found) {
    const std::unique_ptr<storage::Cursor> whole =
        engine->NewCursor(storage::Space::kOplog, engine->GetSnapshot(), {});
    whole->SeekToFirst();
    if (whole->valid()) {
      reply->Append("oldest", repl::TimestampOfKey(whole->key()));
    }
    return whole->status();
  }
  const auto list = reply->Array("entries");
  int64_t bytes = 0;
  for (cursor->Next(); cursor->valid(); cursor->Next()) {
    const bson::DocView entry(cursor->value());
    if (*count > 0 && bytes + entry.size_bytes() > args.max_bytes) {
      break;
    }
    bytes += entry.size_bytes();
    reply->Add(entry);
    ++*count;
  }
  return cursor->status();
}

// The first position after `p` that an entry can have.
repl::OpTime JustAfter(const repl::OpTime& p) {
  return {bson::Timestamp::FromU64(p.ts.AsU64() + 1), p.term};
}

struct FetchRun {
  catalog::Op* op;
  const Services* services;
  FetchArgs args;
  bson::DocBuilder* reply;
  std::chrono::steady_clock::time_point deadline;
};

Outcome Look(const std::shared_ptr<FetchRun>& run, bool timed_out) {
  if (const Status killed = run->op->interrupt.CheckNow(); !killed.ok() && !timed_out) {
    return Outcome::Fail(killed);
  }
  repl::Positions* positions = run->services->catalog->positions();
  const bool newer = positions->written().optime != run->args.after;
  const bool commit_moved = positions->commit_point().optime > run->args.known_commit_point;
  if (!newer && !commit_moved && !timed_out && run->args.max_await_millis > 0) {
    WaitExternal wait;
    const repl::OpTime after = run->args.after;
    const repl::OpTime commit = run->args.known_commit_point;
    wait.subscribe = [positions, after, commit](std::function<void()> wake) -> std::function<void()> {
      using Which = repl::Positions::Which;
      const auto written = positions->WaitFor(Which::kWritten, JustAfter(after), wake);
      const auto committed = positions->WaitFor(Which::kCommitted, JustAfter(commit), wake);
      return [positions, written, committed] {
        positions->CancelWait(written);
        positions->CancelWait(committed);
      };
    };
    return {Suspend{.wait = std::move(wait),
                    .resume = [run](bool late) { return Look(run, late); },
                    .deadline = run->deadline,
                    .asked_for = true}};
  }
  int count = 0;
  bool found = false;
  bson::DocBuilder* reply = run->reply;
  const Status status = AppendEntries(*run->services, run->args, &count, &found, reply);
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  reply->Append("found", found);
  AppendMetadata(*run->services, reply);
  return Outcome::Ok();
}

Outcome RunFetch(catalog::Op* op, const Services& services, const Request& request,
                 bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(NoReplication());
  }
  const StatusOr<FetchArgs> args = ParseFetch(request);
  if (!args.ok()) {
    return Outcome::Fail(args.status());
  }
  const repl::SnapshotPtr s = services.driver->snapshot();
  if (s->state == election::MemberState::kStartup2 || s->state == election::MemberState::kRollback ||
      s->state == election::MemberState::kStartup) {
    return Outcome::Fail(Error(ErrorCode::kNotPrimaryOrSecondary,
                               "Oplog collection reads are not allowed while in the rollback or startup state."));
  }
  auto run = std::make_shared<FetchRun>();
  run->op = op;
  run->services = &services;
  run->args = *args;
  run->reply = reply;
  run->deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(args->max_await_millis);
  return Look(run, false);
}

Outcome RunPositions(catalog::Op*, const Services& services, const Request& request,
                     bson::DocBuilder* reply) {
  bson::ValueView before;
  int64_t limit = 1000;
  const Status status = ParseFields("septetOplogPositions", request.body,
                                    {{"before", &before}, {"limit", &limit}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  storage::Engine* engine = services.catalog->engine();
  storage::CursorOptions options;
  if (before.type() == bson::Type::kTimestamp) {
    options.upper = repl::OplogKey(before.AsTimestamp());
  }
  const std::unique_ptr<storage::Cursor> cursor =
      engine->NewCursor(storage::Space::kOplog, engine->GetSnapshot(), options);
  const auto list = reply->Array("positions");
  int64_t count = 0;
  for (cursor->SeekToLast(); cursor->valid() && count < limit; cursor->Prev(), ++count) {
    const repl::OpTimeAndWall p = repl::EntryOpTimeAndWall(bson::DocView(cursor->value()));
    const auto one = reply->AddObject();
    reply->Append("ts", p.optime.ts).Append("t", p.optime.term).AppendDate("wall", p.wall_millis);
  }
  return Outcome::Of(cursor->status());
}

}  // namespace

extern const CommandSpec kSeptetFetchOplogCommand;
const CommandSpec kSeptetFetchOplogCommand{
    .name = "septetFetchOplog", .aliases = {}, .flags = kAdminOnly | kInternal | kMaintenanceOk,
    .help = "A member copies the log", .fields = {"after", "commitPoint", "maxAwaitMillis", "maxBytes"},
    .api_version = "", .run = RunFetch};
extern const CommandSpec kSeptetOplogPositionsCommand;
const CommandSpec kSeptetOplogPositionsCommand{
    .name = "septetOplogPositions", .aliases = {}, .flags = kAdminOnly | kInternal | kMaintenanceOk,
    .help = "Positions of the log, newest first", .fields = {"before", "limit"}, .api_version = "",
    .run = RunPositions};

}  // namespace septet::commands
