// SPDX-License-Identifier: Apache-2.0
// $bottom $bottomN $top $topN {n, sortBy, output}: the outputs of the first (last) rows by a sort
// pattern. Rows equal in the pattern keep the order they came in. Source: manual, "$topN".
#include <algorithm>
#include <deque>

#include "bson/ejson.h"

#include "base/strings.h"
#include "query/expression/accumulator_row.h"
#include "query/expression/n_argument.h"
#include "query/expression/sort_pattern.h"

namespace septet::query {

namespace {

struct TopOptions {
  std::string_view name;
  bool top = true;
  bool single = true;
};

class TopAccumulator final : public Accumulator {
 public:
  TopAccumulator(const TopOptions* options, const Expression* n, const SortPattern* pattern)
      : options_(options), n_expression_(n), pattern_(pattern) {}

  // `input` is [key, output]; key is an array.
  Status Add(ValueView input, EvalContext* ctx) override {
    if (n_ == 0) {
      n_ = 1;
      if (n_expression_ != nullptr) {
        ASSIGN_OR_RETURN(const ValueView n, n_expression_->Evaluate(ctx));
        ASSIGN_OR_RETURN(n_, CheckN(n));
      }
    }
    const ValueView key = input.AsArray().FirstElement().value();
    const auto before = [&](ValueView k, const bson::Value& row) {
      return pattern_->Compare(k, row.view().AsArray().FirstElement().value(), ctx->collator) < 0;
    };
    const auto at = std::upper_bound(rows_.begin(), rows_.end(), key, before);
    const bool full = static_cast<int64_t>(rows_.size()) >= n_;
    if (full && at == (options_->top ? rows_.end() : rows_.begin())) {
      return OkStatus();
    }
    bytes_ += rows_.emplace(at, input)->memory_bytes();
    if (full) {
      const bson::Value& gone = options_->top ? rows_.back() : rows_.front();
      bytes_ -= gone.memory_bytes();
      options_->top ? rows_.pop_back() : rows_.pop_front();
    }
    return CheckAccumulatorMemory(options_->name, bytes_);
  }

  StatusOr<ValueView> Result(EvalContext* ctx) override {
    if (options_->single) {
      return rows_.empty() ? NullValue() : Output(rows_.front());
    }
    ArrayWriter out(ctx);
    for (const bson::Value& row : rows_) {
      out.Add(Output(row));
    }
    return out.Finish();
  }
  size_t memory_bytes() const override { return sizeof(*this) + bytes_; }

 private:
  static ValueView Output(const bson::Value& row) { return row.view().AsArray().Find("1"); }

  const TopOptions* const options_;
  const Expression* const n_expression_;  // null: 1
  const SortPattern* const pattern_;
  int64_t n_ = 0;
  std::deque<bson::Value> rows_;
  size_t bytes_ = 0;
};

class TopSpec final : public AccumulatorSpec {
 public:
  TopSpec(TopOptions options, ExpressionPtr n, SortPattern pattern, ExpressionPtr output)
      : options_(options),
        n_(std::move(n)),
        pattern_(std::move(pattern)),
        output_(std::move(output)) {}

  std::unique_ptr<Accumulator> Make() const override {
    return std::make_unique<TopAccumulator>(&options_, n_.get(), &pattern_);
  }
  StatusOr<ValueView> Input(EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const ValueView output, output_->Evaluate(ctx));
    ArrayWriter out(ctx);
    out.Add(pattern_.Key(ctx->root, ctx));
    out.Add(output);
    return out.Finish();
  }
  void Serialize(std::string_view field, bson::DocBuilder* out) const override {
    auto object = out->Object(field);
    auto inner = out->Object(options_.name);
    if (n_ != nullptr) {
      n_->Serialize("n", out);
    }
    output_->Serialize("output", out);
    out->Append("sortBy", pattern_.spec());
  }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override {
    output_->Dependencies(paths, whole_document);
    pattern_.Dependencies(paths);
  }

 private:
  const TopOptions options_;
  const ExpressionPtr n_;
  const SortPattern pattern_;
  const ExpressionPtr output_;
};

template <bool kTop, bool kSingle>
StatusOr<AccumulatorSpecPtr> ParseTop(std::string_view name, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(5788001, StrCat("specification must be an object; found ", name, ": ",
                                 bson::ToShellText(operand)));
  }
  ExpressionPtr n;
  ExpressionPtr output;
  ValueView sort_by;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "n" && !kSingle) {
      ASSIGN_OR_RETURN(n, ParseExpression(e.value(), ctx));
      RETURN_IF_ERROR(CheckGroupN(*n));
    } else if (e.name() == "output") {
      ASSIGN_OR_RETURN(output, ParseExpression(e.value(), ctx));
    } else if (e.name() == "sortBy") {
      if (!e.value().is_object()) {
        return Error(
            5788604,
            StrCat("expected 'sortBy' to already be an object in the arguments to ", name));
      }
      sort_by = e.value();
    } else {
      return Error(5788002, StrCat("Unknown argument to ", name, " '", e.name(), "'"));
    }
  }
  if (n == nullptr && !kSingle) {
    return Error(5788003, "Missing value for 'n'");
  }
  if (output == nullptr) {
    return Error(5788004, "Missing value for 'output'");
  }
  if (sort_by.missing()) {
    return Error(5788005, "Missing value for 'sortBy'");
  }
  ASSIGN_OR_RETURN(SortPattern pattern, SortPattern::Parse(sort_by.AsDoc()));
  return AccumulatorSpecPtr(std::make_unique<TopSpec>(TopOptions{name, kTop, kSingle}, std::move(n),
                                                      std::move(pattern), std::move(output)));
}

constexpr AccumulatorRow kRows[] = {
    {"$bottom", ParseTop<false, true>},
    {"$bottomN", ParseTop<false, false>},
    {"$top", ParseTop<true, true>},
    {"$topN", ParseTop<true, false>},
};

}  // namespace

std::span<const AccumulatorRow> TopAccumulators() {
  return kRows;
}

}  // namespace septet::query
