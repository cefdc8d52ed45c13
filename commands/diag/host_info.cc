// SPDX-License-Identifier: Apache-2.0
// {hostInfo: 1} -> {system: {...}, os: {...}, extra: {...}}. S02-094; fields from a recorded answer.
#include <gnu/libc-version.h>

#include "base/clock.h"
#include "base/os_cpu.h"
#include "base/os_host.h"
#include "base/os_memory.h"
#include "base/strings.h"
#include "commands/command.h"
#include "commands/server_control.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

int32_t Mebibytes(uint64_t bytes) { return static_cast<int32_t>(bytes >> 20); }

Outcome Run(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  const HostFacts facts = ReadHostFacts();
  const MemoryLimits memory = ReadMemoryLimits();
  {
    const auto system = reply->Object("system");
    reply->AppendDate("currentTime", WallMillis());
    reply->Append("hostname", services.server->facts().host);
    reply->Append("cpuAddrSize", 64);
    reply->Append("memSizeMB", Mebibytes(memory.system_bytes));
    reply->Append("memLimitMB", Mebibytes(memory.limit_bytes));
    reply->Append("numCores", SystemCpus());
    reply->Append("numCoresAvailableToProcess", AvailableCpus());
    reply->Append("cpuArch", CpuArchitecture());
    reply->Append("numaEnabled", facts.numa_nodes > 1);
    reply->Append("numNumaNodes", facts.numa_nodes);
  }
  {
    const auto os = reply->Object("os");
    reply->Append("type", "Linux");
    reply->Append("name", facts.os_name);
    reply->Append("version", StrCat("Kernel ", facts.kernel_release));
  }
  const auto extra = reply->Object("extra");
  reply->Append("versionString", facts.kernel_version);
  reply->Append("libcVersion", gnu_get_libc_version());
  reply->Append("kernelVersion", facts.kernel_release);
  reply->Append("cpuString", facts.cpu_model);
  reply->Append("cpuFrequencyMHz", std::to_string(facts.cpu_mhz));
  reply->Append("cpuFeatures", facts.cpu_features);
  reply->Append("pageSize", facts.page_size);
  reply->Append("numPages", static_cast<int32_t>(facts.page_count));
  reply->Append("maxOpenFiles", static_cast<int32_t>(facts.max_open_files));
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kHostInfoCommand;
const CommandSpec kHostInfoCommand = {
    .name = "hostInfo",
    .flags = kMaintenanceOk,
    .help = "returns information about the daemon's host",
    .run = Run,
};

}  // namespace septet::commands
