// SPDX-License-Identifier: Apache-2.0
// {fsync: 1, lock?: bool, fsyncLockAcquisitionTimeoutMillis?: 90000} -> {numFiles: 1}; with lock also
// {info, lockCount, seeAlso}: everything is on disk, and writes wait until fsyncUnlock. Locks nest.
// {fsyncUnlock: 1} -> {info, lockCount}. S02-105. Errors: IllegalOperation (20) "fsyncUnlock called when not
// locked", LockTimeout (24).
#include "catalog/catalog.h"
#include "commands/command.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "commands/write_gate.h"

namespace septet::commands {
namespace {

Status FlushAll(const Services& services) {
  if (services.catalog == nullptr) {
    return OkStatus();
  }
  RETURN_IF_ERROR(services.catalog->sequencer()->SyncNow());
  return services.catalog->engine()->Flush();
}

Outcome Fsync(catalog::Op*, const Services& services, const Request& request,
              bson::DocBuilder* reply) {
  LooseBool lock;
  LooseBool async;
  int64_t patience_millis = 90'000;
  Status status = ParseFields("fsync", request.body,
                              {{"lock", &lock},
                               {"async", &async},
                               {"fsyncLockAcquisitionTimeoutMillis", &patience_millis}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  if (lock.value) {
    if (!services.write_gate->Lock(std::chrono::milliseconds(patience_millis))) {
      return Outcome::Fail(Error(ErrorCode::kLockTimeout,
                                 "Fsync lock could not be taken: writes are still running"));
    }
    status = FlushAll(services);
    if (!status.ok()) {
      services.write_gate->Unlock();
      return Outcome::Fail(status);
    }
    reply->Append("info", "now locked against writes, use db.fsyncUnlock() to unlock");
    reply->Append("lockCount", int64_t{services.write_gate->lock_count()});
    reply->Append("seeAlso", "http://dochub.mongodb.org/core/fsynccommand");
    return Outcome::Ok();
  }
  status = FlushAll(services);
  if (status.ok()) {
    reply->Append("numFiles", 1);
  }
  return Outcome::Of(status);
}

Outcome FsyncUnlock(catalog::Op*, const Services& services, const Request&,
                    bson::DocBuilder* reply) {
  const int remaining = services.write_gate->Unlock();
  if (remaining < 0) {
    return Outcome::Fail(
        Error(ErrorCode::kIllegalOperation, "fsyncUnlock called when not locked"));
  }
  reply->Append("info", remaining == 0 ? "fsyncUnlock completed"
                                       : "fsyncUnlock completed; other locks remain");
  reply->Append("lockCount", int64_t{remaining});
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kFsyncCommand;
const CommandSpec kFsyncCommand = {
    .name = "fsync",
    .flags = kAdminOnly | kMaintenanceOk | kMayBeLong,
    .help = "http://dochub.mongodb.org/core/fsynccommand",
    .run = Fsync,
};

extern const CommandSpec kFsyncUnlockCommand;
const CommandSpec kFsyncUnlockCommand = {
    .name = "fsyncUnlock",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "unlocks writes locked by {fsync: 1, lock: true}",
    .run = FsyncUnlock,
};

}  // namespace septet::commands
