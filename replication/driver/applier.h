// SPDX-License-Identifier: Apache-2.0
// Applies batches of oplog entries in order: runs of document changes are computed by several threads
// (core/apply_plan.h) and committed as one engine batch; commands stand alone.
// Thread rule: owned by one thread; its helpers are its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "catalog/apply.h"
#include "catalog/catalog.h"
#include "replication/driver/sync_status.h"

namespace septet::repl {

class Applier {
 public:
  // `threads` compute, this one included.
  Applier(catalog::Catalog* catalog, int threads);
  ~Applier();

  // `entries` are whole and newer than the log, in order. `tolerant`: initial sync replays over newer data.
  Status Apply(const std::vector<bson::DocView>& entries, bool tolerant);
  int64_t applied() const { return applied_; }
  const AppliedOps& applied_ops() const { return applied_ops_; }

 private:
  // `whole` are the entries' documents, parallel to `entries`.
  Status ApplyRun(const std::vector<EntryView>& entries, const std::vector<std::string>& whole,
                  bool tolerant);
  Status ApplyCommand(const EntryView& entry, bson::DocView document, bool tolerant);
  // Runs the jobs on the helpers and this thread; returns when all are done.
  void RunAll(std::vector<std::function<void()>> jobs);
  void HelperLoop();

  catalog::Catalog* const catalog_;
  const int threads_;
  Interrupt interrupt_;
  int64_t applied_ = 0;
  AppliedOps applied_ops_;
  std::vector<std::string> id_keys_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::vector<std::function<void()>> jobs_;
  size_t next_job_ = 0;
  size_t jobs_left_ = 0;
  bool stop_ = false;
  std::vector<std::thread> helpers_;
};

}  // namespace septet::repl
