// SPDX-License-Identifier: Apache-2.0
// Evaluating expressions written as JSON. Test code only.
#pragma once

#include <string>
#include <string_view>

#include "bson/ejson.h"

#include "query/expression/accumulator.h"
#include "query/expression/expression.h"

namespace septet::query::testing {

// The value as relaxed JSON, "missing", or "code: text" of an error while parsing, folding or
// evaluating.
inline std::string Eval(std::string_view expression, std::string_view document = "{}",
                        const bson::StringComparator* collator = nullptr) {
  const auto failure = [](const Status& status) {
    return std::to_string(static_cast<int>(CodeOf(status))) + ": " + std::string(TextOf(status));
  };
  const std::string wrapped = "{\"v\": " + std::string(expression) + "}";
  const StatusOr<std::string> spec = bson::FromJson(wrapped);
  const StatusOr<std::string> doc = bson::FromJson(document);
  if (!spec.ok() || !doc.ok()) {
    return "bad JSON: " + std::string(TextOf(spec.ok() ? doc.status() : spec.status()));
  }
  ParseContext parse;
  parse.collator = collator;
  const StatusOr<ExpressionPtr> parsed = ParseExpression(DocView(*spec).Find("v"), &parse);
  if (!parsed.ok()) {
    return failure(parsed.status());
  }
  if (!parse.fold_status().ok()) {
    return "fold " + failure(parse.fold_status());
  }
  bson::Arena arena;
  Random random(1);
  EvalContext eval;
  eval.arena = &arena;
  eval.random = &random;
  eval.collator = collator;
  eval.root = DocView(*doc);
  const StatusOr<ValueView> v = (*parsed)->Evaluate(&eval);
  if (!v.ok()) {
    return failure(v.status());
  }
  return v->missing() ? "missing" : bson::ToRelaxedJson(*v);
}

// The expression as explain prints it.
inline std::string Explained(std::string_view expression) {
  const StatusOr<std::string> spec = bson::FromJson("{\"v\": " + std::string(expression) + "}");
  ParseContext parse;
  const StatusOr<ExpressionPtr> parsed = ParseExpression(DocView(*spec).Find("v"), &parse);
  bson::DocBuilder out;
  (*parsed)->Serialize("v", &out);
  const std::string bytes = out.Finish();
  return bson::ToRelaxedJson(DocView(bytes).Find("v"));
}

// What an accumulator makes of the documents of a JSON array; errors as Eval.
inline std::string Accumulated(std::string_view accumulator, std::string_view documents) {
  const auto failure = [](const Status& status) {
    return std::to_string(static_cast<int>(CodeOf(status))) + ": " + std::string(TextOf(status));
  };
  const StatusOr<std::string> spec = bson::FromJson("{\"v\": " + std::string(accumulator) + "}");
  const StatusOr<std::string> docs = bson::FromJson("{\"v\": " + std::string(documents) + "}");
  if (!spec.ok() || !docs.ok()) {
    return "bad JSON";
  }
  ParseContext parse;
  const auto parsed = ParseAccumulator("f", DocView(*spec).Find("v"), &parse);
  if (!parsed.ok()) {
    return failure(parsed.status());
  }
  bson::Arena arena;
  EvalContext eval;
  eval.arena = &arena;
  const std::unique_ptr<Accumulator> made = (*parsed)->Make();
  for (const bson::ElementView e : DocView(*docs).Find("v").AsArray()) {
    eval.root = e.value().AsDoc();
    const StatusOr<ValueView> input = (*parsed)->Input(&eval);
    const Status added = input.ok() ? made->Add(*input, &eval) : input.status();
    if (!added.ok()) {
      return failure(added);
    }
    arena.Reset();
  }
  const StatusOr<ValueView> result = made->Result(&eval);
  return result.ok() ? bson::ToRelaxedJson(*result) : failure(result.status());
}

}  // namespace septet::query::testing
