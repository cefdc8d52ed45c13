// SPDX-License-Identifier: Apache-2.0
// Index entries into a batch; docs/FORMATS "Index entries".
#pragma once

#include <string>

#include "catalog/collection.h"
#include "index/spec.h"
#include "storage/engine.h"

namespace septet::catalog {

// The whole key and value of an entry. `*scratch` may hold the result.
inline std::string_view FullKey(const IndexEntry& index, const index::KeySet::Key& key,
                                RecordId rid, std::string* scratch) {
  if (index.spec.unique) {
    return key.bytes;
  }
  *scratch = key.bytes;
  storage::AppendRecordId(scratch, rid);
  return *scratch;
}
inline std::string_view FullValue(const IndexEntry& index, const index::KeySet::Key& key,
                                  RecordId rid, std::string* scratch) {
  if (!index.spec.unique) {
    return key.type_bits;
  }
  scratch->clear();
  storage::AppendRecordId(scratch, rid);
  *scratch += key.type_bits;
  return *scratch;
}

inline void PutIndexKey(const IndexEntry& index, const index::KeySet::Key& key, RecordId rid,
                        std::string* scratch, storage::WriteBatch* batch) {
  // Only one of the two needs the scratch string.
  batch->Put(storage::Space::kIndexes, FullKey(index, key, rid, scratch),
             index.spec.unique ? FullValue(index, key, rid, scratch) : key.type_bits);
}
inline void DeleteIndexKey(const IndexEntry& index, const index::KeySet::Key& key, RecordId rid,
                           std::string* scratch, storage::WriteBatch* batch) {
  batch->Delete(storage::Space::kIndexes, FullKey(index, key, rid, scratch));
}

// Do the top-level fields that the index looks at have the same bytes in both documents?
bool SameInputs(const index::Spec& spec, bson::DocView before, bson::DocView after);

}  // namespace septet::catalog
