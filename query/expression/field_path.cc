// SPDX-License-Identifier: Apache-2.0
#include "query/expression/field_path.h"

namespace septet::query {

Status ValidateFieldPath(std::string_view dotted) {
  if (dotted.empty()) {
    return Error(40352, "FieldPath cannot be constructed with empty string");
  }
  if (dotted.back() == '.') {
    return Error(40353, "FieldPath must not end with a '.'.");
  }
  if (dotted.find('\0') != std::string_view::npos) {
    return Error(16411, "FieldPath field names may not contain '");
  }
  for (size_t start = 0;;) {
    const size_t dot = dotted.find('.', start);
    const std::string_view part = dotted.substr(start, dot - start);
    if (part.empty()) {
      return Error(15998, "FieldPath field names may not be empty strings.");
    }
    if (part[0] == '$') {
      return Error(16410, "FieldPath field names may not start with '$'.");
    }
    if (dot == std::string_view::npos) {
      return OkStatus();
    }
    start = dot + 1;
  }
}

Status ValidateFieldName(std::string_view name) {
  if (name.empty()) {
    return Error(15998, "FieldPath field names may not be empty strings.");
  }
  if (name[0] == '$') {
    return Error(16410, "FieldPath field names may not start with '$'.");
  }
  if (name.find('\0') != std::string_view::npos) {
    return Error(16411, "FieldPath field names may not contain '");
  }
  if (name.find('.') != std::string_view::npos) {
    return Error(16412, "FieldPath field names may not contain '.'.");
  }
  return OkStatus();
}

}  // namespace septet::query
