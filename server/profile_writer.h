// SPDX-License-Identifier: Apache-2.0
// Writes <db>.system.profile in the background. See commands/profiler.h.
// Thread rule: Add from any thread; one thread of its own writes, started when first needed.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/metrics.h"
#include "catalog/catalog.h"
#include "commands/profiler.h"

namespace septet::server {

class ProfileWriter : public commands::Profiler {
 public:
  static constexpr size_t kMaxQueued = 10'000;
  static constexpr int64_t kCollectionBytes = 1 << 20;  // as a mongod makes it

  explicit ProfileWriter(catalog::Catalog* catalog) : catalog_(catalog) {}
  ~ProfileWriter() override;  // writes what is queued
  ProfileWriter(const ProfileWriter&) = delete;
  ProfileWriter& operator=(const ProfileWriter&) = delete;

  void Add(std::string_view db, std::string document) override;
  int64_t dropped() const { return dropped_.value(); }
  // Returns once everything added before is written.
  void Drain();

 private:
  void Loop();
  Status Write(const std::string& db, const std::string& document);

  catalog::Catalog* const catalog_;
  Counter dropped_;
  absl::Mutex mutex_;
  std::deque<std::pair<std::string, std::string>> queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace septet::server
