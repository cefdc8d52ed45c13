// SPDX-License-Identifier: Apache-2.0
// How large a collection is: exact count and bytes of documents, approximate bytes on disk.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "catalog/catalog.h"

namespace septet::commands {

struct CollectionSizes {
  int64_t count = 0;
  int64_t data_bytes = 0;
  int64_t storage_bytes = 0;
  int64_t index_bytes = 0;
  std::vector<std::pair<std::string, int64_t>> by_index;
};
CollectionSizes MeasureCollection(const catalog::Catalog& catalog, const catalog::CollectionInfo& c);

}  // namespace septet::commands
