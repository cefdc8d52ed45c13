// SPDX-License-Identifier: Apache-2.0
// listCollections (S02-023): {listCollections: 1, filter, nameOnly, authorizedCollections, cursor}
//   cursor of {name, type, options, info: {readOnly, uuid}, idIndex}, ns "<db>.$cmd.listCollections".
// listDatabases (S02-024): {listDatabases: 1, filter, nameOnly, authorizedDatabases}; admin only.
//   reply {databases: [{name, sizeOnDisk, empty}], totalSize, totalSizeMb}.
#include "base/strings.h"
#include "commands/crud/query_args.h"
#include "commands/ddl/list_reply.h"
#include "commands/ddl/sizes.h"
#include "commands/parse.h"

namespace septet::commands {
namespace {

std::string DescribeCollection(const catalog::CollectionInfo& c, bool name_only) {
  bson::DocBuilder out;
  out.Append("name", c.ns.collection());
  out.Append("type", c.is_view ? "view" : "collection");
  if (name_only) {
    return out.Finish();
  }
  {
    const auto options = out.Object("options");
    if (!c.options.empty()) {
      out.AppendAll(bson::DocView(c.options));
    }
  }
  {
    const auto info = out.Object("info");
    out.Append("readOnly", c.is_view);
    if (!c.is_view) {
      out.Append("uuid", bson::BinData{4, {reinterpret_cast<const char*>(c.uuid.bytes), 16}});
    }
  }
  if (const catalog::IndexEntry* id = c.IdIndex(); id != nullptr) {
    out.Append("idIndex", bson::DocView(id->spec.document));
  }
  return out.Finish();
}

// Evaluates the filter of a listing on its documents.
class ListingFilter {
 public:
  static StatusOr<ListingFilter> Parse(bson::DocView filter) {
    ListingFilter out;
    ASSIGN_OR_RETURN(out.matcher_, query::Matcher::Parse(filter, query::MatchOptions()));
    return out;
  }
  StatusOr<bool> Accepts(bson::DocView doc) const {
    bson::Arena arena;
    query::EvalContext eval;
    eval.arena = &arena;
    eval.root = doc;
    return matcher_->Matches(doc, &eval);
  }

 private:
  std::unique_ptr<const query::Matcher> matcher_;
};

Outcome RunListCollections(catalog::Op* op, const Services& services, const Request& request,
                           bson::DocBuilder* reply) {
  bson::DocView filter;
  LooseBool name_only;
  LooseBool authorized;
  Status status = ParseFields("listCollections", request.body,
                              {{"filter", &filter}, {"nameOnly", &name_only},
                               {"authorizedCollections", &authorized}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const StatusOr<ListingFilter> accept = ListingFilter::Parse(filter);
  if (!accept.ok()) {
    return Outcome::Fail(accept.status());
  }
  std::vector<std::string> documents;
  for (const catalog::CollectionPtr& c : services.catalog->Snapshot().Collections(request.db)) {
    // The filter sees the whole document even if only names are asked for.
    const std::string whole = DescribeCollection(*c, false);
    const StatusOr<bool> accepted = accept->Accepts(bson::DocView(whole));
    if (!accepted.ok()) {
      return Outcome::Fail(accepted.status());
    }
    if (*accepted) {
      documents.push_back(name_only.value ? DescribeCollection(*c, true) : whole);
    }
  }
  return ReplyListing(op, services, request, StrCat(request.db, ".$cmd.listCollections"),
                      std::move(documents), reply);
}

Outcome RunListDatabases(catalog::Op*, const Services& services, const Request& request,
                         bson::DocBuilder* reply) {
  bson::DocView filter;
  LooseBool name_only;
  LooseBool authorized;
  Status status = ParseFields("listDatabases", request.body,
                              {{"filter", &filter}, {"nameOnly", &name_only},
                               {"authorizedDatabases", &authorized}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const StatusOr<ListingFilter> accept = ListingFilter::Parse(filter);
  if (!accept.ok()) {
    return Outcome::Fail(accept.status());
  }
  const catalog::CatalogSnapshot snapshot = services.catalog->Snapshot();
  int64_t total = 0;
  {
    const auto list = reply->Array("databases");
    for (const std::string& name : snapshot.Databases()) {
      bson::DocBuilder one;
      one.Append("name", name);
      if (!name_only.value) {
        int64_t size = 0;
        bool empty = true;
        for (const catalog::CollectionPtr& c : snapshot.Collections(name)) {
          const CollectionSizes sizes = MeasureCollection(*services.catalog, *c);
          size += sizes.storage_bytes + sizes.index_bytes;
          empty = empty && sizes.count == 0;
        }
        one.Append("sizeOnDisk", size);
        one.Append("empty", empty);
        total += size;
      }
      const std::string doc = one.Finish();
      const StatusOr<bool> accepted = accept->Accepts(bson::DocView(doc));
      if (!accepted.ok()) {
        return Outcome::Fail(accepted.status());
      }
      if (*accepted) {
        reply->Add(bson::DocView(doc));
      }
    }
  }
  if (!name_only.value) {
    reply->Append("totalSize", total);
    reply->Append("totalSizeMb", total / (1024 * 1024));
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kListCollectionsCommand;
const CommandSpec kListCollectionsCommand{
    .name = "listCollections",
    .aliases = {},
    .flags = kReadData,
    .help = "Lists the collections of a database",
    .fields = {"filter", "nameOnly", "authorizedCollections", "cursor"},
    .api_version = "1",
    .run = RunListCollections,
};

extern const CommandSpec kListDatabasesCommand;
const CommandSpec kListDatabasesCommand{
    .name = "listDatabases",
    .aliases = {"listdatabases"},
    .flags = kReadData | kAdminOnly,
    .help = "Lists the databases",
    .fields = {"filter", "nameOnly", "authorizedDatabases"},
    .api_version = "1",
    .run = RunListDatabases,
};

}  // namespace septet::commands
