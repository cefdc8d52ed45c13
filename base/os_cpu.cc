// SPDX-License-Identifier: Apache-2.0
#include "base/os_cpu.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

namespace septet {

int AvailableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) {
    return SystemCpus();
  }
  return std::max(1, CPU_COUNT(&set));
}

int SystemCpus() { return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))); }

std::string CpuArchitecture() {
  utsname name{};
  return uname(&name) == 0 ? name.machine : "";
}

ResourceUse ReadResourceUse() {
  ResourceUse use;
  rusage r{};
  if (getrusage(RUSAGE_SELF, &r) != 0) {
    return use;
  }
  use.user_micros = r.ru_utime.tv_sec * 1'000'000 + r.ru_utime.tv_usec;
  use.system_micros = r.ru_stime.tv_sec * 1'000'000 + r.ru_stime.tv_usec;
  use.max_resident_kb = r.ru_maxrss;
  use.minor_faults = r.ru_minflt;
  use.major_faults = r.ru_majflt;
  use.voluntary_switches = r.ru_nvcsw;
  use.involuntary_switches = r.ru_nivcsw;
  use.blocks_in = r.ru_inblock;
  use.blocks_out = r.ru_oublock;
  return use;
}

}  // namespace septet
