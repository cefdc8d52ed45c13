// SPDX-License-Identifier: Apache-2.0
// Facts about the machine for hostInfo, the start-up log and start-up warnings.
#pragma once

#include <cstdint>
#include <string>

namespace septet {

struct HostFacts {
  std::string host_name;
  std::string os_name;         // PRETTY_NAME of os-release
  std::string kernel_release;  // uname -r
  std::string kernel_version;  // /proc/version
  std::string cpu_model;
  std::string cpu_features;
  int64_t cpu_mhz = 0;
  int64_t page_size = 0;
  int64_t page_count = 0;
  int64_t max_open_files = 0;  // soft limit of this process
  int numa_nodes = 1;
};
HostFacts ReadHostFacts();

std::string HostName();
// "always", "madvise", "never", or empty: transparent huge pages ("enabled" or "defrag").
std::string TransparentHugePages(const std::string& setting);
// Soft limits of this process; -1 = unlimited.
int64_t OpenFilesLimit();
int64_t ProcessesLimit();
// Raises the soft limit of open files to the hard one, as far as the system lets it.
void RaiseOpenFilesLimit();

}  // namespace septet
