// SPDX-License-Identifier: Apache-2.0
#include "bson/path.h"

namespace septet::bson {

FieldPath::FieldPath(std::string_view dotted) : text_(dotted) {
  const std::string_view text = text_;
  size_t from = 0;
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', from)) {
    parts_.push_back(text.substr(from, dot - from));
    from = dot + 1;
  }
  parts_.push_back(text.substr(from));
}

FieldPath::FieldPath(const FieldPath& other) {
  *this = other;
}

FieldPath& FieldPath::operator=(const FieldPath& other) {
  if (this == &other) {
    return *this;
  }
  text_ = other.text_;
  parts_.clear();
  for (const std::string_view part : other.parts_) {
    const auto offset = static_cast<size_t>(part.data() - other.text_.data());
    parts_.push_back(std::string_view(text_).substr(offset, part.size()));
  }
  return *this;
}

bool FieldPath::Covers(const FieldPath& other) const {
  return other.text_.starts_with(text_) &&
         (other.text_.size() == text_.size() || other.text_[text_.size()] == '.');
}

int64_t ArrayIndex(std::string_view part) {
  if (part.empty() || part.size() > 18 || (part.size() > 1 && part[0] == '0')) {
    return -1;
  }
  int64_t index = 0;
  for (const char c : part) {
    if (c < '0' || c > '9') {
      return -1;
    }
    index = index * 10 + (c - '0');
  }
  return index;
}

ValueView FindPath(DocView doc, const FieldPath& path) {
  ValueView v;
  for (size_t i = 0; i < path.size(); ++i) {
    v = doc.Find(path.part(i));
    if (i + 1 < path.size()) {
      if (!v.is_object()) {
        return {};
      }
      doc = v.AsDoc();
    }
  }
  return v;
}

ValueView FindPath(DocView doc, std::string_view dotted) {
  for (size_t dot = dotted.find('.'); dot != std::string_view::npos; dot = dotted.find('.')) {
    const ValueView v = doc.Find(dotted.substr(0, dot));
    if (!v.is_object()) {
      return {};
    }
    doc = v.AsDoc();
    dotted.remove_prefix(dot + 1);
  }
  return doc.Find(dotted);
}

}  // namespace septet::bson
