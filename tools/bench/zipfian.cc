// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/zipfian.h"

#include <algorithm>
#include <cmath>

namespace septet::bench {
namespace {

constexpr double kTheta = 0.99;
constexpr double kAlpha = 1.0 / (1.0 - kTheta);

}  // namespace

Zipfian::Zipfian(int64_t items) { Grow(items); }

void Zipfian::Grow(int64_t items) {
  for (; items_ < items; ++items_) {
    zeta_ += 1.0 / std::pow(static_cast<double>(items_ + 1), kTheta);
  }
  Derive();
}

void Zipfian::Derive() {
  const double zeta_of_two = 1.0 + 1.0 / std::pow(2.0, kTheta);
  eta_ = (1.0 - std::pow(2.0 / static_cast<double>(items_), 1.0 - kTheta)) /
         (1.0 - zeta_of_two / zeta_);
}

int64_t Zipfian::Next(Random* random) {
  const double u = random->NextDouble();
  const double uz = u * zeta_;
  if (uz < 1.0) {
    return 0;
  }
  if (uz < 1.0 + std::pow(0.5, kTheta)) {
    return std::min<int64_t>(1, items_ - 1);
  }
  const double rank = static_cast<double>(items_) * std::pow(eta_ * u - eta_ + 1.0, kAlpha);
  return std::min(static_cast<int64_t>(rank), items_ - 1);
}

uint64_t FnvHash(uint64_t number) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (int i = 0; i < 8; ++i) {
    hash = (hash ^ (number & 0xff)) * 1099511628211ULL;
    number >>= 8;
  }
  return hash;
}

}  // namespace septet::bench
