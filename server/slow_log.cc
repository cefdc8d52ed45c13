// SPDX-License-Identifier: Apache-2.0
#include "server/slow_log.h"

#include <atomic>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/random.h"
#include "bson/builder.h"
#include "base/limits.h"
#include "bson/ejson.h"
#include "commands/profiler.h"
#include "query/match/matcher.h"

namespace septet::server {
namespace {

using bson::DocBuilder;
using commands::OpKind;

std::string_view TypeName(OpKind kind) {
  switch (kind) {
    case OpKind::kInsert: return "insert";
    case OpKind::kQuery: return "query";
    case OpKind::kUpdate: return "update";
    case OpKind::kDelete: return "remove";
    case OpKind::kGetMore: return "getmore";
    case OpKind::kCommand: return "command";
  }
  return "command";
}

// Statements of a write command: its document sequence or its array.
int64_t StatementCount(const commands::Request& request, std::string_view field) {
  if (const commands::DocumentSequence* sequence = request.Sequence(field)) {
    return sequence->count;
  }
  const bson::ValueView array = request.body[field];
  return array.is_array() ? array.AsArray().CountFields() : 0;
}

void AppendIfPositive(std::string_view name, int64_t n, DocBuilder* out) {
  if (n > 0) {
    out->Append(name, n);
  }
}

// The command without what only the transport needs; sequences are not shown (they may hold megabytes).
// A getMore without a comment has that of the command that opened the cursor (S01-139).
void AppendCommand(const catalog::Op& op, const commands::Request& request, DocBuilder* out) {
  constexpr int32_t kMaxShown = 8 * 1024;
  const std::string& origin = op.diagnostics.originating_command;
  const bson::ValueView inherited = origin.empty() || request.body.Has("comment")
                                        ? bson::ValueView()
                                        : bson::DocView(origin)["comment"];
  const auto object = out->Object("command");
  if (request.body.size_bytes() <= kMaxShown) {
    out->AppendAll(request.body);
  } else {
    out->Append(request.body.FirstElement());
    out->Append("$truncated", bson::ToShellText(request.body).substr(0, 1024));
  }
  if (!inherited.missing()) {
    out->Append("comment", inherited);
  }
}

void AppendQueryFacts(const catalog::Op& op, DocBuilder* out) {
  const catalog::OpDiagnostics& d = op.diagnostics;
  if (!d.originating_command.empty()) {
    out->Append("originatingCommand", bson::DocView(d.originating_command));
  }
  if (!d.plan_summary.empty()) {
    out->Append("planSummary", d.plan_summary);
  }
  if (d.cursor_id != 0) {
    out->Append("cursorid", d.cursor_id);
  }
  if (!d.plan_summary.empty() || op.counters.docs_examined > 0 || op.counters.keys_examined > 0) {
    out->Append("keysExamined", op.counters.keys_examined);
    out->Append("docsExamined", op.counters.docs_examined);
  }
  if (op.counters.has_sort_stage) {
    out->Append("hasSortStage", true);
  }
  if (op.counters.used_disk) {
    out->Append("usedDisk", true);
  }
  AppendIfPositive("nMatched", op.counters.n_matched, out);
  AppendIfPositive("nModified", op.counters.n_modified, out);
  AppendIfPositive("nUpserted", op.counters.n_upserted, out);
  AppendIfPositive("ninserted", op.counters.n_inserted, out);
  AppendIfPositive("ndeleted", op.counters.n_deleted, out);
  AppendIfPositive("keysInserted", op.counters.keys_inserted, out);
  AppendIfPositive("keysDeleted", op.counters.keys_deleted, out);
  AppendIfPositive("writeConflicts", op.counters.write_conflicts, out);
  if (d.cursor_exhausted) {
    out->Append("cursorExhausted", true);
  }
}

void AppendError(const Status& status, DocBuilder* out) {
  if (status.ok()) {
    return;
  }
  out->Append("ok", 0);
  out->Append("errMsg", TextOf(status)).Append("errName", CodeName(CodeOf(status)));
  out->Append("errCode", static_cast<int32_t>(CodeOf(status)));
}

std::string LogDocument(const SlowOperation& slow) {
  DocBuilder out;
  out.Append("type", slow.spec->kind == OpKind::kQuery ? "command" : TypeName(slow.spec->kind));
  out.Append("isFromUserConnection", !slow.request->client->internal);
  out.Append("ns", NamespaceOf(*slow.request));
  if (!slow.request->client->app_name.empty()) {
    out.Append("appName", slow.request->client->app_name);
  }
  AppendCommand(*slow.op, *slow.request, &out);
  AppendQueryFacts(*slow.op, &out);
  out.Append("numYields", 0).Append("nreturned", slow.op->counters.docs_returned);
  AppendError(*slow.status, &out);
  out.Append("reslen", static_cast<int64_t>(slow.reply_bytes));
  out.Append("remote", slow.request->client->remote);
  out.Append("protocol", slow.request->is_legacy ? "op_query" : "op_msg");
  if (slow.write_concern_micros > 0) {
    out.Append("waitForWriteConcernDurationMillis", slow.write_concern_micros / 1000);
  }
  out.Append("durationMillis", slow.micros / 1000);
  return out.Finish();
}

}  // namespace

std::string NamespaceOf(const commands::Request& request) {
  if (request.body.empty()) {
    return StrCat(request.db, ".$cmd");
  }
  bson::ValueView first = request.body.FirstElement().value();
  if (request.name == "getMore") {
    first = request.body["collection"];
  }
  if (!first.is_string()) {
    return StrCat(request.db, ".$cmd");
  }
  return StrCat(request.db, ".", first.AsString());
}

void CountOperation(const commands::CommandSpec& spec, const commands::Request& request,
                    commands::ServerMetrics* metrics) {
  commands::OpCounterSet& counters = metrics->opcounters;
  switch (spec.kind) {
    case OpKind::kInsert: counters.insert.Add(StatementCount(request, "documents")); return;
    case OpKind::kQuery: counters.query.Add(); return;
    case OpKind::kUpdate: counters.update.Add(StatementCount(request, "updates")); return;
    case OpKind::kDelete: counters.remove.Add(StatementCount(request, "deletes")); return;
    case OpKind::kGetMore: counters.getmore.Add(); return;
    case OpKind::kCommand: counters.command.Add(); return;
  }
}

void RecordUsage(commands::UsageRecorder* usage, const commands::CommandSpec& spec,
                 const commands::Request& request, bool is_write, int64_t micros) {
  const bson::ValueView first = spec.kind == OpKind::kGetMore
                                    ? request.body["collection"]
                                    : request.body.FirstElement().value();
  if (!first.is_string()) {
    return;
  }
  // Namespaces are short: built on the stack.
  char ns[limits::kMaxNamespaceBytes + 1];
  const std::string_view collection = first.AsString();
  if (request.db.size() + 1 + collection.size() > sizeof(ns)) {
    return;
  }
  char* at = std::copy(request.db.begin(), request.db.end(), ns);
  *at++ = '.';
  at = std::copy(collection.begin(), collection.end(), at);
  usage->Record({ns, static_cast<size_t>(at - ns)}, spec.kind, is_write, micros);
}

namespace slow_log_internal {

std::string ProfileDocument(const SlowOperation& slow, int64_t now_millis) {
  DocBuilder out;
  out.Append("op", TypeName(slow.spec->kind)).Append("ns", NamespaceOf(*slow.request));
  AppendCommand(*slow.op, *slow.request, &out);
  AppendQueryFacts(*slow.op, &out);
  out.Append("numYield", 0).Append("nreturned", slow.op->counters.docs_returned);
  {
    const auto locks = out.Object("locks");
  }
  {
    const auto flow_control = out.Object("flowControl");
  }
  AppendError(*slow.status, &out);
  out.Append("responseLength", static_cast<int64_t>(slow.reply_bytes));
  out.Append("protocol", slow.request->is_legacy ? "op_query" : "op_msg");
  out.Append("millis", slow.micros / 1000);
  {
    const auto stats = out.Object("execStats");
  }
  out.AppendDate("ts", now_millis);
  const std::string& remote = slow.request->client->remote;
  out.Append("client", remote.substr(0, remote.rfind(':')));
  if (!slow.request->client->app_name.empty()) {
    out.Append("appName", slow.request->client->app_name);
  }
  {
    const auto users = out.Array("allUsers");
  }
  out.Append("user", "");
  return out.Finish();
}

}  // namespace slow_log_internal

namespace {

// The filter is matched against the profile document.
bool MatchesFilter(const std::string& filter, const SlowOperation& slow) {
  const auto matcher = query::Matcher::Parse(bson::DocView(filter), {});
  if (!matcher.ok()) {
    return false;
  }
  bson::Arena arena;
  query::EvalContext eval;
  eval.arena = &arena;
  const std::string document = slow_log_internal::ProfileDocument(slow, WallMillis());
  const StatusOr<bool> matches = (*matcher)->Matches(bson::DocView(document), &eval);
  return matches.ok() && *matches;
}

// Fraction `rate` of all calls, by a hash of a counter: cheap and without a lock.
bool Sampled(double rate) {
  if (rate >= 1.0) {
    return true;
  }
  static std::atomic<uint64_t> calls{0};
  Random random(calls.fetch_add(1, std::memory_order_relaxed));
  return random.OneIn(rate);
}

// What is told of an operation: a line, a profile document, or nothing.
struct Decision {
  bool log = false;
  bool profile = false;
};

Decision Decide(const commands::UsageRecorder& usage, const SlowOperation& slow) {
  const bool is_slow = slow.micros >= usage.slow_micros();
  if (!usage.any_profiled()) {
    return {is_slow && Sampled(usage.sample_rate()), false};
  }
  const commands::ProfileSettings settings = usage.Profile(slow.request->db);
  if (!settings.filter.empty()) {
    // A filter takes the place of slowms and sampleRate.
    const bool wanted = MatchesFilter(settings.filter, slow);
    return {wanted, wanted && settings.level > 0};
  }
  const bool sampled = Sampled(settings.sample_rate);
  return {is_slow && sampled,
          settings.level == 2 || (settings.level == 1 && is_slow && sampled)};
}

}  // namespace

void ReportOperation(const commands::Services& services, const SlowOperation& slow) {
  // Waiting is what these are for.
  if ((slow.spec->flags & commands::kHello) != 0) {
    return;
  }
  const Decision decision = Decide(*services.usage, slow);
  if (decision.log) {
    const std::string doc = LogDocument(slow);
    log::WriteObject(log::Severity::kInfo, log::Component::kCommand, 51803, "Slow query",
                     bson::ToRelaxedJson(bson::DocView(doc)));
  }
  // The profiler's own collection is not profiled.
  const bson::ValueView target = slow.request->body.FirstElement().value();
  const bool own = target.is_string() && target.AsString() == "system.profile";
  if (decision.profile && !own && services.usage->profiler() != nullptr) {
    services.usage->profiler()->Add(slow.request->db,
                                    slow_log_internal::ProfileDocument(slow, WallMillis()));
  }
}

}  // namespace septet::server
