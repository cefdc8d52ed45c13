// SPDX-License-Identifier: Apache-2.0
#include "server/oplog_upkeep.h"

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "commands/parameters.h"
#include "replication/oplog/undo.h"

namespace septet::server {

using commands::ParameterName;

namespace {

void Warn(const Status& status, std::string_view what) {
  if (!status.ok()) {
    P_LOG(kWarning, kStorage, 22402, "Upkeep of the oplog failed and is tried again",
          {"task", what}, {"error", TextOf(status)});
  }
}

Status TruncateFront(Core* core, bson::Timestamp commit_point) {
  const catalog::CollectionPtr oplog = core->catalog().Find("local.oplog.rs");
  if (oplog == nullptr || oplog->capped_size <= 0) {
    return OkStatus();
  }
  repl::OplogBook::CutLimits limits;
  limits.max_bytes = oplog->capped_size;
  limits.min_retention_secs = core->driver()->oplog_min_retention_secs();
  limits.now_secs = static_cast<uint32_t>(WallMillis() / 1000);
  limits.keep_from = commit_point;
  const int64_t before = core->sequencer().oplog().bytes();
  if (before <= limits.max_bytes) {
    return OkStatus();
  }
  const int64_t start = MonotonicMicros();
  ASSIGN_OR_RETURN(const bool cut, core->sequencer().TruncateOplog(limits));
  if (cut) {
    core->metrics().oplog_truncation.count.Add();
    core->metrics().oplog_truncation.micros.Add(MonotonicMicros() - start);
    P_LOG(kInfo, kStorage, 22403, "Oplog truncated to its size",
          {"bytesBefore", before}, {"bytesAfter", core->sequencer().oplog().bytes()});
  }
  return OkStatus();
}

}  // namespace

void KeepOplog(Core* core) {
  if (core->driver() == nullptr) {
    return;
  }
  // Nothing at or behind the commit point is ever rolled back; until one is known everything stays.
  const bson::Timestamp commit_point = std::min(core->positions().commit_point().optime,
                                                core->positions().durable().optime).ts;
  if (commit_point.IsNull()) {
    return;
  }
  Warn(TruncateFront(core, commit_point), "truncate the oplog");
  Warn(repl::TruncateUndo(&core->engine(), commit_point), "drop undo records");
  Warn(core->catalog().ReapDropped(), "free dropped collections");
}

void WritePeriodicNoop(Core* core) {
  if (core->driver() == nullptr || !core->parameters().GetBool(ParameterName::k_writePeriodicNoops) ||
      !core->replication().Snapshot()->accepts_writes) {
    return;
  }
  const int64_t interval_millis =
      core->parameters().GetInt(ParameterName::k_periodicNoopIntervalSecs) * int64_t{1000};
  if (WallMillis() - core->positions().written().wall_millis < interval_millis) {
    return;
  }
  // A step-down in between is no news.
  (void)core->driver()->election()->AppendNoop("periodic noop").ok();
}

}  // namespace septet::server
