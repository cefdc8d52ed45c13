// SPDX-License-Identifier: Apache-2.0
// LIMIT, SKIP, filter, OR and COUNT.
#include "query/exec/transform.h"

#include <unordered_set>

#include "query/exec/explain_node.h"

namespace septet::query {
namespace {

class Limit final : public OneInputNode {
 public:
  Limit(NodePtr child, int64_t limit) : OneInputNode(std::move(child)), limit_(limit) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    if (stats_.advanced >= limit_) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
    stats_.advanced += step == Step::kRow ? 1 : 0;
    stats_.is_eof = step == Step::kDone;
    return step;
  }
  std::string_view stage_name() const override { return "LIMIT"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    out->Append("limitAmount", static_cast<int32_t>(limit_));
    ExplainChildren(*this, out, with_stats);
  }

 private:
  int64_t limit_;
};

class Skip final : public OneInputNode {
 public:
  Skip(NodePtr child, int64_t skip) : OneInputNode(std::move(child)), skip_(skip) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    for (;;) {
      ++stats_.works;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
      if (step != Step::kRow) {
        stats_.is_eof = step == Step::kDone;
        return step;
      }
      if (skipped_ == skip_) {
        ++stats_.advanced;
        return Step::kRow;
      }
      ++skipped_;
      ++stats_.need_time;
      ctx->arena.Reset();
    }
  }
  std::string_view stage_name() const override { return "SKIP"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    out->Append("skipAmount", static_cast<int32_t>(skip_ - skipped_));
    ExplainChildren(*this, out, with_stats);
  }

 private:
  int64_t skip_;
  int64_t skipped_ = 0;
};

class Filter final : public OneInputNode {
 public:
  Filter(NodePtr child, RowFilter filter)
      : OneInputNode(std::move(child)), filter_(std::move(filter)) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    for (;;) {
      ++stats_.works;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
      if (step != Step::kRow) {
        stats_.is_eof = step == Step::kDone;
        return step;
      }
      ASSIGN_OR_RETURN(const bool accepted, filter_.Accepts(ctx, row));
      if (accepted) {
        ++stats_.advanced;
        return Step::kRow;
      }
      ++stats_.need_time;
      ctx->arena.Reset();
    }
  }
  std::string_view stage_name() const override { return "MATCH"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    out->Append("stage", stage_name());
    filter_.Explain(out);
    ExplainStats(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  RowFilter filter_;
};

class Or final : public ManyInputsNode {
 public:
  explicit Or(std::vector<NodePtr> children) { children_ = std::move(children); }

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    while (at_ < children_.size()) {
      ++stats_.works;
      ASSIGN_OR_RETURN(const Step step, children_[at_]->Next(ctx, row));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        ++at_;
        continue;
      }
      if (seen_.insert(row->rid).second) {
        ++stats_.advanced;
        return Step::kRow;
      }
      ++dropped_;
      ctx->arena.Reset();
    }
    stats_.is_eof = true;
    return Step::kDone;
  }
  std::string_view stage_name() const override { return "OR"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    if (with_stats) {
      out->Append("dupsTested", static_cast<int32_t>(stats_.advanced + dropped_));
      out->Append("dupsDropped", static_cast<int32_t>(dropped_));
    }
    const auto array = out->Array("inputStages");
    for (const NodePtr& child : children_) {
      const auto scope = out->AddObject();
      child->Explain(out, with_stats);
    }
  }

 private:
  size_t at_ = 0;
  int64_t dropped_ = 0;
  std::unordered_set<catalog::RecordId> seen_;
};

class Count final : public OneInputNode {
 public:
  Count(NodePtr child, int64_t skip, int64_t limit)
      : OneInputNode(std::move(child)), skip_(skip), limit_(limit) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    while (!counted_all_) {
      Row in;
      ++stats_.works;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        break;
      }
      ++seen_;
      ctx->arena.Reset();
      if (limit_ > 0 && seen_ - skip_ >= limit_) {
        break;
      }
    }
    if (counted_all_) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    counted_all_ = true;
    counted_ = seen_ > skip_ ? seen_ - skip_ : 0;
    document_ = bson::MakeDoc("count", counted_);
    row->doc = DocView(document_);
    row->has_doc = true;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "COUNT"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    if (with_stats) {
      out->Append("nCounted", static_cast<int32_t>(counted_));
      out->Append("nSkipped", static_cast<int32_t>(seen_ - counted_));
    }
    ExplainChildren(*this, out, with_stats);
  }

 private:
  int64_t skip_;
  int64_t limit_;
  int64_t seen_ = 0;
  int64_t counted_ = 0;
  bool counted_all_ = false;
  std::string document_;
};

}  // namespace

NodePtr MakeLimit(NodePtr child, int64_t limit) {
  return std::make_unique<Limit>(std::move(child), limit);
}
NodePtr MakeSkip(NodePtr child, int64_t skip) {
  return std::make_unique<Skip>(std::move(child), skip);
}
NodePtr MakeFilter(NodePtr child, RowFilter filter) {
  return std::make_unique<Filter>(std::move(child), std::move(filter));
}
NodePtr MakeOr(std::vector<NodePtr> children) { return std::make_unique<Or>(std::move(children)); }
NodePtr MakeCount(NodePtr child, int64_t skip, int64_t limit) {
  return std::make_unique<Count>(std::move(child), skip, limit);
}

}  // namespace septet::query
