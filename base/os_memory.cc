// SPDX-License-Identifier: Apache-2.0
#include "base/os_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace septet {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// "max" and anything that is no number count as no limit; v1 writes a huge number for it.
uint64_t ReadLimitFile(const std::string& path) {
  std::ifstream in(path);
  uint64_t value = 0;
  return in >> value && value < (uint64_t{1} << 62) ? value : kNoLimit;
}

// The limit of `group` and of every group above it.
uint64_t LimitUpTo(const std::string& root, std::string group, const std::string& file) {
  uint64_t limit = kNoLimit;
  while (true) {
    limit = std::min(limit, ReadLimitFile(root + group + "/" + file));
    const size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) {
      return limit;
    }
    group.resize(slash);
  }
}

std::string ReadFile(const char* path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

namespace os_internal {

uint64_t CgroupLimit(const std::string& mount, const std::string& proc_cgroup) {
  uint64_t limit = kNoLimit;
  std::istringstream lines(proc_cgroup);
  std::string line;
  while (std::getline(lines, line)) {
    // hierarchy-id:controllers:path
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/") {
      group.clear();
    }
    if (controllers.empty()) {
      limit = std::min(limit, LimitUpTo(mount, group, "memory.max"));
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      // Inside a container the path is that of the host while the mount shows only our part.
      limit = std::min({limit, LimitUpTo(mount + "/memory", group, "memory.limit_in_bytes"),
                        ReadLimitFile(mount + "/memory/memory.limit_in_bytes")});
    }
  }
  return std::min(limit, ReadLimitFile(mount + "/memory.max"));
}

}  // namespace os_internal

MemoryLimits ReadMemoryLimits() {
  MemoryLimits limits;
  limits.system_bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  limits.limit_bytes =
      std::min(limits.system_bytes,
               os_internal::CgroupLimit("/sys/fs/cgroup", ReadFile("/proc/self/cgroup")));
  return limits;
}

MemoryUse ReadMemoryUse() {
  MemoryUse use;
  std::ifstream in("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  if (in >> total >> resident) {
    const auto page = static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
    use.virtual_bytes = total * page;
    use.resident_bytes = resident * page;
  }
  return use;
}

}  // namespace septet
