// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction.h"

#include "storage/rocks/rocks_engine.h"

namespace septet::storage {

Status CompactRange(Engine* engine, Space space, std::string_view from, std::string_view to) {
  auto* rocks = dynamic_cast<RocksEngine*>(engine);
  return rocks == nullptr || from >= to ? OkStatus() : rocks->CompactRange(space, from, to);
}

}  // namespace septet::storage
