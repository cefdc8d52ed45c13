// SPDX-License-Identifier: Apache-2.0
// Keys in Space::kCatalog; docs/FORMATS "Catalog". One letter, then the ident (4 bytes, big-endian).
// The letters o and p belong to replication/oplog/oplog_book.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "storage/key.h"

namespace septet::catalog::keys {

inline constexpr char kCollection = 'c';  // metadata document
inline constexpr char kCounts = 'n';      // number and bytes of records
inline constexpr char kMultikey = 'k';    // of an index: mask of key fields
inline constexpr char kDropped = 'd';     // hidden, to be destroyed when the drop is committed
inline constexpr char kBuilding = 'b';    // of an index: being built, to be cleaned after a crash
inline constexpr char kMeta[] = "m";      // {version, nextIdent}

inline void WriteIdentKey(char letter, storage::Ident ident, char* out) {
  const uint32_t big = __builtin_bswap32(ident);
  out[0] = letter;
  std::memcpy(out + 1, &big, 4);
}
inline std::string IdentKey(char letter, storage::Ident ident) {
  std::string key(5, '\0');
  WriteIdentKey(letter, ident, key.data());
  return key;
}
inline storage::Ident IdentOfKey(std::string_view key) {
  uint32_t big = 0;
  std::memcpy(&big, key.data() + 1, 4);
  return __builtin_bswap32(big);
}

}  // namespace septet::catalog::keys
