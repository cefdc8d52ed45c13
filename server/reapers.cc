// SPDX-License-Identifier: Apache-2.0
#include "server/reapers.h"

#include "base/clock.h"
#include "base/log.h"
#include "commands/parameters.h"
#include "commands/rw_concern_defaults.h"
#include "server/oplog_upkeep.h"
#include "server/ttl.h"

namespace septet::server {

using commands::ParameterName;

namespace {

void RunTtl(Core* core, const Background* background) {
  const bool enabled = core->parameters().GetBool(ParameterName::k_ttlMonitorEnabled);
  if (!enabled || !core->replication().Snapshot()->accepts_writes) {
    return;
  }
  const StatusOr<int64_t> removed =
      RemoveExpired({.catalog = &core->catalog(), .now_millis = WallMillis(), .stop = [background] {
                       return background->stopping();
                     }});
  core->metrics().ttl.passes.Add();
  if (removed.ok()) {
    core->metrics().ttl.deleted_documents.Add(*removed);
  }
}

}  // namespace

void AddReapers(Core* core, Background* background) {
  background->Add(
      "cursors",
      [core] {
        return std::chrono::seconds(
            core->parameters().GetInt(ParameterName::k_clientCursorMonitorFrequencySecs));
      },
      [core] {
        core->query().cursors.Sweep(
            std::chrono::steady_clock::now(),
            std::chrono::milliseconds(
                core->parameters().GetInt(ParameterName::k_cursorTimeoutMillis)));
      });
  background->Add(
      "sessions",
      [core] {
        return std::chrono::milliseconds(
            core->parameters().GetInt(ParameterName::k_logicalSessionRefreshMillis));
      },
      [core] { core->sessions().Reap(MonotonicMicros() / 1000); });
  background->Add(
      "oplog", [] { return std::chrono::seconds(2); }, [core] { KeepOplog(core); });
  background->Add(
      "noop", [] { return std::chrono::seconds(1); }, [core] { WritePeriodicNoop(core); });
  background->Add(
      "defaults", [] { return std::chrono::seconds(1); },
      [core] {
        // A document that cannot be read leaves the defaults as they are.
        (void)commands::RefreshRwConcernDefaults(&core->catalog(), &core->replication()).ok();
      });
  background->Add(
      "ttl",
      [core] {
        return std::chrono::seconds(
            core->parameters().GetInt(ParameterName::k_ttlMonitorSleepSecs));
      },
      [core, background] { RunTtl(core, background); });
}

}  // namespace septet::server
