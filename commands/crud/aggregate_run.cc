// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/aggregate_run.h"

#include "base/strings.h"
#include "commands/crud/query_args.h"
#include "commands/crud/validator.h"
#include "commands/crud/view.h"
#include "commands/diag/server_sources.h"
#include "query/runtime.h"
#include "query/stage/view.h"

namespace septet::commands {

StatusOr<std::shared_ptr<PreparedPipeline>> PreparePipeline(const Services& services,
                                                            AggregateArgs* args) {
  auto out = std::make_shared<PreparedPipeline>();
  bson::DocView collation = args->collation;
  if (!args->collectionless) {
    const catalog::CollectionPtr collection = services.catalog->Find(args->ns.full());
    // $collStats tells of the view itself.
    const bool about_view = !args->pipeline.empty() && args->pipeline.FirstElement().value().is_object() &&
                            args->pipeline.FirstElement().value().AsDoc().Has("$collStats");
    if (collection != nullptr && collection->is_view && !about_view) {
      ASSIGN_OR_RETURN(query::ResolvedView resolved,
                       query::ResolveView(*services.catalog, *collection));
      if (args->reply_ns.empty()) {
        args->reply_ns = args->ns.full();
      }
      args->ns = resolved.ns;
      out->text = query::JoinPipelines(bson::DocView(resolved.pipeline), args->pipeline);
    } else if (collection != nullptr && collation.empty()) {
      const bson::ValueView inherited = bson::DocView(collection->options).Find("collation");
      if (inherited.is_object()) {
        collation = inherited.AsDoc();
      }
    }
  }
  if (!collation.empty()) {
    ASSIGN_OR_RETURN(out->collation, query::ParseCollation(collation));
  }
  RETURN_IF_ERROR(ParseHint(args->hint, &out->source.hint_name, &out->source.hint_key));
  query::ParseContext outer;
  bson::Arena arena;
  query::EvalContext eval;
  eval.arena = &arena;
  out->variables.collator = out->collation.get();
  for (const bson::ElementView e : args->let) {
    RETURN_IF_ERROR(query::ValidateVariableName(e.name()));
    ASSIGN_OR_RETURN(const query::ExpressionPtr value, query::ParseExpression(e.value(), &outer));
    ASSIGN_OR_RETURN(const bson::ValueView v, value->Evaluate(&eval));
    out->source.let_values.emplace_back(out->variables.Declare(e.name()), bson::MakeDoc("v", v));
  }
  if (out->text.empty()) {
    out->text = args->pipeline.ToBytes();
  }
  query::PipelineScope scope;
  scope.ns = args->ns;
  scope.collectionless = args->collectionless;
  scope.variables = &out->variables;
  scope.collation = out->collation;
  scope.catalog = services.catalog;
  ASSIGN_OR_RETURN(out->pipeline, query::Pipeline::Parse(bson::DocView(out->text), scope));
  return out;
}

query::PipelineRun MakePipelineRun(catalog::Op* op, const Services& services,
                                   const PreparedPipeline& prepared, const AggregateArgs& args,
                                   const Request& request) {
  query::PipelineRun run;
  run.catalog = services.catalog;
  run.op = op;
  run.cache = &services.query->plans;
  run.options = services.query->planner_options(args.allow_disk_use);
  run.collation = prepared.collation;
  run.source = MakeServerSource(services, request, args.ns);
  run.validator = [bypass = DocumentValidator::Bypassed(request)](
                      const catalog::CollectionInfo& target) -> StatusOr<query::WriteCheck> {
    ASSIGN_OR_RETURN(const auto validator, DocumentValidator::For(target, bypass));
    if (validator == nullptr) {
      return query::WriteCheck();
    }
    return query::WriteCheck([validator](bson::DocView before, bson::DocView after) {
      return before.empty() ? validator->Check(after) : validator->CheckUpdate(before, after);
    });
  };
  return run;
}

Outcome RunAggregate(catalog::Op* op, const Services& services, const Request& request,
                     AggregateArgs args, bson::DocBuilder* reply) {
  StatusOr<std::shared_ptr<PreparedPipeline>> prepared = PreparePipeline(services, &args);
  if (!prepared.ok()) {
    return Outcome::Fail(prepared.status());
  }
  const query::PipelineRun run = MakePipelineRun(op, services, **prepared, args, request);
  StatusOr<query::Plan> plan = (*prepared)->pipeline->MakePlan(run, (*prepared)->source);
  if (!plan.ok()) {
    return Outcome::Fail(plan.status());
  }
  auto cursor = std::make_unique<query::Cursor>();
  cursor->ns = !args.reply_ns.empty()  ? args.reply_ns
               : args.collectionless ? StrCat(args.ns.db(), ".$cmd.aggregate")
                                     : args.ns.full();
  cursor->plan = *std::move(plan);
  cursor->keeps = *prepared;
  cursor->command = request.body.ToBytes();
  cursor->session_id = SessionIdOf(request);
  cursor->error_prefix_aggregate = true;
  BatchRequest batch;
  batch.command = "aggregate";
  batch.limits.max_documents = args.batch_size.value_or(limits::kDefaultFirstBatch);
  batch.single_batch = args.single_batch;
  if ((*prepared)->pipeline->writes() && !op->may_block) {
    // Temporary collections and renames wait for locks: the whole run belongs in the pool.
    auto kept = std::make_shared<std::unique_ptr<query::Cursor>>(std::move(cursor));
    const Services* all = &services;
    return {Suspend{WaitWorker{}, [op, all, kept, batch, reply](bool) {
                      return RunBatch(op, *all, std::move(*kept), batch, reply);
                    }}};
  }
  return RunBatch(op, services, std::move(cursor), batch, reply);
}

}  // namespace septet::commands
