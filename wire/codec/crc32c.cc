// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace septet::wire {
namespace {

// The reversed Castagnoli polynomial.
constexpr uint32_t kPolynomial = 0x82f63b78;

// Slicing by 8: row k holds the effect of a byte that k more bytes follow.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    }
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (size_t k = 1; k < 8; ++k) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t Hardware(std::string_view bytes, uint32_t crc) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  uint64_t state = ~crc;
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<uint32_t>(state);
  for (; p != end; ++p) {
    narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(*p));
  }
  return ~narrow;
}
#endif

using Function = uint32_t (*)(std::string_view, uint32_t);

Function Choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) {
    return Hardware;
  }
#endif
  return crc32c_internal::Table;
}

}  // namespace

namespace crc32c_internal {
uint32_t Table(std::string_view bytes, uint32_t crc) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  crc = ~crc;
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) {
      crc ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
    }
  }
  for (; p != end; ++p) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff];
  }
  return ~crc;
}
}  // namespace crc32c_internal

uint32_t Crc32c(std::string_view bytes, uint32_t crc) {
  static const Function function = Choose();
  return function(bytes, crc);
}

}  // namespace septet::wire
