// SPDX-License-Identifier: Apache-2.0
// Full check of one collection on one snapshot: every record is a well-formed document, every key of
// every document is in each index and nothing else is, unique indexes are unique (by form), multikey
// flags cover what was met, the stored totals are right.
// First pass: number and order-free hash of the entries that should be there against those that are.
// Only an index where they differ is gone through entry by entry, to name what is wrong.
// Thread rule: reads only; beside writers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "base/status.h"
#include "catalog/catalog.h"
#include "catalog/collection.h"

namespace septet::catalog {

struct IndexReport {
  std::string name;
  int64_t keys = 0;
  bool valid = true;
};

struct ValidateReport {
  bool valid = true;
  int64_t records = 0;
  int64_t bytes = 0;
  int64_t invalid_documents = 0;
  std::vector<IndexReport> indexes;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  std::vector<std::string> extra_index_entries;    // encoded {indexName, recordId, indexKey}
  std::vector<std::string> missing_index_entries;  // the same
  std::vector<RecordId> corrupt_records;
};

// Errors only if it cannot be carried out: interrupted, engine error.
StatusOr<ValidateReport> ValidateCollection(storage::Engine* engine, const CollectionInfo& c,
                                            Interrupt* interrupt);

}  // namespace septet::catalog
