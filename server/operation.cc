// SPDX-License-Identifier: Apache-2.0
// From a message to the command's first step.
#include "server/operation.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "catalog/namespace.h"
#include "commands/parameters.h"
#include "commands/session_cache.h"
#include "commands/write_gate.h"
#include "server/admission.h"
#include "server/client_metadata.h"
#include "server/dispatcher.h"
#include "server/fail_command.h"

namespace septet::server {

using commands::Done;
using commands::ParameterName;
using commands::Suspend;

void Operation::Start(wire::Request&& request) {
  wire_ = std::move(request);
  sink_ = nullptr;
  if (const wire::OpMsg* msg = wire_.msg()) {
    request_.sequences.clear();
    for (const wire::DocumentSequence& s : msg->sequences) {
      request_.sequences.push_back({s.identifier, s.documents.bytes(), s.documents.count()});
    }
    request_.exhaust_allowed = msg->exhaust_allowed();
    Begin(msg->body, /*is_legacy=*/false);
    return;
  }
  request_.sequences.clear();
  request_.exhaust_allowed = false;
  Begin(wire_.query()->unwrapped(), /*is_legacy=*/true);
}

void Operation::StartTranslated(wire::Request&& request, std::string command,
                                std::vector<commands::DocumentSequence> sequences,
                                ReplySink sink) {
  wire_ = std::move(request);
  translated_ = std::move(command);
  request_.sequences = std::move(sequences);
  request_.exhaust_allowed = false;
  sink_ = std::move(sink);
  Begin(bson::DocView(translated_), /*is_legacy=*/true);
}

void Operation::Begin(bson::DocView body, bool is_legacy) {
  start_micros_ = MonotonicMicros();
  in_flight_ = true;
  on_io_thread_ = true;
  registered_ = false;
  spec_ = nullptr;
  generic_ = {};
  op_.emplace();
  op_->may_block = false;
  reply_.Reset();
  write_concern_done_ = false;
  holds_gate_ = false;
  write_concern_error_ = OkStatus();
  write_concern_timed_out_ = false;
  write_concern_wait_micros_ = 0;
  asked_wait_micros_ = 0;
  labels_forced_ = false;
  forced_write_concern_error_.clear();
  request_.body = body;
  request_.client = &client_->info;
  request_.last_error = &client_->last_error;
  ++client_->last_error.operations_since;
  request_.generic = &generic_;
  request_.is_legacy = is_legacy;
  const Status prepared = Prepare(body);
  if (!prepared.ok()) {
    HandleHere(Outcome::Fail(prepared));
    return;
  }
  Execute();
}

Status Operation::FindSpec(std::string_view name) {
  spec_ = client_->FindCommand(name);
  const bool hidden = spec_ != nullptr && (spec_->flags & commands::kTestOnly) != 0 &&
                      !dispatcher_->options().test_commands;
  if (spec_ == nullptr || hidden) {
    spec_ = nullptr;
    return Error(ErrorCode::kCommandNotFound, StrCat("no such command: '", name, "'"));
  }
  return OkStatus();
}

Status Operation::Prepare(bson::DocView body) {
  if (body.empty()) {
    request_.name = {};
    return Error(ErrorCode::kCommandNotFound, "no such command: ''");
  }
  request_.name = body.FirstElement().name();
  if (const wire::OpMsg* msg = wire_.msg(); msg != nullptr && sink_ == nullptr) {
    ASSIGN_OR_RETURN(request_.db, wire::DatabaseOf(*msg));
  } else if (const wire::OpQuery* query = wire_.query(); query != nullptr && sink_ == nullptr) {
    request_.db = query->database();
  } else {
    request_.db = body["$db"].AsString();
  }
  RETURN_IF_ERROR(FindSpec(request_.name));
  client_->counters()->total.Add();
  RETURN_IF_ERROR(catalog::ValidateDatabaseName(request_.db));
  RETURN_IF_ERROR(ParseGeneric(*spec_, body, &generic_));
  if (request_.is_legacy && !generic_.read_mode.has_value()) {
    const wire::OpQuery* query = wire_.query();
    if (query != nullptr && (query->flags & wire::kSlaveOk) != 0) {
      generic_.read_mode = commands::ReadMode::kSecondaryPreferred;
    }
  }
  const commands::Services& services = dispatcher_->services();
  const AdmissionFacts facts = {
      .spec = spec_,
      .generic = &generic_,
      .request = &request_,
      .replication = &client_->replication(),
      .require_api_version =
          services.parameters->GetBool(ParameterName::k_requireApiVersion),
      .accept_api_version_2 =
          services.parameters->GetBool(ParameterName::k_acceptApiVersion2)};
  RETURN_IF_ERROR(Admit(facts));
  if ((spec_->flags & commands::kHello) != 0) {
    RETURN_IF_ERROR(ReadHello());
  }
  if (generic_.write_concern.has_value()) {
    RETURN_IF_ERROR(services.replication->ValidateWriteConcern(*generic_.write_concern));
  }
  if (generic_.has_lsid && services.sessions != nullptr) {
    RETURN_IF_ERROR(services.sessions->Touch(generic_.session_id, start_micros_ / 1000));
  }
  if (!generic_.cluster_time.IsNull() && dispatcher_->positions() != nullptr &&
      facts.replication->replica_set) {
    const int64_t drift =
        services.parameters->GetInt(ParameterName::k_maxAcceptableLogicalClockDriftSecs);
    if (int64_t{generic_.cluster_time.secs} > WallMillis() / 1000 + drift) {
      return Error(ErrorCode::kClusterTimeFailsRateLimiter,
                   "New cluster time is too far from this node's wall clock time");
    }
    dispatcher_->positions()->AdvanceClusterTime(generic_.cluster_time);
  }
  return OkStatus();
}

// What a hello tells about the client. Kept with the connection, under the slot's lock.
Status Operation::ReadHello() {
  const bson::ValueView client = request_.body["client"];
  commands::ClientInfo& info = client_->info;
  if (!client.missing()) {
    if (client_->has_metadata) {
      return Error(ErrorCode::kClientMetadataCannotBeMutated,
                   "The client metadata document may only be sent in the first hello");
    }
    ASSIGN_OR_RETURN(const std::string_view app_name, CheckClientMetadata(client));
    client_->slot.Update([&] {
      info.metadata = client.AsDoc().ToBytes();
      info.app_name = app_name;
    });
    client_->has_metadata = true;
    P_LOG(kInfo, kNetwork, 51800, "client metadata", {"remote", info.remote},
          {"client", StrCat("conn", info.connection_id)},
          log::Attribute::Json("doc", bson::ToRelaxedJson(client.AsDoc())));
  }
  if (request_.body["helloOk"].Truthy() && !info.hello_ok) {
    client_->slot.Update([&] { info.hello_ok = true; });
  }
  if (request_.body["internalClient"].is_object() && !info.internal) {
    client_->slot.Update([&] { info.internal = true; });
  }
  return OkStatus();
}

namespace {

// The session as records name it: {id, uid}. Without users the uid is the SHA-256 of nothing.
std::string SessionWithUser(bson::DocView lsid) {
  static constexpr char kNobody[] =
      "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
      "\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";
  bson::DocBuilder out;
  out.Append("id", lsid["id"]);
  const bson::ValueView uid = lsid["uid"];
  if (uid.missing()) {
    out.Append("uid", bson::BinData{0, {kNobody, 32}});
  } else {
    out.Append("uid", uid);
  }
  return out.Finish();
}

}  // namespace

void Operation::Execute() {
  const commands::Services& services = dispatcher_->services();
  op_->op_id = services.operations->NextOpId();
  op_->now_millis = WallMillis();
  if (generic_.max_time_ms > 0) {
    op_->interrupt.SetDeadline(Interrupt::Clock::now() +
                               std::chrono::milliseconds(generic_.max_time_ms));
  }
  if (generic_.IsRetryableWrite() && generic_.has_lsid) {
    op_->session.emplace();
    op_->session->lsid = SessionWithUser(generic_.lsid);
    op_->session->txn_number = *generic_.txn_number;
  }
  client_->slot.Begin({.op_id = op_->op_id,
                       .spec = spec_,
                       .db = request_.db,
                       .command = request_.body,
                       .originating_command = {},
                       .session_id = generic_.session_id,
                       .plan_summary = {},
                       .start_micros = start_micros_,
                       .interrupt = &op_->interrupt,
                       .is_write = (spec_->flags & commands::kWrite) != 0,
                       .waiting = false});
  registered_ = true;
  HandleHere(FirstStep());
}

namespace {

// readConcernCounters of serverStatus.
void CountReadConcern(const commands::Generic& generic, commands::ServerMetrics* metrics) {
  auto& c = metrics->read_concern;
  if (!generic.read_concern.has_value() || !generic.read_concern->level_given) {
    c.none.Add();
    return;
  }
  const commands::ReadConcern& rc = *generic.read_concern;
  switch (rc.level) {
    case commands::ReadConcernLevel::kLocal:
      return c.local.Add();
    case commands::ReadConcernLevel::kAvailable:
      return c.available.Add();
    case commands::ReadConcernLevel::kMajority:
      return c.majority.Add();
    case commands::ReadConcernLevel::kLinearizable:
      return c.linearizable.Add();
    case commands::ReadConcernLevel::kSnapshot:
      return rc.at_cluster_time.IsNull() ? c.snapshot_without_time.Add()
                                         : c.snapshot_with_time.Add();
  }
}

bool IsQuery(std::string_view command) {
  return command == "find" || command == "aggregate" || command == "count" || command == "distinct";
}

}  // namespace

// A query that names no level reads at the set's default.
void Operation::TakeDefaultReadConcern() {
  const std::string& level = client_->replication().defaults.read_level;
  if (level.empty() || generic_.InTransaction() || client_->info.internal || request_.db == "local" ||
      (generic_.read_concern.has_value() && generic_.read_concern->level_given)) {
    return;
  }
  if (!generic_.read_concern.has_value()) {
    generic_.read_concern.emplace();
  }
  commands::ReadConcern& rc = *generic_.read_concern;
  rc.level = level == "majority"    ? commands::ReadConcernLevel::kMajority
             : level == "available" ? commands::ReadConcernLevel::kAvailable
                                    : commands::ReadConcernLevel::kLocal;
  rc.provenance = "customDefault";
}

commands::Outcome Operation::FirstStep() {
  if (generic_.help) {
    reply_.Append("help", StrCat("help for: ", spec_->name, " ", spec_->help));
    return Outcome::Ok();
  }
  if (IsQuery(spec_->name)) {
    TakeDefaultReadConcern();
    CountReadConcern(generic_, dispatcher_->services().metrics);
  }
  const commands::Resume run = [this](bool) { return RunCommand(); };
  const auto after_fail_command = [this, run](bool) -> Outcome {
    if ((spec_->flags & commands::kWrite) != 0) {
      return EnterWriteGate(run);
    }
    return generic_.read_concern.has_value() ? ApplyReadConcern(run) : RunCommand();
  };
  FailPoint& fail = dispatcher_->services().fail_points->Get(FailPointName::kFailCommand);
  if (fail.on()) [[unlikely]] {
    return FailCommand(after_fail_command);
  }
  return after_fail_command(false);
}

// Writes wait while somebody holds fsync's lock.
commands::Outcome Operation::EnterWriteGate(const commands::Resume& then) {
  commands::WriteGate* gate = dispatcher_->services().write_gate;
  if (gate == nullptr || holds_gate_ || gate->Enter()) {
    holds_gate_ = gate != nullptr;
    return generic_.read_concern.has_value() ? ApplyReadConcern(then) : then(false);
  }
  return {Suspend{.wait = commands::WaitWritesUnlocked{}, .resume = [this, then](bool timed_out) {
                    const Status s = op_->interrupt.CheckNow();
                    if (s.ok() && !timed_out) {
                      return EnterWriteGate(then);
                    }
                    return Outcome::Fail(s.ok() ? Error(ErrorCode::kMaxTimeMSExpired,
                                                        "operation exceeded time limit")
                                                : s);
                  }}};
}

// The snapshot and the wait that the read concern asks for.
commands::Outcome Operation::ApplyReadConcern(const commands::Resume& then) {
  const commands::ReadConcern& rc = *generic_.read_concern;
  repl::Positions* positions = dispatcher_->positions();
  if (positions == nullptr || !client_->replication().replica_set) {
    return then(false);
  }
  const bool committed = rc.level == commands::ReadConcernLevel::kMajority ||
                         rc.level == commands::ReadConcernLevel::kSnapshot;
  const bson::Timestamp wanted =
      rc.after_cluster_time.IsNull() ? rc.at_cluster_time : rc.after_cluster_time;
  if (!wanted.IsNull() && positions->ClusterTime() < wanted) {
    const bson::Timestamp now = positions->ClusterTime();
    return Outcome::Fail(Error(
        ErrorCode::kInvalidOptions,
        StrCat("readConcern afterClusterTime value must not be greater than the current "
               "clusterTime. Requested clusterTime: { ts: Timestamp(",
               wanted.secs, ", ", wanted.inc, ") }; current clusterTime: { ts: Timestamp(",
               now.secs, ", ", now.inc, ") }")));
  }
  const auto go_on = [this, committed, then, positions](bool timed_out) -> Outcome {
    if (const Status s = op_->interrupt.CheckNow(); timed_out || !s.ok()) {
      return Outcome::Fail(s.ok() ? Error(ErrorCode::kMaxTimeMSExpired,
                                          "operation exceeded time limit")
                                  : s);
    }
    if (committed && !generic_.InTransaction()) {
      repl::OpTime at;
      op_->read_snapshot = positions->CommittedSnapshot(&at);
      if (op_->read_snapshot == nullptr) {
        return Outcome::Fail(Error(ErrorCode::kReadConcernMajorityNotAvailableYet,
                                   "Read concern majority reads are currently not possible."));
      }
      op_->read_timestamp = at.ts;
    }
    return then(false);
  };
  if (wanted.IsNull()) {
    return go_on(false);
  }
  return {Suspend{.wait = commands::WaitTimestamp{committed
                                                      ? commands::WaitOptime::Which::kCommitted
                                                      : commands::WaitOptime::Which::kWritten,
                                                  wanted},
                  .resume = go_on}};
}

commands::Outcome Operation::FailCommand(const commands::Resume& then) {
  const FailCommandDecision decision =
      DecideFailCommand(dispatcher_->services().fail_points, *spec_, request_);
  if (!decision.hit) {
    return then(false);
  }
  labels_forced_ = decision.has_labels;
  forced_labels_ = decision.labels;
  forced_write_concern_error_ = decision.write_concern_error;
  const auto after_block = [this, decision, then](bool) -> Outcome {
    if (decision.close_connection) {
      connection_->Close();
      return Outcome::Fail(Error(ErrorCode::kHostUnreachable, "connection closed by failCommand"));
    }
    if (decision.error_code != 0) {
      Status status = Error(decision.error_code, "Failing command via 'failCommand' failpoint");
      return Outcome::Fail(decision.extra_info.empty()
                               ? status
                               : WithInfo(std::move(status), decision.extra_info));
    }
    return then(false);
  };
  if (decision.block_millis == 0) {
    return after_block(false);
  }
  return {Suspend{.wait = commands::WaitBackoff{std::chrono::milliseconds(decision.block_millis)},
                  .resume = after_block}};
}

commands::Outcome Operation::RunCommand() {
  if (on_io_thread_ && (spec_->flags & commands::kMayBeLong) != 0) {
    return {Suspend{.wait = commands::WaitWorker{},
                    .resume = [this](bool) { return RunCommand(); }}};
  }
  op_->may_block = !on_io_thread_;
  if (on_io_thread_ && (spec_->flags & commands::kReadData) != 0) {
    op_->interrupt.StartSlice(dispatcher_->options().slice);
  }
  data_version_ = dispatcher_->data_version();
  Outcome outcome = spec_->run(&*op_, dispatcher_->services(), request_, &reply_);
  if (Done* done = std::get_if<Done>(&outcome.v);
      done != nullptr && !done->status.ok() && catalog::IsWouldBlock(done->status)) {
    reply_.Reset();
    return {Suspend{.wait = commands::WaitWorker{},
                    .resume = [this](bool) { return RunCommand(); }}};
  }
  return outcome;
}

void Operation::OnClose() {
  if (!in_flight_) {
    return;
  }
  client_->slot.Kill(ErrorCode::kClientDisconnect);
  if (parked_) {
    Wake(ticket_, /*timed_out=*/false);
  }
}

void Operation::OnKill(uint64_t op_id) {
  if (parked_ && op_.has_value() && op_->op_id == op_id) {
    Wake(ticket_, /*timed_out=*/false);
  }
}

}  // namespace septet::server
