// SPDX-License-Identifier: Apache-2.0
// Election scripts: a text file of commands, each block followed by ---- and the trace it must give.
//
//   members 3 [priority=1:5] [arbiter=2] [votes=2:0] [timeout=10s]     starts an initialised set
//   run 12s | run 300ms              advances virtual time
//   crash n0 | machine-down n0 | restart n0     a crashed process refuses connections, a machine is silent
//   refuse n1 n0                     n1 is told that n0's port refuses (a lie if n0 lives)
//   cut n0 n1 | cut-one-way n0 n1 | isolate n0 | heal
//   write n0 [w=1]                   a client's write; default w: majority
//   stepdown n0 [period=60s] [catchup=10s] [force] | stepup n0 | freeze n0 30s
//   reconfig n0 remove=1 | add=1 | priority=1:5 | votes=1:0
//   status                           one line per member
//
// The network takes 5 ms, a disk write 1 ms, nothing is lost: the trace is the whole story.
#pragma once

#include <string>

#include "base/status.h"

namespace septet::sim {

// Runs the script; returns its text with the outputs as they are now. Error BadValue: the script cannot
// be read. A broken invariant is part of the output.
StatusOr<std::string> RunScript(const std::string& text);

}  // namespace septet::sim
