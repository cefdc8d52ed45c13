// SPDX-License-Identifier: Apache-2.0
// A small seeded generator (SplitMix64 start, xoshiro256** steps; public domain algorithms by
// Blackman and Vigna). Passed in wherever chance is needed, so a run can be replayed by its seed.
// Thread rule: owned by one thread.
#pragma once

#include <cstdint>

namespace septet {

class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t Next();
  // Uniform in [0, bound); bound > 0.
  uint64_t Uniform(uint64_t bound) { return Next() % bound; }
  // Uniform in [low, high].
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Uniform(static_cast<uint64_t>(high - low) + 1));
  }
  // Uniform in [0, 1).
  double NextDouble() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  bool OneIn(double probability) { return NextDouble() < probability; }

 private:
  uint64_t state_[4];
};

// 64 bits from the operating system, to seed a Random in the server.
uint64_t RandomSeedFromSystem();

}  // namespace septet
