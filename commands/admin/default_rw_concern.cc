// SPDX-License-Identifier: Apache-2.0
// setDefaultRWConcern (S02-087, S08-047): {setDefaultRWConcern: 1, defaultReadConcern?: {level},
// defaultWriteConcern?: {w, j, wtimeout}}. {} takes back a read concern; a write concern stays for ever.
// getDefaultRWConcern: {getDefaultRWConcern: 1, inMemory?}.
// Both reply {defaultReadConcern, defaultWriteConcern, updateOpTime?, updateWallClockTime?,
// defaultWriteConcernSource, defaultReadConcernSource, localUpdateWallClockTime}.
// Errors: 2 (unsuitable), 20 (write concern unset), 51300 (standalone), those of parsing a concern.
#include "base/clock.h"
#include "base/strings.h"
#include "commands/command.h"
#include "commands/ddl/in_pool.h"
#include "commands/generic_args.h"
#include "commands/parse.h"
#include "commands/replication_info.h"
#include "commands/rw_concern_defaults.h"
#include "commands/services.h"
#include "commands/write_concern.h"

namespace septet::commands {
namespace {

void Describe(const Services& services, bson::DocBuilder* reply) {
  const ReplicationSnapshotPtr now = services.replication->Snapshot();
  const RwConcernDefaults& set = now->defaults;
  {
    const auto read = reply->Object("defaultReadConcern");
    reply->Append("level", set.read_level.empty() ? std::string_view("local")
                                                  : std::string_view(set.read_level));
  }
  AppendWriteConcern("defaultWriteConcern", now->default_write_concern, /*with_provenance=*/false, reply);
  if (!set.update_op_time.IsNull()) {
    reply->Append("updateOpTime", set.update_op_time);
    reply->AppendDate("updateWallClockTime", set.update_wall_millis);
  }
  reply->Append("defaultWriteConcernSource", set.write.has_value() ? "global" : "implicit");
  reply->Append("defaultReadConcernSource", set.read_level.empty() ? "implicit" : "global");
  reply->AppendDate("localUpdateWallClockTime", WallMillis());
}

Outcome Get(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder* reply) {
  Describe(services, reply);
  if (request.body.Find("inMemory").Truthy()) {
    reply->Append("inMemory", true);
  }
  return Outcome::Ok();
}

Status ChangeRead(bson::DocView asked, RwConcernDefaults* out) {
  if (asked.empty()) {
    out->read_level.clear();
    return OkStatus();
  }
  for (const bson::ElementView e : asked) {
    if (e.name() != "level") {
      return Error(ErrorCode::kBadValue,
                   StrCat("'", e.name(), "' is not suitable for the default read concern"));
    }
  }
  const std::string wrapped = bson::MakeDoc("readConcern", asked);
  ASSIGN_OR_RETURN(const ReadConcern rc, ParseReadConcern(bson::DocView(wrapped).Find("readConcern")));
  if (rc.level == ReadConcernLevel::kLinearizable || rc.level == ReadConcernLevel::kSnapshot) {
    return Error(ErrorCode::kBadValue, StrCat("level: \"", NameOf(rc.level),
                                              "\" is not suitable for the default read concern"));
  }
  out->read_level = std::string(NameOf(rc.level));
  return OkStatus();
}

Status ChangeWrite(const Services& services, bson::DocView asked, RwConcernDefaults* out) {
  if (asked.empty()) {
    return out->write.has_value()
               ? Error(ErrorCode::kIllegalOperation,
                       "The global default write concern cannot be unset once it is set.")
               : OkStatus();
  }
  ASSIGN_OR_RETURN(WriteConcern wc, ParseWriteConcernFields(asked));
  if (wc.IsUnacknowledged()) {
    return Error(ErrorCode::kBadValue,
                 "Unacknowledged write concern is not suitable for the default write concern");
  }
  RETURN_IF_ERROR(services.replication->CheckWriteConcern(wc));
  wc.provenance = WriteConcern::Provenance::kCustomDefault;
  out->write = wc;
  return OkStatus();
}

Outcome Set(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(Error(51300, "'setDefaultRWConcern' is not supported on standalone nodes."));
  }
  std::optional<bson::DocView> read, write;
  Status status = ParseFields("setDefaultRWConcern", request.body,
                              {{"defaultReadConcern", &read}, {"defaultWriteConcern", &write}});
  if (status.ok() && !read && !write) {
    status = Error(ErrorCode::kBadValue,
                   "At least one of the \"defaultReadConcern\" or \"defaultWriteConcern\" fields must be "
                   "present");
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, read, write, reply]() -> Outcome {
    const auto change = [&]() -> Status {
      ASSIGN_OR_RETURN(RwConcernDefaults next, ReadRwConcernDefaults(all->catalog));
      if (read) {
        RETURN_IF_ERROR(ChangeRead(*read, &next));
      }
      if (write) {
        RETURN_IF_ERROR(ChangeWrite(*all, *write, &next));
      }
      next.update_op_time = all->catalog->positions()->ClusterTime();
      next.update_wall_millis = WallMillis();
      RETURN_IF_ERROR(WriteRwConcernDefaults(all->catalog, op, next));
      return RefreshRwConcernDefaults(all->catalog, all->replication);
    };
    const Status changed = change();
    if (!changed.ok()) {
      return Outcome::Fail(changed);
    }
    Describe(*all, reply);
    return Outcome::Ok();
  });
}

}  // namespace

extern const CommandSpec kGetDefaultRwConcernCommand;
const CommandSpec kGetDefaultRwConcernCommand = {
    .name = "getDefaultRWConcern",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "get the cluster-wide default read and write concern",
    .fields = {"inMemory"},
    .run = Get,
};

extern const CommandSpec kSetDefaultRwConcernCommand;
const CommandSpec kSetDefaultRwConcernCommand = {
    .name = "setDefaultRWConcern",
    .flags = kAdminOnly | kWrite,
    .help = "set the cluster-wide default read and write concern",
    .fields = {"defaultReadConcern", "defaultWriteConcern"},
    .run = Set,
};

}  // namespace septet::commands
