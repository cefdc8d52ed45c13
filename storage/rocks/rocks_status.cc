// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks/rocks_status.h"

#include <string>

#include "base/strings.h"

namespace septet::storage {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// RocksDB has no sub-code for a held lock file; its two texts (other process, same process) differ.
bool IsHeldLock(std::string_view text) {
  return Contains(text, "/LOCK") &&
         (Contains(text, "While lock file") || Contains(text, "lock hold by current process"));
}

}  // namespace

bool IsDiskError(const rocksdb::Status& status) {
  return status.IsIOError() || status.IsNoSpace() || status.IsCorruption();
}

bool IsOutOfSpace(const rocksdb::Status& status) {
  return status.IsNoSpace() ||
         (status.IsIOError() && Contains(status.ToString(), "Disk quota exceeded"));
}

Status FromRocks(const rocksdb::Status& status, std::string_view what, std::string_view path) {
  if (status.ok()) {
    return OkStatus();
  }
  const std::string text = status.ToString();
  if (IsOutOfSpace(status)) {
    return Error(ErrorCode::kOutOfDiskSpace, StrCat("storage ", what, ": no space left: ", text));
  }
  if (IsHeldLock(text)) {
    return Error(ErrorCode::kDBPathInUse,
                 StrCat("the data directory ", path,
                        " is in use: another server runs on it (lock file ", path, "/LOCK)"));
  }
  const std::string_view where = Contains(text, path) ? std::string_view() : path;
  if (status.IsCorruption()) {
    return Error(ErrorCode::kDataCorruptionDetected,
                 StrCat("storage ", what, ": damaged data", where.empty() ? "" : " in ", where, ": ",
                        text));
  }
  return Error(ErrorCode::kInternalError,
               StrCat("storage ", what, " failed", where.empty() ? "" : " in ", where, ": ", text));
}

}  // namespace septet::storage
