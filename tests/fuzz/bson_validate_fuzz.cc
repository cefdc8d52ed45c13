// SPDX-License-Identifier: Apache-2.0
// Whatever Validate accepts can be walked, copied, compared, hashed and printed inside its bytes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/validate.h"

namespace {

using septet::bson::DocBuilder;
using septet::bson::DocView;
using septet::bson::ElementView;
using septet::bson::ValueView;

// Copies a document element by element.
void Copy(DocView doc, DocBuilder* out) {
  for (const ElementView e : doc) {
    const ValueView v = e.value();
    if (v.is_object()) {
      out->OpenObject(e.name());
      Copy(v.AsDoc(), out);
      out->Close();
    } else if (v.is_array()) {
      out->OpenArray(e.name());
      Copy(v.AsArray(), out);
      out->Close();
    } else {
      out->Append(e);
    }
    P_CHECK(!doc.Find(e.name()).missing());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  septet::bson::Validate(bytes, {.check_utf8 = true, .check_array_names = true}).IgnoreError();
  if (!septet::bson::Validate(bytes).ok()) {
    return 0;
  }
  const DocView doc(bytes);
  DocBuilder copy;
  Copy(doc, &copy);
  P_CHECK(copy.Finish() == bytes);
  P_CHECK(septet::bson::Compare(doc, doc) == 0);
  septet::bson::Hash(ValueView(septet::bson::Type::kObject, doc.data()));
  septet::bson::ToCanonicalJson(doc);
  septet::bson::ToRelaxedJson(doc);
  septet::bson::ToShellText(doc);
  return 0;
}
