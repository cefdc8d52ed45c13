// SPDX-License-Identifier: Apache-2.0
// {dbHash: 1, collections?: [name]} -> {host, collections: {name: md5}, capped: [name], uuids: {name: UUID}, md5,
// timeMillis}. S02-033. Documents are taken in the order of _id, those of a capped collection as inserted, so
// that members of a set with the same data give the same hashes. Local and server-kept collections are left
// out, but those that replicate users' data are not.
#include <algorithm>

#include "base/clock.h"
#include "base/md5.h"
#include "base/strings.h"
#include "catalog/catalog.h"
#include "commands/ddl/in_pool.h"
#include "commands/parse.h"
#include "commands/server_control.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

struct Hashed {
  std::string name;
  std::string md5;
  catalog::Uuid uuid;
  bool capped;
};

bool IsHashed(const catalog::CollectionInfo& c) {
  constexpr std::string_view kSystem[] = {"system.js", "system.users", "system.roles", "system.version",
                                          "system.views"};
  return !c.is_view && !c.is_oplog() &&
         (!c.ns.is_system() ||
          std::find(std::begin(kSystem), std::end(kSystem), c.ns.collection()) != std::end(kSystem));
}

StatusOr<std::string> HashInInsertionOrder(const Services& services, catalog::Op* op,
                                           const catalog::CollectionInfo& c,
                                           const std::shared_ptr<const storage::Snapshot>& snapshot) {
  Md5 md5;
  catalog::RecordCursor cursor(services.catalog->engine(), c, snapshot, true, true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    RETURN_IF_ERROR(op->interrupt.Check());
    md5.Add(cursor.bytes());
  }
  RETURN_IF_ERROR(cursor.status());
  return md5.FinishHex();
}

StatusOr<std::string> HashById(const Services& services, catalog::Op* op, const catalog::CollectionInfo& c,
                               const catalog::IndexEntry& id,
                               const std::shared_ptr<const storage::Snapshot>& snapshot) {
  Md5 md5;
  storage::PinnedValue record;
  catalog::IndexCursor cursor(services.catalog->engine(), id, snapshot, true);
  for (cursor.Seek(storage::IdentPrefix(id.ident)); cursor.valid(); cursor.Next()) {
    RETURN_IF_ERROR(op->interrupt.Check());
    ASSIGN_OR_RETURN(const bool found, catalog::GetRecord(services.catalog->engine(), c, cursor.rid(),
                                                          snapshot.get(), &record));
    if (found) {
      md5.Add(record.view());
    }
  }
  RETURN_IF_ERROR(cursor.status());
  return md5.FinishHex();
}

Outcome HashAll(catalog::Op* op, const Services& services, const std::string& db,
                const std::vector<std::string>& wanted, bson::DocBuilder* reply) {
  const int64_t start = MonotonicMicros();
  const auto snapshot = catalog::ReadSnapshot(services.catalog, op);
  std::vector<Hashed> all;
  for (const catalog::CollectionPtr& c : services.catalog->Snapshot().Collections(db)) {
    const bool asked = wanted.empty() || std::find(wanted.begin(), wanted.end(), c->ns.collection()) !=
                                             wanted.end();
    if (!asked || !IsHashed(*c)) {
      continue;
    }
    const catalog::IndexEntry* id = c->IdIndex();
    StatusOr<std::string> md5 = c->capped || id == nullptr
                                    ? HashInInsertionOrder(services, op, *c, snapshot)
                                    : HashById(services, op, *c, *id, snapshot);
    if (!md5.ok()) {
      return Outcome::Fail(md5.status());
    }
    all.push_back({std::string(c->ns.collection()), *std::move(md5), c->uuid, c->capped});
  }
  Md5 total;
  reply->Append("host", services.server->facts().host);
  {
    const auto collections = reply->Object("collections");
    for (const Hashed& h : all) {
      reply->Append(h.name, h.md5);
      total.Add(h.name);
      total.Add(h.md5);
    }
  }
  {
    const auto capped = reply->Array("capped");
    for (const Hashed& h : all) {
      if (h.capped) {
        reply->Add(h.name);
      }
    }
  }
  {
    const auto uuids = reply->Object("uuids");
    for (const Hashed& h : all) {
      reply->Append(h.name, bson::BinData{4, {reinterpret_cast<const char*>(h.uuid.bytes), 16}});
    }
  }
  reply->Append("md5", total.FinishHex());
  reply->Append("timeMillis", static_cast<int32_t>((MonotonicMicros() - start) / 1000));
  return Outcome::Ok();
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder* reply) {
  ArrayView collections;
  const Status status = ParseFields("dbHash", request.body, {{"collections", &collections}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  std::vector<std::string> wanted;
  for (const bson::ElementView e : collections.doc) {
    if (!e.value().is_string()) {
      return Outcome::Fail(Error(ErrorCode::kBadValue, "collections entries have to be strings"));
    }
    wanted.emplace_back(e.value().AsString());
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, db = std::string(request.db), wanted = std::move(wanted), reply]() {
    return HashAll(op, *all, db, wanted, reply);
  });
}

}  // namespace

extern const CommandSpec kDbHashCommand;
const CommandSpec kDbHashCommand = {
    .name = "dbHash",
    .aliases = {"dbhash"},
    .flags = kReadData,
    .help = "Hashes of the collections of a database, to compare members of a set",
    .fields = {"collections"},
    .run = Run,
};

}  // namespace septet::commands
