// SPDX-License-Identifier: Apache-2.0
// From the command's last step to its reply: write concern, the fields every reply has, labels, accounting.
#include "base/clock.h"
#include "base/strings.h"
#include "bson/number.h"
#include "commands/metrics.h"
#include "commands/services.h"
#include "commands/usage.h"
#include "commands/write_gate.h"
#include "server/admission.h"
#include "server/dispatcher.h"
#include "server/error_labels.h"
#include "replication/driver/replication_driver.h"
#include "server/operation.h"
#include "server/slow_log.h"

namespace septet::server {

using commands::Done;
using commands::Suspend;

namespace {

// 20 zero bytes: the signature of an unsigned cluster time (S01-130).
constexpr char kNoHash[20] = {};

bool IsStateChange(ErrorCode code) {
  return (CategoriesOf(code) & (error_category::kNotPrimary | error_category::kShutdown)) != 0;
}

ErrorCode ForcedCode(const std::string& encoded_error) {
  const bson::ValueView code = bson::DocView(encoded_error)["code"];
  return code.is_number() ? static_cast<ErrorCode>(bson::ToInt64Clamped(code)) : ErrorCode::kOK;
}

}  // namespace

const commands::WriteConcern& Operation::EffectiveWriteConcern() {
  return generic_.write_concern.has_value() ? *generic_.write_concern
                                            : client_->replication().default_write_concern;
}

namespace {

bool IsMajority(const commands::WriteConcern& concern) {
  return concern.concern.kind == repl::WriteConcern::Kind::kMajority;
}

}  // namespace

// A linearizable read is true only if this member was primary after it: it waits until a no-op written
// now is committed.
commands::Outcome Operation::ConfirmLinearizable(Done done) {
  const StatusOr<repl::OpTime> noop =
      dispatcher_->services().driver->election()->AppendNoop("linearizable read");
  if (!noop.ok()) {
    return commands::Outcome::Fail(noop.status());
  }
  auto concern = std::make_shared<commands::WriteConcern>();
  concern->concern.kind = repl::WriteConcern::Kind::kMajority;
  return {Suspend{.wait = commands::WaitWriteConcern{.optime = *noop,
                                                     .concern = std::move(concern),
                                                     .error = &linearizable_error_},
                  .resume = [this, done = std::move(done)](bool timed_out) -> commands::Outcome {
                    if (const Status s = op_->interrupt.CheckNow(); !s.ok()) {
                      return commands::Outcome::Fail(s);
                    }
                    if (timed_out) {
                      return commands::Outcome::Fail(Error(
                          ErrorCode::kMaxTimeMSExpired, "operation exceeded time limit"));
                    }
                    return linearizable_error_.ok() ? commands::Outcome{done}
                                                    : commands::Outcome::Fail(linearizable_error_);
                  }}};
}

// The command is done; a write now waits for its write concern.
commands::Outcome Operation::AfterCommand(Done done) {
  if (generic_.read_concern.has_value() && done.status.ok() && !linearizable_done_ &&
      generic_.read_concern->level == commands::ReadConcernLevel::kLinearizable &&
      dispatcher_->services().driver != nullptr) {
    linearizable_done_ = true;
    return ConfirmLinearizable(std::move(done));
  }
  constexpr unsigned kWaits =
      commands::kWrite | commands::kTakesWriteConcern | commands::kEndsTransaction;
  if (spec_ == nullptr || write_concern_done_ || (spec_->flags & kWaits) == 0 ||
      (generic_.InTransaction() && (spec_->flags & commands::kEndsTransaction) == 0)) {
    return {std::move(done)};
  }
  write_concern_done_ = true;
  LeaveWriteGate();
  const commands::WriteConcern& concern = EffectiveWriteConcern();
  repl::Positions* positions = dispatcher_->positions();
  const bool wrote = !op_->last_write.IsNull();
  if (wrote) {
    client_->last_error.optime = op_->last_write;
  }
  const bool may_not_write = (spec_->flags & commands::kWrite) == 0;
  if (positions == nullptr || concern.IsUnacknowledged() || (!wrote && !done.status.ok()) ||
      (!wrote && may_not_write)) {
    return {std::move(done)};
  }
  // A write that changed nothing (a retry, a no-op) waits for what it may have seen.
  repl::OpTime optime = wrote ? op_->last_write : positions->written().optime;
  if (!wrote && IsMajority(concern) && dispatcher_->services().driver != nullptr) {
    // What it saw may be stale on a primary that was deposed: only a new entry of this term proves more.
    const StatusOr<repl::OpTime> noop =
        dispatcher_->services().driver->election()->AppendNoop("write that changed nothing");
    if (!noop.ok()) {
      return commands::Outcome::Fail(noop.status());
    }
    optime = *noop;
  }
  const auto deadline = concern.wtimeout_millis > 0
                            ? std::chrono::steady_clock::now() +
                                  std::chrono::milliseconds(concern.wtimeout_millis)
                            : std::chrono::steady_clock::time_point::max();
  const int64_t waited_since = MonotonicMicros();
  return {Suspend{.wait = commands::WaitWriteConcern{.optime = optime},
                  .resume =
                      [this, done = std::move(done), waited_since](bool timed_out) {
                        write_concern_timed_out_ = timed_out;
                        write_concern_wait_micros_ = MonotonicMicros() - waited_since;
                        return AfterWriteConcern(done);
                      },
                  .deadline = deadline}};
}

void Operation::LeaveWriteGate() {
  if (std::exchange(holds_gate_, false)) {
    dispatcher_->services().write_gate->Leave();
  }
}

commands::Outcome Operation::AfterWriteConcern(Done done) {
  const Status interrupted = op_->interrupt.CheckNow();
  if (!interrupted.ok()) {
    write_concern_error_ = interrupted;
    write_concern_timed_out_ = false;
  } else if (write_concern_timed_out_ && write_concern_error_.ok()) {
    write_concern_error_ =
        Error(ErrorCode::kWriteConcernFailed, "waiting for replication timed out");
  }
  commands::ServerMetrics* metrics = dispatcher_->services().metrics;
  metrics->get_last_error.wtime_num.Add();
  metrics->get_last_error.wtime_total_millis.Add(write_concern_wait_micros_ / 1000);
  const bool by_default = EffectiveWriteConcern().provenance != commands::WriteConcern::Provenance::kClientSupplied;
  if (write_concern_timed_out_) {
    metrics->get_last_error.wtimeouts.Add();
    if (by_default) {
      metrics->get_last_error.default_wtimeouts.Add();
    }
  } else if (by_default && CodeOf(write_concern_error_) == ErrorCode::kUnsatisfiableWriteConcern) {
    metrics->get_last_error.default_unsatisfiable.Add();
  }
  return {std::move(done)};
}

void Operation::AppendWriteConcernError() {
  if (!forced_write_concern_error_.empty()) {
    reply_.Append("writeConcernError", bson::DocView(forced_write_concern_error_));
    return;
  }
  if (write_concern_error_.ok()) {
    return;
  }
  const auto error = reply_.Object("writeConcernError");
  const ErrorCode code = CodeOf(write_concern_error_);
  reply_.Append("code", static_cast<int32_t>(code)).Append("codeName", CodeName(code));
  reply_.Append("errmsg", TextOf(write_concern_error_));
  const auto info = reply_.Object("errInfo");
  if (write_concern_timed_out_) {
    reply_.Append("wtimeout", true);
  }
  AppendWriteConcern("writeConcern", EffectiveWriteConcern(), /*with_provenance=*/true, &reply_);
}

void Operation::AppendLabels(ErrorCode code) {
  if (labels_forced_) {
    if (!bson::DocView(forced_labels_).empty()) {
      reply_.AppendArray("errorLabels", bson::DocView(forced_labels_));
    }
    return;
  }
  LabelFacts facts;
  facts.in_transaction = generic_.InTransaction();
  facts.retryable_write = generic_.IsRetryableWrite();
  facts.ends_transaction =
      spec_ != nullptr && (spec_->flags & commands::kEndsTransaction) != 0;
  facts.internal_client = client_->info.internal;
  facts.wrote = op_.has_value() && !op_->last_write.IsNull();
  facts.change_stream = op_.has_value() && op_->is_change_stream;
  facts.write_concern_code =
      forced_write_concern_error_.empty()
          ? CodeOf(write_concern_error_)
          : ForcedCode(forced_write_concern_error_);
  const std::vector<std::string_view> labels = ErrorLabels(code, facts);
  if (labels.empty()) {
    return;
  }
  const auto array = reply_.Array("errorLabels");
  for (const std::string_view label : labels) {
    reply_.Add(label);
  }
}

void Operation::AppendErrorFields(const Status& status) {
  const ErrorCode code = CodeOf(status);
  reply_.Reset();
  AppendLabels(code);
  reply_.Append("ok", 0.0).Append("errmsg", TextOf(status));
  reply_.Append("code", static_cast<int32_t>(code)).Append("codeName", CodeName(code));
  if (const std::string info = InfoOf(status); !info.empty()) {
    reply_.AppendAll(bson::DocView(info));
  }
  if (IsStateChange(code)) {
    const commands::ReplicationSnapshot& r = client_->replication();
    const auto version = reply_.Object("topologyVersion");
    reply_.Append("processId", r.process_id).Append("counter", r.topology_counter);
  }
}

// electionId and opTime of the write commands, on a primary (S01-117).
void Operation::AppendWritePosition() {
  const bool is_write = spec_ != nullptr && (spec_->kind == commands::OpKind::kInsert ||
                                             spec_->kind == commands::OpKind::kUpdate ||
                                             spec_->kind == commands::OpKind::kDelete);
  const commands::ReplicationSnapshot& replication = client_->replication();
  if (!is_write || generic_.help || generic_.InTransaction() || !replication.replica_set ||
      dispatcher_->positions() == nullptr) {
    return;
  }
  reply_.Append("electionId", replication.election_id);
  const repl::OpTime optime = op_->last_write.IsNull()
                                  ? dispatcher_->positions()->written().optime
                                  : op_->last_write;
  const auto object = reply_.Object("opTime");
  reply_.Append("ts", optime.ts).Append("t", optime.term);
}

// $clusterTime and operationTime, on members of a set (S01-129, S01-133).
void Operation::AppendTimes() {
  repl::Positions* positions = dispatcher_->positions();
  const commands::ReplicationSnapshot& replication = client_->replication();
  if (positions == nullptr || !replication.replica_set || !replication.initiated) {
    return;
  }
  const bson::Timestamp cluster_time = positions->ClusterTime();
  if (cluster_time.IsNull()) {
    return;
  }
  {
    const auto object = reply_.Object("$clusterTime");
    reply_.Append("clusterTime", cluster_time);
    const auto signature = reply_.Object("signature");
    reply_.Append("hash", bson::BinData{0, {kNoHash, sizeof(kNoHash)}});
    reply_.Append("keyId", int64_t{0});
  }
  bson::Timestamp operation_time = op_.has_value() ? op_->last_write.ts : bson::Timestamp();
  if (operation_time.IsNull()) {
    const bool majority =
        generic_.read_concern.has_value() &&
        generic_.read_concern->level == commands::ReadConcernLevel::kMajority;
    operation_time =
        (majority ? positions->commit_point() : positions->written()).optime.ts;
  }
  reply_.Append("operationTime", operation_time);
}

// {w: 0}: the client does not want to know what its statements did.
bool Operation::WantsNoResult() const {
  return spec_ != nullptr && generic_.write_concern.has_value() &&
         generic_.write_concern->IsUnacknowledged() &&
         (spec_->kind == commands::OpKind::kInsert || spec_->kind == commands::OpKind::kUpdate ||
          spec_->kind == commands::OpKind::kDelete);
}

std::string Operation::BuildReply(const Status& status) {
  if (status.ok()) {
    if (WantsNoResult()) {
      reply_.Reset();
    }
    if (!write_concern_error_.ok() || !forced_write_concern_error_.empty()) [[unlikely]] {
      AppendWriteConcernError();
      AppendLabels(ErrorCode::kOK);
    }
    AppendWritePosition();
    reply_.Append("ok", 1.0);
  } else {
    AppendErrorFields(status);
    AppendWriteConcernError();
  }
  AppendTimes();
  return reply_.Finish();
}

namespace {

// What operations did that monitoring warns of; a cursor's later batches are not counted again.
void CountCostly(const commands::CommandSpec& spec, const commands::Request& request, const catalog::Op& op,
                 ErrorCode code, commands::ServerMetrics* metrics) {
  if (code == ErrorCode::kMaxTimeMSExpired) {
    metrics->operation.killed_max_time.Add();
  } else if (code == ErrorCode::kClientDisconnect) {
    metrics->operation.killed_disconnect.Add();
  }
  if (spec.kind == commands::OpKind::kGetMore) {
    return;
  }
  if (op.counters.has_sort_stage) {
    metrics->operation.scan_and_order.Add();
  }
  if (op.diagnostics.plan_summary.starts_with("COLLSCAN")) {
    metrics->query_executor.collection_scans.Add();
    if (!request.body.Find("tailable").Truthy()) {
      metrics->query_executor.collection_scans_non_tailable.Add();
    }
  }
}

}  // namespace

// Counters, latency, slow operations.
void Operation::Account(const Status& status, size_t reply_bytes) {
  const commands::Services& services = dispatcher_->services();
  commands::ServerMetrics* metrics = services.metrics;
  if (!status.ok()) {
    metrics->asserts.user.Add();
    if (spec_ != nullptr) {
      client_->counters()->failed.Add();
    }
  }
  if (spec_ == nullptr || !registered_) {
    return;
  }
  const int64_t micros = MonotonicMicros() - start_micros_ - write_concern_wait_micros_ - asked_wait_micros_;
  const bool is_write = (spec_->flags & commands::kWrite) != 0;
  CountOperation(*spec_, request_, metrics);
  CountCostly(*spec_, request_, *op_, CodeOf(status), metrics);
  if ((spec_->flags & (commands::kWrite | commands::kReadData)) != 0) {
    (is_write ? metrics->latency.writes : metrics->latency.reads).Record(micros);
    RecordUsage(services.usage, *spec_, request_, is_write, micros);
    metrics->query_executor.scanned.Add(op_->counters.keys_examined);
    metrics->query_executor.scanned_objects.Add(op_->counters.docs_examined);
    metrics->document.returned.Add(op_->counters.docs_returned);
    metrics->operation.write_conflicts.Add(op_->counters.write_conflicts);
    if (is_write) {
      metrics->document.inserted.Add(op_->counters.n_inserted + op_->counters.n_upserted);
      metrics->document.updated.Add(op_->counters.n_modified);
      metrics->document.deleted.Add(op_->counters.n_deleted);
    }
  } else {
    metrics->latency.commands.Record(micros);
  }
  if (micros >= services.usage->slow_micros() || services.usage->any_profiled()) [[unlikely]] {
    ReportOperation(services, SlowOperation{.spec = spec_,
                                            .request = &request_,
                                            .generic = &generic_,
                                            .op = &*op_,
                                            .status = &status,
                                            .micros = micros,
                                            .write_concern_micros = write_concern_wait_micros_,
                                            .reply_bytes = reply_bytes});
  }
}

void Operation::Finish(Done done) {
  // A command that never saw the kill or the deadline ended well: its result stands.
  const Status status = std::move(done.status);
  std::string body = BuildReply(status);
  Account(status, body.size());
  Send(std::move(body), !status.ok(), &done);
}

void Operation::Send(std::string body, bool failed, Done* done) {
  // After the last Send or Done the connection's thread may start the next request in this object.
  const std::shared_ptr<wire::Connection> keep = std::move(self_);
  self_ = nullptr;
  const bool exhaust = !failed && done->more_to_come && request_.exhaust_allowed;
  if (exhaust) {
    exhaust_next_ = std::move(done->next);
    write_concern_done_ = false;
    connection_->SendReply({.body = std::move(body), .more_to_come = true},
                           [this, self = connection_->shared_from_this()] {
                             self_ = self;
                             NextExhaustRound();
                           });
    return;
  }
  LeaveWriteGate();
  if (registered_) {
    client_->slot.End();
    registered_ = false;
  }
  const bool not_primary_unacknowledged =
      failed && !wire_.wants_reply() && sink_ == nullptr && spec_ != nullptr &&
      (spec_->flags & commands::kWrite) != 0 && !client_->replication().accepts_writes;
  const int64_t cursor_position = op_->diagnostics.cursor_position;
  exhaust_next_ = nullptr;
  op_.reset();
  in_flight_ = false;
  write_concern_done_ = false;
  if (sink_ != nullptr) {
    const ReplySink sink = std::move(sink_);
    sink_ = nullptr;
    sink(std::move(body), failed, cursor_position);
    return;
  }
  if (spec_ != nullptr && (spec_->flags & commands::kNoReplyOnOk) != 0 && !failed) {
    connection_->Close();
    return;
  }
  if (wire_.wants_reply()) {
    connection_->SendReply({.body = std::move(body)});
    return;
  }
  if (not_primary_unacknowledged) {
    connection_->Close();  // the only way to tell a client that does not listen (S01-024)
    return;
  }
  connection_->Done();
}

void Operation::NextExhaustRound() {
  start_micros_ = MonotonicMicros();
  asked_wait_micros_ = 0;
  reply_.Reset();
  op_->counters = {};
  op_->may_block = false;
  on_io_thread_ = true;
  op_->interrupt.ClearDeadline();
  if (generic_.max_time_ms > 0) {
    op_->interrupt.SetDeadline(Interrupt::Clock::now() +
                               std::chrono::milliseconds(generic_.max_time_ms));
  }
  HandleHere(exhaust_next_ != nullptr ? GoOn(std::move(exhaust_next_), false) : RunCommand());
}

}  // namespace septet::server
