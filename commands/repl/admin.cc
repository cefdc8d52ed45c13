// SPDX-License-Identifier: Apache-2.0
// What an operator types: replSetInitiate, replSetReconfig, replSetGetConfig, replSetStepDown, replSetFreeze,
// replSetSyncFrom, replSetMaintenance (S02-077 and following; replication.md 2).
#include <chrono>

#include "base/clock.h"
#include "base/strings.h"
#include "bson/number.h"
#include "commands/ddl/in_pool.h"
#include "commands/generic_args.h"
#include "commands/parse.h"
#include "commands/repl/common.h"
#include "commands/replication_info.h"

namespace septet::commands {
namespace {

using std::chrono::milliseconds;

Outcome RunInitiate(catalog::Op* op, const Services& services, const Request& request,
                    bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(Error(ErrorCode::kNoReplicationEnabled,
                               "This node was not started with replication enabled."));
  }
  const bson::ValueView value = request.body.FirstElement().value();
  if (!value.is_object() && !value.nullish() && !value.is_number() &&
      value.type() != bson::Type::kBool) {
    return Outcome::Fail(WrongType("replSetInitiate", "replSetInitiate", value.type(), "object"));
  }
  const Services* all = &services;
  // Names are resolved, which may block.
  return RunInPool(op, [op, all, value, reply]() -> Outcome {
    election::InitiateRequested event{};
    if (value.is_object() && !value.AsDoc().empty()) {
      StatusOr<election::ReplSetConfig> config = election::ReplSetConfig::FromBson(value.AsDoc());
      if (!config.ok()) {
        return Outcome::Fail(
            Error(ErrorCode::kInvalidReplicaSetConfig, TextOf(config.status())));
      }
      all->driver->election()->ResolveSelf(*config);
      event.config = *std::move(config);
    }
    for (const std::string& db : all->catalog->Snapshot().Databases()) {
      event.has_data = event.has_data || (db != "local" && db != "admin" && db != "config");
    }
    return RunAdmin(op, *all, std::move(event), reply);
  });
}

Outcome RunReconfig(catalog::Op* op, const Services& services, const Request& request,
                    bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(NoReplication());
  }
  bson::DocView config_document;
  LooseBool force;
  const Status status =
      ParseFields("replSetReconfig", request.body,
                  {FieldBinding("replSetReconfig", &config_document, true), {"force", &force}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const Services* all = &services;
  const int64_t max_time_ms = request.generic != nullptr ? request.generic->max_time_ms : 0;
  return RunInPool(op, [op, all, config_document, force, max_time_ms, reply]() -> Outcome {
    StatusOr<election::ReplSetConfig> config = election::ReplSetConfig::FromBson(config_document);
    if (!config.ok()) {
      return Outcome::Fail(config.status());
    }
    all->driver->election()->ResolveSelf(*config);
    election::ReconfigRequested event{};
    event.config = *std::move(config);
    event.force = force.value;
    event.default_write_concern_set = all->replication->Snapshot()->defaults.write.has_value();
    if (max_time_ms > 0) {
      event.max_time = milliseconds(max_time_ms);
    }
    return RunAdmin(op, *all, std::move(event), reply);
  });
}

Outcome RunGetConfig(catalog::Op*, const Services& services, const Request& request,
                     bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(NoReplication());
  }
  const repl::SnapshotPtr snapshot = services.driver->snapshot();
  if (snapshot->config == nullptr) {
    return Outcome::Fail(
        Error(ErrorCode::kNotYetInitialized, "no replset config has been received"));
  }
  reply->Append("config",
                bson::DocView(snapshot->config->ToBson(election::ReplSetConfig::Form::kShown)));
  if (request.body.Find("commitmentStatus").Truthy()) {
    reply->Append("commitmentStatus", snapshot->config_committed);
  }
  return Outcome::Ok();
}

StatusOr<int64_t> Seconds(const Request& request, std::string_view field, int64_t fallback) {
  const bson::ValueView v = request.body.Find(field);
  if (v.nullish()) {
    return fallback;
  }
  return ToInt64(request.body.FirstElement().name(), field, v);
}

Outcome RunStepDown(catalog::Op* op, const Services& services, const Request& request,
                    bson::DocBuilder* reply) {
  const bool force = request.body.Find("force").Truthy();
  StatusOr<int64_t> period = Seconds(request, request.body.FirstElement().name(), 60);
  StatusOr<int64_t> catch_up = Seconds(request, "secondaryCatchUpPeriodSecs", force ? 0 : 10);
  for (const Status& status : {period.status(), catch_up.status()}) {
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
  }
  if (*period == 0) {
    *period = 60;
  }
  if (*period < 0) {
    return Outcome::Fail(Error(ErrorCode::kBadValue, "stepdown period must be a positive integer"));
  }
  if (*catch_up < 0) {
    return Outcome::Fail(
        Error(ErrorCode::kBadValue, "secondaryCatchUpPeriodSecs period must be a positive or absent"));
  }
  if (*period < *catch_up) {
    // The catch-up period of the default is shortened to fit.
    if (!request.body.Has("secondaryCatchUpPeriodSecs")) {
      *catch_up = *period;
    } else {
      return Outcome::Fail(Error(
          ErrorCode::kBadValue, "stepdown period must be longer than secondaryCatchUpPeriodSecs"));
    }
  }
  election::StepDownRequested event{};
  event.period = milliseconds(*period * 1000);
  event.catch_up = milliseconds(*catch_up * 1000);
  event.force = force;
  event.wall_millis = op->now_millis;
  return RunAdmin(op, services, event, reply);
}

Outcome RunFreeze(catalog::Op* op, const Services& services, const Request& request,
                  bson::DocBuilder* reply) {
  const StatusOr<int64_t> secs = Seconds(request, request.body.FirstElement().name(), 0);
  if (!secs.ok()) {
    return Outcome::Fail(secs.status());
  }
  election::FreezeRequested event{};
  event.period = milliseconds(*secs * 1000);
  return RunAdmin(op, services, event, reply);
}

Outcome RunSyncFrom(catalog::Op* op, const Services& services, const Request& request,
                    bson::DocBuilder* reply) {
  const bson::ValueView host = request.body.FirstElement().value();
  if (!host.is_string()) {
    return Outcome::Fail(WrongType("replSetSyncFrom", "replSetSyncFrom", host.type(), "string"));
  }
  election::SyncFromRequested event{};
  const StatusOr<std::string> normal = election::NormalizeHost(host.AsString());
  if (!normal.ok()) {
    return Outcome::Fail(normal.status());
  }
  event.host = *normal;
  return RunAdmin(op, services, event, reply);
}

Outcome RunMaintenance(catalog::Op* op, const Services& services, const Request& request,
                       bson::DocBuilder* reply) {
  election::MaintenanceRequested event{};
  event.enter = request.body.FirstElement().value().Truthy();
  return RunAdmin(op, services, event, reply);
}

}  // namespace

extern const CommandSpec kReplSetInitiateCommand;
const CommandSpec kReplSetInitiateCommand{
    .name = "replSetInitiate", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Initiates a replica set", .fields = {}, .api_version = "", .run = RunInitiate};
extern const CommandSpec kReplSetReconfigCommand;
const CommandSpec kReplSetReconfigCommand{
    .name = "replSetReconfig", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Changes the configuration of the set", .fields = {"force"}, .api_version = "",
    .run = RunReconfig};
extern const CommandSpec kReplSetGetConfigCommand;
const CommandSpec kReplSetGetConfigCommand{
    .name = "replSetGetConfig", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Shows the configuration of the set", .fields = {"commitmentStatus"}, .api_version = "",
    .run = RunGetConfig};
extern const CommandSpec kReplSetStepDownCommand;
const CommandSpec kReplSetStepDownCommand{
    .name = "replSetStepDown", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Asks the primary to step down", .fields = {"force", "secondaryCatchUpPeriodSecs"},
    .api_version = "", .run = RunStepDown};
extern const CommandSpec kReplSetFreezeCommand;
const CommandSpec kReplSetFreezeCommand{
    .name = "replSetFreeze", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Keeps this member from running for primary", .fields = {}, .api_version = "",
    .run = RunFreeze};
extern const CommandSpec kReplSetSyncFromCommand;
const CommandSpec kReplSetSyncFromCommand{
    .name = "replSetSyncFrom", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Names the member to copy from", .fields = {}, .api_version = "", .run = RunSyncFrom};
extern const CommandSpec kReplSetMaintenanceCommand;
const CommandSpec kReplSetMaintenanceCommand{
    .name = "replSetMaintenance", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Enters or leaves maintenance mode", .fields = {}, .api_version = "", .run = RunMaintenance};

}  // namespace septet::commands
