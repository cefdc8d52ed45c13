// SPDX-License-Identifier: Apache-2.0
#include "query/exec/sort_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace septet::query {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

struct Header {
  uint32_t key_size;
  uint32_t payload_size;
  int64_t number;
};

Status SystemError(std::string_view what) {
  const int error = errno;
  return Error(error == ENOSPC ? ErrorCode::kOutOfDiskSpace : ErrorCode::kInternalError,
               StrCat(what, ": ", std::strerror(error)));
}

}  // namespace

SortRun::~SortRun() { close(fd_); }

StatusOr<std::unique_ptr<SortRun>> SortRun::Create(const std::string& directory) {
  const std::string where = directory.empty() ? "/tmp" : directory;
  if (mkdir(where.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError("cannot create the directory for temporary files " + where);
  }
  std::string name = where + "/septet-sort-XXXXXX";
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) {
    return SystemError("cannot create a temporary file in " + where);
  }
  unlink(name.c_str());
  return std::unique_ptr<SortRun>(new SortRun(fd));
}

Status SortRun::FlushBuffer() {
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      return SystemError("cannot write a temporary file");
    }
    done += static_cast<size_t>(n);
  }
  buffer_.clear();
  return OkStatus();
}

Status SortRun::Append(const RunRow& row) {
  const Header header{static_cast<uint32_t>(row.key.size()),
                      static_cast<uint32_t>(row.payload.size()), row.number};
  buffer_.append(reinterpret_cast<const char*>(&header), sizeof(header));
  buffer_.append(row.key);
  buffer_.append(row.payload);
  bytes_ += static_cast<int64_t>(sizeof(header) + row.key.size() + row.payload.size());
  return buffer_.size() >= kBufferBytes ? FlushBuffer() : OkStatus();
}

Status SortRun::FinishWriting() {
  RETURN_IF_ERROR(FlushBuffer());
  if (lseek(fd_, 0, SEEK_SET) != 0) {
    return SystemError("cannot rewind a temporary file");
  }
  buffer_at_ = 0;
  return OkStatus();
}

StatusOr<bool> SortRun::ReadExactly(char* out, size_t n) {
  size_t done = 0;
  while (done < n) {
    if (buffer_at_ == buffer_.size()) {
      buffer_.resize(kBufferBytes);
      buffer_at_ = 0;
      const ssize_t got = read(fd_, buffer_.data(), buffer_.size());
      if (got < 0) {
        buffer_.clear();
        return SystemError("cannot read a temporary file");
      }
      buffer_.resize(static_cast<size_t>(got));
      if (got == 0) {
        if (done == 0) {
          return false;
        }
        return Error(ErrorCode::kInternalError, "a temporary file ends in the middle of a row");
      }
    }
    const size_t part = std::min(n - done, buffer_.size() - buffer_at_);
    std::memcpy(out + done, buffer_.data() + buffer_at_, part);
    buffer_at_ += part;
    done += part;
  }
  return true;
}

StatusOr<bool> SortRun::Next() {
  Header header;
  ASSIGN_OR_RETURN(const bool more, ReadExactly(reinterpret_cast<char*>(&header), sizeof(header)));
  if (!more) {
    return false;
  }
  row_bytes_.resize(size_t{header.key_size} + header.payload_size);
  ASSIGN_OR_RETURN(const bool whole, ReadExactly(row_bytes_.data(), row_bytes_.size()));
  if (!whole && !row_bytes_.empty()) {
    return Error(ErrorCode::kInternalError, "a temporary file ends in the middle of a row");
  }
  const std::string_view bytes = row_bytes_;
  row_ = {bytes.substr(0, header.key_size), bytes.substr(header.key_size), header.number};
  return true;
}

}  // namespace septet::query
