// SPDX-License-Identifier: Apache-2.0
// What is counted and told of a finished operation: opcounters, top, the line "Slow query" and
// system.profile. Fields: S11-053..S11-055.
// Thread rule: thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "catalog/op.h"
#include "commands/command.h"
#include "commands/generic_args.h"
#include "commands/metrics.h"
#include "commands/services.h"
#include "commands/usage.h"

namespace septet::server {

struct SlowOperation {
  const commands::CommandSpec* spec;
  const commands::Request* request;
  const commands::Generic* generic;
  const catalog::Op* op;
  const Status* status;
  int64_t micros;
  int64_t write_concern_micros;
  size_t reply_bytes;
};

// "db.collection" of the command, or "db.$cmd".
std::string NamespaceOf(const commands::Request& request);

void CountOperation(const commands::CommandSpec& spec, const commands::Request& request,
                    commands::ServerMetrics* metrics);
void RecordUsage(commands::UsageRecorder* usage, const commands::CommandSpec& spec,
                 const commands::Request& request, bool is_write, int64_t micros);
// Logs the operation if it was slow, and writes its profile document if the database is profiled.
void ReportOperation(const commands::Services& services, const SlowOperation& slow);

namespace slow_log_internal {
// The attributes of a "Slow query" line, as one JSON object's members are made of.
std::string ProfileDocument(const SlowOperation& slow, int64_t now_millis);
}  // namespace slow_log_internal

}  // namespace septet::server
