// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/local_store.h"

#include "bson/builder.h"
#include "bson/number.h"
#include "catalog/write_unit.h"

namespace septet::repl {

namespace {
constexpr std::string_view kConfig = "system.replset";
constexpr std::string_view kVote = "replset.election";
constexpr std::string_view kRollbackId = "system.rollback.id";
constexpr std::string_view kSyncFlag = "replset.initialSyncFlag";
}  // namespace

StatusOr<std::string> LocalStore::Read(std::string_view collection) {
  const catalog::Namespace ns("local", collection);
  const catalog::CollectionPtr c = catalog_->Find(ns.full());
  if (c == nullptr) {
    return std::string();
  }
  catalog::RecordCursor cursor(catalog_->engine(), *c, catalog_->engine()->GetSnapshot(), true);
  cursor.SeekFirst();
  RETURN_IF_ERROR(cursor.status());
  return cursor.valid() ? cursor.doc().ToBytes() : std::string();
}

Status LocalStore::Write(std::string_view collection, const std::string& document) {
  const catalog::Namespace ns("local", collection);
  catalog::Op op;
  catalog::CollectionPtr c = catalog_->Find(ns.full());
  if (c == nullptr) {
    ASSIGN_OR_RETURN(c, catalog_->CreateCollection(&op, ns, catalog::CreateOptions()));
  }
  const Status written = catalog::RetryOnConflict(&op, [&]() -> Status {
    catalog::WriteUnit unit(catalog_, &op, c);
    catalog::RecordCursor cursor(catalog_->engine(), *c, catalog_->engine()->GetSnapshot(), true);
    bool replaced = false;
    for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
      RETURN_IF_ERROR(unit.Lock(cursor.rid()));
      const std::string before = cursor.doc().ToBytes();
      const bson::DocView old(before);
      const bool same_id = !document.empty() && !replaced &&
                           bson::Equal(old.Find("_id"), bson::DocView(document).Find("_id"));
      if (same_id) {
        replaced = true;
        if (old.raw() != document) {
          RETURN_IF_ERROR(unit.Update(cursor.rid(), old, bson::DocView(document),
                                      bson::DocView(document)));
        }
      } else {
        RETURN_IF_ERROR(unit.Remove(cursor.rid(), old));
      }
    }
    RETURN_IF_ERROR(cursor.status());
    if (!replaced && !document.empty()) {
      RETURN_IF_ERROR(unit.Insert(bson::DocView(document)).status());
    }
    return unit.Commit();
  });
  RETURN_IF_ERROR(written);
  return catalog_->sequencer()->SyncNow();
}

StatusOr<std::optional<election::ReplSetConfig>> LocalStore::ReadConfig() {
  ASSIGN_OR_RETURN(const std::string document, Read(kConfig));
  if (document.empty()) {
    return std::optional<election::ReplSetConfig>();
  }
  ASSIGN_OR_RETURN(election::ReplSetConfig config,
                   election::ReplSetConfig::FromBson(bson::DocView(document)));
  return std::optional<election::ReplSetConfig>(std::move(config));
}

Status LocalStore::WriteConfig(const election::ReplSetConfig& config) {
  return Write(kConfig, config.ToBson());
}

StatusOr<election::LastVote> LocalStore::ReadLastVote() {
  election::LastVote vote;
  ASSIGN_OR_RETURN(const std::string document, Read(kVote));
  if (!document.empty()) {
    const bson::DocView doc(document);
    vote.term = bson::ToInt64Clamped(doc.Find("term"));
    vote.candidate_index = static_cast<int>(bson::ToInt64Clamped(doc.Find("candidateIndex")));
  }
  return vote;
}

Status LocalStore::WriteLastVote(const election::LastVote& vote) {
  return Write(kVote, bson::MakeDoc("_id", "lastVote", "term", vote.term, "candidateIndex",
                                    static_cast<int64_t>(vote.candidate_index)));
}

StatusOr<int32_t> LocalStore::ReadRollbackId() {
  ASSIGN_OR_RETURN(const std::string document, Read(kRollbackId));
  return document.empty()
             ? 1
             : static_cast<int32_t>(
                   bson::ToInt64Clamped(bson::DocView(document).Find("rollbackId")));
}

Status LocalStore::IncrementRollbackId() {
  ASSIGN_OR_RETURN(const int32_t id, ReadRollbackId());
  return Write(kRollbackId, bson::MakeDoc("_id", "rollbackId", "rollbackId", id + 1));
}

StatusOr<bool> LocalStore::ReadInitialSyncFlag() {
  ASSIGN_OR_RETURN(const std::string document, Read(kSyncFlag));
  return !document.empty();
}

Status LocalStore::WriteInitialSyncFlag(bool on) {
  return Write(kSyncFlag, on ? bson::MakeDoc("_id", "initialSyncFlag", "running", true) : std::string());
}

}  // namespace septet::repl
