// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/message.h"

#include "bson/builder.h"

#include "base/strings.h"

namespace septet::wire {

const DocumentSequence* OpMsg::Sequence(std::string_view identifier) const {
  for (const DocumentSequence& sequence : sequences) {
    if (sequence.identifier == identifier) {
      return &sequence;
    }
  }
  return nullptr;
}

std::string OpMsg::MergedBody() const {
  bson::DocBuilder builder;
  builder.AppendAll(body);
  for (const DocumentSequence& sequence : sequences) {
    const auto array = builder.Array(sequence.identifier);
    for (const bson::DocView doc : sequence.documents) {
      builder.Add(doc);
    }
  }
  return builder.Finish();
}

StatusOr<std::string_view> DatabaseOf(const OpMsg& message) {
  const bson::ValueView db = message.body.Find("$db");
  if (db.missing()) {
    return Error(40571, "OP_MSG requests require a $db argument");
  }
  if (!db.is_string()) {
    return Error(13111, StrCat("wrong type for field ($db) ", static_cast<int>(db.type()),
                               " != ", static_cast<int>(bson::Type::kString)));
  }
  return db.AsString();
}

bson::DocView OpQuery::unwrapped() const {
  if (!is_command() || query.empty()) {
    return query;
  }
  const bson::ElementView first = query.FirstElement();
  const bool wraps = first.name() == "$query" || first.name() == "query";
  return wraps && first.value().is_object() ? first.value().AsDoc() : query;
}

}  // namespace septet::wire
