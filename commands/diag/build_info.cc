// SPDX-License-Identifier: Apache-2.0
// {buildInfo: 1} -> {version, gitVersion, modules, ..., septet: {version}, ok: 1}. S02-056.
// `version` tells what the server is compatible with; the document `septet` tells what it is.
#include "base/limits.h"
#include "base/os_cpu.h"
#include "commands/command.h"
#include "commands/version.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request&, bson::DocBuilder* reply) {
  reply->Append("version", kCompatibleVersion);
  reply->Append("gitVersion", "septet-" SEPTET_VERSION);
  { const auto modules = reply->Array("modules"); }
  reply->Append("allocator", "jemalloc");
  reply->Append("javascriptEngine", "none");
  reply->Append("sysInfo", "deprecated");
  {
    const auto array = reply->Array("versionArray");
    for (const int32_t part : kCompatibleVersionArray) {
      reply->Add(part);
    }
  }
  {
    const auto openssl = reply->Object("openssl");
    reply->Append("running", "disabled").Append("compiled", "disabled");
  }
  {
    const auto environment = reply->Object("buildEnvironment");
    const std::string arch = CpuArchitecture();
    reply->Append("distmod", "").Append("distarch", arch).Append("cc", "g++ " __VERSION__);
    reply->Append("ccflags", "").Append("cxx", "g++ " __VERSION__).Append("cxxflags", "-std=c++20");
    reply->Append("linkflags", "").Append("target_arch", arch).Append("target_os", "linux");
  }
  reply->Append("bits", 64).Append("debug", false);
  reply->Append("maxBsonObjectSize", limits::kMaxBsonObjectSize);
  {
    const auto engines = reply->Array("storageEngines");
    reply->Add(std::string_view("rocksdb"));
  }
  {
    const auto own = reply->Object("septet");
    reply->Append("version", kOwnVersion);
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kBuildInfoCommand;
const CommandSpec kBuildInfoCommand = {
    .name = "buildInfo",
    .aliases = {"buildinfo"},
    .flags = kNoAuth | kMaintenanceOk | kTransactionOk,
    .help = "get version #, etc.\n{ buildinfo:1 }",
    .run = Run,
};

}  // namespace septet::commands
