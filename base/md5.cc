// SPDX-License-Identifier: Apache-2.0
#include "base/md5.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace septet {
namespace {

// floor(2^32 * |sin(i + 1)|), as the RFC defines the table.
std::array<uint32_t, 64> MakeSines() {
  std::array<uint32_t, 64> out{};
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<uint32_t>(std::floor(std::fabs(std::sin(static_cast<double>(i + 1))) * 4294967296.0));
  }
  return out;
}

constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

}  // namespace

void Md5::Block(const char* bytes) {
  static const std::array<uint32_t, 64> kSines = MakeSines();
  uint32_t words[16];
  std::memcpy(words, bytes, sizeof(words));  // little-endian, like every machine this runs on
  auto [a, b, c, d] = state_;
  for (uint32_t i = 0; i < 64; ++i) {
    uint32_t mixed = 0;
    uint32_t word = 0;
    switch (i / 16) {
      case 0:
        mixed = (b & c) | (~b & d);
        word = i;
        break;
      case 1:
        mixed = (d & b) | (~d & c);
        word = (5 * i + 1) % 16;
        break;
      case 2:
        mixed = b ^ c ^ d;
        word = (3 * i + 5) % 16;
        break;
      default:
        mixed = c ^ (b | ~d);
        word = (7 * i) % 16;
    }
    const uint32_t turned =
        std::rotl(a + mixed + kSines[i] + words[word], kShifts[i / 16][i % 4]);
    a = d;
    d = c;
    c = b;
    b += turned;
  }
  state_[0] += a;
  state_[1] += b;
  state_[2] += c;
  state_[3] += d;
}

void Md5::Add(std::string_view bytes) {
  total_ += bytes.size();
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), buffer_.size() - buffered_);
    std::memcpy(buffer_.data() + buffered_, bytes.data(), n);
    buffered_ += n;
    bytes.remove_prefix(n);
    if (buffered_ == buffer_.size()) {
      Block(buffer_.data());
      buffered_ = 0;
    }
  }
}

std::string Md5::FinishHex() {
  const uint64_t bits = total_ * 8;
  Add(std::string_view("\x80", 1));
  while (buffered_ != 56) {
    Add(std::string_view("\0", 1));
  }
  char length[8];
  std::memcpy(length, &bits, sizeof(length));
  Add({length, sizeof(length)});
  std::string out;
  for (const uint32_t word : state_) {
    for (int i = 0; i < 4; ++i) {
      constexpr char kDigits[] = "0123456789abcdef";
      const uint32_t byte = (word >> (8 * i)) & 0xff;
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace septet
