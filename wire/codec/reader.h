// SPDX-License-Identifier: Apache-2.0
// A cursor over bytes from strangers that never reads past their end.
// Thread rule: owned by one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "bson/view.h"

#include "base/status.h"
#include "wire/codec/message.h"

namespace septet::wire {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  // Fixed-size integers, C strings and byte ranges. Error: InvalidBSON if the bytes end before.
  template <typename T>
  Status Read(T* out) {
    if (rest_.size() < sizeof(T)) [[unlikely]] {
      return Truncated();
    }
    std::memcpy(out, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return OkStatus();
  }
  Status ReadCString(std::string_view* out);
  Status ReadBytes(size_t n, std::string_view* out);

  // One document: its length is within the bytes and the limit for commands; its content is
  // validated. Errors: InvalidBSON, Overflow (depth), BSONObjectTooLarge.
  Status ReadDoc(bson::DocView* out);
  // Documents up to the end of the bytes.
  Status ReadDocs(Documents* out);

 private:
  static Status Truncated();
  std::string_view rest_;
};

}  // namespace septet::wire
