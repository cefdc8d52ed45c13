// SPDX-License-Identifier: Apache-2.0
// An index specification: parsing, validation, normal form. Errors: CannotCreateIndex (67),
// InvalidIndexSpecificationOption (197), TypeMismatch, BadValue with a server's texts (surface 6.1, 6.2).
// Thread rule: immutable values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "bson/compare.h"
#include "bson/path.h"
#include "bson/view.h"

namespace septet::index {

struct KeyField {
  bson::FieldPath path;
  bool descending = false;
};

struct Spec {
  std::string document;  // whole spec as listIndexes shows it: {v: 2, key: {...}, name: "...", ...}
  std::string name;
  std::string key_pattern;       // encoded document
  std::vector<KeyField> fields;
  uint64_t descending_mask = 0;  // bit i = fields[i] is descending
  bool unique = false;
  bool sparse = false;
  bool hidden = false;
  bool is_id = false;
  int64_t expire_after_secs = -1;
  std::string partial_filter;    // encoded, or empty
  std::string collation;         // encoded full spec, or empty
  std::shared_ptr<const bson::StringComparator> collator;

  bool operator==(const Spec&) const = delete;
};

// Parses one element of createIndexes.indexes. Unknown options fail (197) unless ignore_unknown.
StatusOr<Spec> ParseSpec(bson::DocView spec, bool ignore_unknown = false);
Spec IdIndexSpec();

// All keys of a document under a spec, as encoded entries without the RecordId.
struct KeySet {
  struct Key {
    std::string bytes;      // ident prefix + fields
    std::string type_bits;
  };
  std::vector<Key> keys;    // sorted, unique
  uint64_t multikey = 0;    // bit i = an array was met on fields[i]
};
// Reuses `out`'s memory. Errors: CannotIndexParallelArrays (171).
Status MakeKeys(const Spec& spec, uint32_t ident, bson::DocView doc, KeySet* out);

}  // namespace septet::index
