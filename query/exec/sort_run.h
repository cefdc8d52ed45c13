// SPDX-License-Identifier: Apache-2.0
// Sorted runs on disk of a blocking node that outgrew its memory: written once, read back in order, the
// file is unlinked as soon as it is open. Thread rule: owned by one operation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace septet::query {

// One row: an ordering key, a payload, and a number (RecordId).
struct RunRow {
  std::string_view key;
  std::string_view payload;
  int64_t number = 0;
};

class SortRun {
 public:
  ~SortRun();
  SortRun(const SortRun&) = delete;
  SortRun& operator=(const SortRun&) = delete;

  // Creates an unlinked file in `directory` (made if absent; empty: the system's). Error: OutOfDiskSpace,
  // InternalError with the system's text.
  static StatusOr<std::unique_ptr<SortRun>> Create(const std::string& directory);
  Status Append(const RunRow& row);
  Status FinishWriting();
  // Reads the next row into row() ; false at the end.
  StatusOr<bool> Next();
  const RunRow& row() const { return row_; }
  int64_t bytes() const { return bytes_; }

 private:
  explicit SortRun(int fd) : fd_(fd) {}
  Status FlushBuffer();
  StatusOr<bool> ReadExactly(char* out, size_t n);

  int fd_;
  int64_t bytes_ = 0;
  std::string buffer_;
  size_t buffer_at_ = 0;
  std::string row_bytes_;
  RunRow row_;
};

}  // namespace septet::query
