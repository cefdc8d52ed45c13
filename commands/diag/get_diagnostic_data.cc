// SPDX-License-Identifier: Apache-2.0
// {getDiagnosticData: 1} -> {data: {start, serverStatus: {...}, replSetGetStatus: {...}, "local.oplog.rs.stats":
// {...}, systemMetrics: {start, cpu: {...}, memory: {...}, end}, end}}. S02-101; exporters read it in one call.
// What does not apply (no set, no oplog) is left out.
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "bson/builder.h"
#include "commands/command.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

using bson::DocBuilder;

// Runs another command at once and appends its reply; nothing if it fails or would have to wait.
void AppendCommand(std::string_view field, catalog::Op* op, const Services& services,
                   const Request& request, std::string_view db, const std::string& body,
                   DocBuilder* out) {
  const bson::DocView command(body);
  const CommandSpec* spec = FindCommand(command.FirstElement().name());
  if (spec == nullptr) {
    return;
  }
  Request inner = request;
  inner.db = db;
  inner.name = command.FirstElement().name();
  inner.body = command;
  inner.sequences.clear();
  DocBuilder reply;
  reply.AppendDate("start", WallMillis());
  const Outcome outcome = spec->run(op, services, inner, &reply);
  const Done* done = std::get_if<Done>(&outcome.v);
  if (done == nullptr || !done->status.ok()) {
    return;
  }
  reply.Append("ok", 1.0).AppendDate("end", WallMillis());
  out->Append(field, bson::DocView(reply.Finish()));
}

// The totals of /proc/stat in milliseconds of this machine's ticks, as node exporters name them.
void AppendCpu(DocBuilder* out) {
  constexpr std::string_view kNames[] = {"user_ms",   "nice_ms",    "system_ms", "idle_ms",
                                         "iowait_ms", "irq_ms",     "softirq_ms", "steal_ms",
                                         "guest_ms",  "guest_nice_ms"};
  std::ifstream in("/proc/stat");
  std::string line;
  const auto cpu = out->Object("cpu");
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string key;
    fields >> key;
    int64_t value = 0;
    if (key == "cpu") {
      for (const std::string_view name : kNames) {
        if (fields >> value) {
          out->Append(name, value * 10);
        }
      }
    } else if (key == "ctxt" || key == "processes" || key == "procs_running" ||
               key == "procs_blocked") {
      if (fields >> value) {
        out->Append(key, value);
      }
    }
  }
}

void AppendMemory(DocBuilder* out) {
  std::ifstream in("/proc/meminfo");
  std::string line;
  const auto memory = out->Object("memory");
  while (std::getline(in, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) {
      continue;
    }
    const std::string name = line.substr(0, colon);
    for (const std::string_view wanted : {"MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached",
                                          "SwapTotal", "SwapFree", "Dirty", "Active", "Inactive"}) {
      if (name == wanted) {
        out->Append(name + "_kb", static_cast<int64_t>(std::atoll(line.c_str() + colon + 1)));
      }
    }
  }
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request, DocBuilder* reply) {
  const auto data = reply->Object("data");
  reply->AppendDate("start", WallMillis());
  AppendCommand("serverStatus", op, services, request, "admin",
                bson::MakeDoc("serverStatus", 1, "$db", "admin"), reply);
  if (services.driver != nullptr) {
    AppendCommand("replSetGetStatus", op, services, request, "admin",
                  bson::MakeDoc("replSetGetStatus", 1, "$db", "admin"), reply);
    AppendCommand("local.oplog.rs.stats", op, services, request, "local",
                  bson::MakeDoc("collStats", "oplog.rs", "$db", "local"), reply);
  }
  {
    const auto metrics = reply->Object("systemMetrics");
    reply->AppendDate("start", WallMillis());
    AppendCpu(reply);
    AppendMemory(reply);
    reply->AppendDate("end", WallMillis());
  }
  reply->AppendDate("end", WallMillis());
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kGetDiagnosticDataCommand;
const CommandSpec kGetDiagnosticDataCommand = {
    .name = "getDiagnosticData",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "get a sample of diagnostic data",
    .run = Run,
};

}  // namespace septet::commands
