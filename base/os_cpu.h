// SPDX-License-Identifier: Apache-2.0
// Processors and what this process used of them.
#pragma once

#include <cstdint>
#include <string>

namespace septet {

// Processors the process may run on (affinity mask); at least 1.
int AvailableCpus();
// Processors of the machine.
int SystemCpus();
// "x86_64", "aarch64".
std::string CpuArchitecture();

struct ResourceUse {
  int64_t user_micros = 0;
  int64_t system_micros = 0;
  int64_t max_resident_kb = 0;
  int64_t minor_faults = 0;
  int64_t major_faults = 0;
  int64_t voluntary_switches = 0;
  int64_t involuntary_switches = 0;
  int64_t blocks_in = 0;
  int64_t blocks_out = 0;
};
ResourceUse ReadResourceUse();

}  // namespace septet
