// SPDX-License-Identifier: Apache-2.0
// reIndex (S02-037): {reIndex: coll}; only without a set. Drops the indexes but the one on _id and builds them
// anew. Reply {nIndexesWas, nIndexes, indexes: [spec]}. Errors: 20 on a member of a set, 26, 166.
#include "base/strings.h"
#include "catalog/catalog.h"
#include "commands/ddl/in_pool.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

// Builds `specs` over the documents again.
Status Rebuild(catalog::Op* op, const Services& services, const catalog::Namespace& ns,
               const std::vector<std::string>& specs) {
  std::vector<bson::DocView> wanted;
  for (const std::string& spec : specs) {
    if (bson::DocView(spec).Find("name").AsString() != "_id_") {
      wanted.emplace_back(spec);
    }
  }
  const std::string all = bson::MakeDoc("index", "*");
  RETURN_IF_ERROR(services.catalog->DropIndexes(op, ns, bson::DocView(all).Find("index"), nullptr));
  if (wanted.empty()) {
    return OkStatus();
  }
  return services.catalog->CreateIndexes(op, ns, wanted).status();
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  if (services.driver != nullptr) {
    return Outcome::Fail(Error(ErrorCode::kIllegalOperation,
                               StrCat("reIndex is only allowed on a standalone mongod instance. Cannot reIndex '",
                                      ns->full(), "' while replication is active")));
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, reply]() -> Outcome {
    const catalog::CollectionPtr before = all->catalog->Find(ns.full());
    if (before == nullptr) {
      return Outcome::Fail(Error(ErrorCode::kNamespaceNotFound, "collection does not exist"));
    }
    if (before->is_view) {
      return Outcome::Fail(
          Error(ErrorCode::kCommandNotSupportedOnView, "can't re-index a view"));
    }
    std::vector<std::string> specs;
    for (const auto& index : before->indexes) {
      specs.push_back(index->spec.document);
    }
    const Status rebuilt = Rebuild(op, *all, ns, specs);
    if (!rebuilt.ok()) {
      return Outcome::Fail(rebuilt);
    }
    all->query->plans.Clear();
    reply->Append("nIndexesWas", static_cast<int32_t>(specs.size()));
    reply->Append("nIndexes", static_cast<int32_t>(specs.size()));
    const auto list = reply->Array("indexes");
    for (const std::string& spec : specs) {
      reply->Add(bson::DocView(spec));
    }
    return Outcome::Ok();
  });
}

}  // namespace

extern const CommandSpec kReIndexCommand;
const CommandSpec kReIndexCommand{
    .name = "reIndex",
    .aliases = {},
    .flags = kWrite,
    .help = "Builds the indexes of a collection anew",
    .fields = {},
    .api_version = "",
    .run = Run,
};

}  // namespace septet::commands
