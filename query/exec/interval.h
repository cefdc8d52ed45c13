// SPDX-License-Identifier: Apache-2.0
// Intervals of BSON values, as index bounds are made of.
// Thread rule: values.
#pragma once

#include <string>
#include <vector>

#include "bson/compare.h"
#include "bson/value.h"

namespace septet::query {

struct Interval {
  bson::Value low;
  bson::Value high;
  bool low_inclusive = true;
  bool high_inclusive = true;

  static Interval Point(bson::ValueView v);
  static Interval All();  // [MinKey, MaxKey]
  bool IsPoint() const;
  bool Contains(bson::ValueView v) const;
  bool IsEmpty() const;  // low > high, or equal and open
  bool IsAll() const;
  // "[1, 5)" as explain prints it.
  std::string ToText() const;
};

// Sorted ascending, disjoint.
using IntervalList = std::vector<Interval>;

// Sorts and merges what overlaps or touches.
void Normalize(IntervalList* list);
IntervalList Union(IntervalList a, const IntervalList& b);
IntervalList Intersect(const IntervalList& a, const IntervalList& b);
IntervalList Complement(const IntervalList& list);
bool Contains(const IntervalList& list, bson::ValueView v);
bool AllPoints(const IntervalList& list);

}  // namespace septet::query
