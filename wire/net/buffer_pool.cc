// SPDX-License-Identifier: Apache-2.0
#include "wire/net/buffer_pool.h"

#include <utility>

namespace septet::wire {

Buffer BufferPool::Take(size_t capacity) {
  size_t best = spares_.size();
  for (size_t i = 0; i < spares_.size(); ++i) {
    // A small message must not walk away with a buffer of megabytes.
    const bool fits = spares_[i].capacity >= capacity && spares_[i].capacity / 4 <= capacity;
    if (fits && (best == spares_.size() || spares_[i].capacity < spares_[best].capacity)) {
      best = i;
    }
  }
  if (best == spares_.size()) {
    return {std::unique_ptr<char[]>(new char[capacity]), capacity};
  }
  Buffer buffer = std::move(spares_[best]);
  spares_[best] = std::move(spares_.back());
  spares_.pop_back();
  spare_bytes_ -= buffer.capacity;
  return buffer;
}

void BufferPool::Give(Buffer buffer) {
  if (spares_.size() < kSpares && spare_bytes_ + buffer.capacity <= kSpareBytes) {
    spare_bytes_ += buffer.capacity;
    spares_.push_back(std::move(buffer));
  }
}

}  // namespace septet::wire
