// SPDX-License-Identifier: Apache-2.0
// Key generation. All fields are followed together from the root; the first array on the way forks
// the walk, once per element, for every field that runs through this array. Two fields running
// through different arrays cannot be indexed (171), because their product could explode.
//
// Rules (manual "multikey indexes"; their corner cases as a server shows them):
//  - a missing field is null, an empty array at the end of a path is undefined, an empty array in the
//    middle of a path is null;
//  - a numeric part is a position in an array when the array is that long;
//  - an element that is itself an array is a key of its own, it is not opened again;
//  - sparse: a document without any of the fields has no key.
#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/strings.h"
#include "index/spec.h"

namespace septet::index {
namespace {

using bson::DocView;
using bson::ValueView;

constexpr char kEmptyBytes[] = "";
const ValueView kNull(bson::Type::kNull, kEmptyBytes);
const ValueView kUndefined(bson::Type::kUndefined, kEmptyBytes);

// Where a field's walk stands.
struct Walk {
  ValueView value;        // fixed: the value; else an array that is about to be opened
  uint32_t next_part = 0; // index of the first path part that is not used up
  bool fixed = false;
  bool whole_array = false;  // reached by position inside another array: keep it closed
};
using Walks = std::array<Walk, limits::kMaxCompoundIndexFields>;

// Follows `path` from `from` through objects until the end or an array.
struct Found {
  ValueView value;  // missing if the path breaks off
  uint32_t next_part = 0;
};
Found Follow(ValueView v, const bson::FieldPath& path, uint32_t next_part) {
  const uint32_t size = static_cast<uint32_t>(path.size());
  while (next_part < size && v.is_object()) {
    v = v.AsDoc().Find(path.part(next_part));
    ++next_part;
  }
  if (next_part < size && !v.is_array()) {
    return {ValueView(), next_part};
  }
  return {v, next_part};
}

Status ParallelArrays(std::string_view second, std::string_view first) {
  return Error(ErrorCode::kCannotIndexParallelArrays,
               StrCat("cannot index parallel arrays [", second, "] [", first, "]"));
}

class Generator {
 public:
  Generator(const Spec& spec, storage::Ident ident, KeySet* out)
      : spec_(spec), ident_(ident), count_(spec.fields.size()), out_(out) {}

  Status Run(DocView doc) {
    Walks walks;
    for (size_t i = 0; i < count_; ++i) {
      const Found f = Follow(ValueView(bson::Type::kObject, doc.data()), spec_.fields[i].path, 0);
      RETURN_IF_ERROR(Place(f, false, i, &walks[i]));
    }
    return Expand(walks);
  }

 private:
  // Puts a found value into the walk: missing and scalars fix it, an array leaves it open. `nested`:
  // it was reached by position as an element of another array.
  Status Place(const Found& found, bool nested, size_t field, Walk* walk) {
    walk->next_part = found.next_part;
    if (found.value.is_array()) {
      if (spec_.fields[field].hashed) {
        return Error(16766, StrCat("Error: hashed indexes do not currently support array values. "
                                   "Found array at path: ",
                                   spec_.fields[field].path.text()));
      }
      walk->value = found.value;
      walk->whole_array = nested && found.next_part == spec_.fields[field].path.size();
      return OkStatus();
    }
    walk->fixed = true;
    walk->value = found.value;  // missing stays missing: sparse wants to know
    return OkStatus();
  }

  Status Expand(const Walks& walks) {
    const char* array = nullptr;
    size_t first = 0;
    for (size_t i = 0; i < count_; ++i) {
      if (walks[i].fixed) {
        continue;
      }
      out_->multikey |= uint64_t{1} << i;
      if (array == nullptr) {
        array = walks[i].value.data();
        first = i;
      } else if (array != walks[i].value.data()) {
        return ParallelArrays(spec_.fields[i].path.part(walks[i].next_part - 1),
                              spec_.fields[first].path.part(walks[first].next_part - 1));
      }
    }
    if (array == nullptr) {
      Emit(walks);
      return OkStatus();
    }
    return OpenArray(walks, DocView(array));
  }

  Status OpenArray(const Walks& walks, DocView array) {
    if (array.empty()) {
      Walks fixed = walks;
      for (size_t i = 0; i < count_; ++i) {
        if (!walks[i].fixed) {
          const bool at_end = walks[i].next_part == spec_.fields[i].path.size();
          fixed[i].value = at_end ? kUndefined : ValueView();
          fixed[i].fixed = true;
        }
      }
      Emit(fixed);
      return OkStatus();
    }
    // Values reached by position are the same for every element: look them up once.
    std::array<ValueView, limits::kMaxCompoundIndexFields> positional;
    for (size_t i = 0; i < count_; ++i) {
      if (!walks[i].fixed && walks[i].next_part < spec_.fields[i].path.size() &&
          bson::ArrayIndex(spec_.fields[i].path.part(walks[i].next_part)) >= 0) {
        positional[i] = array.Find(spec_.fields[i].path.part(walks[i].next_part));
      }
    }
    for (const bson::ElementView e : array) {
      RETURN_IF_ERROR(OpenElement(walks, array, e.value(), positional.data()));
    }
    return OkStatus();
  }

  Status OpenElement(const Walks& walks, DocView array, ValueView element,
                     const ValueView* positional) {
    Walks next = walks;
    for (size_t i = 0; i < count_; ++i) {
      if (walks[i].fixed) {
        continue;
      }
      const bson::FieldPath& path = spec_.fields[i].path;
      const uint32_t part = walks[i].next_part;
      next[i] = Walk();
      if (part == path.size()) {
        next[i].fixed = true;
        next[i].value = walks[i].whole_array ? walks[i].value : element;
        continue;
      }
      const bool as_field = element.is_object() && element.AsDoc().Has(path.part(part));
      if (as_field && !positional[i].missing()) {
        return Error(16746,
                     StrCat("Ambiguous field name found in array (do not use numeric field names in "
                            "embedded elements in an array), field: '",
                            path.part(part), "' for array: ", path.part(part - 1)));
      }
      (void)array;
      if (as_field) {
        RETURN_IF_ERROR(Place(Follow(element, path, part), false, i, &next[i]));
      } else if (!positional[i].missing()) {
        RETURN_IF_ERROR(Place(Follow(positional[i], path, part + 1), positional[i].is_array(), i,
                              &next[i]));
      } else {
        next[i].fixed = true;
      }
    }
    return Expand(next);
  }

  void Emit(const Walks& walks) {
    if (spec_.sparse &&
        std::all_of(walks.begin(), walks.begin() + static_cast<ptrdiff_t>(count_),
                    [](const Walk& w) { return w.value.missing(); })) {
      return;
    }
    storage::KeyBuilder builder(ident_, spec_.descending_mask);
    for (size_t i = 0; i < count_; ++i) {
      const ValueView v = walks[i].value.missing() ? kNull : walks[i].value;
      if (spec_.fields[i].hashed) {
        const int64_t hash = HashedValue(v);
        builder.Append(ValueView(bson::Type::kInt64, reinterpret_cast<const char*>(&hash)));
      } else {
        builder.Append(v, spec_.collator.get());
      }
    }
    std::string type_bits(builder.type_bits());
    out_->keys.push_back({builder.TakeKey(), std::move(type_bits)});
  }

  const Spec& spec_;
  const storage::Ident ident_;
  const size_t count_;
  KeySet* const out_;
};

}  // namespace

int64_t HashedValue(ValueView v) {
  return static_cast<int64_t>(bson::Hash(v.missing() ? kNull : v));
}

Status MakeKeys(const Spec& spec, storage::Ident ident, DocView doc, KeySet* out) {
  out->Clear();
  if (spec.filter != nullptr && !spec.filter->Matches(doc)) {
    return OkStatus();
  }
  RETURN_IF_ERROR(Generator(spec, ident, out).Run(doc));
  if (out->keys.size() > 1) {
    const auto less = [](const KeySet::Key& a, const KeySet::Key& b) { return a.bytes < b.bytes; };
    const auto same = [](const KeySet::Key& a, const KeySet::Key& b) { return a.bytes == b.bytes; };
    std::stable_sort(out->keys.begin(), out->keys.end(), less);
    out->keys.erase(std::unique(out->keys.begin(), out->keys.end(), same), out->keys.end());
  }
  return OkStatus();
}

}  // namespace septet::index
