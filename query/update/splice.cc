// SPDX-License-Identifier: Apache-2.0
#include "query/update/splice.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/check.h"

namespace septet::query {
namespace {

using Kind = Edit::Kind;

char* Put(char* out, const void* bytes, size_t size) {
  std::memcpy(out, bytes, size);
  return out + size;
}

size_t ElementBytes(std::string_view name, ValueView v) {
  return name.size() + 2 + static_cast<size_t>(v.size_bytes());
}

char* PutElement(char* out, std::string_view name, ValueView v) {
  *out++ = static_cast<char>(v.type());
  out = Put(out, name.data(), name.size());
  *out++ = '\0';
  return Put(out, v.data(), static_cast<size_t>(v.size_bytes()));
}

bool WritesValue(const Edit& edit) {
  return edit.kind == Kind::kSet || edit.kind == Kind::kModify;
}

// Where the element of a present value starts: the type byte before the name.
const char* ElementStart(const FieldEdit& e) {
  return e.current.data() - e.name.size() - 2;
}

// Edits of present fields in the order of the document; few, so sorted by insertion.
class InDocumentOrder {
 public:
  explicit InDocumentOrder(std::span<const FieldEdit> edits) {
    const FieldEdit** list = few_;
    if (edits.size() > kFew) {
      many_.resize(edits.size());
      list = many_.data();
    }
    for (const FieldEdit& e : edits) {
      if (e.current.missing() || e.edit.kind == Kind::kKeep) {
        continue;
      }
      size_t at = size_++;
      for (; at > 0 && list[at - 1]->current.data() > e.current.data(); --at) {
        list[at] = list[at - 1];
      }
      list[at] = &e;
    }
    begin_ = list;
  }
  const FieldEdit* const* begin() const { return begin_; }
  const FieldEdit* const* end() const { return begin_ + size_; }

 private:
  static constexpr size_t kFew = 16;
  const FieldEdit* few_[kFew];
  std::vector<const FieldEdit*> many_;
  const FieldEdit** begin_ = nullptr;
  size_t size_ = 0;
};

size_t SplicedSize(DocView doc, std::span<const FieldEdit> edits) {
  auto size = static_cast<size_t>(doc.size_bytes());
  for (const FieldEdit& e : edits) {
    if (e.edit.kind == Kind::kKeep) {
      continue;
    }
    if (!e.current.missing()) {
      size -= ElementBytes(e.name, e.current);
    }
    if (WritesValue(e.edit)) {
      size += ElementBytes(e.name, e.edit.value);
    }
  }
  return size;
}

// Copies the document with present fields edited; returns where its end byte belongs.
char* CopyEdited(DocView doc, std::span<const FieldEdit> edits, char* p) {
  const char* from = doc.data() + 4;
  for (const FieldEdit* e : InDocumentOrder(edits)) {
    const char* start = ElementStart(*e);
    p = Put(p, from, static_cast<size_t>(start - from));
    if (WritesValue(e->edit)) {
      p = PutElement(p, e->name, e->edit.value);
    }
    from = e->current.data() + e->current.size_bytes();
  }
  const char* end = doc.data() + doc.size_bytes() - 1;
  return Put(p, from, static_cast<size_t>(end - from));
}

void Finish(char* start, char* p, size_t size) {
  *p++ = '\0';
  P_CHECK(static_cast<size_t>(p - start) == size);
  const auto length = static_cast<int32_t>(size);
  std::memcpy(start, &length, sizeof(length));
}

// Appends one section of an object's diff, if it has fields.
template <typename Belongs, typename Write>
void AppendSection(std::string_view section, std::span<const FieldEdit> edits,
                   bson::DocBuilder* out, const Belongs& belongs, const Write& write) {
  bool open = false;
  for (const FieldEdit& e : edits) {
    if (!belongs(e)) {
      continue;
    }
    if (!open) {
      out->OpenObject(section);
      open = true;
    }
    write(e);
  }
  if (open) {
    out->Close();
  }
}

void AppendPrefixed(char prefix, std::string_view name, ValueView v, bson::DocBuilder* out) {
  std::string text(1, prefix);
  text.append(name);
  out->Append(text, v);
}

}  // namespace

void ArenaArray::Add(ValueView v) {
  char name[24];
  char* const end = std::to_chars(name, name + sizeof(name), size_++).ptr;
  doc_.builder().Append(std::string_view(name, static_cast<size_t>(end - name)), v);
}

bool AnyChange(std::span<const FieldEdit> edits) {
  return std::any_of(edits.begin(), edits.end(),
                     [](const FieldEdit& e) { return e.edit.kind != Kind::kKeep; });
}

DocView SpliceObject(DocView doc, std::span<const FieldEdit> edits, bson::Arena* arena,
                     std::string* out) {
  const size_t size = SplicedSize(doc, edits);
  char* start = nullptr;
  if (out != nullptr) {
    out->resize(size);
    start = out->data();
  } else {
    start = arena->Allocate(size);
  }
  char* p = CopyEdited(doc, edits, start + 4);
  for (const FieldEdit& e : edits) {
    if (e.current.missing() && WritesValue(e.edit)) {
      p = PutElement(p, e.name, e.edit.value);
    }
  }
  Finish(start, p, size);
  return DocView(start);
}

DocView ObjectDiff(std::span<const FieldEdit> edits, bson::Arena* arena) {
  ArenaDoc diff(arena);
  bson::DocBuilder* out = &diff.builder();
  AppendSection(
      "d", edits, out, [](const FieldEdit& e) { return e.edit.kind == Kind::kRemove; },
      [out](const FieldEdit& e) { out->Append(e.name, false); });
  AppendSection(
      "u", edits, out,
      [](const FieldEdit& e) { return e.edit.kind == Kind::kSet && !e.current.missing(); },
      [out](const FieldEdit& e) { out->Append(e.name, e.edit.value); });
  AppendSection(
      "i", edits, out,
      [](const FieldEdit& e) { return e.edit.kind == Kind::kSet && e.current.missing(); },
      [out](const FieldEdit& e) { out->Append(e.name, e.edit.value); });
  for (const FieldEdit& e : edits) {
    if (e.edit.kind == Kind::kModify) {
      AppendPrefixed('s', e.name, ValueView(bson::Type::kObject, e.edit.diff.data()), out);
    }
  }
  return diff.Keep();
}

DocView SpliceArray(DocView array, int64_t array_size, std::span<const FieldEdit> edits,
                    bson::Arena* arena) {
  int64_t count = array_size;
  size_t size = SplicedSize(array, edits);
  for (const FieldEdit& e : edits) {
    if (e.current.missing() && WritesValue(e.edit)) {
      for (; count < e.index; ++count) {
        size += std::to_string(count).size() + 2;  // a null
      }
      ++count;
    }
  }
  char* start = arena->Allocate(size);
  char* p = CopyEdited(array, edits, start + 4);
  count = array_size;
  for (const FieldEdit& e : edits) {
    if (e.current.missing() && WritesValue(e.edit)) {
      for (; count < e.index; ++count) {
        p = PutElement(p, std::to_string(count), ValueView(bson::Type::kNull, ""));
      }
      p = PutElement(p, e.name, e.edit.value);
      ++count;
    }
  }
  Finish(start, p, size);
  return DocView(start);
}

DocView ArrayDiff(std::span<const FieldEdit> edits, bson::Arena* arena) {
  ArenaDoc diff(arena);
  diff.builder().Append("a", true);
  for (const FieldEdit& e : edits) {
    const std::string name = std::to_string(e.index);
    if (e.edit.kind == Kind::kSet) {
      AppendPrefixed('u', name, e.edit.value, &diff.builder());
    } else if (e.edit.kind == Kind::kModify) {
      AppendPrefixed('s', name, ValueView(bson::Type::kObject, e.edit.diff.data()),
                     &diff.builder());
    }
  }
  return diff.Keep();
}

}  // namespace septet::query
