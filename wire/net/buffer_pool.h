// SPDX-License-Identifier: Apache-2.0
// Receive buffers of one I/O thread. A connection owns a small one while it waits; for a large
// message it borrows a large one and gives it back right after, so idle connections stay small and
// busy ones neither call the allocator nor touch fresh pages for each message. Thread rule: owned
// by one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace septet::wire {

struct Buffer {
  std::unique_ptr<char[]> bytes;
  size_t capacity = 0;
};

class BufferPool {
 public:
  static constexpr size_t kSpares = 8;
  static constexpr size_t kSpareBytes = 16 * 1024 * 1024;

  // A buffer of at least `capacity` bytes.
  Buffer Take(size_t capacity);
  // Keeps it for the next one, or frees it if enough is kept already.
  void Give(Buffer buffer);

  size_t spare_bytes() const { return spare_bytes_; }

 private:
  std::vector<Buffer> spares_;
  size_t spare_bytes_ = 0;
};

}  // namespace septet::wire
