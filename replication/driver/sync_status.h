// SPDX-License-Identifier: Apache-2.0
// What replSetGetStatus and serverStatus tell of copying the log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace septet::repl {

struct InitialSyncStatus {
  bool running = false;
  bool ever_ran = false;
  int failed_attempts = 0;
  int max_attempts = 10;
  int64_t start_wall_millis = 0;
  int64_t end_wall_millis = 0;
  int64_t total_bytes = 0;       // of the source's data, approximately
  int64_t copied_bytes = 0;
  int64_t copied_documents = 0;
  int64_t applied_ops = 0;
  std::string source;
  std::string current;           // collection being copied
  struct Database {
    std::string name;
    int collections = 0;
    int cloned = 0;
  };
  std::vector<Database> databases;
};

// Entries of the log that were applied, by what they do.
struct AppliedOps {
  int64_t inserts = 0;
  int64_t updates = 0;
  int64_t removes = 0;
  int64_t commands = 0;
};

struct SyncStatus {
  InitialSyncStatus initial;
  int64_t fetches = 0;
  int64_t fetched_batches = 0;   // fetches that brought something
  int64_t fetched_ops = 0;
  int64_t fetched_bytes = 0;
  int64_t fetch_micros = 0;      // from asking to the answer, the wait for news included
  int64_t applied_ops = 0;
  int64_t apply_micros = 0;
  AppliedOps applied;
  int64_t rollbacks = 0;
  std::string last_error;
};

}  // namespace septet::repl
