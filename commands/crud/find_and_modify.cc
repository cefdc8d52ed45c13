// SPDX-License-Identifier: Apache-2.0
// findAndModify (S02-007): {findAndModify: coll, query, sort, remove, update, new, fields, upsert, collation,
//   arrayFilters, hint, let, bypassDocumentValidation, maxTimeMS}
// Reply: {lastErrorObject: {n, updatedExisting, upserted}, value}. Errors: 9 for wrong combinations.
#include "base/strings.h"
#include "bson/ejson.h"
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

struct Args {
  QueryArgs query;
  bson::DocView fields;
  bson::ValueView update;
  ArrayView array_filters;
  LooseBool remove, return_new, upsert;
};

struct ModifyRun {
  catalog::Op* op;
  const Services* services;
  Args args;
  std::unique_ptr<query::WriteStatement> statement;
  std::unique_ptr<query::WriteRunner> runner;
  std::unique_ptr<const query::Projection> projection;
  RetriedStatements retried;
};

Status CheckCombinations(const Args& a) {
  if (a.remove.value) {
    if (!a.update.missing()) {
      return Error(ErrorCode::kFailedToParse, "Cannot specify both an update and remove=true");
    }
    if (a.upsert.value) {
      return Error(ErrorCode::kFailedToParse, "Cannot specify both upsert=true and remove=true ");
    }
    if (a.return_new.value) {
      return Error(ErrorCode::kFailedToParse,
                   "Cannot specify both new=true and remove=true; 'remove' always returns the deleted "
                   "document");
    }
    return OkStatus();
  }
  if (a.update.missing()) {
    return Error(ErrorCode::kFailedToParse, "Either an update or remove=true must be specified");
  }
  if (!a.update.is_object() && !a.update.is_array()) {
    return Error(ErrorCode::kFailedToParse, "Update argument must be either an object or an array");
  }
  return OkStatus();
}

Status ParseArgs(const Request& request, Args* a) {
  bson::DocView fields_alias;
  LooseBool bypass;
  RETURN_IF_ERROR(ParseFields(
      "findAndModify", request.body,
      {{"query", &a->query.filter}, {"sort", &a->query.sort}, {"fields", &a->fields},
       {"projection", &fields_alias}, {"update", &a->update}, {"remove", &a->remove},
       {"new", &a->return_new}, {"upsert", &a->upsert}, {"collation", &a->query.collation},
       {"arrayFilters", &a->array_filters}, {"hint", &a->query.hint}, {"let", &a->query.let},
       {"bypassDocumentValidation", &bypass}}));
  if (a->fields.empty()) {
    a->fields = fields_alias;
  }
  return CheckCombinations(*a);
}

Status Compile(const catalog::Namespace& ns, const Request& request, ModifyRun* run) {
  const Args& a = run->args;
  const catalog::CollectionPtr collection = run->services->catalog->Find(ns.full());
  auto statement = std::make_unique<query::WriteStatement>();
  statement->ns = ns;
  ASSIGN_OR_RETURN(statement->query, BuildQuery(ns, a.query, collection.get()));
  if (!statement->query->sort.empty()) {
    statement->query->limit = 0;
  }
  statement->upsert = a.upsert.value;
  statement->want_before = !a.return_new.value;
  statement->want_after = a.return_new.value;
  statement->stmt_id = StatementId(request, 0);
  statement->keep_image = statement->stmt_id >= 0;
  if (!a.remove.value) {
    std::vector<bson::DocView> filters;
    for (const bson::ElementView e : a.array_filters.doc) {
      if (!e.value().is_object()) {
        return WrongType("findAndModify.arrayFilters", e.name(), e.type(), "object");
      }
      filters.push_back(e.value().AsDoc());
    }
    query::UpdateOptions options;
    options.upsert = a.upsert.value;
    options.collator = statement->query->collation.get();
    options.variables = &statement->query->variables;
    ASSIGN_OR_RETURN(statement->update, query::ParseUpdate(a.update, filters, options));
    if (collection != nullptr && !collection->is_view) {
      ASSIGN_OR_RETURN(const auto validator, DocumentValidator::For(*collection, request));
      if (validator != nullptr) {
        statement->check = [validator](bson::DocView before, bson::DocView after) {
          return before.empty() ? validator->Check(after) : validator->CheckUpdate(before, after);
        };
      }
    }
  }
  if (!a.fields.empty()) {
    ASSIGN_OR_RETURN(run->projection,
                     query::ParseProjection(a.fields, query::ProjectionPolicy::kFind,
                                            &statement->query->variables,
                                            statement->query->matcher.get()));
  }
  run->statement = std::move(statement);
  run->runner = std::make_unique<query::WriteRunner>(
      run->services->catalog, &run->services->query->plans,
      run->services->query->planner_options(), run->statement.get());
  return OkStatus();
}

// The projected document under "value", null if there is none.
Status AppendValue(const ModifyRun& run, const std::string& document, bson::DocBuilder* reply) {
  if (document.empty()) {
    reply->AppendNull("value");
    return OkStatus();
  }
  if (run.projection == nullptr) {
    reply->Append("value", bson::DocView(document));
    return OkStatus();
  }
  bson::Arena arena;
  query::EvalContext eval;
  eval.arena = &arena;
  const bson::DocView doc(document);
  eval.root = doc;
  query::MatchDetails details;
  if (run.projection->NeedsMatchDetails()) {
    ASSIGN_OR_RETURN(const bool matches,
                     run.statement->query->matcher->Matches(doc, &eval, &details));
    (void)matches;  // the updated document may not match any more
  }
  std::string projected;
  RETURN_IF_ERROR(run.projection->Apply(doc, &eval, &details, nullptr, &projected));
  reply->Append("value", bson::DocView(projected));
  return OkStatus();
}

Outcome Reply(const ModifyRun& run, bson::DocBuilder* reply) {
  const query::WriteResult& r = run.runner->result();
  const bool upserted = !r.upserted_id.view().missing();
  {
    const auto last = reply->Object("lastErrorObject");
    reply->Append("n", upserted ? 1 : static_cast<int32_t>(r.matched));
    if (!run.args.remove.value) {
      reply->Append("updatedExisting", r.matched > 0);
    }
    if (upserted) {
      reply->Append("upserted", r.upserted_id.view());
    }
  }
  return Outcome::Of(AppendValue(run, run.args.return_new.value ? r.after : r.before, reply));
}

// A number used twice must mean the same: what was kept has to be what this request asks for.
Status CheckRetry(const Request& request, const Args& args, const txn::StatementResult& before) {
  const auto refuse = [&request](int code, std::string_view why) {
    return Error(code, StrCat("findAndModify retry request: ", bson::ToShellText(request.body), " ", why));
  };
  if (before.kind == 'd') {
    if (!args.remove.value) {
      return refuse(40606, "is not compatible with previous write in the transaction of type: d");
    }
    return before.has_image ? OkStatus() : refuse(40607, "has no pre-image available");
  }
  if (before.kind == 'i') {
    return args.upsert.value
               ? OkStatus()
               : refuse(40608, "is not compatible with previous write in the transaction of type: i");
  }
  if (args.return_new.value && !before.is_post_image) {
    return refuse(40611, "wants the document after update returned, but only before update document is "
                         "stored");
  }
  if (!args.return_new.value && before.is_post_image) {
    return refuse(40612, "wants the document before update returned, but only after update document is "
                         "stored");
  }
  return OkStatus();
}

Outcome ReplyRetried(const ModifyRun& run, const Request& request, const txn::StatementResult& before,
                     bson::DocBuilder* reply) {
  const Status same = CheckRetry(request, run.args, before);
  if (!same.ok()) {
    return Outcome::Fail(same);
  }
  {
    const auto last = reply->Object("lastErrorObject");
    reply->Append("n", before.n);
    if (before.kind != 'd') {
      reply->Append("updatedExisting", before.upserted.empty() && before.n > 0);
    }
    if (!before.upserted.empty()) {
      reply->Append("upserted", bson::DocView(before.upserted).Find("_id"));
    }
  }
  const Status status =
      AppendValue(run, before.has_image ? before.image : std::string(), reply);
  reply->Append("retriedStmtId", before.stmt_id);
  return Outcome::Of(status);
}

Status RunError(const Status& status) {
  return EndsCommand(status) || CodeOf(status) == ErrorCode::kCommandNotSupportedOnView
             ? status
             : Prefixed("Plan executor error during findAndModify :: caused by :: ", status);
}

Outcome Continue(const std::shared_ptr<ModifyRun>& run, bson::DocBuilder* reply) {
  const StatusOr<query::Step> step = run->runner->Run(run->op);
  if (catalog::IsWouldBlock(step.status()) || (step.ok() && *step == query::Step::kYield)) {
    return {Suspend{WaitWorker{}, [run, reply](bool) {
                      run->op->interrupt.EndSlice();
                      return Continue(run, reply);
                    }}};
  }
  return step.ok() ? Reply(*run, reply) : Outcome::Fail(RunError(step.status()));
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = WritableCollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  auto run = std::make_shared<ModifyRun>();
  run->op = op;
  run->services = &services;
  Status status = ParseArgs(request, &run->args);
  if (status.ok()) {
    status = Compile(*ns, request, run.get());
  }
  if (status.ok()) {
    status = run->retried.Load(op, services, request);
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const txn::StatementResult* before = run->retried.Executed(run->statement->stmt_id);
  if (before != nullptr) {
    return ReplyRetried(*run, request, *before, reply);
  }
  if (!op->may_block) {
    op->interrupt.StartSlice(kSlice * 4);
  }
  return Continue(run, reply);
}

}  // namespace

extern const CommandSpec kFindAndModifyCommand;
const CommandSpec kFindAndModifyCommand{
    .name = "findAndModify",
    .aliases = {"findandmodify"},
    .flags = kWrite | kRetryable | kTransactionOk,
    .help = "Changes one document and returns it",
    .fields = {"query", "sort", "fields", "projection", "update", "remove", "new", "upsert", "collation",
               "arrayFilters", "hint", "let", "bypassDocumentValidation", "runtimeConstants"},
    .api_version = "1",
    .run = Run,
};

}  // namespace septet::commands
