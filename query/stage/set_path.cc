// SPDX-License-Identifier: Apache-2.0
#include "query/stage/set_path.h"

namespace septet::query {
namespace {

void Write(bson::DocView doc, const bson::FieldPath& path, size_t part, bson::ValueView value,
           bson::DocBuilder* out) {
  const bool last = part + 1 == path.size();
  bool written = false;
  for (const bson::ElementView e : doc) {
    if (written || e.name() != path.part(part)) {
      out->Append(e);
      continue;
    }
    written = true;
    if (last) {
      out->Append(e.name(), value);
    } else if (e.value().is_object()) {
      const auto scope = out->Object(e.name());
      Write(e.value().AsDoc(), path, part + 1, value, out);
    } else if (!value.missing()) {
      const auto scope = out->Object(e.name());
      Write(bson::DocView(), path, part + 1, value, out);
    } else {
      out->Append(e);
    }
  }
  if (!written && !value.missing()) {
    if (last) {
      out->Append(path.part(part), value);
    } else {
      const auto scope = out->Object(path.part(part));
      Write(bson::DocView(), path, part + 1, value, out);
    }
  }
}

}  // namespace

Status SetPath(bson::DocView doc, const bson::FieldPath& path, bson::ValueView value,
               std::string* out) {
  out->clear();
  bson::DocBuilder builder(out);
  Write(doc, path, 0, value, &builder);
  builder.Seal();
  return OkStatus();
}

}  // namespace septet::query
