// SPDX-License-Identifier: Apache-2.0
// aggregate (S02-008): {aggregate: coll | 1, pipeline: [...], cursor: {batchSize}, explain, allowDiskUse,
//   collation, hint, let, bypassDocumentValidation, ...}
// Reply: {cursor: {firstBatch: [...], id, ns}}. Errors: 9 without cursor, 40323.., 73; those of the stages.
#include "base/strings.h"
#include "commands/crud/aggregate_run.h"
#include "commands/crud/explain_run.h"
#include "commands/generic_args.h"
#include "commands/parse.h"

namespace septet::commands {
namespace {

Status ParseCursorOption(const Request& request, std::optional<int64_t>* batch_size, bool explain) {
  const bson::ValueView cursor = request.body.Find("cursor");
  if (cursor.missing()) {
    return explain ? OkStatus()
                   : Error(ErrorCode::kFailedToParse,
                           "The 'cursor' option is required, except for aggregate with the explain "
                           "argument");
  }
  if (!cursor.is_object()) {
    return Error(ErrorCode::kTypeMismatch, "cursor field must be missing or an object");
  }
  for (const bson::ElementView e : cursor.AsDoc()) {
    if (e.name() != "batchSize") {
      return Error(ErrorCode::kBadValue, "cursor object can't contain fields other than batchSize");
    }
    if (!e.value().is_number()) {
      return Error(ErrorCode::kTypeMismatch, "cursor.batchSize must be a number");
    }
    ASSIGN_OR_RETURN(const int64_t n, ToInt64("cursor", "batchSize", e.value()));
    if (n < 0) {
      return Error(ErrorCode::kBadValue, "cursor.batchSize must not be negative");
    }
    *batch_size = n;
  }
  return OkStatus();
}

Status ParseTarget(const Request& request, AggregateArgs* args) {
  const bson::ValueView target = request.body.FirstElement().value();
  if (target.is_string()) {
    ASSIGN_OR_RETURN(args->ns, CollectionOf(request));
    return OkStatus();
  }
  if (target.is_number()) {
    ASSIGN_OR_RETURN(const int64_t one, ToInt64("aggregate", "aggregate", target));
    if (one == 1) {
      args->collectionless = true;
      args->ns = catalog::Namespace(request.db, "$cmd.aggregate");
      return OkStatus();
    }
  }
  return Error(ErrorCode::kFailedToParse,
               "Invalid command format: the 'aggregate' field must specify a collection name or 1");
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  AggregateArgs args;
  Status status = ParseTarget(request, &args);
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  bson::ValueView pipeline;
  std::optional<bool> explain;
  std::optional<bool> allow_disk_use;
  bool bypass = false;
  bool is_map_reduce = false;
  status = ParseFields("aggregate", request.body,
                       {FieldBinding("pipeline", &pipeline, true), {"explain", &explain},
                        {"allowDiskUse", &allow_disk_use}, {"hint", &args.hint},
                        {"collation", &args.collation}, {"let", &args.let},
                        {"bypassDocumentValidation", &bypass}, {"isMapReduceCommand", &is_map_reduce}});
  if (status.ok() && !pipeline.is_array()) {
    status = Error(ErrorCode::kTypeMismatch, "'pipeline' option must be specified as an array");
  }
  if (status.ok()) {
    status = ParseCursorOption(request, &args.batch_size, explain.value_or(false));
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  args.pipeline = pipeline.AsArray();
  args.allow_disk_use = allow_disk_use.value_or(true);
  if (explain.value_or(false)) {
    if (request.body.Has("writeConcern")) {
      return Outcome::Fail(Error(ErrorCode::kFailedToParse,
                                 "Aggregation explain does not support the'writeConcern' option"));
    }
    return ExplainAggregate(op, services, request, std::move(args), ExplainVerbosity::kQueryPlanner,
                            reply);
  }
  return RunAggregate(op, services, request, std::move(args), reply);
}

}  // namespace

extern const CommandSpec kAggregateCommand;
const CommandSpec kAggregateCommand{
    .name = "aggregate",
    .aliases = {},
    .flags = kReadData | kTakesWriteConcern | kTransactionOk,
    .help = "Runs an aggregation pipeline",
    .fields = {"pipeline", "cursor", "explain", "allowDiskUse", "hint", "collation", "let",
               "bypassDocumentValidation", "isMapReduceCommand"},
    .api_version = "1",
    .run = Run,
};

}  // namespace septet::commands
