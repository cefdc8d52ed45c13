// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/initial_sync.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "bson/number.h"
#include "catalog/write_unit.h"
#include "replication/driver/sync_driver.h"
#include "replication/oplog/entry.h"

namespace septet::repl {

namespace {

constexpr std::chrono::milliseconds kTimeout{60'000};

// Databases that every member has for itself.
bool IsCloned(std::string_view db) { return db != "local"; }

std::string WithReadPreference(bson::DocView command) {
  bson::DocBuilder out;
  out.AppendAll(command);
  const auto preference = out.Object("$readPreference");
  out.Append("mode", "secondaryPreferred");
  out.Close();
  return out.Finish();
}

int64_t NumberOr0(bson::ValueView v) { return v.is_number() ? bson::ToInt64Clamped(v) : 0; }

bool UuidOf(bson::DocView info, catalog::Uuid* out) {
  const bson::ValueView v = bson::FindPath(info, "info.uuid");
  if (v.type() != bson::Type::kBinData || v.AsBinData().bytes.size() != sizeof(out->bytes)) {
    return false;
  }
  std::memcpy(out->bytes, v.AsBinData().bytes.data(), sizeof(out->bytes));
  return true;
}

}  // namespace

Status InitialSync::Run(const std::string& host) {
  host_ = host;
  P_LOG(kInfo, kInitialSync, 21164, "Initial sync begins", {"source", host});
  driver_->UpdateStatus([](SyncStatus* s) { s->initial.start_wall_millis = WallMillis(); });
  RETURN_IF_ERROR(driver_->Connect(host));
  RETURN_IF_ERROR(store_->WriteInitialSyncFlag(true));
  ASSIGN_OR_RETURN(const OpTimeAndWall begin, driver_->NewestOf(host));
  catalog_->sequencer()->SetMode(Sequencer::Mode::kStandalone, 0);
  const Status cloned = CloneEverything();
  catalog_->sequencer()->SetMode(Sequencer::Mode::kFollower, 0);
  RETURN_IF_ERROR(cloned);
  ASSIGN_OR_RETURN(const OpTimeAndWall stop, driver_->NewestOf(host));
  RETURN_IF_ERROR(StartLogAt(begin.optime));
  RETURN_IF_ERROR(ReplayUntil(stop.optime));
  RETURN_IF_ERROR(catalog_->sequencer()->SyncNow());
  RETURN_IF_ERROR(store_->WriteInitialSyncFlag(false));
  driver_->UpdateStatus([](SyncStatus* s) {
    s->initial.end_wall_millis = WallMillis();
    s->initial.running = false;
  });
  P_LOG(kInfo, kInitialSync, 21192, "Initial sync is done", {"source", host},
        {"documents", driver_->status().initial.copied_documents},
        {"bytes", driver_->status().initial.copied_bytes});
  return OkStatus();
}

Status InitialSync::CloneEverything() {
  RETURN_IF_ERROR(DropEverything());
  RETURN_IF_ERROR(ListSource());
  for (const SourceCollection& source : collections_) {
    if (!driver_->SourceIs(host_)) {
      return Error(ErrorCode::kInitialSyncFailure, "the sync source changed");
    }
    RETURN_IF_ERROR(CloneCollection(source));
  }
  return OkStatus();
}

// The copy is made as if this were a standalone: without a log of its own.
Status InitialSync::DropEverything() {
  catalog::Op op;
  for (const std::string& db : catalog_->Snapshot().Databases()) {
    if (IsCloned(db)) {
      RETURN_IF_ERROR(catalog_->DropDatabase(&op, db));
    }
  }
  Sequencer* sequencer = catalog_->sequencer();
  const OpTimeAndWall nothing;
  return sequencer->RunExclusive(
      [sequencer](storage::WriteBatch* batch) {
        batch->DeleteRange(storage::Space::kOplog, "", std::string(9, '\xff'));
        batch->DeleteRange(storage::Space::kUndo, "", std::string(9, '\xff'));
        sequencer->NoteOplogRemoved(sequencer->oplog().count(), sequencer->oplog().bytes(), {}, batch);
        return OkStatus();
      },
      &nothing);
}

Status InitialSync::ListSource() {
  const std::string list = WithReadPreference(bson::DocView(bson::MakeDoc("listDatabases", 1)));
  ASSIGN_OR_RETURN(const std::string reply, driver_->Ask("admin", bson::DocView(list), kTimeout));
  int64_t total = 0;
  std::vector<InitialSyncStatus::Database> databases;
  for (const bson::ElementView e : bson::DocView(reply).Find("databases").AsArray()) {
    const bson::DocView db = e.value().AsDoc();
    const std::string name(db.Find("name").AsString());
    if (!IsCloned(name)) {
      continue;
    }
    total += bson::ToInt64Clamped(db.Find("sizeOnDisk"));
    const std::string command = WithReadPreference(
        bson::DocView(bson::MakeDoc("listCollections", 1, "cursor", bson::DocView())));
    ASSIGN_OR_RETURN(const std::string collections,
                     driver_->Ask(name, bson::DocView(command), kTimeout));
    const bson::DocView cursor = bson::DocView(collections).Find("cursor").AsDoc();
    databases.push_back({name, 0, 0});
    for (const bson::ElementView c : cursor.Find("firstBatch").AsArray()) {
      const bson::DocView info = c.value().AsDoc();
      if (info.Find("type").AsString() != "view") {
        collections_.push_back(
            {catalog::Namespace(name, info.Find("name").AsString()), info.ToBytes()});
        ++databases.back().collections;
      }
    }
  }
  driver_->UpdateStatus([&](SyncStatus* s) {
    s->initial.total_bytes = total;
    s->initial.databases = databases;
  });
  return OkStatus();
}

Status InitialSync::CloneCollection(const SourceCollection& source) {
  driver_->UpdateStatus([&source](SyncStatus* s) { s->initial.current = source.ns.full(); });
  RETURN_IF_ERROR(CreateLocally(source));
  const catalog::CollectionPtr collection = catalog_->Find(source.ns.full());
  if (collection == nullptr) {
    return Error(ErrorCode::kInitialSyncFailure,
                 StrCat("the collection ", source.ns.full(), " could not be created"));
  }
  RETURN_IF_ERROR(CopyDocuments(collection));
  RETURN_IF_ERROR(BuildIndexes(source.ns));
  driver_->UpdateStatus([&source](SyncStatus* s) {
    for (InitialSyncStatus::Database& db : s->initial.databases) {
      db.cloned += db.name == source.ns.db() ? 1 : 0;
    }
  });
  return OkStatus();
}

Status InitialSync::CreateLocally(const SourceCollection& source) {
  const bson::DocView info(source.info);
  catalog::Uuid uuid;
  if (!UuidOf(info, &uuid)) {
    return Error(ErrorCode::kInitialSyncFailure,
                 StrCat("the source gives no UUID for ", source.ns.full()));
  }
  catalog::CreateOptions create;
  create.uuid = uuid;
  const bson::ValueView options = info.Find("options");
  if (options.is_object()) {
    create.options = options.AsDoc().ToBytes();
    create.capped = options.AsDoc().Find("capped").Truthy();
    create.capped_size = NumberOr0(options.AsDoc().Find("size"));
    create.capped_max = NumberOr0(options.AsDoc().Find("max"));
  }
  const bson::ValueView id_index = info.Find("idIndex");
  create.with_id_index = id_index.is_object();
  if (id_index.is_object()) {
    create.id_index_spec = id_index.AsDoc().ToBytes();
  }
  catalog::Op op;
  return catalog_->CreateCollection(&op, source.ns, create).status();
}

Status InitialSync::CopyDocuments(const catalog::CollectionPtr& collection) {
  const std::string db(collection->ns.db());
  bson::DocBuilder find;
  find.Append("find", collection->ns.collection());
  {
    const auto hint = find.Object("hint");
    find.Append("$natural", 1);
  }
  find.Append("batchSize", 10'000).Append("noCursorTimeout", true);
  std::string command = WithReadPreference(bson::DocView(find.Finish()));
  for (bool first = true;; first = false) {
    ASSIGN_OR_RETURN(const std::string reply, driver_->Ask(db, bson::DocView(command), kTimeout));
    const bson::DocView cursor = bson::DocView(reply).Find("cursor").AsDoc();
    std::vector<bson::DocView> documents;
    int64_t bytes = 0;
    for (const bson::ElementView e : cursor.Find(first ? "firstBatch" : "nextBatch").AsArray()) {
      documents.push_back(e.value().AsDoc());
      bytes += documents.back().size_bytes();
    }
    RETURN_IF_ERROR(Insert(collection, documents));
    driver_->UpdateStatus([&](SyncStatus* s) {
      s->initial.copied_bytes += bytes;
      s->initial.copied_documents += static_cast<int64_t>(documents.size());
    });
    const int64_t id = cursor.Find("id").AsInt64();
    if (id == 0) {
      return OkStatus();
    }
    if (!driver_->SourceIs(host_)) {
      return Error(ErrorCode::kInitialSyncFailure, "the sync source changed");
    }
    bson::DocBuilder more;
    more.Append("getMore", id).Append("collection", collection->ns.collection());
    command = WithReadPreference(bson::DocView(more.Finish()));
  }
}

Status InitialSync::BuildIndexes(const catalog::Namespace& ns) {
  const std::string command =
      WithReadPreference(bson::DocView(bson::MakeDoc("listIndexes", ns.collection())));
  ASSIGN_OR_RETURN(const std::string reply,
                   driver_->Ask(ns.db(), bson::DocView(command), kTimeout));
  const bson::DocView cursor = bson::DocView(reply).Find("cursor").AsDoc();
  std::vector<bson::DocView> specs;
  for (const bson::ElementView e : cursor.Find("firstBatch").AsArray()) {
    if (e.value().AsDoc().Find("name").AsString() != "_id_") {
      specs.push_back(e.value().AsDoc());
    }
  }
  if (specs.empty()) {
    return OkStatus();
  }
  catalog::Op op;
  return catalog_->CreateIndexes(&op, ns, specs, true).status();
}

Status InitialSync::Insert(const catalog::CollectionPtr& collection,
                           const std::vector<bson::DocView>& documents) {
  constexpr size_t kGroup = 500;
  for (size_t from = 0; from < documents.size(); from += kGroup) {
    const size_t to = std::min(documents.size(), from + kGroup);
    catalog::Op op;
    RETURN_IF_ERROR(catalog::RetryOnConflict(&op, [&]() -> Status {
      catalog::WriteUnit unit(catalog_, &op, collection);
      for (size_t i = from; i < to; ++i) {
        RETURN_IF_ERROR(unit.Insert(documents[i]).status());
      }
      return unit.Commit();
    }));
  }
  return OkStatus();
}

// The log begins with the entry at `begin`, so that the next fetch has something to join.
Status InitialSync::StartLogAt(const OpTime& begin) {
  bson::DocBuilder find;
  find.Append("find", "oplog.rs");
  {
    const auto filter = find.Object("filter");
    find.Append("ts", begin.ts);
  }
  find.Append("limit", 1).Append("singleBatch", true);
  const std::string command = WithReadPreference(bson::DocView(find.Finish()));
  ASSIGN_OR_RETURN(const std::string reply, driver_->Ask("local", bson::DocView(command), kTimeout));
  const bson::DocView batch =
      bson::DocView(reply).Find("cursor").AsDoc().Find("firstBatch").AsArray();
  if (batch.empty()) {
    return Error(ErrorCode::kInitialSyncOplogSourceMissing,
                 "the source has dropped the beginning of the log that the clone needs");
  }
  const std::string entry = batch.FirstElement().value().AsDoc().ToBytes();
  const std::unique_ptr<storage::WriteBatch> empty = catalog_->engine()->NewBatch();
  return catalog_->sequencer()->ApplyBatch(empty.get(), {entry}, {std::string()});
}

Status InitialSync::ReplayUntil(const OpTime& stop) {
  while (catalog_->positions()->written().optime < stop) {
    if (!driver_->SourceIs(host_)) {
      return Error(ErrorCode::kInitialSyncFailure, "the sync source changed");
    }
    const OpTime after = catalog_->positions()->written().optime;
    bson::DocBuilder command;
    command.Append("septetFetchOplog", 1);
    AppendOpTime(&command, "after", after);
    command.Append("maxBytes", int64_t{8 << 20});
    const std::string bytes = command.Finish();
    ASSIGN_OR_RETURN(std::string reply, driver_->Ask("admin", bson::DocView(bytes), kTimeout));
    if (!bson::DocView(reply).Find("found").Truthy()) {
      return Error(ErrorCode::kInitialSyncFailure, "the source's log was cut off during the clone");
    }
    RETURN_IF_ERROR(driver_->HandleReply(host_, after, std::move(reply), true));
    driver_->UpdateStatus([this](SyncStatus* s) { s->initial.applied_ops = applier_->applied(); });
  }
  return OkStatus();
}

}  // namespace septet::repl
