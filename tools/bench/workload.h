// SPDX-License-Identifier: Apache-2.0
// What a benchmark does: one Workload per run prepares the data, one Worker per connection then
// repeats one operation. A family of workloads is one file; workload.cc holds the list of names.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tools/bench/mongo.h"

namespace septet::bench {

// Belongs to one thread and one connection.
class Worker {
 public:
  virtual ~Worker() = default;
  // One operation; how many units it counts for (documents for bulk, else 1).
  virtual StatusOr<int64_t> Step() = 0;
};

class Workload {
 public:
  virtual ~Workload() = default;
  // Creates what is missing: indexes, documents. Called once, before any worker is made.
  virtual Status Prepare(mongoc_client_t* client) = 0;
  virtual std::unique_ptr<Worker> MakeWorker(mongoc_client_t* client, uint64_t seed) = 0;
};

// Null for a name that is none. `documents`: how many the collection is filled with.
std::unique_ptr<Workload> MakeWorkload(std::string_view name, int64_t documents);
// For the usage text.
std::string_view WorkloadNames();

// The families.
std::unique_ptr<Workload> MakePing();
std::unique_ptr<Workload> MakeFind(int64_t documents);
std::unique_ptr<Workload> MakeUpdate(int64_t documents);
std::unique_ptr<Workload> MakeInsert(bool bulk);
std::unique_ptr<Workload> MakeRange(int64_t documents);
std::unique_ptr<Workload> MakeAggregate(int64_t documents);
std::unique_ptr<Workload> MakeYcsb(char letter, int64_t documents);

}  // namespace septet::bench
