// SPDX-License-Identifier: Apache-2.0
#include "server/client_metadata.h"

#include "base/limits.h"
#include "base/strings.h"

namespace septet::server {
namespace {

using bson::ValueView;

Status NotAnObject(std::string_view field) {
  return Error(ErrorCode::kTypeMismatch,
               StrCat("The '", field, "' field is required to be a BSON document in the client "
                      "metadata document"));
}

Status NotAString(std::string_view field) {
  return Error(ErrorCode::kTypeMismatch,
               StrCat("The '", field, "' field must be a string in the client metadata document"));
}

Status Missing(std::string_view field) {
  return Error(ErrorCode::kClientMetadataMissingField,
               StrCat("Missing required field '", field, "' in the client metadata document"));
}

StatusOr<std::string_view> CheckApplication(ValueView v) {
  if (!v.is_object()) {
    return NotAnObject("application");
  }
  const ValueView name = v.AsDoc()["name"];
  if (name.missing()) {
    return std::string_view();
  }
  if (!name.is_string()) {
    return NotAString("application.name");
  }
  if (name.AsString().size() > limits::kMaxAppNameBytes) {
    return Error(ErrorCode::kClientMetadataAppNameTooLarge,
                 StrCat("The 'client.application.name' field must be less then or equal to ",
                        limits::kMaxAppNameBytes, " bytes in length"));
  }
  return name.AsString();
}

}  // namespace

StatusOr<std::string_view> CheckClientMetadata(ValueView client) {
  if (!client.is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 "The client metadata document must be a document");
  }
  const bson::DocView doc = client.AsDoc();
  if (doc.size_bytes() > limits::kMaxClientMetadataBytes) {
    return Error(ErrorCode::kClientMetadataDocumentTooLarge,
                 StrCat("The client metadata document must be less then or equal to ",
                        limits::kMaxClientMetadataBytes, "bytes"));
  }
  std::string_view app_name;
  if (const ValueView application = doc["application"]; !application.missing()) {
    ASSIGN_OR_RETURN(app_name, CheckApplication(application));
  }
  const ValueView driver = doc["driver"];
  if (driver.missing()) {
    return Missing("driver");
  }
  if (!driver.is_object()) {
    return NotAnObject("driver");
  }
  for (const std::string_view field : {"name", "version"}) {
    const ValueView v = driver.AsDoc()[field];
    if (v.missing()) {
      return Missing(StrCat("driver.", field));
    }
    if (!v.is_string()) {
      return NotAString(StrCat("driver.", field));
    }
  }
  const ValueView os = doc["os"];
  if (os.missing()) {
    return Missing("os");
  }
  if (!os.is_object()) {
    return NotAnObject("os");
  }
  const ValueView type = os.AsDoc()["type"];
  if (type.missing()) {
    return Missing("os.type");
  }
  if (!type.is_string()) {
    return NotAString("os.type");
  }
  return app_name;
}

}  // namespace septet::server
