// SPDX-License-Identifier: Apache-2.0
// Any JSON as an expression: parsing, folding, evaluating and explaining it stays within its bytes, and
// what explain prints parses again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "bson/ejson.h"
#include "query/expression/expression.h"

namespace {

using septet::bson::DocView;
using septet::query::EvalContext;
using septet::query::ExpressionPtr;
using septet::query::ParseContext;
using septet::query::ParseExpression;

constexpr const char* kDocument =
    R"({"a": 5, "b": 2.5, "s": "h\u00e9llo", "l": [3, {"x": 1}, null], "o": {"x": "y"},
        "d": {"$date": "2021-03-14T09:26:53.589Z"}, "n": {"$numberDecimal": "1.10"}})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = "{\"v\": " + std::string(reinterpret_cast<const char*>(data), size) + "}";
  const auto spec = septet::bson::FromJson(text);
  static const std::string* const document =
      new std::string(*septet::bson::FromJson(kDocument));
  if (!spec.ok()) {
    return 0;
  }
  ParseContext parse;
  const auto expression = ParseExpression(DocView(*spec).Find("v"), &parse);
  if (!expression.ok()) {
    return 0;
  }
  septet::bson::Arena arena;
  septet::Random random(1);
  EvalContext eval;
  eval.arena = &arena;
  eval.random = &random;
  eval.root = DocView(*document);
  (void)(*expression)->Evaluate(&eval);
  septet::bson::DocBuilder out;
  (*expression)->Serialize("v", &out);
  const std::string explained = out.Finish();
  ParseContext again;
  P_CHECK(ParseExpression(DocView(explained).Find("v"), &again).ok());
  return 0;
}
