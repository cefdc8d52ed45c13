// SPDX-License-Identifier: Apache-2.0
// applyOps (S02-086): {applyOps: [{op, ns, o, o2?, ui?, b?}], alwaysUpsert?: bool, oplogApplicationMode?}
//   reply {applied, results: [bool]}; mongorestore --oplogReplay sends oplog entries so.
// Each entry is done like the write or the command that it tells of, one after the other, each atomic for
// itself: i replaces or inserts by _id, u changes by o2 (a diff, operators or a whole document), d removes
// by _id, c runs a command, n does nothing and does not count. The first that fails ends the command.
// Errors: 9 (a malformed entry), 14, 26 (missing collection), those of the writes.
#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "catalog/write_unit.h"
#include "commands/ddl/in_pool.h"
#include "commands/parse.h"
#include "commands/repl/common.h"
#include "commands/run_inner.h"
#include "query/update/update.h"

namespace septet::commands {
namespace {

using bson::DocView;
using bson::ValueView;

struct Entry {
  std::string_view op;
  std::string_view ns;
  DocView o;
  ValueView o2;
  ValueView ui;
  ValueView b;
};

StatusOr<Entry> ParseEntry(DocView document) {
  Entry e;
  const auto text = [&](std::string_view field, std::string_view* out) -> Status {
    const ValueView v = document.Find(field);
    if (v.missing()) {
      return Error(ErrorCode::kFailedToParse, StrCat("op does not contain required \"", field,
                                                     "\" field: ", bson::ToShellText(document)));
    }
    if (!v.is_string()) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("\"", field, "\" field is not a string: ", bson::ToShellText(document)));
    }
    *out = v.AsString();
    return OkStatus();
  };
  RETURN_IF_ERROR(text("op", &e.op));
  RETURN_IF_ERROR(text("ns", &e.ns));
  if (e.op.size() != 1 || std::string_view("iudcn").find(e.op) == std::string_view::npos) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("\"op\" field value is not one of i, u, d, c, n: ", bson::ToShellText(document)));
  }
  if (e.op == "n") {
    return e;
  }
  if (!document.Find("o").is_object()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("\"o\" field is not an object: ", bson::ToShellText(document)));
  }
  e.o = document.Find("o").AsDoc();
  e.o2 = document.Find("o2");
  e.ui = document.Find("ui");
  e.b = document.Find("b");
  return e;
}

class Applying {
 public:
  Applying(catalog::Op* op, const Services& services, const Request& request, bool always_upsert)
      : op_(op), services_(services), request_(request), always_upsert_(always_upsert) {}

  Status Apply(const Entry& e) {
    if (e.op == "c") {
      return Command(e);
    }
    ASSIGN_OR_RETURN(const catalog::CollectionPtr c, Collection(e));
    if (e.op == "i") {
      return Insert(*c, e.o);
    }
    if (e.op == "d") {
      const ValueView id = e.o.Find("_id");
      if (id.missing()) {
        return Missing("d", e.o);
      }
      return Write(*c, "delete", "deletes",
                   bson::MakeDoc("q", DocView(bson::MakeDoc("_id", id)), "limit", 1));
    }
    return Update(c, e);
  }

 private:
  static Status Missing(std::string_view op, DocView o) {
    return Error(ErrorCode::kNoSuchKey, StrCat("Failed to apply ", op, " due to missing _id: ",
                                               bson::ToShellText(o)));
  }

  // By uuid where the entry has one, else by name.
  StatusOr<catalog::CollectionPtr> Collection(const Entry& e) const {
    catalog::CollectionPtr c;
    if (e.ui.type() == bson::Type::kBinData && e.ui.AsBinData().bytes.size() == 16) {
      catalog::Uuid uuid;
      std::memcpy(uuid.bytes, e.ui.AsBinData().bytes.data(), sizeof(uuid.bytes));
      c = services_.catalog->Snapshot().FindByUuid(uuid);
    } else {
      c = services_.catalog->Find(e.ns);
    }
    if (c == nullptr) {
      return Error(ErrorCode::kNamespaceNotFound,
                   StrCat("Failed to apply operation due to missing collection: ", e.ns));
    }
    RETURN_IF_ERROR(catalog::ValidateWritableName(c->ns));
    return c;
  }

  Status Write(const catalog::CollectionInfo& c, std::string_view command, std::string_view list,
               const std::string& statement) {
    bson::DocBuilder b;
    b.Append(command, c.ns.collection());
    {
      const auto array = b.Array(list);
      b.Add(DocView(statement));
    }
    // What was accepted where the entries come from is accepted here.
    b.Append("bypassDocumentValidation", true);
    std::string reply;
    RETURN_IF_ERROR(RunInner(op_, services_, request_, c.ns.db(), b.Finish(), &reply));
    const ValueView errors = DocView(reply).Find("writeErrors");
    if (errors.is_array() && !errors.AsArray().empty()) {
      const DocView first = errors.AsArray().FirstElement().value().AsDoc();
      return Error(static_cast<int>(bson::ToInt64Clamped(first.Find("code"))),
                   first.Find("errmsg").AsString());
    }
    return OkStatus();
  }

  Status Insert(const catalog::CollectionInfo& c, DocView o) {
    const ValueView id = o.Find("_id");
    if (id.missing()) {
      return Missing("insert", o);
    }
    return Write(c, "update", "updates",
                 bson::MakeDoc("q", DocView(bson::MakeDoc("_id", id)), "u", o, "upsert", true));
  }

  Status Update(const catalog::CollectionPtr& c, const Entry& e) {
    if (!e.o2.is_object() || e.o2.AsDoc().Find("_id").missing()) {
      return Missing("update", e.o);
    }
    const ValueView diff = e.o.Find("diff");
    const ValueView version = e.o.Find("$v");
    if (version.is_number() && bson::ToInt64Clamped(version) == 2 && diff.is_object()) {
      return ApplyDiff(c, e.o2.AsDoc(), diff.AsDoc());
    }
    // {$v: 1, $set: ...}, as old entries have it.
    bson::DocBuilder change;
    for (const bson::ElementView part : e.o) {
      if (part.name() != "$v") {
        change.Append(part);
      }
    }
    const std::string u = change.Finish();
    return Write(*c, "update", "updates",
                 bson::MakeDoc("q", e.o2.AsDoc(), "u", DocView(u), "upsert",
                               always_upsert_ || e.b.Truthy()));
  }

  Status ApplyDiff(const catalog::CollectionPtr& c, DocView o2, DocView diff) {
    return catalog::RetryOnConflict(op_, [&]() -> Status {
      catalog::WriteUnit unit(services_.catalog, op_, services_.catalog->Find(c->ns.full()));
      storage::Engine* engine = services_.catalog->engine();
      ASSIGN_OR_RETURN(const catalog::RecordId rid,
                       catalog::FindById(engine, *c, o2.Find("_id"), nullptr));
      if (rid == 0) {
        return always_upsert_ ? Error(ErrorCode::kBadValue, "cannot make a document out of a diff: " +
                                                                bson::ToShellText(o2))
                              : Error(193,
                                      "Failed to apply update: there is no document " +
                                          bson::ToShellText(o2));
      }
      RETURN_IF_ERROR(unit.Lock(rid));
      storage::PinnedValue value;
      ASSIGN_OR_RETURN(const bool found, catalog::GetRecord(engine, *c, rid, nullptr, &value));
      if (!found) {
        return Error(ErrorCode::kWriteConflict, "the document was removed meanwhile");
      }
      const std::string before(value.view());
      ASSIGN_OR_RETURN(const std::string after, query::ApplyDiff(DocView(before), diff));
      if (after == before) {
        return OkStatus();
      }
      RETURN_IF_ERROR(unit.Update(rid, DocView(before), DocView(after), DocView(after)));
      return unit.Commit();
    });
  }

  // An entry's command is a client's, but for a flat createIndexes and what only entries have.
  Status Command(const Entry& e) {
    if (e.o.empty()) {
      return Error(ErrorCode::kFailedToParse, "a command's \"o\" is empty");
    }
    const std::string_view name = e.o.FirstElement().name();
    const std::string db(catalog::Namespace::Parse(e.ns).db());
    std::string body;
    if (name == "createIndexes" && !e.o.Find("key").missing()) {
      body = NestedCreateIndexes(e.o);
    } else if (name == "create" && !e.ui.missing()) {
      return Error(ErrorCode::kNotImplemented, "applyOps cannot create a collection with a given UUID");
    } else if (name == "create" || name == "drop" || name == "dropDatabase" || name == "dropIndexes" ||
               name == "deleteIndexes" || name == "createIndexes" || name == "collMod") {
      body = e.o.ToBytes();
    } else if (name == "renameCollection") {
      return Rename(e.o);
    } else if (name == "applyOps") {
      return Nested(e.o.FirstElement().value());
    } else {
      return Error(ErrorCode::kBadValue, StrCat("applyOps cannot apply the command '", name, "'"));
    }
    std::string reply;
    return RunInner(op_, services_, request_, db, body, &reply);
  }

  static std::string NestedCreateIndexes(DocView o) {
    bson::DocBuilder spec;
    for (const bson::ElementView part : o) {
      if (part.name() != "createIndexes") {
        spec.Append(part);
      }
    }
    const std::string index = spec.Finish();
    bson::DocBuilder b;
    b.Append(o.FirstElement());
    const std::string one = [&] {
      bson::DocBuilder list;
      list.Append("0", DocView(index));
      return list.Finish();
    }();
    b.AppendArray("indexes", DocView(one));
    return b.Finish();
  }

  Status Rename(DocView o) {
    bson::DocBuilder b;
    for (const bson::ElementView part : o) {
      if (part.name() == "dropTarget") {
        b.Append("dropTarget", part.value().Truthy() || part.type() == bson::Type::kBinData);
      } else {
        b.Append(part);
      }
    }
    std::string reply;
    return RunInner(op_, services_, request_, "admin", b.Finish(), &reply);
  }

  Status Nested(ValueView list) {
    if (!list.is_array()) {
      return Error(ErrorCode::kFailedToParse, "\"applyOps\" of an entry is not an array");
    }
    for (const bson::ElementView e : list.AsArray()) {
      if (!e.value().is_object()) {
        return Error(ErrorCode::kFailedToParse, "\"applyOps\" of an entry holds something else than entries");
      }
      ASSIGN_OR_RETURN(const Entry entry, ParseEntry(e.value().AsDoc()));
      if (entry.op != "n") {
        RETURN_IF_ERROR(Apply(entry));
      }
    }
    return OkStatus();
  }

  catalog::Op* const op_;
  const Services& services_;
  const Request& request_;
  const bool always_upsert_;
};

Outcome ApplyAll(catalog::Op* op, const Services& services, const Request& request, DocView list,
                 bool always_upsert, bson::DocBuilder* reply) {
  Applying applying(op, services, request, always_upsert);
  std::vector<Entry> entries;
  for (const bson::ElementView e : list) {
    StatusOr<Entry> entry = e.value().is_object()
                                ? ParseEntry(e.value().AsDoc())
                                : Error(ErrorCode::kFailedToParse, StrCat("op not an object: ", e.name()));
    if (!entry.ok()) {
      return Outcome::Fail(entry.status());
    }
    entries.push_back(*entry);
  }
  int applied = 0;
  for (const Entry& e : entries) {
    if (e.op == "n") {
      continue;
    }
    const Status status = applying.Apply(e);
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    ++applied;
  }
  reply->Append("applied", applied);
  const auto results = reply->Array("results");
  for (int i = 0; i < applied; ++i) {
    reply->Add(true);
  }
  return Outcome::Ok();
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder* reply) {
  const ValueView list = request.body.FirstElement().value();
  if (!list.is_array()) {
    return Outcome::Fail(Error(ErrorCode::kTypeMismatch, StrCat("Wrong type for 'applyOps'. Expected a array, got a ",
                                                                bson::TypeName(list.type()), ".")));
  }
  bool always_upsert = false;
  std::string_view mode = "ApplyOps";
  Status status = ParseFields("applyOps", request.body,
                              {{"alwaysUpsert", &always_upsert}, {"oplogApplicationMode", &mode}});
  if (status.ok() && mode != "ApplyOps") {
    status = Error(ErrorCode::kBadValue, StrCat("oplogApplicationMode '", mode, "' is not for clients"));
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const Services* all = &services;
  const Request* req = &request;
  return RunInPool(op, [op, all, req, list, always_upsert, reply]() {
    return ApplyAll(op, *all, *req, list.AsArray(), always_upsert, reply);
  });
}

}  // namespace

extern const CommandSpec kApplyOpsCommand;
const CommandSpec kApplyOpsCommand{
    .name = "applyOps",
    .aliases = {},
    .flags = kWrite,
    .help = "Does again what entries of an oplog tell",
    .fields = {"alwaysUpsert", "oplogApplicationMode"},
    .api_version = "",
    .run = Run};

}  // namespace septet::commands
