// SPDX-License-Identifier: Apache-2.0
#include "storage/engine.h"

#include <utility>

namespace septet::storage {

PinnedValue::PinnedValue() = default;
PinnedValue::~PinnedValue() = default;

PinnedValue::PinnedValue(PinnedValue&& other) noexcept { *this = std::move(other); }

PinnedValue& PinnedValue::operator=(PinnedValue&& other) noexcept {
  if (this == &other) {
    return *this;
  }
  // A view of the own buffer must follow the bytes: short strings move with their object.
  const bool owned = other.view_.data() == other.buffer_.data();
  view_ = other.view_;
  buffer_ = std::move(other.buffer_);
  pin_ = std::move(other.pin_);
  if (owned) {
    view_ = buffer_;
  }
  other.view_ = {};
  other.buffer_.clear();
  return *this;
}

void PinnedValue::Reset() {
  view_ = {};
  buffer_.clear();
  if (pin_ != nullptr) {
    pin_->Release();
  }
}

void PinnedValue::SetPinned(std::string_view view, std::unique_ptr<Pin> pin) {
  view_ = view;
  pin_ = std::move(pin);
}

std::string_view NameOf(Space space) {
  switch (space) {
    case Space::kCatalog:
      return "catalog";
    case Space::kRecords:
      return "records";
    case Space::kIndexes:
      return "indexes";
    case Space::kOplog:
      return "oplog";
    case Space::kUndo:
      return "undo";
  }
  return "unknown";
}

}  // namespace septet::storage
