// SPDX-License-Identifier: Apache-2.0
#include "server/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/strings.h"

namespace septet::server {
namespace {

std::string LockPath(const std::string& path) { return path + "/mongod.lock"; }

std::string ReadAll(int fd) {
  char text[64] = {};
  const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
  return n > 0 ? std::string(text, static_cast<size_t>(n)) : std::string();
}

}  // namespace

StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Error(ErrorCode::kNonExistentPath,
                 StrCat("NonExistentPath: Data directory ", path,
                        " not found. Create the missing directory or specify another path using (1) "
                        "the --dbpath command line option, or (2) by adding the 'storage.dbPath' "
                        "option in the configuration file."));
  }
  const std::string lock_path = LockPath(path);
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    const std::string reason = std::strerror(errno);
    return Error(ErrorCode::kDBPathInUse,
                 StrCat("IllegalOperation: Attempted to create a lock file on a read-only directory: ",
                        path, " (", reason, ")"));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::string reason = std::strerror(errno);
    close(fd);
    return Error(ErrorCode::kDBPathInUse,
                 StrCat("DBPathInUse: Unable to lock the lock file: ", lock_path, " (", reason,
                        "). Another mongod instance is already running on the ", path,
                        " directory"));
  }
  const bool was_unclean = !ReadAll(fd).empty();
  const std::string pid = StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const std::string reason = std::strerror(errno);
    close(fd);
    return Error(ErrorCode::kDBPathInUse, StrCat("Unable to write the lock file: ", lock_path, " (",
                                                 reason, ")"));
  }
  fsync(fd);
  std::unique_ptr<DataDirectory> directory(new DataDirectory(path, fd, was_unclean));
  std::error_code ignored;  // what an earlier run left behind
  std::filesystem::remove_all(directory->TempPath(), ignored);
  std::filesystem::create_directory(directory->TempPath(), ignored);
  return directory;
}

DataDirectory::~DataDirectory() {
  if (ftruncate(fd_, 0) == 0) {
    fsync(fd_);
  }
  close(fd_);
}

int DataDirectory::RunningProcess(const std::string& path) {
  const int fd = open(LockPath(path).c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    return 0;
  }
  const bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
  const int pid = locked ? std::atoi(ReadAll(fd).c_str()) : 0;
  close(fd);
  return pid;
}

}  // namespace septet::server
