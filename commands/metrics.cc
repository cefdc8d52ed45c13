// SPDX-License-Identifier: Apache-2.0
#include "commands/metrics.h"

#include "base/strings.h"

namespace septet::commands {

ServerMetrics::ServerMetrics() {
  for (const CommandSpec* spec : AllCommands()) {
    auto counters = std::make_unique<CommandCounters>();
    registry.Register(StrCat("commands.", spec->name, ".failed"), &counters->failed);
    registry.Register(StrCat("commands.", spec->name, ".total"), &counters->total);
    commands.emplace(spec, std::move(counters));
  }
  registry.Register("document.deleted", &document.deleted);
  registry.Register("document.inserted", &document.inserted);
  registry.Register("document.returned", &document.returned);
  registry.Register("document.updated", &document.updated);
  registry.Register("getLastError.default.unsatisfiable", &get_last_error.default_unsatisfiable);
  registry.Register("getLastError.default.wtimeouts", &get_last_error.default_wtimeouts);
  registry.Register("getLastError.wtime.num", &get_last_error.wtime_num);
  registry.Register("getLastError.wtime.totalMillis", &get_last_error.wtime_total_millis);
  registry.Register("getLastError.wtimeouts", &get_last_error.wtimeouts);
  registry.Register("operation.killedDueToClientDisconnect", &operation.killed_disconnect);
  registry.Register("operation.killedDueToMaxTimeMSExpired", &operation.killed_max_time);
  registry.Register("operation.scanAndOrder", &operation.scan_and_order);
  registry.Register("operation.writeConflicts", &operation.write_conflicts);
  registry.Register("queryExecutor.collectionScans.nonTailable",
                    &query_executor.collection_scans_non_tailable);
  registry.Register("queryExecutor.collectionScans.total", &query_executor.collection_scans);
  registry.Register("queryExecutor.scanned", &query_executor.scanned);
  registry.Register("queryExecutor.scannedObjects", &query_executor.scanned_objects);
  registry.Register("ttl.deletedDocuments", &ttl.deleted_documents);
  registry.Register("ttl.passes", &ttl.passes);
}

}  // namespace septet::commands
