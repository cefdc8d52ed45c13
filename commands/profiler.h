// SPDX-License-Identifier: Apache-2.0
// Writes profile documents into <db>.system.profile, a capped collection that is made when needed.
// Never holds up the operation it reports: documents are queued and written by a worker; when the queue
// is full the oldest are dropped and counted.
// Thread rule: thread-safe. Implemented in server/.
#pragma once

#include <string>
#include <string_view>

namespace septet::commands {

class Profiler {
 public:
  virtual ~Profiler() = default;
  virtual void Add(std::string_view db, std::string document) = 0;
};

}  // namespace septet::commands
