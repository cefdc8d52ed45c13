// SPDX-License-Identifier: Apache-2.0
// createIndexes: {createIndexes: coll, indexes: [{key, name, ...}], commitQuorum, ignoreUnknownIndexOptions}
//   reply {numIndexesBefore, numIndexesAfter, createdCollectionAutomatically, note, commitQuorum}.
// listIndexes: cursor of index specifications. dropIndexes: {dropIndexes: coll, index}; reply {nIndexesWas}.
#include "base/strings.h"
#include "commands/ddl/in_pool.h"
#include "commands/ddl/list_reply.h"
#include "commands/parse.h"

namespace septet::commands {
namespace {

Status NotAView(const catalog::CollectionPtr& collection, const catalog::Namespace& ns) {
  return collection != nullptr && collection->is_view
             ? Error(ErrorCode::kCommandNotSupportedOnView,
                     StrCat("Namespace ", ns.full(), " is a view, not a collection"))
             : OkStatus();
}

Status Create(catalog::Op* op, const Services& services, const catalog::Namespace& ns,
              const Request& request, bson::DocBuilder* reply) {
  ArrayView indexes;
  bson::ValueView quorum;
  bool ignore_unknown = false;
  RETURN_IF_ERROR(ParseFields("createIndexes", request.body,
                              {FieldBinding("indexes", &indexes, true), {"commitQuorum", &quorum},
                               {"ignoreUnknownIndexOptions", &ignore_unknown}}));
  std::vector<bson::DocView> specs;
  for (const bson::ElementView e : indexes.doc) {
    if (!e.value().is_object()) {
      return WrongType("createIndexes.indexes", e.name(), e.type(), "object");
    }
    specs.push_back(e.value().AsDoc());
  }
  if (specs.empty()) {
    return Error(ErrorCode::kBadValue, "Must specify at least one index to create");
  }
  RETURN_IF_ERROR(NotAView(services.catalog->Find(ns.full()), ns));
  RETURN_IF_ERROR(catalog::ValidateCollectionName(ns));
  ASSIGN_OR_RETURN(const catalog::Catalog::CreateIndexesResult result,
                   services.catalog->CreateIndexes(op, ns, specs, ignore_unknown));
  reply->Append("numIndexesBefore", result.before);
  reply->Append("numIndexesAfter", result.after);
  if (result.before == result.after) {
    reply->Append("note", "all indexes already exist");
  } else {
    reply->Append("createdCollectionAutomatically", result.created_collection);
    reply->Append("commitQuorum", "votingMembers");
  }
  return OkStatus();
}

Outcome RunCreate(catalog::Op* op, const Services& services, const Request& request,
                  bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  const Services* all = &services;
  const Request* req = &request;
  return RunInPool(op, [op, all, ns = *ns, req, reply]() {
    return Outcome::Of(Create(op, *all, ns, *req, reply));
  });
}

Outcome RunList(catalog::Op* op, const Services& services, const Request& request,
                bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  const catalog::CollectionPtr collection = services.catalog->Find(ns->full());
  if (collection == nullptr) {
    return Outcome::Fail(
        Error(ErrorCode::kNamespaceNotFound, StrCat("ns does not exist: ", ns->full())));
  }
  const Status status = NotAView(collection, *ns);
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  std::vector<std::string> documents;
  for (const auto& index : collection->indexes) {
    documents.push_back(index->spec.document);
  }
  return ReplyListing(op, services, request, ns->full(), std::move(documents), reply);
}

Outcome RunDrop(catalog::Op* op, const Services& services, const Request& request,
                bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  const Services* all = &services;
  const bson::ValueView index = request.body.Find("index");
  if (index.missing()) {
    return Outcome::Fail(MissingField("dropIndexes", "index"));
  }
  return RunInPool(op, [op, all, ns = *ns, index, reply]() -> Outcome {
    const catalog::CollectionPtr collection = all->catalog->Find(ns.full());
    if (collection == nullptr) {
      return Outcome::Fail(Error(ErrorCode::kNamespaceNotFound, StrCat("ns not found ", ns.full())));
    }
    const Status view = NotAView(collection, ns);
    if (!view.ok()) {
      return Outcome::Fail(view);
    }
    int was = 0;
    const Status status = all->catalog->DropIndexes(op, ns, index, &was);
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    reply->Append("nIndexesWas", was);
    if (index.is_string() && index.AsString() == "*") {
      reply->Append("msg", "non-_id indexes dropped for collection");
    }
    return Outcome::Ok();
  });
}

}  // namespace

extern const CommandSpec kCreateIndexesCommand;
const CommandSpec kCreateIndexesCommand{
    .name = "createIndexes",
    .aliases = {},
    .flags = kWrite | kTransactionOk,
    .help = "Creates indexes",
    .fields = {"indexes", "commitQuorum", "ignoreUnknownIndexOptions"},
    .api_version = "1",
    .run = RunCreate,
};

extern const CommandSpec kListIndexesCommand;
const CommandSpec kListIndexesCommand{
    .name = "listIndexes",
    .aliases = {},
    .flags = kReadData,
    .help = "Lists the indexes of a collection",
    .fields = {"cursor", "includeBuildUUIDs", "includeIndexBuildInfo"},
    .api_version = "1",
    .run = RunList,
};

extern const CommandSpec kDropIndexesCommand;
const CommandSpec kDropIndexesCommand{
    .name = "dropIndexes",
    .aliases = {"deleteIndexes"},
    .flags = kWrite,
    .help = "Drops indexes",
    .fields = {"index"},
    .api_version = "1",
    .run = RunDrop,
};

}  // namespace septet::commands
