// SPDX-License-Identifier: Apache-2.0
// A sort pattern {a: 1, "b.c": -1} for values in memory: $sortArray, $topN. An array on a path
// gives its least element for ascending fields, its greatest for descending ones. Source: manual,
// "$sort". Thread rule: immutable.
#pragma once

#include <string>
#include <vector>

#include "bson/path.h"

#include "query/expression/expression.h"

namespace septet::query {

class SortPattern {
 public:
  // Errors: 15974, 15975 directions that are not 1 or -1, 15976 no field, and those of field paths.
  static StatusOr<SortPattern> Parse(DocView spec);

  // The sort key of a document: an array with one value per field, in the arena.
  ValueView Key(DocView doc, EvalContext* ctx) const;
  int Compare(ValueView a, ValueView b, const bson::StringComparator* collator) const;
  DocView spec() const { return DocView(spec_); }
  void Dependencies(std::vector<std::string>* paths) const;

 private:
  struct Field {
    bson::FieldPath path;
    bool ascending;
  };
  std::string spec_;
  std::vector<Field> fields_;
};

}  // namespace septet::query
