// SPDX-License-Identifier: Apache-2.0
// Any text as extended JSON: refused, or valid BSON whose canonical form parses to the same document.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "bson/ejson.h"
#include "bson/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using septet::bson::DocView;
  const auto doc =
      septet::bson::FromJson(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!doc.ok()) {
    return 0;
  }
  P_CHECK(septet::bson::Validate(*doc, {.max_depth = 1000, .check_array_names = true}).ok());
  const std::string json = septet::bson::ToCanonicalJson(DocView(*doc));
  const auto again = septet::bson::FromJson(json);
  P_CHECK(again.ok());
  P_CHECK(*again == *doc);
  septet::bson::ToRelaxedJson(DocView(*doc));
  return 0;
}
