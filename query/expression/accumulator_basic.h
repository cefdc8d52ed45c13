// SPDX-License-Identifier: Apache-2.0
// Accumulators that keep one number or value. $sum, $avg and the $stdDev pair are used by the
// expressions of the same names too. Thread rule: see accumulator.h.
#pragma once

#include "bson/number.h"

#include "query/expression/accumulator.h"
#include "query/expression/result.h"

namespace septet::query {

class SumAccumulator : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext*) override {
    if (input.is_number()) {
      sum_.Add(input);
    }
    return OkStatus();
  }
  StatusOr<ValueView> Result(EvalContext* ctx) override { return sum_.Result(ctx->arena); }
  size_t memory_bytes() const override { return sizeof(*this); }

 private:
  bson::SumState sum_;
};

class AvgAccumulator : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext*) override {
    if (input.is_number()) {
      sum_.Add(input);
      ++count_;
    }
    return OkStatus();
  }
  StatusOr<ValueView> Result(EvalContext* ctx) override {
    return count_ == 0 ? NullValue() : sum_.Average(count_, ctx->arena);
  }
  size_t memory_bytes() const override { return sizeof(*this); }

 private:
  bson::SumState sum_;
  int64_t count_ = 0;
};

// Welford's running variance over doubles.
template <bool kSample>
class StdDevAccumulator : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext*) override {
    if (input.is_number()) {
      const double d = bson::ToDouble(input);
      ++count_;
      const double delta = d - mean_;
      mean_ += delta / static_cast<double>(count_);
      squares_ += delta * (d - mean_);
    }
    return OkStatus();
  }
  StatusOr<ValueView> Result(EvalContext* ctx) override;
  size_t memory_bytes() const override { return sizeof(*this); }

 private:
  int64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

extern template class StdDevAccumulator<false>;
extern template class StdDevAccumulator<true>;

}  // namespace septet::query
