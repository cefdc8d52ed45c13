// SPDX-License-Identifier: Apache-2.0
#include "query/plan/planner.h"

#include <algorithm>

#include "base/strings.h"
#include "bson/ejson.h"
#include "query/plan/candidate.h"
#include "query/plan/min_max.h"
#include "query/plan/trial.h"

namespace septet::query {
namespace {

constexpr int64_t kMinTrialWorks = 10'000;
constexpr double kTrialFraction = 0.3;

constexpr int kBadHint = static_cast<int>(ErrorCode::kBadValue);
constexpr int kNoPlan = static_cast<int>(ErrorCode::kNoQueryExecutionPlans);

// A server's wording of planner failures.
Status PlannerError(const FindQuery& query, int code, std::string_view why) {
  std::string tree = query.matcher->always_true() ? std::string("$and\n")
                                                  : StrCat(bson::ToShellText(query.matcher->filter()), "\n");
  return Error(code,
               StrCat("error processing query: ns=", query.ns.full(), "Tree: ", tree, "Sort: ",
                      query.sort.empty() ? "{}" : bson::ToShellText(DocView(query.sort)),
                      "\nProj: {}\n planner returned error :: caused by :: ", why));
}

// {_id: value} that one point look-up answers.
bool IsIdLookup(const PlanInput& input) {
  const FindQuery& query = *input.query;
  if (input.conjuncts.size() != 1 || input.collection->IdIndex() == nullptr || query.tailable ||
      query.return_key || query.collation != nullptr || !query.hint_key.empty() ||
      !query.hint_name.empty() || query.count_only || !query.min_key.empty() ||
      !query.max_key.empty()) {
    return false;
  }
  const MatchNode& node = *input.conjuncts[0];
  return node.kind() == MatchKind::kEq && node.path().text() == "_id" &&
         !node.operand().is_array() && !node.operand().is_null() &&
         node.operand().type() != bson::Type::kRegex &&
         input.collection->IdIndex()->spec.collator == nullptr;
}

enum class Natural { kNo, kForward, kBackward };
Natural NaturalOrder(const FindQuery& query) {
  for (const std::string* pattern : {&query.sort, &query.hint_key}) {
    if (!pattern->empty()) {
      const bson::DocView doc(*pattern);
      if (!doc.empty() && doc.FirstElement().name() == "$natural") {
        return doc.FirstElement().value().Truthy() &&
                       bson::Compare(doc.FirstElement().value(), bson::Value::Int32(0).view()) < 0
                   ? Natural::kBackward
                   : Natural::kForward;
      }
    }
  }
  return Natural::kNo;
}

std::shared_ptr<const catalog::IndexEntry> HintedIndex(const PlanInput& input) {
  const FindQuery& query = *input.query;
  for (const auto& index : input.collection->indexes) {
    if (!index->ready || index->spec.hidden) {
      continue;
    }
    if (!query.hint_name.empty() ? index->spec.name == query.hint_name
                                 : bson::Compare(DocView(index->spec.key_pattern),
                                                 DocView(query.hint_key)) == 0) {
      return index;
    }
  }
  return nullptr;
}

// The shape of a query for the plan cache: everything but the values.
void AppendShape(const MatchNode& node, std::string* out) {
  StrAppend(out, static_cast<int>(node.kind()), node.path().text());
  if (!node.children().empty()) {
    out->push_back('(');
    for (const auto& child : node.children()) {
      AppendShape(*child, out);
      out->push_back(',');
    }
    out->push_back(')');
  }
}

std::string CacheKey(const PlanInput& input) {
  std::string key(reinterpret_cast<const char*>(input.collection->uuid.bytes), 16);
  StrAppend(&key, input.collection->indexes.size(), "|");
  AppendShape(input.query->matcher->root(), &key);
  StrAppend(&key, "|", input.query->sort, "|", input.query->count_only ? 1 : 0,
            input.query->projection ? 1 : 0);
  return key;
}

std::string SummaryOf(const Node& node) {
  if (node.stage_name() == "IXSCAN") {
    bson::DocBuilder b;
    node.Explain(&b, false);
    const std::string doc = b.Finish();
    return StrCat("IXSCAN ", bson::ToShellText(DocView(doc).Find("keyPattern")));
  }
  if (node.children().empty()) {
    return std::string(node.stage_name());
  }
  std::string out;
  for (const NodePtr& child : node.children()) {
    StrAppend(&out, out.empty() ? "" : ", ", SummaryOf(*child));
  }
  return out;
}

class Planner {
 public:
  Planner(const PlanInput& input, ExecContext* ctx, PlanCache* cache, const PlannerOptions& options,
          Plan* plan)
      : input_(input), ctx_(ctx), cache_(cache), options_(options), plan_(plan) {}

  StatusOr<NodePtr> Choose() {
    const FindQuery& query = *input_.query;
    if (query.matcher->root().kind() == MatchKind::kAlwaysFalse) {
      return MakeEof();
    }
    if (IsIdLookup(input_)) {
      RowFilter none;
      if (query.want_match_details || (query.projection && query.projection->NeedsMatchDetails())) {
        none.Add(input_.conjuncts[0]);
        none.set_wants_details(true);
      }
      NodePtr look_up = MakeIdHack(input_.collection,
                                   bson::Value(input_.conjuncts[0]->operand()), std::move(none));
      return FinishPlan(input_, std::move(look_up), true, false);
    }
    if (!query.min_key.empty() || !query.max_key.empty()) {
      return ChooseMinMax();
    }
    const Natural natural = NaturalOrder(query);
    if (natural != Natural::kNo) {
      return BuildCollScan(input_, natural == Natural::kForward);
    }
    if (query.tailable) {
      return ChooseTailable();
    }
    if (!query.hint_name.empty() || !query.hint_key.empty()) {
      return ChooseHinted();
    }
    return ChooseFree();
  }

 private:
  StatusOr<NodePtr> ChooseTailable() {
    if (!input_.collection->capped) {
      return Error(ErrorCode::kBadValue,
                   StrCat("error processing query: ns=", input_.query->ns.full(),
                          " : tailable cursor requested on non capped collection"));
    }
    return BuildCollScan(input_, true);
  }

  StatusOr<NodePtr> ChooseHinted() {
    const auto index = HintedIndex(input_);
    if (index == nullptr) {
      return PlannerError(*input_.query, kBadHint, "hint provided does not correspond to an existing index");
    }
    std::optional<IndexCandidate> candidate =
        MakeCandidate(input_, index, input_.conjuncts, true);
    if (!candidate) {
      return PlannerError(*input_.query, kBadHint, "the hinted index cannot answer this query");
    }
    return BuildIndexPlan(input_, *candidate);
  }

  StatusOr<NodePtr> ChooseMinMax() {
    if (NaturalOrder(*input_.query) != Natural::kNo) {
      return PlannerError(*input_.query, kNoPlan, "min and max are incompatible with $natural");
    }
    if (input_.query->hint_name.empty() && input_.query->hint_key.empty()) {
      return PlannerError(*input_.query, 51173,
                          "When using min()/max() a hint of which index to use must be provided");
    }
    const auto index = HintedIndex(input_);
    if (index == nullptr) {
      return PlannerError(*input_.query, kBadHint, "hint provided does not correspond to an existing index");
    }
    StatusOr<NodePtr> plan = BuildMinMaxPlan(input_, index);
    return plan.ok() ? std::move(plan)
                     : PlannerError(*input_.query, static_cast<int>(CodeOf(plan.status())),
                                    TextOf(plan.status()));
  }

  StatusOr<NodePtr> ChooseFree() {
    std::vector<IndexCandidate> candidates = MakeCandidates(input_);
    const bool bounded = std::any_of(candidates.begin(), candidates.end(), [](const auto& c) {
      return c.bounds.bounded_fields > 0;
    });
    std::vector<NodePtr> plans;
    std::vector<std::string> names;
    for (const IndexCandidate& candidate : candidates) {
      ASSIGN_OR_RETURN(NodePtr plan, BuildIndexPlan(input_, candidate));
      plans.push_back(std::move(plan));
      names.push_back(candidate.index->spec.name);
    }
    if (!bounded) {
      ASSIGN_OR_RETURN(NodePtr plan, BuildOrPlan(input_));
      if (plan) {
        plans.push_back(std::move(plan));
        names.emplace_back("$or");
      }
    }
    if (plans.empty()) {
      return BuildCollScan(input_, true);
    }
    if (plans.size() == 1) {
      return std::move(plans[0]);
    }
    return ChooseByTrial(std::move(plans), names);
  }

  StatusOr<NodePtr> ChooseByTrial(std::vector<NodePtr> plans, const std::vector<std::string>& names) {
    const std::string key = cache_ != nullptr ? CacheKey(input_) : std::string();
    if (cache_ != nullptr && !options_.for_explain) {
      const std::optional<PlanCache::Entry> entry = cache_->Find(key);
      const auto at = entry ? std::find(names.begin(), names.end(), entry->index_name) : names.end();
      if (at != names.end()) {
        plan_->from_cache = true;
        return std::move(plans[static_cast<size_t>(at - names.begin())]);
      }
    }
    const int64_t budget = std::max<int64_t>(
        kMinTrialWorks,
        static_cast<int64_t>(kTrialFraction *
                             static_cast<double>(catalog::RecordCount(*input_.collection))));
    ASSIGN_OR_RETURN(TrialResult result,
                     RunTrial(std::move(plans), ctx_, budget, options_.for_explain));
    plan_->rejected = std::move(result.rejected);
    if (cache_ != nullptr) {
      cache_->Put(key, {names[result.winner], result.works});
    }
    return std::move(result.root);
  }

  const PlanInput& input_;
  ExecContext* ctx_;
  PlanCache* cache_;
  const PlannerOptions& options_;
  Plan* plan_;
};

void PrepareContext(catalog::Catalog* catalog, catalog::Op* op, const FindQuery& query,
                    const PlannerOptions& options, ExecContext* ctx) {
  ctx->catalog = catalog;
  ctx->op = op;
  ctx->snapshot = catalog::ReadSnapshot(catalog, op);
  ctx->temp_dir = options.temp_dir;
  ctx->allow_disk_use = options.allow_disk_use;
  ctx->eval.arena = &ctx->arena;
  ctx->eval.interrupt = &op->interrupt;
  ctx->eval.collator = query.collation.get();
  ctx->eval.now_millis = op->now_millis;
  ctx->eval.cluster_time = catalog->positions()->ClusterTime();
  ctx->random = Random(op->op_id ^ (static_cast<uint64_t>(op->now_millis) << 20));
  ctx->eval.random = &ctx->random;
  for (const auto& [id, value] : query.let_values) {
    ctx->eval.SetKept(id, DocView(value).FirstElement().value());
  }
}

}  // namespace

std::optional<PlanCache::Entry> PlanCache::Find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  return it == entries_.end() ? std::nullopt : std::optional(it->second);
}

void PlanCache::Put(const std::string& key, Entry entry) {
  constexpr size_t kMaxEntries = 5000;
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaxEntries) {
    entries_.clear();
  }
  entries_[key] = std::move(entry);
}

void PlanCache::Erase(const std::string& key) {
  const std::lock_guard lock(mutex_);
  entries_.erase(key);
}

void PlanCache::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

std::vector<PlanCache::Entry> PlanCache::Of(std::string_view uuid) const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> out;
  for (const auto& [key, entry] : entries_) {
    if (key.starts_with(uuid)) {
      out.push_back(entry);
    }
  }
  return out;
}

size_t PlanCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

StatusOr<Plan> MakePlan(catalog::Catalog* catalog, catalog::Op* op,
                        const catalog::CollectionPtr& collection,
                        std::shared_ptr<const FindQuery> query, PlanCache* cache,
                        const PlannerOptions& options) {
  Plan plan;
  plan.query = std::move(query);
  plan.context = std::make_unique<ExecContext>();
  PrepareContext(catalog, op, *plan.query, options, plan.context.get());
  if (collection == nullptr) {
    plan.root = MakeEof();
  } else {
    const PlanInput input = MakePlanInput(collection, *plan.query);
    Planner planner(input, plan.context.get(), cache, options, &plan);
    ASSIGN_OR_RETURN(plan.root, planner.Choose());
  }
  plan.summary = SummaryOf(*plan.root);
  if (op->diagnostics.plan_summary.empty()) {  // else a plan inside the operation's own
    op->diagnostics.plan_summary = plan.summary;
  }
  return plan;
}

}  // namespace septet::query
