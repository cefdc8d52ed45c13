// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), the checksum of OP_MSG. The processor's instruction where it has one
// (chosen at run time), a table otherwise. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace septet::wire {

// `crc` is the checksum of the bytes before, so pieces can be chained.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

namespace crc32c_internal {
uint32_t Table(std::string_view bytes, uint32_t crc);  // for tests
}

}  // namespace septet::wire
