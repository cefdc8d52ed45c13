// SPDX-License-Identifier: Apache-2.0
// planCacheClear (S02-038): {planCacheClear: coll, query?, projection?, sort?, collation?}; reply {ok: 1}.
// Plans are remembered by shape for all collections together and cheap to find anew: all are forgotten,
// whatever shape is named.
#include "base/strings.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder*) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  std::optional<bson::DocView> query, projection, sort, collation;
  Status status = ParseFields("planCacheClear", request.body,
                              {{"query", &query}, {"projection", &projection}, {"sort", &sort},
                               {"collation", &collation}});
  if (status.ok() && !query && (projection || sort || collation)) {
    status = Error(ErrorCode::kBadValue, "sort, projection, or collation provided without query");
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  services.query->plans.Clear();
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kPlanCacheClearCommand;
const CommandSpec kPlanCacheClearCommand{
    .name = "planCacheClear",
    .aliases = {},
    .flags = kReadData,
    .help = "Forgets the plans that queries have tried out",
    .fields = {"query", "projection", "sort", "collation", "planCacheShapeHash"},
    .api_version = "",
    .run = Run,
};

}  // namespace septet::commands
