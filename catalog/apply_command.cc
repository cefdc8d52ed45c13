// SPDX-License-Identifier: Apache-2.0
// Commands of the log on a secondary: the same catalog changes as on the primary, found by uuid, so a
// rename does not matter to what comes after it.
#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "catalog/ddl.h"
#include "catalog/write_unit_impl.h"
#include "replication/oplog/undo.h"

namespace septet::catalog {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;

namespace {

Uuid UuidOf(const uint8_t* bytes) {
  Uuid uuid;
  std::copy(bytes, bytes + 16, uuid.bytes);
  return uuid;
}

// create's options out of the entry's o.
CreateOptions OptionsOf(DocView o, const Uuid& uuid) {
  CreateOptions out;
  out.uuid = uuid;
  bson::DocBuilder options;
  out.with_id_index = false;
  for (const ElementView e : o) {
    const std::string_view name = e.name();
    if (name == "create") {
      continue;
    }
    if (name == "idIndex") {
      out.with_id_index = true;
      out.id_index_spec = e.value().is_object() ? e.value().AsDoc().ToBytes() : std::string();
      continue;
    }
    options.Append(e);
    if (name == "capped") {
      out.capped = e.value().Truthy();
    } else if (name == "size" && e.value().is_number()) {
      out.capped_size = bson::ToInt64Clamped(e.value());
    } else if (name == "max" && e.value().is_number()) {
      out.capped_max = bson::ToInt64Clamped(e.value());
    }
  }
  out.options = options.Finish();
  return out;
}

// One command being turned into a change of the catalog.
class CommandApply {
 public:
  CommandApply(Catalog* catalog, const repl::EntryView& entry, bool tolerant, Interrupt* interrupt,
               CatalogChange* change)
      : catalog_(catalog), entry_(entry), tolerant_(tolerant), interrupt_(interrupt),
        change_(change), snapshot_(catalog->Snapshot()) {}

  Status Run() {
    if (entry_.o.empty()) {
      return Unknown();
    }
    const std::string_view name = entry_.o.FirstElement().name();
    if (name == "create") {
      return Create();
    }
    if (name == "drop") {
      return Drop();
    }
    if (name == "dropDatabase") {
      return OkStatus();  // its collections were dropped one by one before
    }
    if (name == "renameCollection") {
      return Rename();
    }
    if (name == "createIndexes") {
      return CreateIndex();
    }
    if (name == "dropIndexes") {
      return DropIndex();
    }
    if (name == "collMod") {
      return Modify();
    }
    return Unknown();
  }

 private:
  Status Unknown() const {
    return Error(ErrorCode::kCommandNotSupported,
                 StrCat("entry ", entry_.optime.ToString(), " holds a command that is not known: ",
                        bson::ToShellText(entry_.o)));
  }

  // Null and ok: nothing to do.
  StatusOr<CollectionPtr> Target() const {
    const CollectionPtr c =
        entry_.uuid != nullptr ? snapshot_.FindByUuid(UuidOf(entry_.uuid)) : nullptr;
    if (c == nullptr && !tolerant_) {
      return Error(ErrorCode::kNamespaceNotFound,
                   StrCat("entry ", entry_.optime.ToString(),
                          " is for a collection that is unknown: ", bson::ToShellText(entry_.o)));
    }
    return c;
  }

  Namespace NameIn(std::string_view field) const {
    const ValueView v = entry_.o.Find(field);
    return Namespace(Namespace::Parse(entry_.ns).db(), v.is_string() ? v.AsString() : "");
  }

  Status Create() {
    const Namespace ns = NameIn("create");
    RETURN_IF_ERROR(ValidateCollectionName(ns));
    const bool there = entry_.uuid != nullptr &&
                       snapshot_.FindByUuid(UuidOf(entry_.uuid)) != nullptr;
    if (there || snapshot_.Find(ns.full()) != nullptr) {
      // Initial sync has cloned it, or a later one of that name: this one is dropped further on.
      return tolerant_ ? OkStatus()
                       : Error(ErrorCode::kNamespaceExists,
                               StrCat("entry ", entry_.optime.ToString(),
                                      " creates a collection that exists: ", ns.full()));
    }
    CreateOptions options =
        OptionsOf(entry_.o, entry_.uuid != nullptr ? UuidOf(entry_.uuid) : Uuid());
    ASSIGN_OR_RETURN(CollectionPtr c, MakeCollection(catalog_->impl(), ns, options, change_));
    change_->Put(std::move(c), nullptr);
    return OkStatus();
  }

  Status Drop() {
    ASSIGN_OR_RETURN(const CollectionPtr c, Target());
    if (c != nullptr) {
      change_->Drop(c);
    }
    return OkStatus();
  }

  Status Rename() {
    const ValueView to = entry_.o.Find("to");
    if (!to.is_string()) {
      return Unknown();
    }
    const ValueView victim_uuid = entry_.o.Find("dropTarget");
    CollectionPtr victim;
    if (victim_uuid.type() == bson::Type::kBinData &&
        victim_uuid.AsBinData().bytes.size() == 16) {
      victim = snapshot_.FindByUuid(
          UuidOf(reinterpret_cast<const uint8_t*>(victim_uuid.AsBinData().bytes.data())));
    }
    ASSIGN_OR_RETURN(const CollectionPtr before, Target());
    if (victim != nullptr && victim != before) {
      change_->Drop(victim);
    }
    const Namespace name = Namespace::Parse(to.AsString());
    if (before == nullptr || before->ns == name) {
      return OkStatus();
    }
    const CollectionPtr there = snapshot_.Find(name.full());
    if (there != nullptr && there != victim) {
      // Initial sync: the name belongs to a later collection already.
      return tolerant_ ? OkStatus()
                       : Error(ErrorCode::kNamespaceExists,
                               StrCat("entry ", entry_.optime.ToString(),
                                      " renames over a collection: ", name.full()));
    }
    auto after = Catalog::Impl::NextVersion(*before);
    after->ns = name;
    change_->Put(std::move(after), before);
    return OkStatus();
  }

  Status CreateIndex() {
    ASSIGN_OR_RETURN(const CollectionPtr before, Target());
    if (before == nullptr) {
      return OkStatus();
    }
    bson::DocBuilder b;
    for (const ElementView e : entry_.o) {
      if (e.name() != "createIndexes") {
        b.Append(e);
      }
    }
    const std::string document = b.Finish();
    ASSIGN_OR_RETURN(index::Spec spec,
                     index::ParseSpec(DocView(document), true, catalog_->extensions()));
    if (before->FindIndexByName(spec.name) != nullptr) {
      return OkStatus();
    }
    std::vector<index::Spec> specs;
    specs.push_back(std::move(spec));
    ASSIGN_OR_RETURN(auto built, BuildIndexes(catalog_->impl(), interrupt_, *before,
                                              std::move(specs), change_, tolerant_));
    auto after = Catalog::Impl::NextVersion(*before);
    after->indexes.push_back(built[0]);
    change_->Put(std::move(after), before);
    return OkStatus();
  }

  Status DropIndex() {
    ASSIGN_OR_RETURN(const CollectionPtr before, Target());
    if (before == nullptr) {
      return OkStatus();
    }
    const ValueView name = entry_.o.Find("index");
    auto after = Catalog::Impl::NextVersion(*before);
    const size_t gone = std::erase_if(after->indexes, [&](const auto& index) {
      return name.is_string() && index->spec.name == name.AsString();
    });
    if (gone == 0) {
      return tolerant_ ? OkStatus()
                       : Error(ErrorCode::kIndexNotFound,
                               StrCat("entry ", entry_.optime.ToString(),
                                      " drops an index that does not exist"));
    }
    change_->DropIndexes(*before, *after);
    change_->Put(std::move(after), before);
    return OkStatus();
  }

  Status Modify() {
    ASSIGN_OR_RETURN(const CollectionPtr before, Target());
    if (before == nullptr) {
      return OkStatus();
    }
    auto after = Catalog::Impl::NextVersion(*before);
    const Status status = ApplyCollMod(*before, entry_.o, catalog_->extensions(), after);
    if (!status.ok()) {
      return tolerant_ ? OkStatus() : status;  // an index that a later entry drops
    }
    change_->Put(std::move(after), before);
    return OkStatus();
  }

  Catalog* const catalog_;
  const repl::EntryView& entry_;
  const bool tolerant_;
  Interrupt* const interrupt_;
  CatalogChange* const change_;
  const CatalogSnapshot snapshot_;
};

}  // namespace

Status Catalog::ApplyCommand(const repl::EntryView& entry, const std::string& bytes, bool tolerant,
                             Interrupt* interrupt) {
  const auto apply = [&]() -> Status {
    absl::MutexLock lock(&impl_->ddl_mu);
    CatalogChange change(impl_.get());
    RETURN_IF_ERROR(CommandApply(this, entry, tolerant, interrupt, &change).Run());
    std::vector<std::string> undo(1);
    const std::string document = change.UndoDocument();
    repl::UndoRecord record;
    record.ddl = document;
    repl::EncodeUndo(record, &undo[0]);
    auto batch = impl_->engine->NewBatch();
    repl::Sequencer::ApplyHooks hooks;
    hooks.in_order = [&](storage::WriteBatch* out) {
      change.Write(entry.optime.ts, out);
      return OkStatus();
    };
    hooks.on_written = [&] { change.Publish(); };
    return impl_->sequencer->ApplyBatch(batch.get(), {bytes}, undo, hooks);
  };
  RETURN_IF_ERROR(apply());
  return impl_->ReloadViews(Namespace::Parse(entry.ns).db());
}

}  // namespace septet::catalog
