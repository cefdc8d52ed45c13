// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/view.h"

#include "base/limits.h"
#include "base/strings.h"
#include "bson/number.h"
#include "commands/crud/aggregate_run.h"
#include "commands/crud/distinct_values.h"

namespace septet::commands {

Outcome FindOnView(catalog::Op* op, const Services& services, const Request& request,
                   const catalog::CollectionInfo& view, const QueryArgs& args,
                   std::optional<int64_t> batch_size, bool single_batch, bson::DocBuilder* reply) {
  bson::DocBuilder stages;
  int index = 0;
  const auto open = [&stages, &index] { stages.OpenObject(std::to_string(index++)); };
  if (!args.filter.empty()) {
    open();
    stages.Append("$match", args.filter);
    stages.Close();
  }
  if (!args.sort.empty()) {
    if (args.sort.Has("$natural")) {
      return Outcome::Fail(Error(ErrorCode::kInvalidPipelineOperator,
                                 "$natural sort cannot be set to a value other than -1 or 1 on a view"));
    }
    open();
    stages.Append("$sort", args.sort);
    stages.Close();
  }
  if (args.skip > 0) {
    open();
    stages.Append("$skip", args.skip);
    stages.Close();
  }
  if (args.limit > 0) {
    open();
    stages.Append("$limit", args.limit);
    stages.Close();
  }
  if (!args.projection.empty()) {
    open();
    stages.Append("$project", args.projection);
    stages.Close();
  }
  const std::string pipeline = stages.Finish();
  AggregateArgs aggregate;
  aggregate.ns = view.ns;
  aggregate.pipeline = bson::DocView(pipeline);
  aggregate.batch_size = batch_size;
  aggregate.hint = args.hint;
  aggregate.collation = args.collation;
  aggregate.let = args.let;
  aggregate.single_batch = single_batch;
  aggregate.reply_ns = view.ns.full();
  return RunAggregate(op, services, request, std::move(aggregate), reply);
}

namespace {

// A view's pipeline with stages on top, run to its end for count and distinct.
struct ViewScan {
  catalog::Op* op;
  std::shared_ptr<PreparedPipeline> prepared;
  query::Plan plan;
  std::unique_ptr<DistinctValues> values;  // null: count
  int64_t count = 0;
};

Outcome ContinueScan(const std::shared_ptr<ViewScan>& scan, bson::DocBuilder* reply) {
  for (;;) {
    query::Row row;
    const StatusOr<query::Step> step = scan->plan.Next(scan->op, &row);
    if (!step.ok()) {
      return Outcome::Fail(ExecutorError("aggregate", step.status()));
    }
    if (*step == query::Step::kYield) {
      return {Suspend{WaitWorker{}, [scan, reply](bool) {
                        scan->op->interrupt.EndSlice();
                        return ContinueScan(scan, reply);
                      }}};
    }
    if (*step == query::Step::kDone) {
      break;
    }
    ++scan->count;
    const Status status = scan->values != nullptr ? scan->values->Add(row.doc) : OkStatus();
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
  }
  if (scan->values != nullptr) {
    scan->values->AppendTo("values", reply);
  } else {
    reply->Append("n", static_cast<int32_t>(scan->count));
  }
  return Outcome::Ok();
}

Outcome StartScan(catalog::Op* op, const Services& services, const Request& request,
                  const catalog::CollectionInfo& view, const QueryArgs& args,
                  std::unique_ptr<DistinctValues> values, bson::DocBuilder* reply) {
  bson::DocBuilder stages;
  int index = 0;
  const auto add = [&stages, &index](std::string_view name, const auto& value) {
    stages.OpenObject(std::to_string(index++));
    stages.Append(name, value);
    stages.Close();
  };
  add("$match", args.filter);
  if (args.skip > 0) {
    add("$skip", args.skip);
  }
  if (args.limit > 0) {
    add("$limit", args.limit);
  }
  const std::string pipeline = stages.Finish();
  AggregateArgs aggregate;
  aggregate.ns = view.ns;
  aggregate.pipeline = bson::DocView(pipeline);
  aggregate.collation = args.collation;
  aggregate.hint = args.hint;
  auto scan = std::make_shared<ViewScan>();
  StatusOr<std::shared_ptr<PreparedPipeline>> prepared = PreparePipeline(services, &aggregate);
  if (!prepared.ok()) {
    return Outcome::Fail(prepared.status());
  }
  scan->prepared = *prepared;
  StatusOr<query::Plan> plan = scan->prepared->pipeline->MakePlan(
      MakePipelineRun(op, services, *scan->prepared, aggregate, request), scan->prepared->source);
  if (!plan.ok()) {
    return Outcome::Fail(plan.status());
  }
  scan->op = op;
  scan->plan = *std::move(plan);
  scan->values = std::move(values);
  if (!op->may_block) {
    op->interrupt.StartSlice(kSlice);
  }
  return ContinueScan(scan, reply);
}

}  // namespace

Outcome CountOnView(catalog::Op* op, const Services& services, const Request& request,
                    const catalog::CollectionInfo& view, const QueryArgs& args,
                    bson::DocBuilder* reply) {
  return StartScan(op, services, request, view, args, nullptr, reply);
}

Outcome DistinctOnView(catalog::Op* op, const Services& services, const Request& request,
                       const catalog::CollectionInfo& view, const QueryArgs& args,
                       std::string_view key, bson::DocBuilder* reply) {
  return StartScan(op, services, request, view, args,
                   std::make_unique<DistinctValues>(key, nullptr), reply);
}

}  // namespace septet::commands
