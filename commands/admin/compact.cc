// SPDX-License-Identifier: Apache-2.0
// compact (S02-031): {compact: coll, force?}; reply {bytesFreed}.
// Rewrites the files of one collection and its indexes without what is obsolete. A primary wants force: true.
// Errors: 14, 26, 73, 96 (primary without force), 166.
#include <algorithm>

#include "base/strings.h"
#include "catalog/catalog.h"
#include "commands/ddl/in_pool.h"
#include "commands/ddl/sizes.h"
#include "commands/parse.h"
#include "commands/replication_info.h"
#include "commands/services.h"
#include "storage/compaction.h"

namespace septet::commands {
namespace {

Status CompactRanges(const Services& services, const catalog::CollectionInfo& c) {
  storage::Engine* engine = services.catalog->engine();
  if (c.is_oplog()) {  // a space of its own, keyed by timestamp
    return storage::CompactRange(engine, storage::Space::kOplog, "", std::string(9, '\xff'));
  }
  RETURN_IF_ERROR(storage::CompactRange(engine, catalog::RecordSpace(c), storage::IdentPrefix(c.ident),
                                  storage::IdentPrefixEnd(c.ident)));
  for (const auto& index : c.indexes) {
    RETURN_IF_ERROR(storage::CompactRange(engine, storage::Space::kIndexes, storage::IdentPrefix(index->ident),
                                    storage::IdentPrefixEnd(index->ident)));
  }
  return OkStatus();
}

int64_t BytesOnDisk(const Services& services, const catalog::CollectionInfo& c) {
  const CollectionSizes sizes = MeasureCollection(*services.catalog, c);
  return sizes.storage_bytes + sizes.index_bytes;
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  LooseBool force;
  Status status = ParseFields("compact", request.body, {{"force", &force}});
  if (status.ok() && !force.value && services.replication->Snapshot()->replica_set &&
      services.replication->Snapshot()->accepts_writes) {
    status = Error(ErrorCode::kOperationFailed,
                   "will not run compact on an active replica set primary as this is a slow blocking "
                   "operation. use force:true to force");
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, reply]() -> Outcome {
    const catalog::CollectionPtr c = all->catalog->Find(ns.full());
    if (c == nullptr) {
      return Outcome::Fail(Error(ErrorCode::kNamespaceNotFound, "collection does not exist"));
    }
    if (c->is_view) {
      return Outcome::Fail(Error(ErrorCode::kCommandNotSupportedOnView, "can't compact a view"));
    }
    const int64_t before = BytesOnDisk(*all, *c);
    const Status compacted = CompactRanges(*all, *c);
    if (!compacted.ok()) {
      return Outcome::Fail(compacted);
    }
    reply->Append("bytesFreed", std::max<int64_t>(0, before - BytesOnDisk(*all, *c)));
    return Outcome::Ok();
  });
}

}  // namespace

extern const CommandSpec kCompactCommand;
const CommandSpec kCompactCommand{
    .name = "compact",
    .aliases = {},
    .flags = kMaintenanceOk,
    .help = "Frees the space of a collection that nothing needs any more",
    .fields = {"force"},
    .api_version = "",
    .run = Run,
};

}  // namespace septet::commands
