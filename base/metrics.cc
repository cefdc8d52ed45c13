// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "base/check.h"

namespace septet {

int Histogram::BucketOf(int64_t v) {
  if (v < kSubBuckets) {
    return static_cast<int>(std::max<int64_t>(v, 0));
  }
  // 4 <= v: `exponent` is that of the leading bit, the next two bits choose the part.
  const int exponent = static_cast<int>(std::bit_width(static_cast<uint64_t>(v))) - 1;
  const int part = static_cast<int>((static_cast<uint64_t>(v) >> (exponent - 2)) & 3);
  return std::min((exponent - 1) * kSubBuckets + part, kBuckets - 1);
}

int64_t Histogram::LowerEdge(int bucket) {
  if (bucket < kSubBuckets) {
    return bucket;
  }
  const int exponent = bucket / kSubBuckets + 1;
  const int64_t part = bucket % kSubBuckets;
  return (int64_t{4} + part) << (exponent - 2);
}

void Histogram::Record(int64_t v) {
  buckets_[static_cast<size_t>(BucketOf(v))].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

int64_t Histogram::Quantile(double q) const {
  const int64_t total = count();
  const auto rank = static_cast<int64_t>(std::ceil(q * static_cast<double>(total)));
  int64_t seen = 0;
  for (int i = 0; i < kBuckets && total > 0; ++i) {
    seen += bucket(i);
    if (seen >= rank) {
      return LowerEdge(i + 1);
    }
  }
  return 0;
}

void MetricsRegistry::Register(std::string path, Metric metric) {
  absl::MutexLock lock(&mutex_);
  const bool added = metrics_.emplace(std::move(path), std::move(metric)).second;
  P_CHECK(added);
}

void MetricsRegistry::ForEach(
    const std::function<void(std::string_view, const Metric&)>& visit) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& [path, metric] : metrics_) {
    visit(path, metric);
  }
}

int64_t MetricsRegistry::ValueOf(const Metric& metric) {
  return std::visit(
      [](const auto& m) -> int64_t {
        using T = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<T, Computed>) {
          return m();
        } else if constexpr (std::is_same_v<T, const Histogram*>) {
          return m->count();
        } else {
          return m->value();
        }
      },
      metric);
}

}  // namespace septet
