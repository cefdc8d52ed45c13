// SPDX-License-Identifier: Apache-2.0
#include "query/exec/interval.h"

#include <algorithm>

#include "bson/ejson.h"

namespace septet::query {

using bson::Compare;
using bson::Type;
using bson::Value;
using bson::ValueView;

namespace {

ValueView MinKey() { return {Type::kMinKey, ""}; }
ValueView MaxKey() { return {Type::kMaxKey, ""}; }

// <0 if a's lower end starts first.
int CompareLows(const Interval& a, const Interval& b) {
  const int c = Compare(a.low.view(), b.low.view());
  if (c != 0) {
    return c;
  }
  return static_cast<int>(b.low_inclusive) - static_cast<int>(a.low_inclusive);
}

int CompareHighs(const Interval& a, const Interval& b) {
  const int c = Compare(a.high.view(), b.high.view());
  if (c != 0) {
    return c;
  }
  return static_cast<int>(a.high_inclusive) - static_cast<int>(b.high_inclusive);
}

// May `next` (not starting before `first`) be joined with `first`?
bool Touches(const Interval& first, const Interval& next) {
  const int c = Compare(first.high.view(), next.low.view());
  return c > 0 || (c == 0 && (first.high_inclusive || next.low_inclusive));
}

}  // namespace

Interval Interval::Point(ValueView v) { return {Value(v), Value(v), true, true}; }

Interval Interval::All() { return {Value(MinKey()), Value(MaxKey()), true, true}; }

bool Interval::IsPoint() const {
  return low_inclusive && high_inclusive && Compare(low.view(), high.view()) == 0;
}

bool Interval::IsAll() const {
  return low.type() == Type::kMinKey && high.type() == Type::kMaxKey && low_inclusive &&
         high_inclusive;
}

bool Interval::IsEmpty() const {
  const int c = Compare(low.view(), high.view());
  return c > 0 || (c == 0 && !(low_inclusive && high_inclusive));
}

bool Interval::Contains(ValueView v) const {
  const int to_low = Compare(v, low.view());
  if (to_low < 0 || (to_low == 0 && !low_inclusive)) {
    return false;
  }
  const int to_high = Compare(v, high.view());
  return to_high < 0 || (to_high == 0 && high_inclusive);
}

std::string Interval::ToText() const {
  std::string out(1, low_inclusive ? '[' : '(');
  out += bson::ToShellText(low.view());
  out += ", ";
  out += bson::ToShellText(high.view());
  out += high_inclusive ? ']' : ')';
  return out;
}

void Normalize(IntervalList* list) {
  std::erase_if(*list, [](const Interval& i) { return i.IsEmpty(); });
  std::sort(list->begin(), list->end(),
            [](const Interval& a, const Interval& b) { return CompareLows(a, b) < 0; });
  IntervalList merged;
  for (Interval& next : *list) {
    if (!merged.empty() && Touches(merged.back(), next)) {
      if (CompareHighs(merged.back(), next) < 0) {
        merged.back().high = std::move(next.high);
        merged.back().high_inclusive = next.high_inclusive;
      }
    } else {
      merged.push_back(std::move(next));
    }
  }
  *list = std::move(merged);
}

IntervalList Union(IntervalList a, const IntervalList& b) {
  a.insert(a.end(), b.begin(), b.end());
  Normalize(&a);
  return a;
}

IntervalList Intersect(const IntervalList& a, const IntervalList& b) {
  IntervalList out;
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const Interval& lower = CompareLows(a[i], b[j]) >= 0 ? a[i] : b[j];
    const bool a_ends_first = CompareHighs(a[i], b[j]) <= 0;
    const Interval& upper = a_ends_first ? a[i] : b[j];
    Interval both{lower.low, upper.high, lower.low_inclusive, upper.high_inclusive};
    if (!both.IsEmpty()) {
      out.push_back(std::move(both));
    }
    if (a_ends_first) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

IntervalList Complement(const IntervalList& list) {
  IntervalList out;
  Value at(MinKey());
  bool at_inclusive = true;
  for (const Interval& i : list) {
    Interval gap{at, i.low, at_inclusive, !i.low_inclusive};
    if (!gap.IsEmpty()) {
      out.push_back(std::move(gap));
    }
    at = i.high;
    at_inclusive = !i.high_inclusive;
  }
  Interval rest{at, Value(MaxKey()), at_inclusive, true};
  if (!rest.IsEmpty()) {
    out.push_back(std::move(rest));
  }
  return out;
}

bool Contains(const IntervalList& list, ValueView v) {
  return std::any_of(list.begin(), list.end(), [v](const Interval& i) { return i.Contains(v); });
}

bool AllPoints(const IntervalList& list) {
  return std::all_of(list.begin(), list.end(), [](const Interval& i) { return i.IsPoint(); });
}

}  // namespace septet::query
