// SPDX-License-Identifier: Apache-2.0
// Visits the values a dotted path reaches as the match language sees them. Arrays on the way are
// traversed: their object elements, and the element a numeric part names; an inner array is entered
// only through a numeric part. Source: manual "Query an Array"; order (elements before the array
// itself) as a server's positional operator shows.
#pragma once

#include <cstdint>

#include "bson/path.h"
#include "bson/view.h"

namespace septet::query {

template <typename Visit>
bool WalkArray(bson::ValueView array, const bson::FieldPath& path, size_t next, bool expand,
               int64_t outer, const Visit& visit);

// A value where the path ends: with `expand`, the elements of an array, then the array.
template <typename Visit>
bool WalkEnd(bson::ValueView v, bool expand, int64_t outer, const Visit& visit) {
  if (expand && v.is_array()) {
    int64_t i = 0;
    for (const bson::ElementView e : v.AsArray()) {
      if (visit(e.value(), outer >= 0 ? outer : i)) {
        return true;
      }
      ++i;
    }
  }
  return visit(v, outer);
}

// Follows parts [next, size) below `v`. `visit(value, index)` gets a missing value where the path
// breaks off, and the index in the outermost array that was searched (-1: none; an array entered by
// a number in the path is not searched). It returns true to stop, and so does the walk.
template <typename Visit>
bool WalkValue(bson::ValueView v, const bson::FieldPath& path, size_t next, bool expand,
               int64_t outer, const Visit& visit) {
  while (next < path.size()) {
    if (v.is_array()) {
      return WalkArray(v, path, next, expand, outer, visit);
    }
    if (!v.is_object()) {
      return visit(bson::ValueView(), outer);
    }
    v = v.AsDoc().Find(path.part(next));
    ++next;
  }
  return WalkEnd(v, expand, outer, visit);
}

template <typename Visit>
bool WalkArray(bson::ValueView array, const bson::FieldPath& path, size_t next, bool expand,
               int64_t outer, const Visit& visit) {
  const bool last = next + 1 == path.size();
  if (last && path.part(next).empty()) {
    return WalkEnd(array, expand, outer, visit);  // "a." ends at the array
  }
  const int64_t wanted = bson::ArrayIndex(path.part(next));
  int64_t i = 0;
  for (const bson::ElementView e : array.AsArray()) {
    const bson::ValueView item = e.value();
    const int64_t mark = outer >= 0 ? outer : i;
    if (item.is_object() && WalkValue(item, path, next, expand, mark, visit)) {
      return true;
    }
    if (i == wanted) {
      if (last) {
        if (visit(item, outer)) {
          return true;
        }
      } else if (item.is_object() || item.is_array()) {
        if (WalkValue(item, path, next + 1, expand, outer, visit)) {
          return true;
        }
      }
    }
    ++i;
  }
  return false;
}

}  // namespace septet::query
