// SPDX-License-Identifier: Apache-2.0
// Preferred number series for $bucketAuto's boundaries: Renard (R5 ... R80), E6 ... E192 of IEC 60063,
// 1-2-5 and the powers of two. Thread rule: immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/expression/expression.h"

namespace septet::query {

class Granularity {
 public:
  // Error 40257: no such series.
  static StatusOr<std::unique_ptr<const Granularity>> Find(std::string_view name);

  // Only numbers that are not negative can be rounded: 40258, 40259, 40260.
  static Status Check(ValueView v);
  // The next greater, the next smaller member of the series; zero stays zero.
  double Up(double v) const;
  double Down(double v) const;
  const std::string& name() const { return name_; }

 private:
  Granularity() = default;
  std::string name_;
  std::vector<double> series_;  // one decade, ascending; empty: powers of two
};

}  // namespace septet::query
