// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/view.h"

#include "base/limits.h"
#include "base/strings.h"
#include "commands/crud/aggregate_run.h"

namespace septet::commands {

namespace {
constexpr int kMaxViewDepth = 20;
}

std::string JoinPipelines(bson::DocView first, bson::DocView second) {
  bson::DocBuilder out;
  int index = 0;
  for (const bson::DocView part : {first, second}) {
    for (const bson::ElementView e : part) {
      out.Append(std::to_string(index++), e.value());
    }
  }
  return out.Finish();
}

StatusOr<ResolvedView> ResolveView(const Services& services, const catalog::CollectionInfo& view) {
  ResolvedView out;
  out.ns = catalog::Namespace(view.ns.db(), view.view_on);
  out.pipeline = view.view_pipeline;
  const bson::ValueView collation = bson::DocView(view.options).Find("collation");
  if (collation.is_object()) {
    out.collation = collation.AsDoc().ToBytes();
  }
  for (int depth = 1;; ++depth) {
    const catalog::CollectionPtr below = services.catalog->Find(out.ns.full());
    if (below == nullptr || !below->is_view) {
      return out;
    }
    if (depth >= kMaxViewDepth) {
      return Error(ErrorCode::kViewDepthLimitExceeded,
                   StrCat("View depth too deep or view cycle detected; maximum depth is ", kMaxViewDepth));
    }
    out.pipeline = JoinPipelines(bson::DocView(below->view_pipeline), bson::DocView(out.pipeline));
    if (out.pipeline.size() > static_cast<size_t>(limits::kMaxBsonObjectSize)) {
      return Error(ErrorCode::kViewPipelineMaxSizeExceeded,
                   "View pipeline exceeds the maximum size of 16 MB");
    }
    out.ns = catalog::Namespace(view.ns.db(), below->view_on);
  }
}

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

}  // namespace septet::commands
