// SPDX-License-Identifier: Apache-2.0
// The skewed choices of YCSB: Zipf's law with constant 0.99, by the method of Gray et al., "Quickly
// Generating Billion-Record Synthetic Databases" (SIGMOD 1994). Belongs to one thread.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace septet::bench {

// A rank in [0, items): 0 is chosen most often.
class Zipfian {
 public:
  explicit Zipfian(int64_t items);
  int64_t Next(Random* random);
  // More items than before; costs time in proportion to how many more.
  void Grow(int64_t items);
  int64_t items() const { return items_; }

 private:
  void Derive();

  int64_t items_ = 0;
  double zeta_ = 0;
  double eta_ = 0;
};

// Spreads numbers over the whole range: FNV-1 of the eight bytes, as YCSB hashes its keys.
uint64_t FnvHash(uint64_t number);

}  // namespace septet::bench
