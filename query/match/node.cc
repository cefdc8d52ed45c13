// SPDX-License-Identifier: Apache-2.0
#include "query/match/node.h"

namespace septet::query {

void MatchNode::Dependencies(std::vector<std::string>* paths, bool* whole_document) const {
  if (!path_.text().empty()) {
    paths->push_back(path_.text());
    return;
  }
  for (const auto& child : children_) {
    child->Dependencies(paths, whole_document);
  }
}

void LeafNode::Serialize(bson::DocBuilder* out) const {
  const auto scope = out->Object(path_.text());
  SerializeOperator(out);
}

void ArrayNode::Serialize(bson::DocBuilder* out) const {
  const auto scope = out->Object(path_.text());
  SerializeOperator(out);
}

bool ArrayNode::Test(DocView doc, MatchState* state) const {
  const auto visit = [this, state](ValueView v, int64_t index) {
    int64_t element = -1;
    if (!v.is_array() || !TestArray(v.AsArray(), state, &element)) {
      return false;
    }
    const int64_t position = index >= 0 ? index : element;
    if (state->details != nullptr && position >= 0) {
      state->details->array_index = position;
    }
    return true;
  };
  return WalkValue(doc.Find(path_.part(0)), path_, 1, false, -1, visit);
}

}  // namespace septet::query
