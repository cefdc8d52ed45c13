// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/rollback.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "bson/number.h"
#include "catalog/rollback_undo.h"
#include "replication/core/rollback_plan.h"
#include "replication/driver/sync_driver.h"
#include "replication/oplog/entry.h"
#include "txn/session_apply.h"

namespace septet::repl {
namespace {

constexpr std::chrono::milliseconds kTimeout{30'000};

class LocalReader final : public LogBackwardReader {
 public:
  explicit LocalReader(storage::Engine* engine)
      : cursor_(engine->NewCursor(storage::Space::kOplog, engine->GetSnapshot(), {})) {
    cursor_->SeekToLast();
  }
  StatusOr<std::optional<OpTimeAndWall>> Next() override {
    RETURN_IF_ERROR(cursor_->status());
    if (!cursor_->valid()) {
      return std::optional<OpTimeAndWall>();
    }
    const OpTimeAndWall at = EntryOpTimeAndWall(bson::DocView(cursor_->value()));
    cursor_->Prev();
    return std::optional<OpTimeAndWall>(at);
  }

 private:
  std::unique_ptr<storage::Cursor> cursor_;
};

class SourceReader final : public LogBackwardReader {
 public:
  explicit SourceReader(SyncDriver* driver) : driver_(driver) {}
  StatusOr<std::optional<OpTimeAndWall>> Next() override {
    if (buffer_.empty() && !ended_) {
      RETURN_IF_ERROR(Fill());
    }
    if (buffer_.empty()) {
      return std::optional<OpTimeAndWall>();
    }
    const OpTimeAndWall at = buffer_.front();
    buffer_.pop_front();
    return std::optional<OpTimeAndWall>(at);
  }

 private:
  Status Fill() {
    bson::DocBuilder command;
    command.Append("septetOplogPositions", 1);
    if (!last_.IsNull()) {
      command.Append("before", last_);
    }
    command.Append("limit", int64_t{1000});
    const std::string bytes = command.Finish();
    ASSIGN_OR_RETURN(const std::string reply, driver_->Ask("admin", bson::DocView(bytes), kTimeout));
    for (const bson::ElementView e : bson::DocView(reply).Find("positions").AsArray()) {
      OpTimeAndWall at;
      at.optime = ParseOpTime(e.value());
      at.wall_millis = e.value().AsDoc().Find("wall").AsDateMillis();
      last_ = at.optime.ts;
      buffer_.push_back(at);
    }
    ended_ = buffer_.empty();
    return OkStatus();
  }

  SyncDriver* driver_;
  std::deque<OpTimeAndWall> buffer_;
  bson::Timestamp last_;
  bool ended_ = false;
};

// Files of the documents that go: one per collection, whole documents back to back as bsondump reads.
class RemovedDocuments {
 public:
  explicit RemovedDocuments(std::string data_dir) : folder_(std::move(data_dir) + "/rollback") {}
  ~RemovedDocuments() {
    for (const auto& [name, file] : files_) {
      fsync(file);
      close(file);
    }
  }

  Status Save(const catalog::CollectionInfo& c, bson::DocView document) {
    const std::string uuid = c.uuid.ToString();
    std::string seen = uuid;
    const bson::ValueView id = document.Find("_id");
    seen.append(id.missing() ? std::string_view() : id.raw());
    if (!seen_.insert(std::move(seen)).second) {
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const int file, FileOf(uuid));
    const std::string_view bytes = document.raw();
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = write(file, bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno != EINTR) {
        return Error(errno == ENOSPC ? ErrorCode::kOutOfDiskSpace : ErrorCode::kInternalError,
                     StrCat("cannot write a rollback file: ", std::strerror(errno)));
      }
      done += n > 0 ? static_cast<size_t>(n) : 0;
    }
    ++count_;
    return OkStatus();
  }
  int64_t count() const { return count_; }
  const std::string& folder() const { return folder_; }

 private:
  StatusOr<int> FileOf(const std::string& uuid) {
    const auto it = files_.find(uuid);
    if (it != files_.end()) {
      return it->second;
    }
    const std::string folder = folder_ + "/" + uuid;
    mkdir(folder_.c_str(), 0700);
    mkdir(folder.c_str(), 0700);
    std::string time = FormatIso8601(WallMillis(), false);
    for (char& ch : time) {
      ch = ch == ':' ? '-' : ch;
    }
    const std::string path = StrCat(folder, "/removed.", time, ".bson");
    const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) {
      return Error(ErrorCode::kInternalError,
                   StrCat("cannot create the rollback file ", path, ": ", std::strerror(errno)));
    }
    files_.emplace(uuid, file);
    return file;
  }

  std::string folder_;
  std::unordered_map<std::string, int> files_;
  std::unordered_set<std::string> seen_;
  int64_t count_ = 0;
};

}  // namespace

Status Rollback::Run(const std::string& host) {
  LocalReader mine(catalog_->engine());
  SourceReader theirs(driver_);
  RollbackLimits limits;
  limits.commit_point = catalog_->positions()->commit_point().optime;
  ASSIGN_OR_RETURN(const RollbackPlan plan, MakeRollbackPlan(&mine, &theirs, limits));
  P_LOG(kWarning, kRollback, 21682, "Rolling back entries that the set does not have",
        {"source", host}, {"entries", plan.entries},
        {"commonPoint", plan.common_point.optime.ToString()});
  RETURN_IF_ERROR(store_->IncrementRollbackId());
  RemovedDocuments removed(data_dir_);
  txn::SessionUndo sessions(catalog_);
  catalog::RollbackOptions options;
  options.side = &sessions;
  if (!data_dir_.empty()) {
    options.save = [&removed](const catalog::CollectionInfo& c, bson::DocView document) {
      return removed.Save(c, document);
    };
  }
  ASSIGN_OR_RETURN(const catalog::RollbackCounts counts,
                   catalog::RollBackTo(catalog_, plan.common_point.optime, options));
  RETURN_IF_ERROR(catalog_->sequencer()->SyncNow());
  P_LOG(kWarning, kRollback, 21612, "Rollback is done; removed documents are kept in files",
        {"entries", counts.entries}, {"inserts", counts.inserts}, {"updates", counts.updates},
        {"deletes", counts.deletes}, {"commands", counts.commands},
        {"savedDocuments", removed.count()}, {"folder", removed.folder()});
  return OkStatus();
}

}  // namespace septet::repl
