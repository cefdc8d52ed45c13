// SPDX-License-Identifier: Apache-2.0
// convertToCapped (S02-026): {convertToCapped: coll, size}; indexes but the one on _id go.
// cloneCollectionAsCapped (S02-034): {cloneCollectionAsCapped: coll, toCollection, size}.
// Reply {ok: 1}. Errors: 14, 26, 48, 72, 73, 166, 40414.
#include "base/strings.h"
#include "catalog/collection_copy.h"
#include "commands/ddl/in_pool.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

Status CheckSize(int64_t size) {
  return size > 0 ? OkStatus()
                  : Error(ErrorCode::kInvalidOptions, "Capped collection size must be greater than zero");
}

Outcome Convert(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder*) {
  const StatusOr<catalog::Namespace> ns = WritableCollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  int64_t size = 0;
  Status status = ParseFields("convertToCapped", request.body, {FieldBinding("size", &size, true)});
  if (status.ok()) {
    status = CheckSize(size);
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, size]() -> Outcome {
    const Status converted = catalog::ConvertToCapped(all->catalog, op, ns, size);
    if (converted.ok()) {
      all->query->cursors.KillNamespace(ns.full(), "collection dropped");
      all->query->plans.Clear();
    }
    return Outcome::Of(converted);
  });
}

Outcome Clone(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder*) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  int64_t size = 0;
  std::string_view to;
  Status status = ParseFields("cloneCollectionAsCapped", request.body,
                              {FieldBinding("toCollection", &to, true), FieldBinding("size", &size, true)});
  if (status.ok()) {
    status = CheckSize(size);
  }
  const catalog::Namespace target(request.db, to);
  if (status.ok()) {
    status = catalog::ValidateWritableName(target);
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, target, size]() {
    return Outcome::Of(catalog::CloneAsCapped(all->catalog, op, ns, target, size));
  });
}

}  // namespace

extern const CommandSpec kConvertToCappedCommand;
const CommandSpec kConvertToCappedCommand{
    .name = "convertToCapped",
    .aliases = {},
    .flags = kWrite,
    .help = "Makes a collection a capped one",
    .fields = {"size"},
    .api_version = "",
    .run = Convert,
};

extern const CommandSpec kCloneCollectionAsCappedCommand;
const CommandSpec kCloneCollectionAsCappedCommand{
    .name = "cloneCollectionAsCapped",
    .aliases = {},
    .flags = kWrite,
    .help = "Copies the newest documents of a collection into a capped one",
    .fields = {"toCollection", "size"},
    .api_version = "",
    .run = Clone,
};

}  // namespace septet::commands
