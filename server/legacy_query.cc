// SPDX-License-Identifier: Apache-2.0
#include "server/legacy_query.h"

#include <cstdlib>

#include "base/strings.h"
#include "bson/builder.h"

namespace septet::server {
namespace {

using bson::DocBuilder;
using bson::DocView;
using bson::ValueView;

// The query inside {$query: {...}, $orderby: ...}; missing if it is not wrapped. Drivers without ordered
// maps put $query anywhere; query is also a field's name and counts only in front.
ValueView Wrapped(DocView query) {
  if (query.empty()) {
    return {};
  }
  const bson::ElementView first = query.FirstElement();
  const ValueView value = first.name() == "query" ? first.value() : query["$query"];
  return value.is_object() ? value : ValueView();
}

DocView FilterOf(DocView query) {
  const ValueView wrapped = Wrapped(query);
  return wrapped.missing() ? query : wrapped.AsDoc();
}

// One field of a wrapped query as an argument of find.
void AppendModifier(const bson::ElementView& e, DocBuilder* find) {
  const std::string_view name = e.name();
  const ValueView v = e.value();
  if (name == "$orderby" || name == "orderby") {
    if (v.is_object() && !v.AsDoc().empty()) {
      find->Append("sort", v);
    }
  } else if (name == "$hint") {
    find->Append("hint", v);
  } else if (name == "$min") {
    find->Append("min", v);
  } else if (name == "$max") {
    find->Append("max", v);
  } else if (name == "$returnKey") {
    find->Append("returnKey", v.Truthy());
  } else if (name == "$showDiskLoc") {
    find->Append("showRecordId", v.Truthy());
  } else if (name == "$maxTimeMS") {
    find->Append("maxTimeMS", v);
  } else if (name == "$comment") {
    find->Append("comment", v);
  } else if (name == "$readPreference") {
    find->Append("$readPreference", v);
  }
  // $snapshot and $maxScan ask for nothing that could be wrong when left out.
}

// nToReturn: 0 = default, negative = one batch of that many, 1 = the same as -1 (S01-039).
void AppendBatch(const wire::OpQuery& q, DocBuilder* find) {
  if (q.skip > 0) {
    find->Append("skip", q.skip);
  }
  if (q.number_to_return < 0 || q.number_to_return == 1) {
    const int64_t count = std::abs(static_cast<int64_t>(q.number_to_return));
    find->Append("limit", count).Append("batchSize", count).Append("singleBatch", true);
  } else if (q.number_to_return > 1) {
    find->Append("batchSize", q.number_to_return);
  }
}

void AppendFlags(const wire::OpQuery& q, DocBuilder* find) {
  if ((q.flags & wire::kTailableCursor) != 0) {
    find->Append("tailable", true);
    if ((q.flags & wire::kAwaitData) != 0) {
      find->Append("awaitData", true);
    }
  }
  if ((q.flags & wire::kNoCursorTimeout) != 0) {
    find->Append("noCursorTimeout", true);
  }
}

std::string FindCommand(const wire::OpQuery& q, std::string_view collection) {
  DocBuilder find;
  find.Append("find", collection);
  find.Append("filter", FilterOf(q.query));
  if (!Wrapped(q.query).missing()) {
    for (const bson::ElementView& e : q.query) {
      AppendModifier(e, &find);
    }
  }
  if (q.has_projection && !q.projection.empty()) {
    find.Append("projection", q.projection);
  }
  AppendBatch(q, &find);
  AppendFlags(q, &find);
  find.Append("$db", q.database());
  return find.Finish();
}

std::string SimpleCommand(std::string_view name, DocView arguments) {
  DocBuilder command;
  command.Append(name, 1);
  command.AppendAll(arguments);
  command.Append("$db", "admin");
  return command.Finish();
}

std::string ListCollections(const wire::OpQuery& q) {
  DocBuilder command;
  command.Append("listCollections", 1);
  {
    const auto cursor = command.Object("cursor");
    command.Append("batchSize", 1'000'000);
  }
  command.Append("$db", q.database());
  return command.Finish();
}

// <db>.system.indexes: all indexes of the database, as {v, key, name, ns}.
std::string ListAllIndexes(const wire::OpQuery& q) {
  DocBuilder command;
  command.Append("_listAllIndexes", 1);
  command.Append("filter", FilterOf(q.query));
  command.Append("$db", q.database());
  return command.Finish();
}

}  // namespace

LegacyQuery TranslateQuery(const wire::OpQuery& q) {
  LegacyQuery result;
  result.ns = q.ns;
  const size_t dot = q.ns.find('.');
  const std::string_view collection =
      dot == std::string_view::npos ? std::string_view() : q.ns.substr(dot + 1);
  if (collection == "$cmd.sys.inprog" || collection == "$cmd.sys.killop" ||
      collection == "$cmd.sys.unlock") {
    result.kind = LegacyQuery::Kind::kCommand;
    const std::string_view name = collection == "$cmd.sys.inprog"   ? "currentOp"
                                  : collection == "$cmd.sys.killop" ? "killOp"
                                                                    : "fsyncUnlock";
    result.command = SimpleCommand(name, q.query);
    return result;
  }
  if (collection == "system.namespaces") {
    result.kind = LegacyQuery::Kind::kNamespaces;
    result.command = ListCollections(q);
    return result;
  }
  if (collection == "system.indexes") {
    result.command = ListAllIndexes(q);
    return result;
  }
  result.command = FindCommand(q, collection);
  if (!Wrapped(q.query).missing() && q.query["$explain"].Truthy()) {
    DocBuilder explain;
    explain.Append("explain", DocView(result.command));
    explain.Append("verbosity", "executionStats").Append("$db", q.database());
    result.kind = LegacyQuery::Kind::kCommand;
    result.command = explain.Finish();
  }
  return result;
}

std::string TranslateIndexInsert(const wire::OpInsert& insert) {
  DocBuilder command;
  std::string_view collection;
  const std::string_view db = insert.ns.substr(0, insert.ns.find('.'));
  for (const DocView doc : insert.documents) {
    const ValueView ns = doc["ns"];
    if (ns.is_string() && ns.AsString().starts_with(StrCat(db, "."))) {
      collection = ns.AsString().substr(db.size() + 1);
    }
  }
  command.Append("createIndexes", collection);
  {
    const auto indexes = command.Array("indexes");
    for (const DocView doc : insert.documents) {
      const auto index = command.AddObject();
      for (const bson::ElementView& e : doc) {
        // What drivers of that time sent and no server knows today.
        if (e.name() != "ns" && e.name() != "_id" && e.name() != "dropDups" &&
            e.name() != "background" && e.name() != "cache_for") {
          command.Append(e);
        }
      }
    }
  }
  command.Append("$db", db);
  return command.Finish();
}

std::string NamespaceDocuments(DocView reply, std::string_view ns, int32_t* count) {
  const std::string_view db = ns.substr(0, ns.find('.'));
  std::string documents;
  *count = 0;
  const ValueView cursor = reply["cursor"];
  if (!cursor.is_object() || !cursor.AsDoc()["firstBatch"].is_array()) {
    return documents;
  }
  for (const bson::ElementView& e : cursor.AsDoc()["firstBatch"].AsArray()) {
    DocBuilder row;
    row.Append("name", StrCat(db, ".", e.value().AsDoc()["name"].AsString()));
    if (const ValueView options = e.value().AsDoc()["options"];
        options.is_object() && !options.AsDoc().empty()) {
      row.Append("options", options);
    }
    documents += row.Finish();
    ++*count;
  }
  return documents;
}

}  // namespace septet::server
