// SPDX-License-Identifier: Apache-2.0
// How much memory this process may use and does use.
#pragma once

#include <cstdint>
#include <string>

namespace septet {

struct MemoryLimits {
  uint64_t system_bytes = 0;  // installed
  uint64_t limit_bytes = 0;   // the smaller of that and the control group's limit (v1 or v2)
};
MemoryLimits ReadMemoryLimits();

struct MemoryUse {
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
};
MemoryUse ReadMemoryUse();

namespace os_internal {
// The smallest limit found for the groups named by `proc_cgroup` (the text of /proc/self/cgroup) below
// `mount` (/sys/fs/cgroup): memory.max of every group up to the root for v2,
// memory/.../memory.limit_in_bytes for v1. UINT64_MAX without a limit.
uint64_t CgroupLimit(const std::string& mount, const std::string& proc_cgroup);
}  // namespace os_internal

}  // namespace septet
