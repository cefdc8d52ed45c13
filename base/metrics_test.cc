// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <gtest/gtest.h>

#include <vector>

namespace septet {
namespace {

TEST(HistogramTest, BucketsAreAtMostAQuarterWide) {
  for (int64_t v : {0LL, 1LL, 3LL, 4LL, 5LL, 7LL, 8LL, 100LL, 1000LL, 123456789LL}) {
    const int b = Histogram::BucketOf(v);
    EXPECT_LE(Histogram::LowerEdge(b), v);
    EXPECT_GT(Histogram::LowerEdge(b + 1), v);
    if (v >= 4) {
      EXPECT_LE(Histogram::LowerEdge(b + 1) - Histogram::LowerEdge(b), Histogram::LowerEdge(b) / 4);
    }
  }
  EXPECT_EQ(Histogram::BucketOf(int64_t{1} << 60), Histogram::kBuckets - 1);
}

TEST(HistogramTest, Quantiles) {
  Histogram h;
  EXPECT_EQ(h.Quantile(0.5), 0);
  for (int i = 1; i <= 100; ++i) {
    h.Record(i);
  }
  EXPECT_EQ(h.count(), 100);
  EXPECT_EQ(h.sum(), 5050);
  EXPECT_EQ(h.Quantile(0.5), 56);
  EXPECT_EQ(h.Quantile(1.0), 112);
}

TEST(MetricsRegistryTest, VisitsInPathOrder) {
  Counter inserted;
  Gauge open;
  MetricsRegistry registry;
  registry.Register("document.inserted", &inserted);
  registry.Register("cursor.open.total", &open);
  registry.Register("document.returned", [] { return int64_t{7}; });
  inserted.Add(3);
  open.Set(2);
  std::vector<std::string> seen;
  registry.ForEach([&](std::string_view path, const MetricsRegistry::Metric& m) {
    seen.push_back(std::string(path) + "=" + std::to_string(MetricsRegistry::ValueOf(m)));
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"cursor.open.total=2", "document.inserted=3",
                                            "document.returned=7"}));
}

}  // namespace
}  // namespace septet
