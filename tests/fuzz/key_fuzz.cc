// SPDX-License-Identifier: Apache-2.0
// Ordered keys: two documents' fields as compound keys compare like the values and decode to the same
// bytes; arbitrary bytes as a key are refused or decoded, never misread.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/validate.h"
#include "storage/key.h"

namespace {

using septet::bson::DocBuilder;
using septet::bson::DocView;
using septet::bson::ElementView;
using septet::storage::KeyBuilder;

constexpr int kMaxFields = 60;

int FillKey(DocView doc, KeyBuilder* key, DocBuilder* expected) {
  int fields = 0;
  for (const ElementView e : doc) {
    if (++fields > kMaxFields) {
      return kMaxFields;
    }
    key->Append(e.value());
    expected->Append("", e.value());
  }
  return fields;
}

int Sign(int c) { return c < 0 ? -1 : c > 0 ? 1 : 0; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  const uint64_t descending = data[0] * 0x0101010101010101ULL;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto first_size = septet::bson::ValidatePrefix(bytes);
  if (!first_size.ok()) {
    // As a key, cut somewhere into key and type bits.
    const size_t cut = std::min<size_t>(bytes.size(), data[1]);
    DocBuilder out;
    if (septet::storage::DecodeKey("\1\1\1\1" + bytes.substr(cut), bytes.substr(0, cut), 2, descending,
                                   &out)
            .ok()) {
      P_CHECK(septet::bson::Validate(out.Finish(), {.max_depth = 1000}).ok());
    }
    return 0;
  }
  const std::string second = bytes.substr(static_cast<size_t>(*first_size));
  KeyBuilder a(1, descending);
  DocBuilder expected;
  const int fields = FillKey(DocView(bytes), &a, &expected);
  DocBuilder decoded;
  P_CHECK(septet::storage::DecodeKey(a.key(), a.type_bits(), fields, descending, &decoded).ok());
  P_CHECK(decoded.Finish() == expected.Finish());
  if (!septet::bson::Validate(second).ok() || DocView(bytes).empty() || DocView(second).empty()) {
    return 0;
  }
  const auto va = DocView(bytes).FirstElement().value();
  const auto vb = DocView(second).FirstElement().value();
  for (const uint64_t direction : {0, 1}) {
    KeyBuilder ka(1, direction);
    KeyBuilder kb(1, direction);
    ka.Append(va);
    kb.Append(vb);
    const int expected_order = septet::bson::Compare(va, vb) * (direction != 0 ? -1 : 1);
    P_CHECK(Sign(ka.key().compare(kb.key())) == expected_order);
  }
  P_CHECK(septet::bson::Compare(va, vb) != 0 || septet::bson::Hash(va) == septet::bson::Hash(vb));
  return 0;
}
