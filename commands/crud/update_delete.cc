// SPDX-License-Identifier: Apache-2.0
// update (S02-005): {update: coll, updates: [{q, u, c, multi, upsert, collation, arrayFilters, hint}], ordered,
//   let, bypassDocumentValidation}
// Reply: {n, nModified, upserted: [{index, _id}], writeErrors}.
// Also delete (S02-006): {delete: coll, deletes: [{q, limit, collation, hint}], ordered, let}; reply {n, writeErrors}.
#include "base/strings.h"
#include "bson/number.h"
#include "commands/crud/cursor_reply.h"
#include "commands/crud/query_args.h"
#include "commands/crud/retry.h"
#include "commands/crud/validator.h"
#include "commands/crud/write_reply.h"
#include "commands/generic_args.h"
#include "commands/parse.h"
#include "query/runtime.h"
#include "query/write/write_statement.h"

namespace septet::commands {
namespace {

struct Upserted {
  int32_t index;
  bson::Value id;
};

// One element of updates or deletes.
struct StatementArgs {
  QueryArgs query;
  bson::ValueView update;
  bson::DocView constants;
  ArrayView array_filters;
  bool multi = false;
  bool upsert = false;
  bool upsert_supplied = false;
};

struct WriteRun {
  catalog::Op* op;
  const Services* services;
  const Request* request;
  catalog::Namespace ns;
  std::vector<StatementArgs> statements;
  bson::DocView let;
  bool is_delete = false;
  bool ordered = true;
  size_t at = 0;
  int32_t n = 0;
  int32_t modified = 0;
  std::vector<Upserted> upserted;
  std::vector<WriteError> errors;
  RetriedStatements retried;
  // The statement that runs now.
  std::unique_ptr<query::WriteStatement> statement;
  std::unique_ptr<query::WriteRunner> runner;
};

StatusOr<std::vector<bson::DocView>> ArrayFilters(const ArrayView& list) {
  std::vector<bson::DocView> out;
  for (const bson::ElementView e : list.doc) {
    if (!e.value().is_object()) {
      return WrongType("update.updates.arrayFilters", e.name(), e.type(), "object");
    }
    out.push_back(e.value().AsDoc());
  }
  return out;
}

// An object, or an array of objects with one field each.
Status CheckUpdateShape(const bson::ValueView& u) {
  if (u.is_object()) {
    return OkStatus();
  }
  if (!u.is_array()) {
    return Error(ErrorCode::kFailedToParse, "Update argument must be either an object or an array");
  }
  for (const bson::ElementView e : u.AsArray()) {
    if (!e.value().is_object()) {
      return Error(ErrorCode::kTypeMismatch, "Each element of the 'pipeline' array must be an object");
    }
    if (e.value().AsDoc().CountFields() != 1) {
      return Error(40323, "A pipeline stage specification object must contain exactly one field.");
    }
  }
  return OkStatus();
}

StatusOr<StatementArgs> ParseUpdateArgs(bson::DocView spec) {
  StatementArgs a;
  RETURN_IF_ERROR(ParseFields("update.updates", spec,
                              {FieldBinding("q", &a.query.filter, true),
                               FieldBinding("u", &a.update, true), {"c", &a.constants},
                               {"multi", &a.multi}, {"upsert", &a.upsert},
                               {"upsertSupplied", &a.upsert_supplied}, {"collation", &a.query.collation},
                               {"arrayFilters", &a.array_filters}, {"hint", &a.query.hint}},
                              Strictness::kNoUnknownFields));
  RETURN_IF_ERROR(CheckUpdateShape(a.update));
  RETURN_IF_ERROR(ArrayFilters(a.array_filters).status());
  return a;
}

StatusOr<std::unique_ptr<query::WriteStatement>> CompileUpdate(const WriteRun& run,
                                                               StatementArgs a) {
  std::string variables;
  a.query.let = run.let;
  if (!a.constants.empty()) {
    if (!a.update.is_array()) {
      return Error(51198, "Constant values may only be specified for pipeline updates");
    }
    bson::DocBuilder all;  // variables of the command, and the statement's own over them
    for (const bson::ElementView e : run.let) {
      if (!a.constants.Has(e.name())) {
        all.Append(e);
      }
    }
    all.AppendAll(a.constants);
    variables = all.Finish();
    a.query.let = bson::DocView(variables);
  }
  const catalog::CollectionPtr collection = run.services->catalog->Find(run.ns.full());
  auto out = std::make_unique<query::WriteStatement>();
  out->ns = run.ns;
  out->multi = a.multi;
  out->upsert = a.upsert;
  ASSIGN_OR_RETURN(out->query, BuildQuery(run.ns, a.query, collection.get()));
  ASSIGN_OR_RETURN(const std::vector<bson::DocView> filters, ArrayFilters(a.array_filters));
  query::UpdateOptions options;
  options.multi = a.multi;
  options.upsert = a.upsert;
  options.collator = out->query->collation.get();
  options.variables = &out->query->variables;
  ASSIGN_OR_RETURN(out->update, query::ParseUpdate(a.update, filters, options));
  if (collection != nullptr && !collection->is_view) {
    ASSIGN_OR_RETURN(const auto validator, DocumentValidator::For(*collection, *run.request));
    if (validator != nullptr) {
      out->check = [validator](bson::DocView before, bson::DocView after) {
        return before.empty() ? validator->Check(after) : validator->CheckUpdate(before, after);
      };
    }
  }
  return out;
}

// 0 or 1, of any type that can be read as a number (recorded S02-006).
StatusOr<int64_t> DeleteLimit(const bson::ValueView& limit) {
  int64_t n = 0;
  if (limit.type() == bson::Type::kBool) {
    n = limit.AsBool() ? 1 : 0;
  } else if (limit.is_number()) {
    ASSIGN_OR_RETURN(n, ToInt64("delete.deletes", "limit", limit));
  }
  if (n != 0 && n != 1) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("The limit field in delete objects must be 0 or 1. Got ", n));
  }
  return n;
}

StatusOr<StatementArgs> ParseDeleteArgs(bson::DocView spec) {
  StatementArgs a;
  bson::ValueView limit;
  RETURN_IF_ERROR(ParseFields("delete.deletes", spec,
                              {FieldBinding("q", &a.query.filter, true), FieldBinding("limit", &limit, true),
                               {"collation", &a.query.collation}, {"hint", &a.query.hint}},
                              Strictness::kNoUnknownFields));
  ASSIGN_OR_RETURN(const int64_t n, DeleteLimit(limit));
  a.multi = n == 0;
  return a;
}

StatusOr<std::unique_ptr<query::WriteStatement>> CompileDelete(const WriteRun& run,
                                                               StatementArgs a) {
  a.query.let = run.let;
  const catalog::CollectionPtr collection = run.services->catalog->Find(run.ns.full());
  auto out = std::make_unique<query::WriteStatement>();
  out->ns = run.ns;
  out->multi = a.multi;
  ASSIGN_OR_RETURN(out->query, BuildQuery(run.ns, a.query, collection.get()));
  return out;
}

// Errors in the shape of a statement fail the whole command, before anything runs.
Status ParseStatements(const std::vector<bson::DocView>& specs, WriteRun* run) {
  run->statements.reserve(specs.size());
  for (const bson::DocView spec : specs) {
    ASSIGN_OR_RETURN(StatementArgs args,
                     run->is_delete ? ParseDeleteArgs(spec) : ParseUpdateArgs(spec));
    run->statements.push_back(std::move(args));
  }
  return OkStatus();
}

Status Start(WriteRun* run) {
  const StatementArgs& args = run->statements[run->at];
  StatusOr<std::unique_ptr<query::WriteStatement>> statement =
      run->is_delete ? CompileDelete(*run, args) : CompileUpdate(*run, args);
  RETURN_IF_ERROR(statement.status());
  run->statement = *std::move(statement);
  run->statement->stmt_id = StatementId(*run->request, static_cast<int>(run->at));
  // A statement on many documents cannot be told apart from its half on a retry (recorded S08-007).
  if (run->statement->stmt_id >= 0 && run->statement->multi) {
    return Error(ErrorCode::kInvalidOptions,
                 StrCat("Cannot use (or request) retryable writes with ",
                        run->is_delete ? "limit=0" : "multi=true"));
  }
  run->runner = std::make_unique<query::WriteRunner>(
      run->services->catalog, &run->services->query->plans,
      run->services->query->planner_options(), run->statement.get());
  return OkStatus();
}

void Record(WriteRun* run, const query::WriteResult& result) {
  run->n += static_cast<int32_t>(result.matched);
  run->modified += static_cast<int32_t>(result.modified);
  if (!result.upserted_id.view().missing()) {
    ++run->n;
    run->upserted.push_back({static_cast<int32_t>(run->at), result.upserted_id});
  }
}

// The statement was executed by an earlier try.
void RecordRetried(WriteRun* run, const txn::StatementResult& result) {
  run->n += result.n;
  run->modified += result.n_modified;
  if (!result.upserted.empty()) {
    run->upserted.push_back(
        {static_cast<int32_t>(run->at), bson::Value(bson::DocView(result.upserted).Find("_id"))});
  }
}

// For the slow log, the profiler and the document counters.
void Count(const WriteRun& run) {
  catalog::OpCounters& counters = run.op->counters;
  if (run.is_delete) {
    counters.n_deleted = run.n;
    return;
  }
  counters.n_upserted = static_cast<int64_t>(run.upserted.size());
  counters.n_matched = run.n - counters.n_upserted;
  counters.n_modified = run.modified;
}

void Reply(const WriteRun& run, bson::DocBuilder* reply) {
  reply->Append("n", run.n);
  if (!run.is_delete) {
    if (!run.upserted.empty()) {
      const auto list = reply->Array("upserted");
      for (const Upserted& u : run.upserted) {
        const auto one = reply->AddObject();
        reply->Append("index", u.index);
        reply->Append("_id", u.id.view());
      }
    }
    reply->Append("nModified", run.modified);
  }
  AppendWriteErrors(run.errors, reply);
  run.retried.AppendTo(reply);
}

// Runs statement number `at` (or goes on with it). kYield: move to the pool.
StatusOr<query::Step> RunStatement(WriteRun* run) {
  if (run->runner == nullptr) {
    const txn::StatementResult* before =
        run->retried.Executed(StatementId(*run->request, static_cast<int>(run->at)));
    if (before != nullptr) {
      RecordRetried(run, *before);
      return query::Step::kDone;
    }
    RETURN_IF_ERROR(Start(run));
  }
  ASSIGN_OR_RETURN(const query::Step step, run->runner->Run(run->op));
  if (step == query::Step::kDone) {
    Record(run, run->runner->result());
  }
  return step;
}

Outcome Continue(const std::shared_ptr<WriteRun>& run, bson::DocBuilder* reply) {
  const auto move_to_pool = [&run, reply]() -> Outcome {
    return {Suspend{WaitWorker{}, [run, reply](bool) {
                      run->op->interrupt.EndSlice();
                      return Continue(run, reply);
                    }}};
  };
  while (run->at < run->statements.size()) {
    const StatusOr<query::Step> step = RunStatement(run.get());
    if (catalog::IsWouldBlock(step.status()) || (step.ok() && *step == query::Step::kYield)) {
      return move_to_pool();
    }
    if (!step.ok()) {
      if (EndsCommand(step.status())) {
        return Outcome::Fail(step.status());
      }
      // What a multi statement changed before its error does not count (recorded S05-088).
      run->errors.push_back({static_cast<int32_t>(run->at), step.status()});
    }
    run->runner.reset();
    run->statement.reset();
    ++run->at;
    if (!step.ok() && run->ordered) {
      break;
    }
    if (run->op->interrupt.SliceExpired() && run->at < run->statements.size()) {
      return move_to_pool();
    }
  }
  Count(*run);
  Reply(*run, reply);
  return Outcome::Ok();
}

Outcome RunWrites(catalog::Op* op, const Services& services, const Request& request,
                  bson::DocBuilder* reply, bool is_delete) {
  const StatusOr<catalog::Namespace> ns = WritableCollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  auto run = std::make_shared<WriteRun>();
  run->op = op;
  run->services = &services;
  run->request = &request;
  run->ns = *ns;
  run->is_delete = is_delete;
  LooseBool bypass;
  Status status = ParseFields(is_delete ? "delete" : "update", request.body,
                              {{"ordered", &run->ordered}, {"let", &run->let},
                               {"bypassDocumentValidation", &bypass}});
  if (status.ok()) {
    StatusOr<std::vector<bson::DocView>> statements =
        StatementsOf(request, is_delete ? "deletes" : "updates");
    status = statements.status();
    if (status.ok()) {
      status = ParseStatements(*statements, run.get());
    }
    if (status.ok()) {
      status = CheckStatementIds(request, run->statements.size());
    }
    if (status.ok()) {
      status = run->retried.Load(op, services, request);
    }
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  if (!op->may_block) {
    op->interrupt.StartSlice(kSlice * 4);
  }
  return Continue(run, reply);
}

Outcome RunUpdate(catalog::Op* op, const Services& services, const Request& request,
                  bson::DocBuilder* reply) {
  return RunWrites(op, services, request, reply, false);
}

Outcome RunDelete(catalog::Op* op, const Services& services, const Request& request,
                  bson::DocBuilder* reply) {
  return RunWrites(op, services, request, reply, true);
}

}  // namespace

extern const CommandSpec kUpdateCommand;
const CommandSpec kUpdateCommand{
    .name = "update",
    .aliases = {},
    .flags = kWrite | kRetryable | kTransactionOk,
    .help = "Updates documents",
    .fields = {"updates", "ordered", "let", "bypassDocumentValidation", "runtimeConstants"},
    .api_version = "1",
    .kind = OpKind::kUpdate,
    .run = RunUpdate,
};

extern const CommandSpec kDeleteCommand;
const CommandSpec kDeleteCommand{
    .name = "delete",
    .aliases = {},
    .flags = kWrite | kRetryable | kTransactionOk,
    .help = "Deletes documents",
    .fields = {"deletes", "ordered", "let"},
    .api_version = "1",
    .kind = OpKind::kDelete,
    .run = RunDelete,
};

}  // namespace septet::commands
