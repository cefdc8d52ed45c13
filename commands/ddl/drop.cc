// SPDX-License-Identifier: Apache-2.0
// drop (S02-019): {drop: coll}; reply {nIndexesWas, ns}. A missing collection is ok (7.0).
// dropDatabase (S02-020): {dropDatabase: 1}; reply {dropped: db} if it existed.
// renameCollection (S02-021): {renameCollection: "db.a", to: "db.b", dropTarget}; admin only.
#include "base/strings.h"
#include "bson/number.h"
#include "catalog/collection_copy.h"
#include "commands/ddl/in_pool.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "commands/usage.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

// Clients may not drop what the server keeps for itself, except where it makes it anew when needed.
Status CheckDroppable(const Services& services, const catalog::Namespace& ns) {
  if (ns.is_oplog() || ns.full() == "local.system.replset") {
    return Error(ErrorCode::kIllegalOperation,
                 StrCat("can't drop collection '", ns.full(), "' of a replica set member"));
  }
  if (ns.collection() == "system.profile") {
    return services.usage->Profile(ns.db()).level == 0
               ? OkStatus()
               : Error(ErrorCode::kIllegalOperation,
                       "turn off profiling before dropping system.profile collection");
  }
  const bool may_go = !ns.is_system() || ns.collection() == "system.views" ||
                      ns.full() == "config.system.sessions" || ns.full() == "local.system.healthlog";
  if (may_go || services.catalog->Find(ns.full()) == nullptr) {
    return OkStatus();
  }
  return Error(ErrorCode::kIllegalOperation, StrCat("can't drop system collection ", ns.full()));
}

Outcome RunDrop(catalog::Op* op, const Services& services, const Request& request,
                bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, reply]() -> Outcome {
    const Status droppable = CheckDroppable(*all, ns);
    if (!droppable.ok()) {
      return Outcome::Fail(droppable);
    }
    int indexes_was = 0;
    const catalog::CollectionPtr collection = all->catalog->Find(ns.full());
    const Status status = all->catalog->DropCollection(op, ns, &indexes_was);
    if (CodeOf(status) == ErrorCode::kNamespaceNotFound) {
      return Outcome::Ok();
    }
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    all->query->cursors.KillNamespace(ns.full(), "collection dropped");
    if (!collection->is_view) {
      reply->Append("nIndexesWas", indexes_was);
    }
    reply->Append("ns", ns.full());
    return Outcome::Ok();
  });
}

Outcome RunDropDatabase(catalog::Op* op, const Services& services, const Request& request,
                        bson::DocBuilder* reply) {
  const bson::ValueView one = request.body.FirstElement().value();
  if (!one.is_number() || bson::ToDouble(one) != 1) {
    return Outcome::Fail(Error(ErrorCode::kIllegalOperation, "have to pass 1 as db parameter"));
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, db = std::string(request.db), reply]() -> Outcome {
    if (db == "admin" || db == "config" || db == "local") {
      return Outcome::Fail(Error(ErrorCode::kIllegalOperation,
                                 StrCat("Dropping the '", db, "' database is prohibited.")));
    }
    const std::vector<catalog::CollectionPtr> collections =
        all->catalog->Snapshot().Collections(db);
    const Status status = all->catalog->DropDatabase(op, db);
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    for (const catalog::CollectionPtr& c : collections) {
      all->query->cursors.KillNamespace(c->ns.full(), "collection dropped");
    }
    if (!collections.empty()) {
      reply->Append("dropped", db);
    }
    return Outcome::Ok();
  });
}

// `from_text` and `to_text`: the names as they were sent.
Status CheckRename(std::string_view from_text, std::string_view to_text) {
  const catalog::Namespace from = catalog::Namespace::Parse(from_text);
  const catalog::Namespace to = catalog::Namespace::Parse(to_text);
  if (from.collection().empty()) {
    return Error(ErrorCode::kInvalidNamespace, StrCat("Invalid source namespace: ", from_text));
  }
  if (to.collection().empty()) {
    return Error(ErrorCode::kInvalidNamespace, StrCat("Invalid target namespace: ", to_text));
  }
  const auto check = [](std::string_view which, const catalog::Namespace& ns) -> Status {
    if (ns.is_system() && ns.collection() != "system.js") {
      return Error(ErrorCode::kIllegalOperation,
                   StrCat("error with ", which, " namespace: Invalid system namespace: ", ns.full()));
    }
    if (ns.collection().find('$') != std::string_view::npos) {
      return Error(ErrorCode::kIllegalOperation,
                   StrCat("error with ", which, " namespace: Invalid collection name: ", ns.collection()));
    }
    return OkStatus();
  };
  RETURN_IF_ERROR(check("source", from));
  RETURN_IF_ERROR(check("target", to));
  return catalog::ValidateCollectionName(to);
}

Outcome RunRename(catalog::Op* op, const Services& services, const Request& request,
                  bson::DocBuilder*) {
  const bson::ValueView source = request.body.FirstElement().value();
  if (!source.is_string()) {
    return Outcome::Fail(Error(ErrorCode::kBadValue,
                               StrCat("collection name has invalid type ", bson::TypeName(source.type()))));
  }
  std::string_view target;
  std::optional<bool> drop_target;
  std::optional<bool> stay_temp;
  const Status status = ParseFields("renameCollection", request.body,
                                    {FieldBinding("to", &target, true), {"dropTarget", &drop_target},
                                     {"stayTemp", &stay_temp}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const catalog::Namespace from = catalog::Namespace::Parse(source.AsString());
  const catalog::Namespace to = catalog::Namespace::Parse(target);
  const Status valid = CheckRename(source.AsString(), target);
  if (!valid.ok()) {
    return Outcome::Fail(valid);
  }
  const Services* all = &services;
  const bool drop = drop_target.value_or(false);
  return RunInPool(op, [op, all, from, to, drop]() -> Outcome {
    const Status renamed = from.db() == to.db()
                               ? all->catalog->RenameCollection(op, from, to, drop)
                               : catalog::MoveToDatabase(all->catalog, op, from, to, drop);
    if (renamed.ok()) {
      all->query->cursors.KillNamespace(from.full(), "collection renamed");
      all->query->cursors.KillNamespace(to.full(), "collection dropped");
    }
    return Outcome::Of(renamed);
  });
}

}  // namespace

extern const CommandSpec kDropCommand;
const CommandSpec kDropCommand{
    .name = "drop",
    .aliases = {},
    .flags = kWrite,
    .help = "Drops a collection or a view",
    .fields = {},
    .api_version = "1",
    .run = RunDrop,
};

extern const CommandSpec kDropDatabaseCommand;
const CommandSpec kDropDatabaseCommand{
    .name = "dropDatabase",
    .aliases = {},
    .flags = kWrite,
    .help = "Drops a database",
    .fields = {},
    .api_version = "1",
    .run = RunDropDatabase,
};

extern const CommandSpec kRenameCollectionCommand;
const CommandSpec kRenameCollectionCommand{
    .name = "renameCollection",
    .aliases = {},
    .flags = kWrite | kAdminOnly,
    .help = "Renames a collection",
    .fields = {"to", "dropTarget", "stayTemp"},
    .api_version = "",
    .run = RunRename,
};

}  // namespace septet::commands
