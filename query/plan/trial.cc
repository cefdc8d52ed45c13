// SPDX-License-Identifier: Apache-2.0
#include "query/plan/trial.h"

#include <algorithm>

namespace septet::query {
namespace {

constexpr int64_t kEnoughRows = 101;
constexpr int64_t kWorksPerTurn = 64;

class Replay final : public Node {
 public:
  Replay(NodePtr plan, std::vector<BufferedRow> rows, bool ended)
      : plan_(std::move(plan)), rows_(std::move(rows)), ended_(ended) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    if (at_ < rows_.size()) {
      const BufferedRow& from = rows_[at_++];
      row->doc = DocView(from.document);
      row->has_doc = true;
      row->has_index_key = false;
      row->rid = from.rid;
      row->metadata.record_id = from.rid;
      row->match = from.match;
      return Step::kRow;
    }
    if (ended_) {
      return Step::kDone;
    }
    rows_.clear();
    rows_.shrink_to_fit();
    at_ = 0;
    return plan_->Next(ctx, row);
  }
  std::string_view stage_name() const override { return plan_->stage_name(); }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    plan_->Explain(out, with_stats);
  }
  const std::vector<NodePtr>& children() const override { return plan_->children(); }

 private:
  NodePtr plan_;
  std::vector<BufferedRow> rows_;
  bool ended_;
  size_t at_ = 0;
};

struct Contestant {
  NodePtr plan;
  std::vector<BufferedRow> rows;
  int64_t works = 0;
  bool ended = false;
  bool failed = false;
};

// One turn of one plan. A plan that fails drops out (if all fail, the first error counts).
Status RunTurn(Contestant* c, ExecContext* ctx) {
  ctx->work_budget = kWorksPerTurn;
  while (static_cast<int64_t>(c->rows.size()) < kEnoughRows) {
    Row row;
    ctx->arena.Reset();
    const StatusOr<Step> step = c->plan->Next(ctx, &row);
    if (!step.ok()) {
      c->failed = true;
      return step.status();
    }
    if (*step == Step::kYield) {
      break;
    }
    if (*step == Step::kDone) {
      c->ended = true;
      break;
    }
    c->rows.push_back({row.has_doc ? row.doc.ToBytes() : DocView().ToBytes(), row.rid, row.match});
    if (ctx->work_budget == 0) {
      break;
    }
  }
  c->works += kWorksPerTurn - std::max<int64_t>(ctx->work_budget, 0);
  return OkStatus();
}

bool HasStage(const Node& node, std::string_view name) {
  if (node.stage_name() == name) {
    return true;
  }
  return std::any_of(node.children().begin(), node.children().end(),
                     [name](const NodePtr& child) { return HasStage(*child, name); });
}

double Score(const Contestant& c) {
  if (c.failed) {
    return -1;
  }
  const double works = static_cast<double>(std::max<int64_t>(c.works, 1));
  double score = 1 + static_cast<double>(c.rows.size()) / works;
  constexpr double kTieBreak = 1e-4;
  score += HasStage(*c.plan, "FETCH") ? 0 : kTieBreak;
  score += HasStage(*c.plan, "SORT") ? 0 : kTieBreak;
  return score + (c.ended ? 1 : 0);
}

}  // namespace

NodePtr MakeReplay(NodePtr plan, std::vector<BufferedRow> rows, bool ended) {
  return std::make_unique<Replay>(std::move(plan), std::move(rows), ended);
}

StatusOr<TrialResult> RunTrial(std::vector<NodePtr> plans, ExecContext* ctx, int64_t budget,
                               bool keep_rejected) {
  std::vector<Contestant> contestants;
  for (NodePtr& plan : plans) {
    contestants.push_back({std::move(plan), {}, 0, false, false});
  }
  Status first_error = OkStatus();
  size_t failures = 0;
  bool over = false;
  while (!over) {
    for (Contestant& c : contestants) {
      if (c.failed) {
        continue;
      }
      const Status status = RunTurn(&c, ctx);
      if (!status.ok()) {
        first_error = first_error.ok() ? status : first_error;
        over = ++failures == contestants.size();
      }
      over = over || c.ended || static_cast<int64_t>(c.rows.size()) >= kEnoughRows ||
             c.works >= budget;
    }
  }
  ctx->work_budget = -1;
  if (failures == contestants.size()) {
    return first_error;
  }
  const auto best = std::max_element(
      contestants.begin(), contestants.end(),
      [](const Contestant& a, const Contestant& b) { return Score(a) < Score(b); });
  TrialResult out;
  out.winner = static_cast<size_t>(best - contestants.begin());
  out.works = best->works;
  for (size_t i = 0; keep_rejected && i < contestants.size(); ++i) {
    if (i != out.winner) {
      out.rejected.push_back(std::move(contestants[i].plan));
    }
  }
  out.root = MakeReplay(std::move(best->plan), std::move(best->rows), best->ended);
  return out;
}

}  // namespace septet::query
