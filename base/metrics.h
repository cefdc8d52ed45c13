// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and latency histograms. Each folder owns a struct of them and registers it under
// dotted paths ("document.inserted"); the registry serves serverStatus and the Prometheus page.
// Thread rule: thread-safe; Add and Record are relaxed atomics without locks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace septet {

class Counter {
 public:
  void Add(int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

class Gauge {
 public:
  void Set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void Add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Log-linear: each power of two is cut into 4 equal parts, so a bucket is at most 25 % wide. Values are
// whole numbers >= 0 (microseconds, bytes); those of 2^40 and more share the last bucket.
class Histogram {
 public:
  static constexpr int kSubBuckets = 4;
  static constexpr int kBuckets = kSubBuckets * 40;

  void Record(int64_t v);
  int64_t count() const { return count_.load(std::memory_order_relaxed); }
  int64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  int64_t bucket(int i) const {
    return buckets_[static_cast<size_t>(i)].load(std::memory_order_relaxed);
  }
  // Upper edge of the bucket that holds the quantile q in (0, 1]; 0 if nothing was recorded.
  int64_t Quantile(double q) const;

  static int BucketOf(int64_t v);
  static int64_t LowerEdge(int bucket);  // inclusive

 private:
  std::array<std::atomic<int64_t>, kBuckets> buckets_{};
  std::atomic<int64_t> count_{0};
  std::atomic<int64_t> sum_{0};
};

class MetricsRegistry {
 public:
  using Computed = std::function<int64_t()>;
  using Metric = std::variant<const Counter*, const Gauge*, const Histogram*, Computed>;

  // The metric must outlive the registry. A path is registered once.
  void Register(std::string path, Metric metric);
  // In order of path, so that a nested document can be written in one pass.
  void ForEach(const std::function<void(std::string_view path, const Metric& metric)>& visit) const;
  // Value of a counter, gauge or computed metric; a histogram's count.
  static int64_t ValueOf(const Metric& metric);

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, Metric, std::less<>> metrics_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace septet
