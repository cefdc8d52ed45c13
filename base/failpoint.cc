// SPDX-License-Identifier: Apache-2.0
#include "base/failpoint.h"

namespace septet {
namespace {

constexpr std::string_view kNames[FailPoints::kSize] = {
    "failCommand",
    "failGetMoreAfterCursorCheckout",
    "failAllCommandsNotHello",
    "onPrimaryTransactionalWrite",
    "waitInFindBeforeMakingBatch",
};

}  // namespace

FailPoint::FailPoint() : random_(RandomSeedFromSystem()) {}

int64_t FailPoint::Set(Setting setting) {
  absl::MutexLock lock(&mutex_);
  setting_ = std::move(setting);
  on_.store(setting_.mode != Mode::kOff, std::memory_order_relaxed);
  return hits();
}

FailPoint::Setting FailPoint::setting() const {
  absl::MutexLock lock(&mutex_);
  return setting_;
}

bool FailPoint::EnterSlow(const std::function<bool(std::string_view)>* matches,
                          std::string* data) {
  absl::MutexLock lock(&mutex_);
  if (setting_.mode == Mode::kOff ||
      (matches != nullptr && !(*matches)(setting_.data))) {
    return false;
  }
  switch (setting_.mode) {
    case Mode::kOff:
      return false;
    case Mode::kAlwaysOn:
      break;
    case Mode::kTimes:
      if (setting_.count <= 0) {
        return false;
      }
      if (--setting_.count == 0) {
        setting_.mode = Mode::kOff;
        on_.store(false, std::memory_order_relaxed);
      }
      break;
    case Mode::kSkip:
      if (setting_.count > 0) {
        --setting_.count;
        return false;
      }
      break;
    case Mode::kProbability:
      if (!random_.OneIn(setting_.probability)) {
        return false;
      }
      break;
  }
  hits_.fetch_add(1, std::memory_order_relaxed);
  if (data != nullptr) {
    *data = setting_.data;
  }
  return true;
}

FailPoint* FailPoints::Find(std::string_view name) {
  for (size_t i = 0; i < kSize; ++i) {
    if (kNames[i] == name) {
      return &points_[i];
    }
  }
  return nullptr;
}

std::string_view FailPoints::NameOf(FailPointName name) {
  return kNames[static_cast<size_t>(name)];
}

}  // namespace septet
