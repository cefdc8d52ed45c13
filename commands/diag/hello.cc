// SPDX-License-Identifier: Apache-2.0
// {hello: 1, helloOk?, client?, compression?, topologyVersion?, maxAwaitTimeMS?, ...}
// -> {helloOk?, topologyVersion, <set fields>, isWritablePrimary | ismaster, limits, localTime, ...}.
// With topologyVersion and maxAwaitTimeMS the answer waits for a change (awaitable hello); with an
// exhaust request answers keep coming. Unknown fields are ignored. Surface 1.6 (S01-074..S01-112);
// field names and order from a recorded answer and the manual's page "hello".
// Errors: 31368, 31372, 31373, ShutdownInProgress while shutting down.
#include <algorithm>

#include "base/clock.h"
#include "base/limits.h"
#include "bson/number.h"
#include "catalog/catalog.h"
#include "commands/command.h"
#include "commands/generic_args.h"
#include "commands/replication_info.h"
#include "commands/server_control.h"
#include "commands/services.h"
#include "commands/version.h"

namespace septet::commands {
namespace {

using bson::DocBuilder;
using bson::ValueView;

void AppendNames(std::string_view name, const std::vector<std::string>& names, DocBuilder* reply) {
  if (names.empty()) {
    return;
  }
  const auto array = reply->Array(name);
  for (const std::string& n : names) {
    reply->Add(n);
  }
}

void AppendOpTime(std::string_view name, const repl::OpTime& optime, DocBuilder* reply) {
  const auto object = reply->Object(name);
  reply->Append("ts", optime.ts).Append("t", optime.term);
}

void AppendLastWrite(const catalog::Catalog& catalog, DocBuilder* reply) {
  const repl::OpTimeAndWall last = catalog.positions()->written();
  const repl::OpTimeAndWall majority = catalog.positions()->commit_point();
  const auto object = reply->Object("lastWrite");
  AppendOpTime("opTime", last.optime, reply);
  reply->AppendDate("lastWriteDate", int64_t{last.optime.ts.secs} * 1000);
  if (!majority.optime.IsNull()) {
    AppendOpTime("majorityOpTime", majority.optime, reply);
    reply->AppendDate("majorityWriteDate", int64_t{majority.optime.ts.secs} * 1000);
  }
}

void AppendMemberFlags(const ReplicationSnapshot& s, DocBuilder* reply) {
  if (s.state == MemberState::kArbiter) {
    reply->Append("arbiterOnly", true);
  }
  if (s.passive) {
    reply->Append("passive", true);
  }
  if (s.hidden) {
    reply->Append("hidden", true);
  }
  if (!s.build_indexes) {
    reply->Append("buildIndexes", false);
  }
  if (s.secondary_delay_secs > 0) {
    reply->Append("secondaryDelaySecs", s.secondary_delay_secs);
  }
  if (!s.tags.empty()) {
    const auto tags = reply->Object("tags");
    for (const auto& [key, value] : s.tags) {
      reply->Append(key, value);
    }
  }
}

void AppendSetFields(const ReplicationSnapshot& s, const Services& services, bool legacy_name,
                     DocBuilder* reply) {
  const std::string_view writable = legacy_name ? "ismaster" : "isWritablePrimary";
  if (!s.replica_set) {
    reply->Append(writable, true);
    return;
  }
  if (!s.initiated) {
    reply->Append(writable, false).Append("secondary", false);
    reply->Append("info", s.state == MemberState::kRemoved
                              ? "This node is not part of the replica set config"
                              : "Does not have a valid replica set config");
    reply->Append("isreplicaset", true);
    return;
  }
  AppendNames("hosts", s.hosts, reply);
  AppendNames("passives", s.passives, reply);
  AppendNames("arbiters", s.arbiters, reply);
  reply->Append("setName", s.set_name);
  reply->Append("setVersion", static_cast<int32_t>(s.config_version));
  reply->Append(writable, s.accepts_writes);
  reply->Append("secondary", s.state == MemberState::kSecondary);
  if (!s.primary.empty()) {
    reply->Append("primary", s.primary);
  }
  AppendMemberFlags(s, reply);
  reply->Append("me", s.me);
  if (s.accepts_writes) {
    reply->Append("electionId", s.election_id);
  }
  if (services.catalog != nullptr && s.state != MemberState::kArbiter) {
    AppendLastWrite(*services.catalog, reply);
  }
}

void AppendCompression(const Services& services, const Request& request, DocBuilder* reply) {
  const ValueView offered = request.body["compression"];
  if (!offered.is_array() || services.server == nullptr) {
    return;
  }
  const auto array = reply->Array("compression");
  for (const std::string& ours : services.server->facts().compressors) {
    for (const bson::ElementView& e : offered.AsArray()) {
      if (e.value().is_string() && e.value().AsString() == ours) {
        reply->Add(ours);
        break;
      }
    }
  }
}

struct Await {
  bool asked = false;
  bson::ObjectId process_id{};
  int64_t counter = 0;
  int64_t max_millis = 0;
};

StatusOr<Await> ParseAwait(const Request& request) {
  const ValueView version = request.body["topologyVersion"];
  const ValueView wait = request.body["maxAwaitTimeMS"];
  Await await;
  if (version.missing() && wait.missing()) {
    return await;
  }
  if (version.missing()) {
    return Error(31368, "A request with 'maxAwaitTimeMS' must include a 'topologyVersion'");
  }
  if (wait.missing()) {
    return Error(31368, "A request with a 'topologyVersion' must include 'maxAwaitTimeMS'");
  }
  if (!version.is_object() || version.AsDoc()["processId"].type() != bson::Type::kObjectId ||
      !version.AsDoc()["counter"].is_number()) {
    return Error(ErrorCode::kTypeMismatch,
                 "topologyVersion must have the form {processId: ObjectId, counter: long}");
  }
  await.asked = true;
  await.process_id = version.AsDoc()["processId"].AsObjectId();
  await.counter = bson::ToInt64Clamped(version.AsDoc()["counter"]);
  if (await.counter < 0) {
    return Error(31372, "topologyVersion must have a non-negative counter");
  }
  if (!wait.is_number() || bson::ToInt64Clamped(wait) < 0) {
    return Error(31373, "maxAwaitTimeMS must be a non-negative integer");
  }
  await.max_millis = std::min<int64_t>(bson::ToInt64Clamped(wait), INT32_MAX);
  return await;
}

class Hello {
 public:
  Hello(catalog::Op* op, const Services* services, const Request* request, DocBuilder* reply)
      : op_(op), services_(services), request_(request), reply_(reply),
        legacy_name_(request->name != "hello") {}

  Outcome Start() const {
    StatusOr<Await> await = ParseAwait(*request_);
    return await.ok() ? AnswerOrWait(*await) : Outcome::Fail(await.status());
  }

 private:
  Outcome AnswerOrWait(const Await& await) const {
    const ReplicationSnapshotPtr now = services_->replication->Snapshot();
    const bool same_process = now->process_id == await.process_id;
    if (await.asked && same_process && await.counter > now->topology_counter) {
      return Outcome::Fail(Error(31382, "Received a topology version with counter greater than ours"));
    }
    if (!await.asked || !same_process || await.counter != now->topology_counter ||
        now->shutting_down) {
      return Answer(await);
    }
    const Hello self = *this;
    return {Suspend{
        .wait = WaitTopologyChange{await.counter},
        .resume = [self, await](bool) {
          const Status killed = self.op_->interrupt.Check();
          return killed.ok() ? self.Answer(await) : Outcome::Fail(killed);
        },
        .deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(await.max_millis),
        .asked_for = true}};
  }

  Outcome Answer(const Await& await) const {
    const ReplicationSnapshotPtr now = services_->replication->Snapshot();
    if (now->shutting_down) {
      const int64_t rest = std::max<int64_t>(now->quiesce_until_micros - MonotonicMicros(), 0) / 1000;
      return Outcome::Fail(WithInfo(Error(ErrorCode::kShutdownInProgress,
                                          "The server is in quiesce mode and will shut down"),
                                    bson::MakeDoc("remainingQuiesceTimeMillis", rest)));
    }
    Append(*now);
    if (!await.asked || !request_->exhaust_allowed) {
      return Outcome::Ok();
    }
    Await next = await;
    next.process_id = now->process_id;
    next.counter = now->topology_counter;
    const Hello self = *this;
    return {Done{.status = OkStatus(),
                 .more_to_come = true,
                 .next = [self, next](bool) { return self.AnswerOrWait(next); }}};
  }

  void Append(const ReplicationSnapshot& s) const {
    DocBuilder* r = reply_;
    if (request_->body["helloOk"].Truthy()) {
      r->Append("helloOk", true);
    }
    {
      const auto version = r->Object("topologyVersion");
      r->Append("processId", s.process_id).Append("counter", s.topology_counter);
    }
    AppendSetFields(s, *services_, legacy_name_, r);
    r->Append("maxBsonObjectSize", limits::kMaxBsonObjectSize);
    r->Append("maxMessageSizeBytes", limits::kMaxMessageSizeBytes);
    r->Append("maxWriteBatchSize", limits::kMaxWriteBatchSize);
    r->AppendDate("localTime", WallMillis());
    r->Append("logicalSessionTimeoutMinutes", limits::kLogicalSessionTimeoutMinutes);
    r->Append("connectionId", static_cast<int32_t>(request_->client->connection_id));
    r->Append("minWireVersion", kMinWireVersion).Append("maxWireVersion", kMaxWireVersion);
    r->Append("readOnly", false);
    AppendCompression(*services_, *request_, r);
  }

  catalog::Op* op_;
  const Services* services_;
  const Request* request_;
  DocBuilder* reply_;
  bool legacy_name_;
};

Outcome Run(catalog::Op* op, const Services& services, const Request& request, DocBuilder* reply) {
  return Hello(op, &services, &request, reply).Start();
}

}  // namespace

extern const CommandSpec kHelloCommand;
const CommandSpec kHelloCommand = {
    .name = "hello",
    .flags = kNoAuth | kMaintenanceOk | kTransactionOk | kHello,
    .help = "Status information for clients negotiating a connection with this server",
    .api_version = "1",
    .run = Run,
};

extern const CommandSpec kIsMasterCommand;
const CommandSpec kIsMasterCommand = {
    .name = "isMaster",
    .aliases = {"ismaster"},
    .flags = kNoAuth | kMaintenanceOk | kTransactionOk | kHello,
    .help = "Check if this server is primary for a replica set\n{ isMaster : 1 }",
    .run = Run,
};

}  // namespace septet::commands
