// SPDX-License-Identifier: Apache-2.0
// collStats (S02-027), dbStats (S02-028). `scale` divides sizes.
#include <sys/statvfs.h>

#include "base/strings.h"
#include "bson/number.h"
#include "commands/ddl/coll_stats.h"
#include "commands/ddl/sizes.h"
#include "commands/parse.h"
#include "commands/server_control.h"
#include "commands/services.h"

namespace septet::commands {

CollectionSizes MeasureCollection(const catalog::Catalog& catalog, const catalog::CollectionInfo& c) {
  CollectionSizes out;
  if (c.is_view) {
    return out;
  }
  storage::Engine* engine = catalog.engine();
  out.count = catalog::RecordCount(c);
  out.data_bytes = catalog::DataBytes(c);
  constexpr int64_t kPage = 4096;
  const storage::Space space =
      c.ns.is_oplog() ? storage::Space::kOplog : storage::Space::kRecords;
  out.storage_bytes =
      c.ns.is_oplog()
          ? static_cast<int64_t>(engine->ApproximateSize(space, "", std::string(9, '\xff')))
          : static_cast<int64_t>(engine->ApproximateSize(space, storage::IdentPrefix(c.ident),
                                                         storage::IdentPrefixEnd(c.ident)));
  out.storage_bytes = std::max(out.storage_bytes, kPage);
  for (const auto& index : c.indexes) {
    const auto bytes = static_cast<int64_t>(
        engine->ApproximateSize(storage::Space::kIndexes, storage::IdentPrefix(index->ident),
                                storage::IdentPrefixEnd(index->ident)));
    out.by_index.emplace_back(index->spec.name, std::max(bytes, kPage));
    out.index_bytes += out.by_index.back().second;
  }
  return out;
}

namespace {

StatusOr<int64_t> ScaleOf(const Request& request) {
  const bson::ValueView v = request.body.Find("scale");
  if (v.nullish()) {
    return 1;
  }
  ASSIGN_OR_RETURN(const int64_t scale, ToInt64(request.body.FirstElement().name(), "scale", v));
  if (scale < 1) {
    return Error(51024, StrCat("BSON field 'scale' value must be >= 1, actual value '", scale, "'"));
  }
  return scale;
}

// int32 where it fits, as a server writes its figures.
void AppendFigure(std::string_view name, int64_t v, bson::DocBuilder* out) {
  if (v >= INT32_MIN && v <= INT32_MAX) {
    out->Append(name, static_cast<int32_t>(v));
  } else {
    out->Append(name, v);
  }
}

}  // namespace

void AppendCollStats(const catalog::Catalog& catalog, const catalog::CollectionInfo* c, int64_t scale,
                     bson::DocBuilder* out) {
  const CollectionSizes sizes = c != nullptr ? MeasureCollection(catalog, *c) : CollectionSizes();
  AppendFigure("size", sizes.data_bytes / scale, out);
  AppendFigure("count", sizes.count, out);
  if (sizes.count > 0) {
    AppendFigure("avgObjSize", sizes.data_bytes / sizes.count, out);
  }
  AppendFigure("numOrphanDocs", 0, out);
  AppendFigure("storageSize", sizes.storage_bytes / scale, out);
  AppendFigure("freeStorageSize", 0, out);
  out->Append("capped", c != nullptr && c->capped);
  if (c != nullptr && c->capped) {
    AppendFigure("max", c->capped_max, out);
    AppendFigure("maxSize", c->capped_size / scale, out);
  }
  out->Append("nindexes", c != nullptr ? static_cast<int32_t>(c->indexes.size()) : 0);
  { const auto details = out->Object("indexDetails"); }
  { const auto builds = out->Array("indexBuilds"); }
  AppendFigure("totalIndexSize", sizes.index_bytes / scale, out);
  AppendFigure("totalSize", (sizes.storage_bytes + sizes.index_bytes) / scale, out);
  {
    const auto list = out->Object("indexSizes");
    for (const auto& [name, bytes] : sizes.by_index) {
      AppendFigure(name, bytes / scale, out);
    }
  }
  AppendFigure("scaleFactor", scale, out);
}

namespace {

Outcome RunCollStats(catalog::Op*, const Services& services, const Request& request,
                     bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  const StatusOr<int64_t> scale = ScaleOf(request);
  if (!scale.ok()) {
    return Outcome::Fail(scale.status());
  }
  const catalog::CollectionPtr collection = services.catalog->Find(ns->full());
  if (collection != nullptr && collection->is_view) {
    return Outcome::Fail(Error(ErrorCode::kCommandNotSupportedOnView,
                               StrCat("Namespace ", ns->full(), " is a view, not a collection")));
  }
  reply->Append("ns", ns->full());
  AppendCollStats(*services.catalog, collection.get(), *scale, reply);
  return Outcome::Ok();
}

void AppendFileSystem(const Services& services, int64_t scale, bson::DocBuilder* reply) {
  struct statvfs fs {};
  const std::string& path = services.server->facts().data_path;
  if (!path.empty() && statvfs(path.c_str(), &fs) == 0) {
    const auto block = static_cast<int64_t>(fs.f_frsize);
    reply->Append("fsUsedSize",
                  static_cast<double>((static_cast<int64_t>(fs.f_blocks) -
                                       static_cast<int64_t>(fs.f_bfree)) * block / scale));
    reply->Append("fsTotalSize", static_cast<double>(static_cast<int64_t>(fs.f_blocks) * block / scale));
  }
}

Outcome RunDbStats(catalog::Op*, const Services& services, const Request& request,
                   bson::DocBuilder* reply) {
  const StatusOr<int64_t> scale = ScaleOf(request);
  if (!scale.ok()) {
    return Outcome::Fail(scale.status());
  }
  int64_t collections = 0, views = 0, objects = 0, data = 0, store = 0, indexes = 0, index_bytes = 0;
  for (const catalog::CollectionPtr& c : services.catalog->Snapshot().Collections(request.db)) {
    if (c->is_view) {
      ++views;
      continue;
    }
    const CollectionSizes sizes = MeasureCollection(*services.catalog, *c);
    ++collections;
    objects += sizes.count;
    data += sizes.data_bytes;
    store += sizes.storage_bytes;
    indexes += static_cast<int64_t>(c->indexes.size());
    index_bytes += sizes.index_bytes;
  }
  const auto scaled = [&scale](int64_t v) {
    return static_cast<double>(v) / static_cast<double>(*scale);
  };
  reply->Append("db", request.db);
  reply->Append("collections", collections).Append("views", views).Append("objects", objects);
  reply->Append("avgObjSize", objects > 0 ? static_cast<double>(data) / static_cast<double>(objects) : 0.0);
  reply->Append("dataSize", scaled(data)).Append("storageSize", scaled(store));
  // The engine's files are written once and replaced whole: none has room to be used again.
  const bool free_storage = request.body.Find("freeStorage").Truthy();
  if (free_storage) {
    reply->Append("freeStorageSize", 0.0);
  }
  reply->Append("indexes", indexes).Append("indexSize", scaled(index_bytes));
  if (free_storage) {
    reply->Append("indexFreeStorageSize", 0.0);
  }
  reply->Append("totalSize", scaled(store + index_bytes));
  if (free_storage) {
    reply->Append("totalFreeStorageSize", 0.0);
  }
  reply->Append("scaleFactor", *scale);
  AppendFileSystem(services, *scale, reply);
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kCollStatsCommand;
const CommandSpec kCollStatsCommand{
    .name = "collStats",
    .aliases = {"collstats"},
    .flags = kReadData,
    .help = "Figures of a collection",
    .fields = {"scale"},
    .api_version = "",
    .run = RunCollStats,
};

extern const CommandSpec kDbStatsCommand;
const CommandSpec kDbStatsCommand{
    .name = "dbStats",
    .aliases = {"dbstats"},
    .flags = kReadData,
    .help = "Figures of a database",
    .fields = {"scale", "freeStorage"},
    .api_version = "",
    .run = RunDbStats,
};

}  // namespace septet::commands
