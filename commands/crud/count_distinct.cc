// SPDX-License-Identifier: Apache-2.0
// count (S02-009): {count: coll, query, limit, skip, hint, collation}; reply {n}.
// distinct (S02-010): {distinct: coll, key, query, collation, hint}; reply {values: [...]}.
// An empty query is answered from the exact counters. Errors: 2, 9, 14, 40352, 17217 for over 16 MB.
#include <cstdlib>
#include <limits>

#include "base/strings.h"
#include "bson/number.h"
#include "commands/crud/cursor_reply.h"
#include "commands/crud/distinct_values.h"
#include "commands/crud/query_args.h"
#include "commands/crud/view.h"
#include "commands/parse.h"
#include "query/expression/field_path.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

struct ScanRun {
  catalog::Op* op;
  query::Plan plan;
  bool is_count = false;
  int64_t count = 0;
  std::unique_ptr<DistinctValues> values;
};

void AppendCount(int64_t n, bson::DocBuilder* reply) {
  if (n <= std::numeric_limits<int32_t>::max()) {
    reply->Append("n", static_cast<int32_t>(n));
  } else {
    reply->Append("n", n);
  }
}

Outcome Continue(const std::shared_ptr<ScanRun>& run, bson::DocBuilder* reply) {
  for (;;) {
    query::Row row;
    const StatusOr<query::Step> step = run->plan.Next(run->op, &row);
    if (!step.ok()) {
      return Outcome::Fail(ExecutorError(run->is_count ? "count" : "distinct", step.status()));
    }
    if (*step == query::Step::kYield) {
      return {Suspend{WaitWorker{}, [run, reply](bool) {
                        run->op->interrupt.EndSlice();
                        return Continue(run, reply);
                      }}};
    }
    if (*step == query::Step::kDone) {
      break;
    }
    if (run->is_count) {
      run->count = bson::ToInt64Clamped(row.doc.Find("count"));
    } else {
      const Status status = run->values->Add(row.doc);
      if (!status.ok()) {
        return Outcome::Fail(status);
      }
    }
  }
  if (run->is_count) {
    AppendCount(run->count, reply);
  } else {
    run->values->AppendTo("values", reply);
  }
  return Outcome::Ok();
}

Status ParseCountLimits(const Request& request, QueryArgs* args) {
  for (const std::string_view field : {"limit", "skip"}) {
    const bson::ValueView v = request.body.Find(field);
    if (v.nullish()) {
      continue;
    }
    if (!v.is_number()) {
      return Error(ErrorCode::kBadValue, StrCat(field, " value is not a valid number"));
    }
    const std::optional<int64_t> n = bson::ExactInt64(v);
    if (!n) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("Expected an integer: ", field, ": ", bson::ToDouble(v)));
    }
    if (field == "skip") {
      if (*n < 0) {
        return Error(51024, StrCat("BSON field 'skip' value must be >= 0, actual value '", *n, "'"));
      }
      args->skip = *n;
      continue;
    }
    if (*n == std::numeric_limits<int64_t>::min()) {
      return Error(ErrorCode::kBadValue, "limit value for count cannot be min long");
    }
    args->limit = std::abs(*n);
  }
  return OkStatus();
}

// The count of everything, without looking at a document.
int64_t FastCount(const catalog::CollectionInfo& collection, const QueryArgs& args) {
  int64_t n = catalog::RecordCount(collection) - args.skip;
  n = n < 0 ? 0 : n;
  return args.limit > 0 && n > args.limit ? args.limit : n;
}

Outcome RunScan(catalog::Op* op, const Services& services, std::shared_ptr<ScanRun> run,
                const catalog::CollectionPtr& collection, std::shared_ptr<query::FindQuery> query,
                bson::DocBuilder* reply) {
  StatusOr<query::Plan> plan =
      query::MakePlan(services.catalog, op, collection, std::move(query), &services.query->plans,
                      services.query->planner_options());
  if (!plan.ok()) {
    return Outcome::Fail(plan.status());
  }
  run->op = op;
  run->plan = *std::move(plan);
  if (!op->may_block) {
    op->interrupt.StartSlice(kSlice);
  }
  return Continue(run, reply);
}

Outcome RunCount(catalog::Op* op, const Services& services, const Request& request,
                 bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  QueryArgs args;
  Status status = ParseFields("count", request.body,
                              {{"query", &args.filter}, {"hint", &args.hint},
                               {"collation", &args.collation}});
  if (status.ok()) {
    status = ParseCountLimits(request, &args);
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const catalog::CollectionPtr collection = services.catalog->Find(ns->full());
  if (collection != nullptr && collection->is_view) {
    return CountOnView(op, services, request, *collection, args, reply);
  }
  StatusOr<std::shared_ptr<query::FindQuery>> query = BuildQuery(*ns, args, collection.get());
  if (!query.ok()) {
    return Outcome::Fail(query.status());
  }
  const bool everything = (*query)->matcher->always_true() && (*query)->hint_name.empty() &&
                          (*query)->hint_key.empty() && op->read_snapshot == nullptr;
  if (collection == nullptr) {
    AppendCount(0, reply);
    return Outcome::Ok();
  }
  if (everything) {
    AppendCount(FastCount(*collection, args), reply);
    return Outcome::Ok();
  }
  (*query)->count_only = true;
  auto run = std::make_shared<ScanRun>();
  run->is_count = true;
  return RunScan(op, services, std::move(run), collection, *std::move(query), reply);
}

Outcome RunDistinct(catalog::Op* op, const Services& services, const Request& request,
                    bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  QueryArgs args;
  std::string_view key;
  Status status = ParseFields("distinct", request.body,
                              {FieldBinding("key", &key, true), {"query", &args.filter},
                               {"collation", &args.collation}, {"hint", &args.hint}});
  if (status.ok()) {
    status = query::ValidateFieldPath(key);
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const catalog::CollectionPtr collection = services.catalog->Find(ns->full());
  if (collection != nullptr && collection->is_view) {
    return DistinctOnView(op, services, request, *collection, args, key, reply);
  }
  StatusOr<std::shared_ptr<query::FindQuery>> query = BuildQuery(*ns, args, collection.get());
  if (!query.ok()) {
    return Outcome::Fail(query.status());
  }
  auto run = std::make_shared<ScanRun>();
  run->values = std::make_unique<DistinctValues>(key, (*query)->collation);
  return RunScan(op, services, std::move(run), collection, *std::move(query), reply);
}

}  // namespace

extern const CommandSpec kCountCommand;
const CommandSpec kCountCommand{
    .name = "count",
    .aliases = {},
    .flags = kReadData,
    .help = "Counts documents",
    .fields = {"query", "limit", "skip", "hint", "collation", "fields"},
    .api_version = "1",
    .run = RunCount,
};

extern const CommandSpec kDistinctCommand;
const CommandSpec kDistinctCommand{
    .name = "distinct",
    .aliases = {},
    .flags = kReadData | kTransactionOk,
    .help = "Lists the different values of a field",
    .fields = {"key", "query", "collation", "hint"},
    .api_version = "",
    .run = RunDistinct,
};

}  // namespace septet::commands
