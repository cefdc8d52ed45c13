// SPDX-License-Identifier: Apache-2.0
// An index specification: parsing, validation, normal form; and the keys of a document under it.
// Errors: CannotCreateIndex (67), InvalidIndexSpecificationOption (197), TypeMismatch, BadValue,
// FailedToParse with a server's texts (surface 6.1, 6.2).
// What needs higher floors (collation by ICU, partial filters by the match language) comes in through
// Extensions.
// Thread rule: immutable values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "bson/compare.h"
#include "bson/path.h"
#include "bson/view.h"
#include "storage/key.h"

namespace septet::index {

enum class Type : uint8_t { kBtree, kHashed };

struct KeyField {
  bson::FieldPath path;
  bool descending = false;
  bool hashed = false;
};

// A compiled partialFilterExpression: is a document in the index?
class DocumentFilter {
 public:
  virtual ~DocumentFilter() = default;
  virtual bool Matches(bson::DocView doc) const = 0;
};

// What the query floor gives to this one. Immutable, thread-safe, outlives all specs.
class Extensions {
 public:
  struct Collation {
    std::string full_spec;  // encoded, every field present; empty for the simple collation
    std::shared_ptr<const bson::StringComparator> comparator;  // null for the simple collation
  };
  virtual ~Extensions() = default;
  virtual StatusOr<Collation> MakeCollation(bson::DocView spec) const = 0;
  // Fails with CannotCreateIndex for operators that a partial filter may not have.
  virtual StatusOr<std::shared_ptr<const DocumentFilter>> CompilePartialFilter(
      bson::DocView filter, const bson::StringComparator* collator) const = 0;
};

struct Spec {
  std::string document;  // whole spec as listIndexes shows it: {v: 2, key: {...}, name: "...", ...}
  std::string name;
  std::string key_pattern;       // encoded document
  std::vector<KeyField> fields;
  Type type = Type::kBtree;
  uint64_t descending_mask = 0;  // bit i = fields[i] is descending
  bool unique = false;
  bool sparse = false;
  bool hidden = false;
  bool is_id = false;
  bool prepare_unique = false;
  int64_t expire_after_secs = -1;
  std::string partial_filter;    // encoded, or empty
  std::shared_ptr<const DocumentFilter> filter;  // set exactly if partial_filter is
  std::string collation;         // encoded full spec, or empty
  std::shared_ptr<const bson::StringComparator> collator;

  bool operator==(const Spec&) const = delete;
};

// Parses one element of createIndexes.indexes. Unknown options fail (197) unless ignore_unknown.
// Without `extensions` a collation other than simple, and a partial filter, are CannotCreateIndex.
StatusOr<Spec> ParseSpec(bson::DocView spec, bool ignore_unknown = false,
                         const Extensions* extensions = nullptr);
// {v: 2, key: {_id: 1}, name: "_id_"}, with the collection's collation if there is one.
Spec IdIndexSpec(const Extensions::Collation* collation = nullptr);

// The same key pattern (by value: 1 and 1.0 are the same, field order counts).
bool SameKeyPattern(const Spec& a, const Spec& b);
// Same key pattern, collation and partial filter: the two may not stand side by side.
bool SameIdentity(const Spec& a, const Spec& b);
// Beyond the identity: unique, sparse, expireAfterSeconds agree (hidden does not count).
bool SameOptions(const Spec& a, const Spec& b);

// All keys of a document under a spec, as encoded entries without the RecordId.
struct KeySet {
  struct Key {
    std::string bytes;      // ident prefix + fields
    std::string type_bits;
  };
  std::vector<Key> keys;    // sorted, unique
  uint64_t multikey = 0;    // bit i = an array was met on fields[i]

  void Clear() {
    keys.clear();
    multikey = 0;
  }
};
// Replaces what is in `out`. A document outside a partial or sparse index has no keys.
// Errors: CannotIndexParallelArrays (171), 16746 (a numeric name that is a position and a field),
// 16766 (array under a hashed field).
Status MakeKeys(const Spec& spec, storage::Ident ident, bson::DocView doc, KeySet* out);

// The value that a hashed index stores for `v`.
int64_t HashedValue(bson::ValueView v);

}  // namespace septet::index
