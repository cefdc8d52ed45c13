// SPDX-License-Identifier: Apache-2.0
// Dotted field paths. A FieldPath is split once; look-ups allocate nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "bson/view.h"

namespace septet::bson {

class FieldPath {
 public:
  FieldPath() = default;
  explicit FieldPath(std::string_view dotted);
  FieldPath(const FieldPath& other);
  FieldPath& operator=(const FieldPath& other);

  const std::string& text() const { return text_; }
  size_t size() const { return parts_.size(); }
  std::string_view part(size_t i) const { return parts_[i]; }
  std::string_view back() const { return parts_.back(); }
  // Is `other` equal to this or below it ("a" covers "a" and "a.b")?
  bool Covers(const FieldPath& other) const;

 private:
  std::string text_;
  std::vector<std::string_view> parts_;  // into text_
};

// "0", "17": digits without leading zero (as array index). -1 if not.
int64_t ArrayIndex(std::string_view part);

// Follows the path through objects only (no array traversal); missing if absent.
ValueView FindPath(DocView doc, const FieldPath& path);
ValueView FindPath(DocView doc, std::string_view dotted);

// Visits every value the match language sees at `path` below `doc`: arrays met on the way are
// traversed (their object elements, and the element of that index if the part is numeric). `visit`
// gets the value at the end of each branch (missing if the branch ends early) and, if the value is
// an array, is called for the array itself only; the caller expands leaf arrays. Return true from
// visit to stop. Returns whether a visit stopped it.
template <typename Visit>
bool VisitPath(DocView doc, const FieldPath& path, size_t from, const Visit& visit) {
  const ValueView v = doc.Find(path.part(from));
  if (from + 1 == path.size()) {
    return visit(v);
  }
  if (v.is_object()) {
    return VisitPath(v.AsDoc(), path, from + 1, visit);
  }
  if (!v.is_array()) {
    return visit(ValueView());
  }
  const int64_t index = ArrayIndex(path.part(from + 1));
  int64_t i = 0;
  for (const ElementView e : v.AsArray()) {
    const ValueView item = e.value();
    if (index >= 0 && i == index) {
      if (from + 2 == path.size()) {
        if (visit(item)) {
          return true;
        }
      } else if (item.is_object()) {
        if (VisitPath(item.AsDoc(), path, from + 2, visit)) {
          return true;
        }
      } else if (item.is_array()) {
        // "a.0.b" over [[{b: 1}]]: the inner array is traversed like any other.
        for (const ElementView inner : item.AsArray()) {
          if (inner.value().is_object() &&
              VisitPath(inner.value().AsDoc(), path, from + 2, visit)) {
            return true;
          }
        }
      }
    }
    if (item.is_object()) {
      if (VisitPath(item.AsDoc(), path, from + 1, visit)) {
        return true;
      }
    }
    ++i;
  }
  return false;
}

}  // namespace septet::bson
