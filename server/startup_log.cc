// SPDX-License-Identifier: Apache-2.0
#include "server/startup_log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/log.h"
#include "base/os_cpu.h"
#include "base/os_host.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "commands/version.h"
#include "wire/net/address.h"

namespace septet::server {

using log::Attribute;

namespace {

// Whether others than this machine can connect; a name that cannot be resolved counts as one of them.
bool ReachableFromNetwork(const ServerOptions& options) {
  return options.bind_ip_all ||
         std::any_of(options.bind_ips.begin(), options.bind_ips.end(), [&](const std::string& ip) {
           const auto addresses = wire::Resolve({ip, options.port});
           return !addresses.ok() ||
                  !std::all_of(addresses->begin(), addresses->end(),
                               [](const wire::SocketAddress& a) { return a.is_loopback(); });
         });
}

}  // namespace

void LogStart(const ServerOptions& options, const commands::ProcessFacts& facts) {
  P_LOG(kInfo, kControl, 4615611, "Septet starting", {"pid", facts.pid}, {"port", options.port},
        {"dbPath", options.dbpath}, {"architecture", "64-bit"}, {"host", HostName()});
  bson::DocBuilder info;
  info.Append("version", commands::kCompatibleVersion);
  info.Append("gitVersion", "septet-" SEPTET_VERSION);
  info.Append("allocator", "jemalloc");
  {
    const auto own = info.Object("septet");
    info.Append("version", commands::kOwnVersion);
  }
  P_LOG(kInfo, kControl, 23403, "Build Info",
        Attribute::Json("buildInfo", bson::ToRelaxedJson(bson::DocView(info.Finish()))));
  const HostFacts host = ReadHostFacts();
  P_LOG(kInfo, kControl, 51765, "Operating System",
        Attribute::Json("os", bson::ToRelaxedJson(bson::DocView(
                                  bson::MakeDoc("name", host.os_name, "version",
                                                StrCat("Kernel ", host.kernel_release))))));
  if (!options.parsed.empty()) {
    P_LOG(kInfo, kControl, 21951, "Options set by command line",
          Attribute::Json("options", bson::ToRelaxedJson(bson::DocView(options.parsed))));
  }
  for (const std::string& warning : options.warnings) {
    P_LOG(kWarning, kControl, 7300002, "An option was accepted but does nothing here",
          {"warning", warning});
  }
}

void LogStartupWarnings(const ServerOptions& options) {
  if (options.in_memory) {
    log::AddStartupWarning(7300003, "All data is kept in memory only and is lost at the end");
  }
  if (!ReachableFromNetwork(options)) {
    P_LOG(kInfo, kControl, 22140,
          "This server is bound to localhost. Remote systems will be unable to connect to this "
          "server. Start the server with --bind_ip <address> to specify which IP addresses it "
          "should serve responses from, or with --bind_ip_all to bind to all interfaces");
    return;
  }
  log::AddStartupWarning(22120,
                         "Access control is not enabled for the database. Read and write access to "
                         "data and configuration is unrestricted");
  if (geteuid() == 0) {
    log::AddStartupWarning(22138, "You are running this process as the root user, which is not "
                                  "recommended");
  }
  constexpr int64_t kRecommendedFiles = 64000;
  const int64_t files = OpenFilesLimit();
  if (files >= 0 && files < kRecommendedFiles) {
    log::AddStartupWarning(22184, "Soft rlimits for open file descriptors too low",
                           {{"currentValue", files}, {"recommendedMinimum", kRecommendedFiles}});
  }
}

bool HasIpv6Loopback() {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return bound;
}

}  // namespace septet::server
