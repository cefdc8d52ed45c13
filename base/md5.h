// SPDX-License-Identifier: Apache-2.0
// MD5 (RFC 1321), for checksums that a server's commands give (dbHash). Not for security.
//   Md5 md5; md5.Add(bytes); md5.Add(more); std::string hex = md5.FinishHex();
// Thread rule: a value.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace septet {

class Md5 {
 public:
  void Add(std::string_view bytes);
  // The digest in 32 small hexadecimal digits. Once.
  std::string FinishHex();

 private:
  void Block(const char* bytes);

  std::array<uint32_t, 4> state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  std::array<char, 64> buffer_{};
  size_t buffered_ = 0;
  uint64_t total_ = 0;
};

}  // namespace septet
