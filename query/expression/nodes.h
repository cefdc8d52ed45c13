// SPDX-License-Identifier: Apache-2.0
// The leaves of the expression tree and its literals: constants, field paths, variables, {a: expr}
// and [expr, ...]. Only the parser and the operator families make them. Thread rule: immutable.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/expression/expression.h"

namespace septet::query {

class ConstantExpression final : public Expression {
 public:
  explicit ConstantExpression(ValueView v) : value_(v) {}
  StatusOr<ValueView> Evaluate(EvalContext*) const override { return value_.view(); }
  void Serialize(std::string_view name, bson::DocBuilder* out) const override;
  ValueView Constant() const override { return value_.view(); }
  void Dependencies(std::vector<std::string>*, bool*) const override {}

 private:
  const bson::Value value_;
};

// "$a.b", "$$v", "$$v.a.b". Arrays on the way are mapped over: their object elements are followed,
// the results collected, everything else dropped. A number in the path is a name, never an index.
class PathExpression final : public Expression {
 public:
  // `path` may be empty: the variable itself. `variable_name` is kept for Serialize.
  PathExpression(VariableId variable, std::string_view variable_name, std::string_view path)
      : variable_(variable),
        variable_name_(variable_name),
        path_(path.empty() ? bson::FieldPath() : bson::FieldPath(path)) {}
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override;
  void Serialize(std::string_view name, bson::DocBuilder* out) const override;
  std::string_view FieldPathText() const override {
    return variable_ == kVarRoot ? std::string_view(path_.text()) : std::string_view();
  }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override;

 private:
  const VariableId variable_;
  const std::string variable_name_;
  const bson::FieldPath path_;
};

class ObjectExpression final : public Expression {
 public:
  using Field = std::pair<std::string, ExpressionPtr>;
  explicit ObjectExpression(std::vector<Field> fields) : fields_(std::move(fields)) {}
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override;
  void Serialize(std::string_view name, bson::DocBuilder* out) const override;
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override;

 private:
  const std::vector<Field> fields_;
};

class ArrayExpression final : public Expression {
 public:
  explicit ArrayExpression(std::vector<ExpressionPtr> items) : items_(std::move(items)) {}
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override;
  void Serialize(std::string_view name, bson::DocBuilder* out) const override;
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override;

 private:
  const std::vector<ExpressionPtr> items_;
};

}  // namespace septet::query
