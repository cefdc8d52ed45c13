// SPDX-License-Identifier: Apache-2.0
#include "storage/memory/memory_engine.h"

#include <typeinfo>
#include <utility>

#include "base/check.h"
#include "storage/memory/memory_state.h"

namespace septet::storage {
namespace {

struct Operation {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  Kind kind;
  Space space;
  std::string key;    // or the start of the range
  SharedValue value;  // or the end of the range
};

class MemoryBatch final : public WriteBatch {
 public:
  void Put(Space space, std::string_view key, std::string_view value) override {
    Add(Operation::Kind::kPut, space, key, std::make_shared<const std::string>(value));
  }
  void Delete(Space space, std::string_view key) override {
    Add(Operation::Kind::kDelete, space, key, nullptr);
  }
  void DeleteRange(Space space, std::string_view from, std::string_view to) override {
    if (from < to) {
      Add(Operation::Kind::kDeleteRange, space, from, std::make_shared<const std::string>(to));
    }
  }
  void Append(const WriteBatch& other) override {
    const auto& source = static_cast<const MemoryBatch&>(other);
    P_CHECK(&source != this);
    operations_.insert(operations_.end(), source.operations_.begin(), source.operations_.end());
    size_bytes_ += source.size_bytes_;
  }
  void Clear() override {
    operations_.clear();
    size_bytes_ = 0;
  }
  size_t size_bytes() const override { return size_bytes_; }
  int count() const override { return static_cast<int>(operations_.size()); }
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  void Add(Operation::Kind kind, Space space, std::string_view key, SharedValue value) {
    constexpr size_t kOverheadBytes = 4;
    size_bytes_ += key.size() + (value == nullptr ? 0 : value->size()) + kOverheadBytes;
    operations_.push_back({kind, space, std::string(key), std::move(value)});
  }

  std::vector<Operation> operations_;
  size_t size_bytes_ = 0;
};

struct MemoryPin final : PinnedValue::Pin {
  SharedValue value;
  void Release() override { value.reset(); }
};

void PinTo(PinnedValue* out, SharedValue value) {
  PinnedValue::Pin* pin = out->pin();
  if (pin == nullptr || typeid(*pin) != typeid(MemoryPin)) {
    auto made = std::make_unique<MemoryPin>();
    pin = made.get();
    out->SetPinned({}, std::move(made));
  }
  auto* own = static_cast<MemoryPin*>(pin);
  own->value = std::move(value);
  out->SetView(*own->value);
}

Status DiskFull() { return Error(ErrorCode::kOutOfDiskSpace, "storage write: no space left"); }

}  // namespace

MemoryEngine::MemoryEngine() : state_(std::make_shared<MemoryState>()) {}
MemoryEngine::~MemoryEngine() = default;

void MemoryEngine::Crash(Random* random) {
  absl::MutexLock lock(&state_->mutex);
  state_->last = static_cast<uint64_t>(random->Between(static_cast<int64_t>(state_->synced),
                                                       static_cast<int64_t>(state_->last)));
  for (VersionMap& map : state_->spaces) {
    map.CutAfter(state_->last);
  }
  // What the next process finds on the disk stays there.
  state_->synced = state_->last;
  state_->CollectAll();
}

void MemoryEngine::SetDiskFull(bool full) {
  absl::MutexLock lock(&state_->mutex);
  state_->disk_full = full;
}

uint64_t MemoryEngine::last_sequence() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->last;
}

uint64_t MemoryEngine::synced_sequence() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->synced;
}

size_t MemoryEngine::version_count() const {
  absl::MutexLock lock(&state_->mutex);
  size_t count = 0;
  for (const VersionMap& map : state_->spaces) {
    count += map.version_count();
  }
  return count;
}

std::unique_ptr<WriteBatch> MemoryEngine::NewBatch() { return std::make_unique<MemoryBatch>(); }

Status MemoryEngine::Write(WriteBatch* batch) {
  const auto& operations = static_cast<const MemoryBatch*>(batch)->operations();
  absl::MutexLock lock(&state_->mutex);
  if (state_->disk_full) {
    return DiskFull();
  }
  if (operations.empty()) {
    return OkStatus();
  }
  const uint64_t sequence = ++state_->issued;
  const ReadHorizon horizon = state_->Horizon();
  for (const Operation& operation : operations) {
    VersionMap& map = state_->space(operation.space);
    if (operation.kind == Operation::Kind::kDeleteRange) {
      map.DeleteRange(operation.key, *operation.value, sequence, horizon);
    } else {
      map.Set(operation.key, operation.value, sequence, horizon);
    }
  }
  state_->last = sequence;
  return OkStatus();
}

Status MemoryEngine::Sync() {
  absl::MutexLock lock(&state_->mutex);
  if (state_->disk_full) {
    return DiskFull();
  }
  state_->synced = state_->last;
  state_->CollectAll();
  return OkStatus();
}

std::shared_ptr<const Snapshot> MemoryEngine::GetSnapshot() {
  return std::make_shared<MemorySnapshot>(state_);
}

StatusOr<bool> MemoryEngine::Get(Space space, std::string_view key, const Snapshot* snapshot,
                                 PinnedValue* value) {
  absl::MutexLock lock(&state_->mutex);
  SharedValue found = state_->space(space).Find(
      key, snapshot == nullptr ? state_->last : snapshot->sequence());
  if (found == nullptr) {
    value->Reset();
    return false;
  }
  PinTo(value, std::move(found));
  return true;
}

Status MemoryEngine::MultiGet(Space space, const std::vector<std::string_view>& sorted_keys,
                              const Snapshot* snapshot, std::vector<PinnedValue>* values,
                              std::vector<char>* found) {
  values->resize(sorted_keys.size());
  found->assign(sorted_keys.size(), 0);
  absl::MutexLock lock(&state_->mutex);
  const uint64_t sequence = snapshot == nullptr ? state_->last : snapshot->sequence();
  for (size_t i = 0; i < sorted_keys.size(); ++i) {
    SharedValue value = state_->space(space).Find(sorted_keys[i], sequence);
    if (value == nullptr) {
      (*values)[i].Reset();
    } else {
      PinTo(&(*values)[i], std::move(value));
      (*found)[i] = 1;
    }
  }
  return OkStatus();
}

std::unique_ptr<Cursor> MemoryEngine::NewCursor(Space space,
                                                std::shared_ptr<const Snapshot> snapshot,
                                                const CursorOptions& options) {
  if (snapshot == nullptr) {
    snapshot = GetSnapshot();
  }
  return NewMemoryCursor(state_, space, std::move(snapshot), options);
}

Status MemoryEngine::DropRange(Space space, std::string_view from, std::string_view to) {
  absl::MutexLock lock(&state_->mutex);
  if (state_->disk_full) {
    return DiskFull();
  }
  state_->space(space).Erase(from, to);
  return OkStatus();
}

uint64_t MemoryEngine::ApproximateSize(Space space, std::string_view from, std::string_view to) {
  absl::MutexLock lock(&state_->mutex);
  return state_->space(space).Bytes(from, to);
}

Status MemoryEngine::Flush() { return OkStatus(); }

Status MemoryEngine::Checkpoint(const std::string&) {
  return Error(ErrorCode::kCommandNotSupported, "the memory engine has no files to copy");
}

EngineStats MemoryEngine::Stats() {
  absl::MutexLock lock(&state_->mutex);
  EngineStats stats;
  for (size_t i = 0; i < state_->spaces.size(); ++i) {
    stats.space_bytes[i] = state_->spaces[i].bytes();
    stats.memtable_bytes += state_->spaces[i].bytes();
  }
  return stats;
}

Status MemoryEngine::Health() {
  absl::MutexLock lock(&state_->mutex);
  return state_->disk_full ? DiskFull() : OkStatus();
}

std::unique_ptr<Engine> NewMemoryEngine() { return std::make_unique<MemoryEngine>(); }

}  // namespace septet::storage
