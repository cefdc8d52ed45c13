// SPDX-License-Identifier: Apache-2.0
// $avg $count $first $last $max $mergeObjects $min $stdDevPop $stdDevSamp $sum.
// Source: manual, "$group", "Accumulator operator".
#include "query/expression/accumulator_basic.h"

#include <cmath>
#include <string>

#include "base/strings.h"
#include "query/expression/accumulator_row.h"

namespace septet::query {

template <bool kSample>
StatusOr<ValueView> StdDevAccumulator<kSample>::Result(EvalContext* ctx) {
  const int64_t divisor = kSample ? count_ - 1 : count_;
  if (divisor <= 0) {
    return NullValue();
  }
  return ctx->arena->Double(std::sqrt(squares_ / static_cast<double>(divisor)));
}

template class StdDevAccumulator<false>;
template class StdDevAccumulator<true>;

namespace {

template <bool kMax>
class ExtremeAccumulator final : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext* ctx) override {
    if (input.nullish()) {
      return OkStatus();
    }
    const bool better = value_.type() == bson::Type::kMissing ||
                        (kMax ? bson::Compare(input, value_.view(), ctx->collator) > 0
                              : bson::Compare(input, value_.view(), ctx->collator) < 0);
    if (better) {
      value_.Assign(input);
    }
    return OkStatus();
  }
  StatusOr<ValueView> Result(EvalContext*) override {
    return value_.type() == bson::Type::kMissing ? NullValue() : value_.view();
  }
  size_t memory_bytes() const override { return sizeof(*this) + value_.memory_bytes(); }

 private:
  bson::Value value_;
};

template <bool kFirst>
class EndAccumulator final : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext*) override {
    if (!kFirst || !seen_) {
      value_.Assign(input);
      seen_ = true;
    }
    return OkStatus();
  }
  StatusOr<ValueView> Result(EvalContext*) override {
    return value_.type() == bson::Type::kMissing ? NullValue() : value_.view();
  }
  size_t memory_bytes() const override { return sizeof(*this) + value_.memory_bytes(); }

 private:
  bool seen_ = false;
  bson::Value value_;
};

class CountAccumulator final : public Accumulator {
 public:
  Status Add(ValueView, EvalContext*) override {
    ++count_;
    return OkStatus();
  }
  StatusOr<ValueView> Result(EvalContext* ctx) override {
    return ctx->arena->Integer(count_, true);
  }
  size_t memory_bytes() const override { return sizeof(*this); }

 private:
  int64_t count_ = 0;
};

StatusOr<AccumulatorSpecPtr> ParseCount(std::string_view name, ValueView operand, ParseContext*) {
  if (!operand.is_object() || !operand.AsDoc().empty()) {
    return Error(ErrorCode::kTypeMismatch, "$count takes no arguments, i.e. $count:{}");
  }
  // Explained as what it means: {$sum: 1}.
  (void)name;
  const UnaryAccumulatorSpec::Maker make = [] {
    return std::unique_ptr<Accumulator>(std::make_unique<CountAccumulator>());
  };
  return AccumulatorSpecPtr(std::make_unique<UnaryAccumulatorSpec>(
      "$sum", make, MakeConstant(bson::Value::Int32(1).view())));
}

// A later value of a field takes the place of the first.
class MergeObjectsAccumulator final : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext*) override {
    if (input.nullish()) {
      return OkStatus();
    }
    if (!input.is_object()) {
      return Error(40400, StrCat("$mergeObjects requires object inputs, but input ",
                                 ValueText(input), " is of type ", bson::TypeName(input.type())));
    }
    for (const bson::ElementView e : input.AsDoc()) {
      const auto [at, added] = index_.try_emplace(std::string(e.name()), fields_.size());
      if (added) {
        fields_.emplace_back(e.name(), bson::Value(e.value()));
        bytes_ += e.name().size() * 2 + sizeof(Field) + fields_.back().second.memory_bytes();
      } else {
        bson::Value& value = fields_[at->second].second;
        bytes_ -= value.memory_bytes();
        value.Assign(e.value());
        bytes_ += value.memory_bytes();
      }
    }
    return CheckAccumulatorMemory("$mergeObjects", bytes_);
  }
  StatusOr<ValueView> Result(EvalContext* ctx) override {
    ObjectWriter out(ctx);
    for (const auto& [name, value] : fields_) {
      out.Add(name, value.view());
    }
    return out.Finish();
  }
  size_t memory_bytes() const override { return sizeof(*this) + bytes_; }

 private:
  using Field = std::pair<std::string, bson::Value>;
  std::vector<Field> fields_;
  StringMap<size_t> index_;
  size_t bytes_ = 0;
};

constexpr AccumulatorRow kRows[] = {
    {"$avg", ParseUnaryAccumulator<AvgAccumulator>},
    {"$count", ParseCount},
    {"$first", ParseUnaryAccumulator<EndAccumulator<true>>},
    {"$last", ParseUnaryAccumulator<EndAccumulator<false>>},
    {"$max", ParseUnaryAccumulator<ExtremeAccumulator<true>>},
    {"$mergeObjects", ParseUnaryAccumulator<MergeObjectsAccumulator>},
    {"$min", ParseUnaryAccumulator<ExtremeAccumulator<false>>},
    {"$stdDevPop", ParseUnaryAccumulator<StdDevAccumulator<false>>},
    {"$stdDevSamp", ParseUnaryAccumulator<StdDevAccumulator<true>>},
    {"$sum", ParseUnaryAccumulator<SumAccumulator>},
};

}  // namespace

std::span<const AccumulatorRow> BasicAccumulators() {
  return kRows;
}

}  // namespace septet::query
