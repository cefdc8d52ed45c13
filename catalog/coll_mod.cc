// SPDX-License-Identifier: Apache-2.0
// collMod: changes stored options of a collection, one of its indexes, or a view (S02-022). Expressions
// inside validators and pipelines are checked by the command, which can parse them.
#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "catalog/ddl.h"
#include "catalog/metadata.h"
#include "catalog/write_unit.h"
#include "catalog/view_cycle.h"

namespace septet::catalog {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;

namespace {

constexpr std::string_view kCollectionOptions[] = {
    "validator", "validationLevel", "validationAction", "changeStreamPreAndPostImages",
    "expireAfterSeconds", "cappedSize", "cappedMax"};

bool IsGeneric(std::string_view name) {
  return name == "collMod" || name == "comment" || name == "writeConcern" || name == "lsid" ||
         name == "$db" || name == "$clusterTime" || name == "txnNumber" || name == "maxTimeMS" ||
         name == "apiVersion" || name == "apiStrict" || name == "apiDeprecationErrors" ||
         name == "$readPreference" || name == "collectionUUID" || name == "dryRun";
}

// The same document with one field set (or appended, or removed if `value` is missing).
std::string WithField(DocView document, std::string_view name, ValueView value) {
  bson::DocBuilder b;
  bool done = false;
  for (const ElementView e : document) {
    if (e.name() != name) {
      b.Append(e);
    } else if (!value.missing()) {
      b.Append(name, value);
      done = true;
    }
  }
  if (!done && !value.missing()) {
    b.Append(name, value);
  }
  return b.Finish();
}

Status WrongType(std::string_view field, std::string_view expected, ValueView v) {
  return Error(ErrorCode::kTypeMismatch,
               StrCat("BSON field 'collMod.", field, "' is the wrong type '",
                      bson::TypeName(v.type()), "', expected type '", expected, "'"));
}

// One collMod on a collection; fills in the next version of its info.
class CollModRun {
 public:
  CollModRun(const CollectionInfo& before, std::shared_ptr<CollectionInfo> after,
             bson::DocBuilder* reply, const index::Extensions* extensions)
      : before_(before), after_(std::move(after)), reply_(reply), extensions_(extensions) {}

  bool changed() const { return changed_; }
  bool cut_capped() const { return cut_capped_; }
  // o2 of the entry.
  std::string Old() const {
    bson::DocBuilder b;
    b.Append("collectionOptions_old", DocView(before_.options));
    if (!index_old_.empty()) {
      b.Append("indexOptions_old", DocView(index_old_));
    }
    return b.Finish();
  }

  Status Apply(DocView changes) {
    for (const ElementView e : changes) {
      const std::string_view name = e.name();
      if (IsGeneric(name)) {
        continue;
      }
      if (name == "index") {
        if (!e.value().is_object()) {
          return WrongType("index", "object", e.value());
        }
        RETURN_IF_ERROR(ApplyIndex(e.value().AsDoc()));
      } else if (name == "viewOn" || name == "pipeline") {
        return Error(ErrorCode::kInvalidOptions,
                     StrCat("'", name, "' option only supported on a view"));
      } else if (std::find(std::begin(kCollectionOptions), std::end(kCollectionOptions), name) !=
                 std::end(kCollectionOptions)) {
        RETURN_IF_ERROR(ApplyOption(name, e.value()));
      } else {
        return Error(ErrorCode::kInvalidOptions, StrCat("unknown option to collMod: ", name));
      }
    }
    return OkStatus();
  }

 private:
  Status ApplyOption(std::string_view name, ValueView v) {
    if (name == "validator" && !v.is_object()) {
      return WrongType(name, "object", v);
    }
    if (name == "cappedSize" || name == "cappedMax") {
      return ApplyCapped(name, v);
    }
    if (name == "expireAfterSeconds") {
      return Error(ErrorCode::kInvalidOptions,
                   "'expireAfterSeconds' is only supported on a clustered collection");
    }
    if (name == "validationLevel" || name == "validationAction") {
      if (!v.is_string()) {
        return WrongType(name, "string", v);
      }
      const std::string_view s = v.AsString();
      const bool good = name == "validationLevel"
                            ? s == "off" || s == "strict" || s == "moderate"
                            : s == "error" || s == "warn" || s == "errorAndLog";
      if (!good) {
        return Error(ErrorCode::kBadValue,
                     StrCat("invalid validation ",
                            name == "validationLevel" ? "level" : "action", ": ", s));
      }
    }
    // An empty validator means none.
    const bool none = name == "validator" && v.AsDoc().empty();
    SetOption(name, none ? ValueView() : v);
    if (name == "validationLevel" || name == "validationAction") {
      StoreBothValidationOptions();
    }
    return OkStatus();
  }

  void SetOption(std::string_view name, ValueView v) {
    after_->options = WithField(DocView(after_->options), name, v);
    changed_ = true;
  }

  // Level and action are stored together, the level first.
  void StoreBothValidationOptions() {
    const std::string defaults = bson::MakeDoc("validationLevel", "strict", "validationAction", "error");
    for (const ElementView e : DocView(defaults)) {
      const ValueView now = DocView(after_->options).Find(e.name());
      const std::string value = now.missing() ? std::string(e.value().AsString())
                                              : std::string(now.AsString());
      after_->options = WithField(DocView(after_->options), e.name(), ValueView());
      const std::string document = bson::MakeDoc("v", value);
      after_->options = WithField(DocView(after_->options), e.name(), DocView(document).Find("v"));
    }
  }

  Status ApplyCapped(std::string_view name, ValueView v) {
    if (!v.is_number()) {
      return WrongType(name, "long", v);
    }
    if (!before_.capped) {
      return Error(ErrorCode::kInvalidOptions, "Collection must be capped.");
    }
    const int64_t n = bson::ToInt64Clamped(v);
    const std::string value = bson::MakeDoc("n", n);
    if (name == "cappedSize") {
      if (n < 1 || n > (int64_t{1} << 50)) {
        return Error(51024, StrCat("BSON field 'cappedSize' value must be >= 1 and <= ",
                                   int64_t{1} << 50, ", actual value '", n, "'"));
      }
      after_->capped_size = n;
      SetOption("size", DocView(value).Find("n"));
    } else {
      after_->capped_max = n;
      SetOption("max", DocView(value).Find("n"));
    }
    cut_capped_ = true;
    return OkStatus();
  }

  StatusOr<size_t> FindIndex(DocView index) const {
    const ValueView name = index.Find("name");
    const ValueView pattern = index.Find("keyPattern");
    if (name.missing() == pattern.missing()) {
      return Error(ErrorCode::kInvalidOptions,
                   name.missing() ? "must specify either index name or key pattern"
                                  : "cannot specify both key pattern and name");
    }
    for (size_t i = 0; i < after_->indexes.size(); ++i) {
      const index::Spec& spec = after_->indexes[i]->spec;
      if (name.is_string() ? spec.name == name.AsString()
                           : pattern.is_object() &&
                                 bson::Compare(DocView(spec.key_pattern), pattern.AsDoc()) == 0) {
        return i;
      }
    }
    return Error(ErrorCode::kIndexNotFound,
                 StrCat("cannot find index ",
                        bson::ToShellText(name.missing() ? pattern : name), " for ns ",
                        before_.ns.full()));
  }

  Status ApplyIndex(DocView index) {
    for (const ElementView e : index) {
      const std::string_view n = e.name();
      if (n != "name" && n != "keyPattern" && n != "expireAfterSeconds" && n != "hidden" &&
          n != "unique" && n != "prepareUnique") {
        return Error(ErrorCode::kInvalidOptions,
                     StrCat("Unrecognized field '", n, "' in 'index' option"));
      }
    }
    ASSIGN_OR_RETURN(const size_t i, FindIndex(index));
    const ValueView expire = index.Find("expireAfterSeconds");
    const ValueView hidden = index.Find("hidden");
    if (!index.Find("unique").missing() || !index.Find("prepareUnique").missing()) {
      return Error(ErrorCode::kCommandNotSupported,
                   "collMod cannot convert an index to a unique one on this server");
    }
    if (expire.missing() && hidden.missing()) {
      return Error(ErrorCode::kInvalidOptions,
                   "no expireAfterSeconds, hidden, unique, or prepareUnique field");
    }
    std::string document = after_->indexes[i]->spec.document;
    bson::DocBuilder old;
    if (!expire.missing()) {
      RETURN_IF_ERROR(SetExpiry(*after_->indexes[i], expire, &document, &old));
    }
    if (!hidden.missing()) {
      RETURN_IF_ERROR(SetHidden(*after_->indexes[i], hidden, &document, &old));
    }
    index_old_ = old.Finish();
    auto entry = std::make_shared<IndexEntry>(*after_->indexes[i]);
    ASSIGN_OR_RETURN(entry->spec, index::ParseSpec(DocView(document), true, extensions_));
    after_->indexes[i] = std::move(entry);
    return OkStatus();
  }

  Status SetExpiry(const IndexEntry& index, ValueView v, std::string* document,
                   bson::DocBuilder* old) {
    if (!v.is_number()) {
      return Error(ErrorCode::kInvalidOptions, "expireAfterSeconds field must be a number");
    }
    const int64_t before = index.spec.expire_after_secs;
    if (before < 0 && (index.spec.fields.size() != 1 || index.spec.is_id)) {
      return Error(ErrorCode::kInvalidOptions,
                   "TTL indexes are single-field indexes, compound indexes do not support TTL");
    }
    const int64_t after = bson::ToInt64Clamped(v);
    if (before >= 0) {
      reply_->Append("expireAfterSeconds_old", before);
      old->Append("expireAfterSeconds", before);
    }
    reply_->Append("expireAfterSeconds_new", after);
    *document = WithField(DocView(*document), "expireAfterSeconds", v);
    changed_ = changed_ || before != after;
    return OkStatus();
  }

  Status SetHidden(const IndexEntry& index, ValueView v, std::string* document,
                   bson::DocBuilder* old) {
    if (index.spec.is_id) {
      return Error(ErrorCode::kBadValue, "can't hide _id index");
    }
    const bool after = v.Truthy();
    if (index.spec.hidden == after) {
      return OkStatus();
    }
    reply_->Append("hidden_old", index.spec.hidden);
    reply_->Append("hidden_new", after);
    old->Append("hidden", index.spec.hidden);
    const std::string value = bson::MakeDoc("v", true);
    *document =
        WithField(DocView(*document), "hidden", after ? DocView(value).Find("v") : ValueView());
    changed_ = true;
    return OkStatus();
  }

  const CollectionInfo& before_;
  const std::shared_ptr<CollectionInfo> after_;
  bson::DocBuilder* const reply_;
  const index::Extensions* const extensions_;
  std::string index_old_;
  bool changed_ = false;
  bool cut_capped_ = false;
};

// A view's definition is a document of system.views.
Status CollModView(Catalog* catalog, Op* op, const CollectionInfo& view, DocView changes) {
  std::optional<std::string> view_on;
  ValueView pipeline;
  for (const ElementView e : changes) {
    if (e.name() == "viewOn" && e.value().is_string()) {
      view_on = std::string(e.value().AsString());
    } else if (e.name() == "pipeline" && e.value().is_array()) {
      pipeline = e.value();
    } else if (!IsGeneric(e.name())) {
      return Error(ErrorCode::kInvalidOptions,
                   StrCat("option not supported on a view: ", e.name()));
    }
  }
  if (view_on) {
    RETURN_IF_ERROR(CheckViewCycle([catalog](std::string_view full) { return catalog->Find(full); },
                                   view.ns, *view_on));
  }
  bson::DocBuilder b;
  b.Append("_id", view.ns.full());
  b.Append("viewOn", view_on.value_or(view.view_on));
  if (pipeline.missing()) {
    b.AppendArray("pipeline", DocView(view.view_pipeline));
  } else {
    b.Append("pipeline", pipeline);
  }
  if (!view.collation.empty()) {
    b.Append("collation", DocView(view.collation));
  }
  const std::string after = b.Finish();
  const std::string definitions = StrCat(view.ns.db(), ".system.views");
  return RetryOnConflict(op, [&]() -> Status {
    const CollectionPtr c = catalog->Find(definitions);
    if (c == nullptr) {
      return NamespaceNotFound("ns does not exist");
    }
    WriteUnit unit(catalog, op, c);
    ASSIGN_OR_RETURN(const RecordId rid,
                     FindById(catalog->engine(), *c, DocView(after).Find("_id"), nullptr));
    RETURN_IF_ERROR(unit.Lock(rid));
    storage::PinnedValue value;
    ASSIGN_OR_RETURN(const bool found, GetRecord(catalog->engine(), *c, rid, nullptr, &value));
    if (!found) {
      return NamespaceNotFound("ns does not exist");
    }
    RETURN_IF_ERROR(unit.Update(rid, DocView(value.view()), DocView(after), DocView(after)));
    return unit.Commit();
  });
}

}  // namespace

Status ApplyCollMod(const CollectionInfo& before, DocView changes,
                    const index::Extensions* extensions, std::shared_ptr<CollectionInfo> after) {
  bson::DocBuilder reply;
  return CollModRun(before, std::move(after), &reply, extensions).Apply(changes);
}

Status Catalog::CollMod(Op* op, const Namespace& ns, DocView changes, bson::DocBuilder* reply) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  RETURN_IF_ERROR(RequireWritable(*impl_, ns));
  const CollectionPtr found = Find(ns.full());
  if (found == nullptr) {
    return NamespaceNotFound("ns does not exist");
  }
  if (found->is_view) {
    return CollModView(this, op, *found, changes);
  }
  const ExclusiveGates gates(found);
  absl::MutexLock lock(&impl_->ddl_mu);
  const CollectionPtr before = Find(ns.full());
  if (before == nullptr || before->ident != found->ident) {
    return NamespaceNotFound("ns does not exist");
  }
  auto after = Impl::NextVersion(*before);
  CollModRun run(*before, after, reply, impl_->extensions);
  RETURN_IF_ERROR(run.Apply(changes));
  if (!run.changed()) {
    return OkStatus();
  }
  DdlUnit unit(impl_.get(), op);
  unit.change()->Put(after, before);
  if (IsLogged(*impl_, ns)) {
    bson::DocBuilder o;
    o.Append("collMod", ns.collection());
    for (const ElementView e : changes) {
      if (!IsGeneric(e.name())) {
        o.Append(e);
      }
    }
    unit.SetCommand(ns.db(), &before->uuid, DocView(o.Finish()), run.Old());
  }
  return unit.Commit();
}

}  // namespace septet::catalog
