// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks/space_guard.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/time/time.h"

#include "base/strings.h"
#include "storage/rocks/rocks_status.h"

namespace septet::storage {
namespace {

constexpr uint64_t kCheckEveryBytes = 1 << 20;
constexpr size_t kReserveChunkBytes = 1 << 20;

bool IsTableFile(std::string_view name) { return name.ends_with(".sst"); }

}  // namespace

// Appends everything or, after Stop(), fails.
class SpaceGuard::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> target, SpaceGuard* guard, std::string name,
       uint64_t size)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(target)),
        guard_(guard),
        name_(std::move(name)),
        size_(size) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = target()->Append(data, options, debug);
    if (status.ok()) [[likely]] {
      size_ += data.size();
      return status;
    }
    return AppendRest(data, options, debug, std::move(status));
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&,
                           rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = target()->Truncate(size, options, debug);
    if (status.ok()) {
      size_ = size;
    }
    return status;
  }

 private:
  // A failed append may have left a part of its bytes in the file: finds out how many and goes on
  // behind them.
  rocksdb::IOStatus AppendRest(rocksdb::Slice rest, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug, rocksdb::IOStatus failed) {
    const uint64_t end = size_ + rest.size();
    while (IsOutOfSpace(failed)) {
      uint64_t actual = 0;
      rocksdb::IOStatus status = guard_->target()->GetFileSize(name_, options, &actual, debug);
      if (!status.ok() || actual < size_ || actual > end) {
        return failed;
      }
      rest.remove_prefix(actual - size_);
      size_ = actual;
      // Tells the file object below its true size; it would cut the file to its own idea at Close.
      status = target()->Truncate(actual, options, debug);
      if (!status.ok() || !guard_->WaitForSpace(name_)) {
        return failed;
      }
      failed = target()->Append(rest, options, debug);
      if (failed.ok()) {
        size_ = end;
        return failed;
      }
    }
    return failed;
  }

  SpaceGuard* const guard_;
  const std::string name_;
  uint64_t size_;
};

SpaceGuard::SpaceGuard(const std::shared_ptr<rocksdb::FileSystem>& target, Options options)
    : rocksdb::FileSystemWrapper(target), options_(std::move(options)) {}

void SpaceGuard::Start() {
  absl::MutexLock lock(&mutex_);
  reserve_held_ = TakeReserve();
  low_.store(!reserve_held_, std::memory_order_release);
}

void SpaceGuard::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.SignalAll();
}

uint64_t SpaceGuard::FreeBytes() {
  uint64_t bytes = 0;
  const rocksdb::IOStatus asked =
      target()->GetFreeSpace(options_.directory, rocksdb::IOOptions(), &bytes, nullptr);
  return asked.ok() ? bytes : std::numeric_limits<uint64_t>::max() / 2;  // the next write will tell
}

bool SpaceGuard::TakeReserve() {
  const rocksdb::IOOptions options;
  uint64_t size = 0;
  if (target()->GetFileSize(ReservePath(), options, &size, nullptr).ok() &&
      size == options_.reserve_bytes) {
    return true;  // left by an earlier process
  }
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status =
      target()->NewWritableFile(ReservePath(), rocksdb::FileOptions(), &file, nullptr);
  const std::string zeros(std::min<uint64_t>(kReserveChunkBytes, options_.reserve_bytes), '\0');
  for (uint64_t written = 0; status.ok() && written < options_.reserve_bytes;
       written += zeros.size()) {
    status = file->Append(zeros, options, nullptr);
  }
  if (status.ok()) {
    status = file->Close(options, nullptr);
  }
  if (!status.ok()) {
    target()->DeleteFile(ReservePath(), options, nullptr).PermitUncheckedError();
  }
  return status.ok();
}

bool SpaceGuard::GiveUpReserve() {
  if (!reserve_held_) {
    return false;
  }
  reserve_held_ = false;
  return target()->DeleteFile(ReservePath(), rocksdb::IOOptions(), nullptr).ok();
}

bool SpaceGuard::WaitForSpace(const std::string& name) {
  low_.store(true, std::memory_order_release);
  absl::MutexLock lock(&mutex_);
  if (!IsTableFile(name) && GiveUpReserve()) {
    return true;
  }
  if (!stopped_) {
    changed_.WaitWithTimeout(&mutex_, absl::FromChrono(options_.pause));
  }
  return !stopped_;
}

Status SpaceGuard::TryRestore(uint64_t memtable_bytes) {
  absl::MutexLock lock(&mutex_);
  if (!low()) {
    return OkStatus();
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_attempt_ >= options_.pause) {
    last_attempt_ = now;
    const uint64_t reserve_needed = reserve_held_ ? 0 : options_.reserve_bytes;
    if (FreeBytes() >= memtable_bytes + options_.margin_bytes + reserve_needed &&
        (reserve_held_ || TakeReserve())) {
      reserve_held_ = true;
      low_.store(false, std::memory_order_release);
      changed_.SignalAll();
      return OkStatus();
    }
  }
  return Error(ErrorCode::kOutOfDiskSpace,
               StrCat("no space left on the disk of ", options_.directory));
}

bool SpaceGuard::TimeToCheck(size_t bytes) {
  if (unchecked_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes < kCheckEveryBytes) {
    return false;
  }
  unchecked_bytes_.store(0, std::memory_order_relaxed);
  return true;
}

void SpaceGuard::Check(uint64_t memtable_bytes, size_t bytes) {
  if (FreeBytes() < memtable_bytes + options_.margin_bytes + bytes) {
    low_.store(true, std::memory_order_release);
  }
}

rocksdb::IOStatus SpaceGuard::NewWritableFile(const std::string& name,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                                              rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = target()->NewWritableFile(name, options, &file, debug);
  while (IsOutOfSpace(status) && WaitForSpace(name)) {
    status = target()->NewWritableFile(name, options, &file, debug);
  }
  if (status.ok()) {
    *result = std::make_unique<File>(std::move(file), this, name, 0);
  }
  return status;
}

rocksdb::IOStatus SpaceGuard::ReopenWritableFile(const std::string& name,
                                                 const rocksdb::FileOptions& options,
                                                 std::unique_ptr<rocksdb::FSWritableFile>* result,
                                                 rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = target()->ReopenWritableFile(name, options, &file, debug);
  uint64_t size = 0;
  if (status.ok()) {
    status = target()->GetFileSize(name, options.io_options, &size, debug);
  }
  if (status.ok()) {
    *result = std::make_unique<File>(std::move(file), this, name, size);
  }
  return status;
}

}  // namespace septet::storage
