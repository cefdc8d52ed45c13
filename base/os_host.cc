// SPDX-License-Identifier: Apache-2.0
#include "base/os_host.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace septet {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Value of the first line "key<spaces><separator> value", without quotes.
std::string Field(const std::string& path, const std::string& key, char separator) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    if (!line.starts_with(key)) {
      continue;
    }
    const size_t at = line.find(separator);
    if (at == std::string::npos ||
        line.find_first_not_of(" \t", key.size()) != at) {
      continue;
    }
    const size_t start = line.find_first_not_of(" \t\"", at + 1);
    if (start == std::string::npos) {
      return "";
    }
    const size_t end = line.find_last_not_of(" \t\"");
    return line.substr(start, end - start + 1);
  }
  return "";
}

int NumaNodes() {
  int count = 0;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/sys/devices/system/node", error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("node") && name.find_first_not_of("0123456789", 4) == std::string::npos) {
      ++count;
    }
  }
  return count == 0 ? 1 : count;
}

int64_t SoftLimit(int resource) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return -1;
  }
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

HostFacts ReadHostFacts() {
  HostFacts facts;
  facts.host_name = HostName();
  facts.os_name = Field("/etc/os-release", "PRETTY_NAME", '=');
  utsname name{};
  if (uname(&name) == 0) {
    facts.kernel_release = name.release;
  }
  facts.kernel_version = FirstLine("/proc/version");
  facts.cpu_model = Field("/proc/cpuinfo", "model name", ':');
  facts.cpu_features = Field("/proc/cpuinfo", "flags", ':');
  facts.cpu_mhz = std::atoll(Field("/proc/cpuinfo", "cpu MHz", ':').c_str());
  facts.page_size = sysconf(_SC_PAGE_SIZE);
  facts.page_count = sysconf(_SC_PHYS_PAGES);
  facts.max_open_files = OpenFilesLimit();
  facts.numa_nodes = NumaNodes();
  return facts;
}

std::string TransparentHugePages(const std::string& setting) {
  const std::string line = FirstLine("/sys/kernel/mm/transparent_hugepage/" + setting);
  const size_t open = line.find('[');
  const size_t close = line.find(']');
  if (open == std::string::npos || close == std::string::npos) {
    return "";
  }
  return line.substr(open + 1, close - open - 1);
}

int64_t OpenFilesLimit() { return SoftLimit(RLIMIT_NOFILE); }
int64_t ProcessesLimit() { return SoftLimit(RLIMIT_NPROC); }

void RaiseOpenFilesLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace septet
