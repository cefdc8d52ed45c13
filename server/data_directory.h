// SPDX-License-Identifier: Apache-2.0
// The data directory and its lock: <dbpath>/mongod.lock holds the process id and is locked while the
// server runs, so that two never open one directory (S11-041).
// Thread rule: main thread.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace septet::server {

class DataDirectory {
 public:
  // Errors: NonExistentPath (29), DBPathInUse (98).
  static StatusOr<std::unique_ptr<DataDirectory>> Open(const std::string& path);
  // Empties the lock file: the mark of a clean end.
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const { return path_; }
  // The last server that used it did not end cleanly.
  bool was_unclean() const { return was_unclean_; }
  std::string EnginePath() const { return path_ + "/rocks"; }
  std::string TempPath() const { return path_ + "/_tmp"; }

  // The process id in the lock file of a server that runs on `path`; 0 if none runs.
  static int RunningProcess(const std::string& path);

 private:
  DataDirectory(std::string path, int fd, bool was_unclean)
      : path_(std::move(path)), fd_(fd), was_unclean_(was_unclean) {}

  std::string path_;
  int fd_;
  bool was_unclean_;
};

}  // namespace septet::server
