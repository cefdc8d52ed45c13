// SPDX-License-Identifier: Apache-2.0
// From a document to the bytes that order it under a sort pattern (memcmp order, descending included).
// Arrays: ascending takes the least element, descending the greatest, [] sorts as undefined.
// Source: manual "cursor.sort, sort by array". Thread rule: immutable after Parse.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/path.h"
#include "bson/view.h"
#include "index/spec.h"

namespace septet::query {

class SortKey {
 public:
  // Errors: 13103, 15974, 15975, 17312, 31138, field path errors, BadValue as a server answers.
  static StatusOr<SortKey> Parse(bson::DocView pattern, const bson::StringComparator* collator);
  // Writes the key. Error: BadValue "cannot sort with keys that are parallel arrays".
  Status Make(bson::DocView doc, std::string* key) const;
  // Appends the values that the key stands for, in the order of the pattern (what {$meta: "sortKey"}
  // gives); strings under a collation as their sort keys.
  Status AppendValues(bson::DocView doc, bson::DocBuilder* array) const;

 private:
  StatusOr<index::KeySet> Keys(bson::DocView doc) const;
  bool SimpleKey(bson::DocView doc, std::string* key) const;

  index::Spec spec_;
  const bson::StringComparator* collator_ = nullptr;
};

// Checks a sort pattern only.
Status ValidateSortPattern(bson::DocView pattern);

}  // namespace septet::query
