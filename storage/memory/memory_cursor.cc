// SPDX-License-Identifier: Apache-2.0
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "storage/memory/memory_state.h"

namespace septet::storage {
namespace {

class MemoryCursor final : public Cursor {
 public:
  MemoryCursor(std::shared_ptr<MemoryState> state, Space space,
               std::shared_ptr<const Snapshot> snapshot, const CursorOptions& options)
      : state_(std::move(state)),
        space_(space),
        snapshot_(std::move(snapshot)),
        lower_(options.lower),
        upper_(options.upper) {}

  bool valid() const override { return value_ != nullptr; }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return *value_; }
  Status status() const override { return OkStatus(); }

  void Seek(std::string_view key) override {
    absl::MutexLock lock(&state_->mutex);
    VersionMap& map = state_->space(space_);
    Forward(map, map.AtOrAfter(key < lower_ ? std::string_view(lower_) : key));
  }
  void SeekToFirst() override { Seek(lower_); }
  void SeekForPrev(std::string_view key) override {
    absl::MutexLock lock(&state_->mutex);
    VersionMap& map = state_->space(space_);
    const bool beyond = !upper_.empty() && key >= upper_;
    Backward(map, beyond ? map.AtOrAfter(upper_) : map.After(key));
  }
  void SeekToLast() override {
    absl::MutexLock lock(&state_->mutex);
    VersionMap& map = state_->space(space_);
    Backward(map, upper_.empty() ? map.end() : map.AtOrAfter(upper_));
  }
  void Next() override {
    absl::MutexLock lock(&state_->mutex);
    VersionMap& map = state_->space(space_);
    Forward(map, map.erasures() == erasures_ ? std::next(position_) : map.After(key_));
  }
  void Prev() override {
    absl::MutexLock lock(&state_->mutex);
    VersionMap& map = state_->space(space_);
    Backward(map, map.erasures() == erasures_ ? position_ : map.AtOrAfter(key_));
  }

 private:
  // Stands on the first visible entry at or after `at`.
  void Forward(const VersionMap& map, VersionMap::Position at) {
    for (; at != map.end() && (upper_.empty() || at->first < upper_); ++at) {
      if (StandOn(map, at)) {
        return;
      }
    }
    value_.reset();
  }
  // Stands on the last visible entry before `at`.
  void Backward(const VersionMap& map, VersionMap::Position at) {
    while (at != map.begin()) {
      --at;
      if (at->first < lower_) {
        break;
      }
      if (StandOn(map, at)) {
        return;
      }
    }
    value_.reset();
  }
  bool StandOn(const VersionMap& map, VersionMap::Position at) {
    const SharedValue* value = VersionMap::Visible(at, snapshot_->sequence());
    if (value == nullptr) {
      return false;
    }
    value_ = *value;
    key_ = at->first;
    position_ = at;
    erasures_ = map.erasures();
    return true;
  }

  std::shared_ptr<MemoryState> state_;
  const Space space_;
  std::shared_ptr<const Snapshot> snapshot_;
  const std::string lower_;
  const std::string upper_;
  std::string key_;
  SharedValue value_;
  VersionMap::Position position_;
  uint64_t erasures_ = 0;
};

}  // namespace

std::unique_ptr<Cursor> NewMemoryCursor(std::shared_ptr<MemoryState> state, Space space,
                                        std::shared_ptr<const Snapshot> snapshot,
                                        const CursorOptions& options) {
  return std::make_unique<MemoryCursor>(std::move(state), space, std::move(snapshot), options);
}

}  // namespace septet::storage
