// SPDX-License-Identifier: Apache-2.0
#include "query/stage/granularity.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "bson/number.h"

namespace septet::query {

namespace {

struct Series {
  std::string_view name;
  std::vector<double> members;
};

// ISO 3: R40 and what R80 puts between its members.
const std::vector<double>& R40() {
  static const std::vector<double>* const members = new std::vector<double>{
      100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 224, 236, 250, 265, 280, 300,
      315, 335, 355, 375, 400, 425, 450, 475, 500, 530, 560, 600, 630, 670, 710, 750, 800, 850, 900, 950};
  return *members;
}

std::vector<double> R80() {
  std::vector<double> members = R40();
  for (const double between :
       {103, 109, 115, 122, 128, 136, 145, 155, 165, 175, 185, 195, 206, 218, 230, 243, 258, 272, 290, 307,
        325, 345, 365, 387, 412, 437, 462, 487, 515, 545, 575, 615, 650, 690, 730, 775, 825, 875, 925,
        975}) {
    members.push_back(between);
  }
  std::sort(members.begin(), members.end());
  return members;
}

// IEC 60063 with three digits: the rounded members of a geometric series, with one exception.
std::vector<double> ThreeDigits(int count) {
  std::vector<double> members;
  for (int i = 0; i < count; ++i) {
    const double exact = std::round(100 * std::pow(10.0, static_cast<double>(i) / count));
    members.push_back(count == 192 && exact == 919 ? 920 : exact);
  }
  return members;
}

std::vector<double> Members(std::string_view name) {
  if (name == "R5") {
    return {10, 16, 25, 40, 63};
  }
  if (name == "R10") {
    return {100, 125, 160, 200, 250, 315, 400, 500, 630, 800};
  }
  if (name == "R20") {
    return {100, 112, 125, 140, 160, 180, 200, 224, 250, 280,
            315, 355, 400, 450, 500, 560, 630, 710, 800, 900};
  }
  if (name == "R40") {
    return R40();
  }
  if (name == "R80") {
    return R80();
  }
  if (name == "1-2-5") {
    return {10, 20, 50};
  }
  if (name == "E6") {
    return {10, 15, 22, 33, 47, 68};
  }
  if (name == "E12") {
    return {10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82};
  }
  if (name == "E24") {
    return {10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30,
            33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91};
  }
  if (name == "E48") {
    return ThreeDigits(48);
  }
  if (name == "E96") {
    return ThreeDigits(96);
  }
  if (name == "E192") {
    return ThreeDigits(192);
  }
  return {};
}

}  // namespace

StatusOr<std::unique_ptr<const Granularity>> Granularity::Find(std::string_view name) {
  std::unique_ptr<Granularity> found(new Granularity());
  found->name_ = name;
  found->series_ = Members(name);
  if (found->series_.empty() && name != "POWERSOF2") {
    return Error(40257, StrCat("Unknown rounding granularity '", name, "'"));
  }
  return std::unique_ptr<const Granularity>(std::move(found));
}

Status Granularity::Check(ValueView v) {
  if (!v.is_number()) {
    return Error(40258, StrCat("$bucketAuto can specify a 'granularity' with numeric boundaries only, "
                               "but found a value with type: ",
                               bson::TypeName(v.type())));
  }
  if (bson::IsNaN(v)) {
    return Error(40259, "$bucketAuto can specify a 'granularity' with numeric boundaries only, but "
                        "found a NaN");
  }
  if (bson::Sign(v) < 0) {
    return Error(40260, "$bucketAuto can specify a 'granularity' with non-negative numbers only, but "
                        "found a negative number");
  }
  return OkStatus();
}

double Granularity::Up(double v) const {
  if (v == 0 || std::isinf(v)) {
    return v;
  }
  if (series_.empty()) {
    return std::exp2(std::floor(std::log2(v)) + 1);
  }
  double scale = 1;
  while (v >= series_.back() * scale) {
    scale *= 10;
  }
  while (v < series_.front() * scale) {
    const double next = scale / 10;
    if (v >= series_.back() * next) {
      return series_.front() * scale;
    }
    scale = next;
  }
  for (const double member : series_) {
    if (member * scale > v) {
      return member * scale;
    }
  }
  return series_.front() * scale * 10;
}

double Granularity::Down(double v) const {
  if (v == 0 || std::isinf(v)) {
    return v;
  }
  if (series_.empty()) {
    return std::exp2(std::ceil(std::log2(v)) - 1);
  }
  double scale = 1;
  while (v <= series_.front() * scale) {
    scale /= 10;
  }
  while (v > series_.back() * scale) {
    const double next = scale * 10;
    if (v <= series_.front() * next) {
      return series_.back() * scale;
    }
    scale = next;
  }
  for (auto member = series_.rbegin(); member != series_.rend(); ++member) {
    if (*member * scale < v) {
      return *member * scale;
    }
  }
  return series_.back() * scale / 10;
}

}  // namespace septet::query
