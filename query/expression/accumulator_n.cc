// SPDX-License-Identifier: Apache-2.0
// $firstN $lastN $maxN $minN {n, input}. `n` is a constant or made of variables. $maxN and $minN
// leave null and missing out; $firstN and $lastN keep them as null. Source: manual, "$firstN".
#include <algorithm>
#include <deque>

#include "base/strings.h"
#include "query/expression/accumulator_row.h"
#include "query/expression/n_argument.h"

namespace septet::query {

namespace {

enum class Keep { kFirst, kLast, kMax, kMin };

template <Keep kKeep>
class NAccumulator final : public Accumulator {
 public:
  explicit NAccumulator(const Expression* n) : n_expression_(n) {}

  Status Add(ValueView input, EvalContext* ctx) override {
    if (n_ == 0) {
      ASSIGN_OR_RETURN(const ValueView n, n_expression_->Evaluate(ctx));
      ASSIGN_OR_RETURN(n_, CheckN(n));
    }
    const bool full = static_cast<int64_t>(items_.size()) >= n_;
    if constexpr (kKeep == Keep::kFirst || kKeep == Keep::kLast) {
      if (full && kKeep == Keep::kFirst) {
        return OkStatus();
      }
      if (full) {
        Forget(items_.front());
        items_.pop_front();
      }
      items_.emplace_back(input.missing() ? NullValue() : input);
      bytes_ += items_.back().memory_bytes();
    } else {
      RETURN_IF_ERROR(AddOrdered(input, full, ctx));
    }
    return CheckAccumulatorMemory(Name(), bytes_);
  }

  StatusOr<ValueView> Result(EvalContext* ctx) override {
    ArrayWriter out(ctx);
    for (const bson::Value& item : items_) {
      out.Add(item.view());
    }
    return out.Finish();
  }
  size_t memory_bytes() const override { return sizeof(*this) + bytes_; }

  static constexpr std::string_view Name() {
    switch (kKeep) {
      case Keep::kFirst:
        return "$firstN";
      case Keep::kLast:
        return "$lastN";
      case Keep::kMax:
        return "$maxN";
      case Keep::kMin:
        break;
    }
    return "$minN";
  }

 private:
  void Forget(const bson::Value& v) { bytes_ -= v.memory_bytes(); }

  // Best first; of equal values the one that came first.
  Status AddOrdered(ValueView input, bool full, EvalContext* ctx) {
    if (input.nullish()) {
      return OkStatus();
    }
    const auto better = [ctx](ValueView a, const bson::Value& b) {
      const int order = bson::Compare(a, b.view(), ctx->collator);
      return kKeep == Keep::kMax ? order > 0 : order < 0;
    };
    const auto at = std::upper_bound(items_.begin(), items_.end(), input, better);
    if (at == items_.end() && full) {
      return OkStatus();
    }
    bytes_ += items_.emplace(at, input)->memory_bytes();
    if (full) {
      Forget(items_.back());
      items_.pop_back();
    }
    return OkStatus();
  }

  const Expression* const n_expression_;
  int64_t n_ = 0;
  std::deque<bson::Value> items_;
  size_t bytes_ = 0;
};

template <Keep kKeep>
class NSpec final : public AccumulatorSpec {
 public:
  explicit NSpec(NArguments arguments) : arguments_(std::move(arguments)) {}
  std::unique_ptr<Accumulator> Make() const override {
    return std::make_unique<NAccumulator<kKeep>>(arguments_.n.get());
  }
  StatusOr<ValueView> Input(EvalContext* ctx) const override {
    return arguments_.input->Evaluate(ctx);
  }
  void Serialize(std::string_view field, bson::DocBuilder* out) const override {
    auto object = out->Object(field);
    auto inner = out->Object(NAccumulator<kKeep>::Name());
    arguments_.n->Serialize("n", out);
    arguments_.input->Serialize("input", out);
  }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override {
    arguments_.input->Dependencies(paths, whole_document);
  }

 private:
  const NArguments arguments_;
};

template <Keep kKeep>
StatusOr<AccumulatorSpecPtr> ParseN(std::string_view name, ValueView operand, ParseContext* ctx) {
  ASSIGN_OR_RETURN(NArguments arguments, ParseNArguments(name, operand, ctx));
  RETURN_IF_ERROR(CheckGroupN(*arguments.n));
  return AccumulatorSpecPtr(std::make_unique<NSpec<kKeep>>(std::move(arguments)));
}

constexpr AccumulatorRow kRows[] = {
    {"$firstN", ParseN<Keep::kFirst>},
    {"$lastN", ParseN<Keep::kLast>},
    {"$maxN", ParseN<Keep::kMax>},
    {"$minN", ParseN<Keep::kMin>},
};

}  // namespace

// TODO(query/expression): `n` made of the group's _id, once Accumulator is given the group's key.
Status CheckGroupN(const Expression& n) {
  std::vector<std::string> paths;
  bool whole = false;
  n.Dependencies(&paths, &whole);
  if (!paths.empty() || whole) {
    return Error(ErrorCode::kCommandNotSupported,
                 "'n' of a group's accumulator must be a constant or made of variables");
  }
  const ValueView constant = n.Constant();
  return constant.missing() ? OkStatus() : CheckN(constant).status();
}

std::span<const AccumulatorRow> NAccumulators() {
  return kRows;
}

}  // namespace septet::query
