// SPDX-License-Identifier: Apache-2.0
// rocksdb::Status -> Status with the server's error codes.
// Thread rule: pure functions.
#pragma once

#include <string_view>

#include "rocksdb/status.h"

#include "base/status.h"

namespace septet::storage {

// `what` says what was tried ("write", "open", ...), `path` is the database directory: put into the
// text when RocksDB's own text names no file of it.
//   Corruption           -> DataCorruptionDetected (301), naming the file
//   no space, quota      -> OutOfDiskSpace (14031)
//   LOCK held            -> DBPathInUse (98)
//   all else             -> InternalError (1)
Status FromRocks(const rocksdb::Status& status, std::string_view what, std::string_view path);

// No space, or no quota.
bool IsOutOfSpace(const rocksdb::Status& status);

// True for errors of the disk below (not of the arguments), after which the log's tail is in doubt.
bool IsDiskError(const rocksdb::Status& status);

}  // namespace septet::storage
