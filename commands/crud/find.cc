// SPDX-License-Identifier: Apache-2.0
// find (S02-001): {find: coll, filter, projection, sort, hint, skip, limit, batchSize, singleBatch, min, max,
//   returnKey, showRecordId, tailable, awaitData, noCursorTimeout, allowDiskUse, collation, let, ...}
// Reply: {cursor: {firstBatch: [...], id, ns}}.
// Errors: 2, 9, 14, 51024 for arguments; those of the query; 43 never.
#include "base/strings.h"
#include "commands/crud/cursor_reply.h"
#include "commands/crud/query_args.h"
#include "commands/crud/view.h"
#include "commands/generic_args.h"
#include "commands/parse.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

struct FindArgs {
  QueryArgs query;
  std::optional<int64_t> batch_size;
  int64_t ntoreturn = 0;
  bool single_batch = false;
  bool return_key = false;
  bool show_record_id = false;
  bool tailable = false;
  bool await_data = false;
  bool no_cursor_timeout = false;
  bool oplog_replay = false;
  bool allow_partial = false;
  std::optional<bool> allow_disk_use;
  bool read_once = false;
  bool resume_token = false;
  bson::DocView resume_after;
};

Status NotNegative(std::string_view field, int64_t v) {
  return v >= 0 ? OkStatus()
                : Error(51024, StrCat("BSON field '", field, "' value must be >= 0, actual value '", v, "'"));
}

Status ParseArgs(const Request& request, FindArgs* a) {
  int64_t batch = -1;
  std::optional<int64_t> batch_size;
  int64_t term = 0;
  (void)batch;
  RETURN_IF_ERROR(ParseFields(
      "find", request.body,
      {{"filter", &a->query.filter},      {"projection", &a->query.projection},
       {"sort", &a->query.sort},          {"hint", &a->query.hint},
       {"collation", &a->query.collation}, {"let", &a->query.let},
       {"min", &a->query.min},            {"max", &a->query.max},
       {"skip", &a->query.skip},          {"limit", &a->query.limit},
       {"batchSize", &batch_size},        {"singleBatch", &a->single_batch},
       {"returnKey", &a->return_key},     {"showRecordId", &a->show_record_id},
       {"tailable", &a->tailable},        {"awaitData", &a->await_data},
       {"noCursorTimeout", &a->no_cursor_timeout}, {"oplogReplay", &a->oplog_replay},
       {"allowPartialResults", &a->allow_partial}, {"allowDiskUse", &a->allow_disk_use},
       {"readOnce", &a->read_once},       {"ntoreturn", &a->ntoreturn},
       {"term", &term}, {"$_requestResumeToken", &a->resume_token},
       {"$_resumeAfter", &a->resume_after}}));
  a->batch_size = batch_size;
  RETURN_IF_ERROR(NotNegative("skip", a->query.skip));
  RETURN_IF_ERROR(NotNegative("limit", a->query.limit));
  RETURN_IF_ERROR(NotNegative("batchSize", batch_size.value_or(0)));
  if (a->ntoreturn != 0 && (a->batch_size || a->query.limit != 0)) {
    return Error(ErrorCode::kBadValue,
                 "'limit' or 'batchSize' fields can not be set with 'ntoreturn' field.");
  }
  return OkStatus();
}

bool IsNatural(bson::DocView order) {
  return order.CountFields() == 1 && order.FirstElement().name() == "$natural" &&
         bson::Compare(order.FirstElement().value(), bson::Value::Int32(1).view()) == 0;
}

// A scan that can be gone on with from where a batch ended.
Status CheckResume(const FindArgs& a) {
  if (!a.resume_token) {
    return a.resume_after.empty()
               ? OkStatus()
               : Error(ErrorCode::kBadValue,
                       "'requestResumeToken' must be true if 'resumeAfter' is specified");
  }
  if (!a.query.hint.is_object() || !IsNatural(a.query.hint.AsDoc())) {
    return Error(ErrorCode::kBadValue, "hint must be {$natural:1} if 'requestResumeToken' is enabled");
  }
  if (!a.query.sort.empty() && !IsNatural(a.query.sort)) {
    return Error(ErrorCode::kBadValue,
                 "sort must be unset or {$natural:1} if 'requestResumeToken' is enabled");
  }
  if (!a.resume_after.empty() &&
      (a.resume_after.CountFields() != 1 ||
       a.resume_after.Find("$recordId").type() != bson::Type::kInt64)) {
    return Error(ErrorCode::kBadValue,
                 "Malformed resume token: the '_resumeAfter' object must contain exactly one field named "
                 "'$recordId', of type NumberLong or jstOID.");
  }
  return OkStatus();
}

Status CheckCombinations(const FindArgs& a) {
  RETURN_IF_ERROR(CheckResume(a));
  if (a.await_data && !a.tailable) {
    return Error(ErrorCode::kFailedToParse, "Cannot set 'awaitData' without also setting 'tailable'");
  }
  if (a.tailable) {
    const bool natural_forward =
        a.query.sort.empty() || (a.query.sort.FirstElement().name() == "$natural" &&
                                 bson::Compare(a.query.sort.FirstElement().value(),
                                               bson::Value::Int32(1).view()) == 0);
    if (!natural_forward) {
      return Error(ErrorCode::kBadValue,
                   "cannot use tailable option with a sort other than {$natural: 1}");
    }
    if (a.single_batch) {
      return Error(ErrorCode::kBadValue,
                   "cannot use tailable option with the 'singleBatch' option");
    }
  }
  if (!a.query.min.empty() && !a.query.max.empty()) {
    auto min = a.query.min.begin();
    auto max = a.query.max.begin();
    for (; min != a.query.min.end() && max != a.query.max.end(); ++min, ++max) {
      if ((*min).name() != (*max).name()) {
        return Error(51176, "min and max must have the same field names");
      }
    }
    if (min != a.query.min.end() || max != a.query.max.end()) {
      return Error(51176, "min and max must have the same field names");
    }
  }
  return OkStatus();
}

// A find on a view becomes a pipeline; some options have no stage.
Status CheckViewOptions(const FindArgs& a) {
  for (const auto& [name, given] :
       {std::pair("min", !a.query.min.empty()), std::pair("max", !a.query.max.empty()),
        std::pair("returnKey", a.return_key), std::pair("showRecordId", a.show_record_id)}) {
    if (given) {
      return Error(ErrorCode::kInvalidPipelineOperator,
                   StrCat("Option ", name, " not supported in aggregation."));
    }
  }
  if (a.tailable) {
    return Error(ErrorCode::kInvalidPipelineOperator,
                 "Tailable cursors are not supported in aggregation.");
  }
  return OkStatus();
}

StatusOr<std::unique_ptr<query::Cursor>> MakeCursor(catalog::Op* op, const Services& services,
                                                    const catalog::Namespace& ns,
                                                    const catalog::CollectionPtr& collection,
                                                    const FindArgs& a) {
  ASSIGN_OR_RETURN(auto query, BuildQuery(ns, a.query, collection.get()));
  query->return_key = a.return_key;
  query->show_record_id = a.show_record_id;
  query->tailable = a.tailable;
  query->await_data = a.await_data;
  if (!a.resume_after.empty()) {
    query->resume_after = a.resume_after.Find("$recordId").AsInt64();
  }
  ASSIGN_OR_RETURN(query::Plan plan,
                   query::MakePlan(services.catalog, op, collection, std::move(query),
                                   &services.query->plans,
                                   services.query->planner_options(a.allow_disk_use.value_or(true))));
  auto cursor = std::make_unique<query::Cursor>();
  cursor->ns = ns.full();
  cursor->plan = std::move(plan);
  cursor->no_timeout = a.no_cursor_timeout;
  cursor->resume_token = a.resume_token;
  cursor->tailable = a.tailable && collection != nullptr;
  cursor->await_data = a.await_data;
  return cursor;
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  FindArgs args;
  StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (ns.ok() && ns->collection().find('$') != std::string_view::npos && ns->full() != "local.oplog.$main") {
    ns = Error(ErrorCode::kInvalidNamespace,
               StrCat("Invalid collection name specified '", ns->full()));
  }
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  Status status = ParseArgs(request, &args);
  if (status.ok()) {
    status = CheckCombinations(args);
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const catalog::CollectionPtr collection = services.catalog->Find(ns->full());
  if (collection != nullptr && collection->is_view) {
    status = CheckViewOptions(args);
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    return FindOnView(op, services, request, *collection, args.query, args.batch_size,
                      args.single_batch, reply);
  }
  StatusOr<std::unique_ptr<query::Cursor>> cursor = MakeCursor(op, services, *ns, collection, args);
  if (!cursor.ok()) {
    return Outcome::Fail(cursor.status());
  }
  (*cursor)->command = request.body.ToBytes();
  (*cursor)->session_id = SessionIdOf(request);
  BatchRequest batch;
  const int64_t first = args.ntoreturn != 0 ? std::abs(args.ntoreturn)
                                            : args.batch_size.value_or(limits::kDefaultFirstBatch);
  batch.limits.max_documents = first;
  // A batch that already holds the whole limit closes the cursor.
  batch.single_batch = args.single_batch || args.ntoreturn < 0 ||
                       (args.query.limit > 0 && first >= args.query.limit && first > 0);
  return RunBatch(op, services, *std::move(cursor), batch, reply);
}

}  // namespace

extern const CommandSpec kFindCommand;
const CommandSpec kFindCommand{
    .name = "find",
    .aliases = {},
    .flags = kReadData | kTransactionOk,
    .help = "query for documents",
    .fields = {"filter", "projection", "sort", "hint", "skip", "limit", "batchSize", "singleBatch",
               "min", "max", "returnKey", "showRecordId", "tailable", "awaitData", "noCursorTimeout",
               "oplogReplay", "allowPartialResults", "allowDiskUse", "collation", "let", "readOnce",
               "ntoreturn", "term", "$_requestResumeToken", "$_resumeAfter"},
    .api_version = "1",
    .kind = OpKind::kQuery,
    .run = Run,
};

}  // namespace septet::commands
