// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/explain_run.h"

#include <chrono>

#include "base/strings.h"
#include "commands/server_control.h"
#include "commands/version.h"
#include "query/exec/explain_node.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

// Eight hexadecimal digits that stand for a query's shape.
std::string ShapeHash(std::string_view text) {
  const uint64_t hash = bson::HashBytes(text);
  char out[9];
  std::snprintf(out, sizeof(out), "%08X", static_cast<uint32_t>(hash ^ (hash >> 32)));
  return out;
}

void AppendParsedQuery(const query::Matcher& matcher, bson::DocBuilder* reply) {
  const auto scope = reply->Object("parsedQuery");
  matcher.Serialize(reply);
}

void AppendPlanTree(std::string_view name, const query::Node& root, std::string_view wrapper,
                    bool with_stats, bson::DocBuilder* reply) {
  if (wrapper.empty()) {
    query::ExplainTree(root, name, reply, with_stats);
    return;
  }
  const auto scope = reply->Object(name);
  reply->Append("stage", wrapper);
  if (with_stats) {
    const auto n = static_cast<int32_t>(root.stats().advanced);
    reply->Append("nReturned", 0);
    reply->Append("executionTimeMillisEstimate", 0);
    reply->Append("works", static_cast<int32_t>(root.stats().works));
    reply->Append("advanced", 0).Append("needTime", n).Append("needYield", 0);
    reply->Append("saveState", 0).Append("restoreState", 0).Append("isEOF", 1);
    if (wrapper == "DELETE") {
      reply->Append("nWouldDelete", n);
    } else {
      reply->Append("nMatched", n).Append("nWouldModify", n).Append("nWouldUpsert", 0);
    }
  }
  query::ExplainTree(root, "inputStage", reply, with_stats);
}

void AppendQueryPlanner(const query::Plan& plan, const catalog::Namespace& ns,
                        std::string_view wrapper, bson::DocBuilder* reply) {
  const query::FindQuery& query = *plan.query;
  const auto scope = reply->Object("queryPlanner");
  reply->Append("namespace", ns.full());
  reply->Append("indexFilterSet", false);
  AppendParsedQuery(*query.matcher, reply);
  if (query.collation != nullptr) {
    reply->Append("collation", bson::DocView(query.collation->spec()));
  }
  const std::string hash = ShapeHash(bson::DocView(query.matcher->filter()).raw());
  reply->Append("queryHash", hash);
  reply->Append("planCacheKey", ShapeHash(StrCat(hash, plan.summary)));
  reply->Append("optimizationTimeMillis", 0);
  reply->Append("maxIndexedOrSolutionsReached", false);
  reply->Append("maxIndexedAndSolutionsReached", false);
  reply->Append("maxScansToExplodeReached", false);
  AppendPlanTree("winningPlan", *plan.root, wrapper, false, reply);
  const auto rejected = reply->Array("rejectedPlans");
  for (const query::NodePtr& node : plan.rejected) {
    const auto one = reply->AddObject();
    node->Explain(reply, false);
  }
}

// Runs the plan to its end.
Status RunToEnd(query::Plan* plan, catalog::Op* op, int64_t* returned) {
  plan->context->measure_time = true;
  for (;;) {
    query::Row row;
    ASSIGN_OR_RETURN(const query::Step step, plan->Next(op, &row));
    if (step == query::Step::kDone) {
      return OkStatus();
    }
    *returned += step == query::Step::kRow ? 1 : 0;
  }
}

Status AppendExecutionStats(query::Plan* plan, catalog::Op* op, std::string_view wrapper,
                            ExplainVerbosity verbosity, bson::DocBuilder* reply) {
  const auto start = std::chrono::steady_clock::now();
  int64_t returned = 0;
  RETURN_IF_ERROR(RunToEnd(plan, op, &returned));
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::steady_clock::now() - start)
                          .count();
  const auto scope = reply->Object("executionStats");
  reply->Append("executionSuccess", true);
  reply->Append("nReturned", wrapper.empty() ? static_cast<int32_t>(returned) : 0);
  reply->Append("executionTimeMillis", static_cast<int32_t>(millis));
  reply->Append("totalKeysExamined", static_cast<int32_t>(query::TotalKeysExamined(*plan->root)));
  reply->Append("totalDocsExamined", static_cast<int32_t>(query::TotalDocsExamined(*plan->root)));
  AppendPlanTree("executionStages", *plan->root, wrapper, true, reply);
  if (verbosity == ExplainVerbosity::kAllPlansExecution) {
    const auto all = reply->Array("allPlansExecution");
    for (const query::NodePtr& node : plan->rejected) {
      const auto one = reply->AddObject();
      reply->Append("nReturned", static_cast<int32_t>(node->stats().advanced));
      reply->Append("totalKeysExamined", static_cast<int32_t>(query::TotalKeysExamined(*node)));
      reply->Append("totalDocsExamined", static_cast<int32_t>(query::TotalDocsExamined(*node)));
      query::ExplainTree(*node, "executionStages", reply, true);
    }
  }
  return OkStatus();
}

void AppendTail(const Services& services, bson::DocView command, bson::DocBuilder* reply) {
  reply->Append("command", command);
  {
    const auto info = reply->Object("serverInfo");
    const ProcessFacts& facts = services.server->facts();
    const size_t colon = facts.host.rfind(':');
    reply->Append("host", facts.host.substr(0, colon));
    reply->Append("port", facts.port);
    reply->Append("version", kCompatibleVersion);
    reply->Append("gitVersion", StrCat("septet-", kOwnVersion));
  }
  const auto parameters = reply->Object("serverParameters");
  reply->Append("internalQueryFacetBufferSizeBytes", 104857600);
  reply->Append("internalDocumentSourceGroupMaxMemoryBytes", 104857600);
}

// The explain needs to run long work: it belongs in the pool unless it only plans.
Outcome InPool(catalog::Op* op, std::function<Outcome()> run) {
  if (op->may_block) {
    return run();
  }
  return {Suspend{WaitWorker{}, [run = std::move(run)](bool) { return run(); }}};
}

}  // namespace

Outcome ExplainFind(catalog::Op* op, const Services& services, const Request& request,
                    const catalog::Namespace& ns, std::shared_ptr<query::FindQuery> query,
                    std::string_view wrapper, ExplainVerbosity verbosity, bson::DocBuilder* reply) {
  const Services* all = &services;
  const bson::DocView command = request.body;
  return InPool(op, [op, all, command, ns, query = std::move(query), wrapper, verbosity,
                     reply]() -> Outcome {
    query::PlannerOptions options = all->query->planner_options();
    options.for_explain = true;
    StatusOr<query::Plan> plan = query::MakePlan(all->catalog, op, all->catalog->Find(ns.full()),
                                                 query, &all->query->plans, options);
    if (!plan.ok()) {
      return Outcome::Fail(plan.status());
    }
    reply->Append("explainVersion", "1");
    AppendQueryPlanner(*plan, ns, wrapper, reply);
    if (verbosity != ExplainVerbosity::kQueryPlanner) {
      const Status status = AppendExecutionStats(&*plan, op, wrapper, verbosity, reply);
      if (!status.ok()) {
        return Outcome::Fail(status);
      }
    }
    AppendTail(*all, command, reply);
    return Outcome::Ok();
  });
}

namespace {

// {stages: [{$cursor: {queryPlanner: ...}}, {$group: ...}, ...]}, or like a find if the scan answers all.
Status ExplainPipeline(catalog::Op* op, const PreparedPipeline& prepared, const query::PipelineRun& run,
                       const catalog::Namespace& ns, ExplainVerbosity verbosity,
                       bson::DocBuilder* reply) {
  size_t pushed = 0;
  ASSIGN_OR_RETURN(query::Plan plan, prepared.pipeline->MakePlan(run, prepared.source, &pushed));
  const auto& stages = prepared.pipeline->stages();
  reply->Append("explainVersion", "1");
  if (pushed == stages.size()) {
    AppendQueryPlanner(plan, ns, {}, reply);
    return verbosity == ExplainVerbosity::kQueryPlanner
               ? OkStatus()
               : AppendExecutionStats(&plan, op, {}, verbosity, reply);
  }
  const bool execute = verbosity != ExplainVerbosity::kQueryPlanner && !prepared.pipeline->writes();
  int64_t returned = 0;
  if (execute) {
    RETURN_IF_ERROR(RunToEnd(&plan, op, &returned));
  }
  // The scan's tree is below one node for each stage on top.
  const query::Node* scan = plan.root.get();
  while (!scan->children().empty() && scan->stage_name() != "FETCH" &&
         scan->stage_name() != "IXSCAN" && scan->stage_name() != "SORT" &&
         scan->stage_name() != "LIMIT" && scan->stage_name() != "SKIP") {
    scan = scan->children()[0].get();
  }
  const auto list = reply->Array("stages");
  if (!prepared.pipeline->starts_with_source()) {
    const auto one = reply->AddObject();
    const auto cursor = reply->Object("$cursor");
    {
      const auto planner = reply->Object("queryPlanner");
      reply->Append("namespace", ns.full());
      reply->Append("indexFilterSet", false);
      AppendParsedQuery(*plan.query->matcher, reply);
      query::ExplainTree(*scan, "winningPlan", reply, false);
      const auto rejected = reply->Array("rejectedPlans");
    }
    if (execute) {
      const auto stats = reply->Object("executionStats");
      reply->Append("executionSuccess", true);
      reply->Append("nReturned", static_cast<int32_t>(scan->stats().advanced));
      reply->Append("executionTimeMillis", 0);
      reply->Append("totalKeysExamined", static_cast<int32_t>(query::TotalKeysExamined(*scan)));
      reply->Append("totalDocsExamined", static_cast<int32_t>(query::TotalDocsExamined(*scan)));
      query::ExplainTree(*scan, "executionStages", reply, true);
    }
  }
  for (size_t i = pushed; i < stages.size(); ++i) {
    const auto one = reply->AddObject();
    stages[i]->Serialize(reply);
    if (execute && i + 1 == stages.size()) {
      reply->Append("nReturned", returned);
      reply->Append("executionTimeMillisEstimate", int64_t{0});
    }
  }
  return OkStatus();
}

}  // namespace

Outcome ExplainAggregate(catalog::Op* op, const Services& services, const Request& request,
                         AggregateArgs args, ExplainVerbosity verbosity, bson::DocBuilder* reply) {
  const Services* all = &services;
  const Request* req = &request;
  return InPool(op, [op, all, req, args = std::move(args), verbosity, reply]() mutable -> Outcome {
    StatusOr<std::shared_ptr<PreparedPipeline>> prepared = PreparePipeline(*all, &args);
    if (!prepared.ok()) {
      return Outcome::Fail(prepared.status());
    }
    query::PipelineRun run = MakePipelineRun(op, *all, **prepared, args, *req);
    run.options.for_explain = true;
    const Status status = ExplainPipeline(op, **prepared, run, args.ns, verbosity, reply);
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    AppendTail(*all, req->body, reply);
    return Outcome::Ok();
  });
}

}  // namespace septet::commands
