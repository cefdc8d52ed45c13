// SPDX-License-Identifier: Apache-2.0
#include "tools/process.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include "base/strings.h"

namespace septet::tools {

std::optional<double> CpuMicrosOf(int pid) {
  clockid_t clock{};
  timespec time{};
  if (pid <= 0 || ::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

int64_t ResidentKbOf(int pid) {
  std::ifstream file(StrCat("/proc/", pid, "/status"));
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("VmRSS:")) {
      return std::atoll(line.c_str() + 6);
    }
  }
  return 0;
}

int64_t NowNanos() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace septet::tools
