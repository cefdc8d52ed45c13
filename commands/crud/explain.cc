// SPDX-License-Identifier: Apache-2.0
// explain (S02-011): {explain: {<command>}, verbosity: "queryPlanner" | "executionStats" |
//   "allPlansExecution" (default)}. Wraps find, aggregate, count, distinct, update, delete, findAndModify.
// Errors: 9, 20, 59, 72, 16.
#include "base/strings.h"
#include "commands/crud/explain_run.h"
#include "commands/crud/query_args.h"
#include "commands/parse.h"

namespace septet::commands {
namespace {

StatusOr<ExplainVerbosity> ParseVerbosity(bson::ValueView v) {
  if (v.missing()) {
    return ExplainVerbosity::kAllPlansExecution;
  }
  if (!v.is_string()) {
    return Error(ErrorCode::kFailedToParse, "explain verbosity must be a string");
  }
  if (v.AsString() == "queryPlanner") {
    return ExplainVerbosity::kQueryPlanner;
  }
  if (v.AsString() == "executionStats") {
    return ExplainVerbosity::kExecutionStats;
  }
  if (v.AsString() == "allPlansExecution") {
    return ExplainVerbosity::kAllPlansExecution;
  }
  return Error(ErrorCode::kFailedToParse,
               "verbosity string must be one of {'queryPlanner', 'executionStats', 'allPlansExecution'}");
}

// The query part of the wrapped command. `*wrapper` is the write stage on top.
Status QueryOf(bson::DocView command, QueryArgs* args, std::string_view* wrapper, bool* count) {
  const std::string_view name = command.FirstElement().name();
  if (name == "find") {
    return ParseFields("find", command,
                       {{"filter", &args->filter}, {"projection", &args->projection},
                        {"sort", &args->sort}, {"hint", &args->hint}, {"collation", &args->collation},
                        {"let", &args->let}, {"min", &args->min}, {"max", &args->max},
                        {"skip", &args->skip}, {"limit", &args->limit}});
  }
  if (name == "count" || name == "distinct") {
    *count = name == "count";
    return ParseFields(name, command,
                       {{"query", &args->filter}, {"hint", &args->hint},
                        {"collation", &args->collation}, {"skip", &args->skip},
                        {"limit", &args->limit}});
  }
  if (name == "findAndModify" || name == "findandmodify") {
    *wrapper = command.Find("remove").Truthy() ? "DELETE" : "UPDATE";
    return ParseFields("findAndModify", command,
                       {{"query", &args->filter}, {"sort", &args->sort}, {"hint", &args->hint},
                        {"collation", &args->collation}, {"let", &args->let}});
  }
  const bool is_delete = name == "delete";
  const bson::ValueView batch = command.Find(is_delete ? "deletes" : "updates");
  *wrapper = is_delete ? "DELETE" : "UPDATE";
  if (batch.missing()) {
    return MissingField(name, is_delete ? "deletes" : "updates");
  }
  const int n = batch.is_array() ? batch.AsArray().CountFields() : 0;
  if (n == 0) {
    return Error(ErrorCode::kInvalidLength,
                 "Write batch sizes must be between 1 and 100000. Got 0 operations.");
  }
  if (n != 1 || !batch.AsArray().FirstElement().value().is_object()) {
    return Error(ErrorCode::kInvalidLength, "explained write batches must be of size 1");
  }
  RETURN_IF_ERROR(ParseFields(is_delete ? "delete.deletes" : "update.updates",
                              batch.AsArray().FirstElement().value().AsDoc(),
                              {FieldBinding("q", &args->filter, true), {"hint", &args->hint},
                               {"collation", &args->collation}}));
  return ParseFields(name, command, {{"let", &args->let}});
}

Outcome ExplainPipelineCommand(catalog::Op* op, const Services& services, const Request& request,
                               bson::DocView command, ExplainVerbosity verbosity,
                               bson::DocBuilder* reply) {
  Request inner = request;
  inner.body = command;
  AggregateArgs args;
  ArrayView pipeline;
  std::optional<bool> allow_disk_use;
  Status status = ParseFields("aggregate", command,
                              {FieldBinding("pipeline", &pipeline, true), {"hint", &args.hint},
                               {"collation", &args.collation}, {"let", &args.let},
                               {"allowDiskUse", &allow_disk_use}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  args.pipeline = pipeline.doc;
  args.collectionless = command.FirstElement().value().is_number();
  if (args.collectionless) {
    args.ns = catalog::Namespace(request.db, "$cmd.aggregate");
  } else {
    StatusOr<catalog::Namespace> ns = CollectionOf(inner);
    if (!ns.ok()) {
      return Outcome::Fail(ns.status());
    }
    args.ns = *std::move(ns);
  }
  return ExplainAggregate(op, services, request, std::move(args), verbosity, reply);
}

Status CheckWrapped(const Request& request, bson::DocView* command) {
  const bson::ValueView wrapped = request.body.FirstElement().value();
  if (!wrapped.is_object()) {
    return Error(ErrorCode::kFailedToParse, "explain command requires a nested object");
  }
  *command = wrapped.AsDoc();
  const std::string_view name = command->empty() ? std::string_view() : command->FirstElement().name();
  if (FindCommand(name) == nullptr) {
    return Error(ErrorCode::kCommandNotFound,
                 StrCat("Explain failed due to unknown command: ", name));
  }
  if (name == "explain") {
    return Error(ErrorCode::kIllegalOperation, "Explain cannot explain itself.");
  }
  for (const std::string_view known : {"find", "aggregate", "count", "distinct", "update", "delete",
                                       "findAndModify", "findandmodify"}) {
    if (name == known) {
      return OkStatus();
    }
  }
  return Error(ErrorCode::kIllegalOperation, StrCat("Cannot explain cmd: ", name));
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  bson::DocView command;
  Status status = CheckWrapped(request, &command);
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const StatusOr<ExplainVerbosity> verbosity = ParseVerbosity(request.body.Find("verbosity"));
  if (!verbosity.ok()) {
    return Outcome::Fail(verbosity.status());
  }
  if (command.FirstElement().name() == "aggregate") {
    return ExplainPipelineCommand(op, services, request, command, *verbosity, reply);
  }
  Request inner = request;
  inner.body = command;
  const StatusOr<catalog::Namespace> ns = CollectionOf(inner);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  QueryArgs args;
  std::string_view wrapper;
  bool count = false;
  status = QueryOf(command, &args, &wrapper, &count);
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const catalog::CollectionPtr collection = services.catalog->Find(ns->full());
  StatusOr<std::shared_ptr<query::FindQuery>> query = BuildQuery(*ns, args, collection.get());
  if (!query.ok()) {
    return Outcome::Fail(query.status());
  }
  (*query)->count_only = count;
  (*query)->want_rid = !wrapper.empty();
  return ExplainFind(op, services, request, *ns, *std::move(query), wrapper, *verbosity, reply);
}

}  // namespace

extern const CommandSpec kExplainCommand;
const CommandSpec kExplainCommand{
    .name = "explain",
    .aliases = {},
    .flags = kReadData,
    .help = "Shows how a command would be run",
    .fields = {"verbosity"},
    .api_version = "1",
    .run = Run,
};

}  // namespace septet::commands
