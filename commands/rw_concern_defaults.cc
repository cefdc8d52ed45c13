// SPDX-License-Identifier: Apache-2.0
#include "commands/rw_concern_defaults.h"

#include "bson/builder.h"
#include "bson/number.h"
#include "catalog/write_unit.h"

namespace septet::commands {
namespace {

constexpr std::string_view kId = "ReadWriteConcernDefaults";
const char kCollection[] = "config.settings";

std::string Encode(const RwConcernDefaults& d) {
  bson::DocBuilder b;
  b.Append("_id", kId);
  if (!d.read_level.empty()) {
    const auto read = b.Object("defaultReadConcern");
    b.Append("level", d.read_level);
  }
  if (d.write.has_value()) {
    AppendWriteConcern("defaultWriteConcern", *d.write, /*with_provenance=*/false, &b);
  }
  b.Append("updateOpTime", d.update_op_time);
  b.AppendDate("updateWallClockTime", d.update_wall_millis);
  return b.Finish();
}

StatusOr<RwConcernDefaults> Decode(bson::DocView document) {
  RwConcernDefaults out;
  const bson::ValueView read = document.Find("defaultReadConcern");
  if (read.is_object() && read.AsDoc().Find("level").is_string()) {
    out.read_level = std::string(read.AsDoc().Find("level").AsString());
  }
  const bson::ValueView write = document.Find("defaultWriteConcern");
  if (write.is_object() && !write.AsDoc().empty()) {
    ASSIGN_OR_RETURN(out.write, ParseWriteConcernFields(write.AsDoc()));
    out.write->provenance = WriteConcern::Provenance::kCustomDefault;
  }
  if (const bson::ValueView ts = document.Find("updateOpTime"); ts.type() == bson::Type::kTimestamp) {
    out.update_op_time = ts.AsTimestamp();
  }
  if (const bson::ValueView date = document.Find("updateWallClockTime");
      date.type() == bson::Type::kDate) {
    out.update_wall_millis = date.AsDateMillis();
  }
  return out;
}

// The stored document, or empty.
StatusOr<std::string> Stored(catalog::Catalog* catalog, const catalog::CollectionInfo& c,
                             catalog::RecordId* rid) {
  const std::string id = bson::MakeDoc("_id", kId);
  ASSIGN_OR_RETURN(*rid, catalog::FindById(catalog->engine(), c, bson::DocView(id).Find("_id"), nullptr));
  if (*rid == 0) {
    return std::string();
  }
  storage::PinnedValue value;
  ASSIGN_OR_RETURN(const bool found, catalog::GetRecord(catalog->engine(), c, *rid, nullptr, &value));
  return found ? std::string(value.view()) : std::string();
}

}  // namespace

StatusOr<RwConcernDefaults> ReadRwConcernDefaults(catalog::Catalog* catalog) {
  const catalog::CollectionPtr c = catalog->Find(kCollection);
  if (c == nullptr || c->is_view) {
    return RwConcernDefaults();
  }
  catalog::RecordId rid = 0;
  ASSIGN_OR_RETURN(const std::string document, Stored(catalog, *c, &rid));
  return document.empty() ? RwConcernDefaults() : Decode(bson::DocView(document));
}

Status WriteRwConcernDefaults(catalog::Catalog* catalog, catalog::Op* op,
                              const RwConcernDefaults& defaults) {
  if (catalog->Find(kCollection) == nullptr) {
    const Status created =
        catalog->CreateCollection(op, catalog::Namespace::Parse(kCollection), {}).status();
    if (!created.ok() && CodeOf(created) != ErrorCode::kNamespaceExists) {
      return created;
    }
  }
  const std::string after = Encode(defaults);
  return catalog::RetryOnConflict(op, [&]() -> Status {
    const catalog::CollectionPtr c = catalog->Find(kCollection);
    if (c == nullptr) {
      return Error(ErrorCode::kWriteConflict, "config.settings was dropped meanwhile");
    }
    catalog::WriteUnit unit(catalog, op, c);
    catalog::RecordId rid = 0;
    ASSIGN_OR_RETURN(std::string before, Stored(catalog, *c, &rid));
    if (rid == 0) {
      RETURN_IF_ERROR(unit.Insert(bson::DocView(after)).status());
      return unit.Commit();
    }
    RETURN_IF_ERROR(unit.Lock(rid));
    catalog::RecordId again = 0;
    ASSIGN_OR_RETURN(before, Stored(catalog, *c, &again));
    if (again != rid) {
      return Error(ErrorCode::kWriteConflict, "the defaults were replaced meanwhile");
    }
    RETURN_IF_ERROR(unit.Update(rid, bson::DocView(before), bson::DocView(after), bson::DocView(after)));
    return unit.Commit();
  });
}

Status RefreshRwConcernDefaults(catalog::Catalog* catalog, ReplicationInfo* info) {
  ASSIGN_OR_RETURN(const RwConcernDefaults now, ReadRwConcernDefaults(catalog));
  info->SetDefaults(now);
  return OkStatus();
}

}  // namespace septet::commands
