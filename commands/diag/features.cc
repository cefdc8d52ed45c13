// SPDX-License-Identifier: Apache-2.0
// Small identity helpers that old drivers and mixed sets ask (S02-059, S02-098 ff.):
// {features: 1}, {availableQueryOptions: 1}, {_isSelf: 1}, {driverOIDTest: ObjectId}, {shardingState: 1},
// {lockInfo: 1}.
#include "commands/command.h"
#include "commands/replication_info.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

Outcome Features(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  const bson::ObjectId id = services.replication->Snapshot()->process_id;
  int32_t machine = 0;
  std::memcpy(&machine, id.bytes + 4, sizeof(machine));
  reply->Append("oidMachine", machine & 0x7fffffff);
  return Outcome::Ok();
}

// SlaveOk, OplogReplay, NoCursorTimeout, AwaitData, Exhaust, Partial and Tailable: all bits OP_QUERY has.
Outcome AvailableQueryOptions(catalog::Op*, const Services&, const Request&,
                              bson::DocBuilder* reply) {
  reply->Append("options", 0xF6);
  return Outcome::Ok();
}

Outcome IsSelf(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  reply->Append("id", services.replication->Snapshot()->process_id);
  return Outcome::Ok();
}

Outcome DriverOidTest(catalog::Op*, const Services&, const Request& request,
                      bson::DocBuilder* reply) {
  const bson::ValueView id = request.body.FirstElement().value();
  if (id.type() != bson::Type::kObjectId) {
    return Outcome::Fail(Error(ErrorCode::kBadValue, "not oid"));
  }
  reply->Append("oid", id).Append("str", id.AsObjectId().ToHex());
  return Outcome::Ok();
}

Outcome ShardingState(catalog::Op*, const Services&, const Request&, bson::DocBuilder* reply) {
  reply->Append("enabled", false);
  return Outcome::Ok();
}

// This server has no lock manager whose tables could be shown: writes lock records, by hash.
Outcome LockInfo(catalog::Op*, const Services&, const Request&, bson::DocBuilder* reply) {
  const auto locks = reply->Array("lockInfo");
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kFeaturesCommand;
const CommandSpec kFeaturesCommand = {
    .name = "features",
    .flags = kNoAuth | kMaintenanceOk,
    .help = "return build level feature settings",
    .run = Features,
};

extern const CommandSpec kAvailableQueryOptionsCommand;
const CommandSpec kAvailableQueryOptionsCommand = {
    .name = "availableQueryOptions",
    .aliases = {"availablequeryoptions"},
    .flags = kNoAuth | kMaintenanceOk,
    .help = "the options of the legacy query opcode",
    .run = AvailableQueryOptions,
};

extern const CommandSpec kIsSelfCommand;
const CommandSpec kIsSelfCommand = {
    .name = "_isSelf",
    .flags = kNoAuth | kMaintenanceOk,
    .help = "{ _isSelf : 1 } INTERNAL ONLY",
    .run = IsSelf,
};

extern const CommandSpec kDriverOidTestCommand;
const CommandSpec kDriverOidTestCommand = {
    .name = "driverOIDTest",
    .flags = kNoAuth | kMaintenanceOk,
    .help = "driver iotest",
    .run = DriverOidTest,
};

extern const CommandSpec kShardingStateCommand;
const CommandSpec kShardingStateCommand = {
    .name = "shardingState",
    .flags = kMaintenanceOk,
    .help = "whether this server is part of a sharded cluster",
    .run = ShardingState,
};

extern const CommandSpec kLockInfoCommand;
const CommandSpec kLockInfoCommand = {
    .name = "lockInfo",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "show all lock info on the server",
    .run = LockInfo,
};

}  // namespace septet::commands
