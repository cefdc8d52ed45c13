// SPDX-License-Identifier: Apache-2.0
// The details of a validation failure by operators: {operatorName, specifiedAs, reason,
// consideredValue}; $and, $or, $nor and $not hold those of their clauses. Below $not and $nor the
// reasons are those of predicates that matched. Proved by recorded_failure_test (S07-021).
#include "query/match/failure.h"

#include <algorithm>

#include "query/match/parser.h"

namespace septet::query {
namespace {

using bson::DocBuilder;
using bson::ElementView;
using bson::Type;

// One predicate of a filter: a top-level operator, or one operator below a path.
struct Predicate {
  std::string_view path;  // empty: a top-level operator
  ElementView element;    // the operator, or the whole {path: value}
  bool implicit = false;  // {path: value}, an equality or a regex literal
  DocView siblings;       // $regex and $options
};

struct Reason {
  std::string_view failed;
  std::string_view matched;
};

Reason ReasonOf(std::string_view op) {
  if (op == "$in" || op == "$nin") {
    return {"no matching value found in array", "matching value found in array"};
  }
  if (op == "$exists") {
    return {"path does not exist", "path does exist"};
  }
  if (op == "$type") {
    return {"type did not match", "type did match"};
  }
  if (op == "$regex") {
    return {"regular expression did not match", "regular expression did match"};
  }
  if (op == "$size") {
    return {"array length was not equal to given size", "array length was equal to given size"};
  }
  if (op == "$elemMatch") {
    return {"array did not satisfy the child predicate", "array did satisfy the child predicate"};
  }
  if (op == "$all") {
    return {"array did not contain all specified values", "array did contain all specified values"};
  }
  if (op == "$mod") {
    return {"$mod did not evaluate to expected remainder",
            "$mod did evaluate to expected remainder"};
  }
  if (op.starts_with("$bits")) {
    return {"bitwise operator failed to match", "bitwise operator matched successfully"};
  }
  return {"comparison failed", "comparison succeeded"};
}

// Operators that name what must not be: their failing is a match of the positive form.
bool IsNegative(const Predicate& p) {
  const std::string_view op = p.element.name();
  return op == "$ne" || op == "$nin" || (op == "$exists" && !p.element.value().Truthy());
}

class Explainer {
 public:
  Explainer(DocView doc, EvalContext* ctx, const MatchOptions& options, DocBuilder* out)
      : doc_(doc), ctx_(ctx), options_(options), out_(out) {}

  // Appends the fields of the details of a filter that failed (`inverted`: that matched).
  void Filter(DocView filter, bool inverted) {
    const std::vector<Predicate> predicates = Split(filter);
    if (predicates.size() == 1) {
      One(predicates[0], inverted);
      return;
    }
    out_->Append("operatorName", "$and");
    const auto clauses = out_->Array(inverted ? "clausesSatisfied" : "clausesNotSatisfied");
    int index = 0;
    for (const Predicate& p : predicates) {
      if (Holds(p) == inverted) {
        Clause(index, [&] { One(p, inverted); });
      }
      ++index;
    }
  }

 private:
  static std::vector<Predicate> Split(DocView filter) {
    std::vector<Predicate> out;
    for (const ElementView e : filter) {
      if (e.name().starts_with('$')) {
        out.push_back({"", e, false, filter});
      } else if (!IsOperatorObject(e.value(), false)) {
        out.push_back({e.name(), e, true, filter});
      } else {
        for (const ElementView op : e.value().AsDoc()) {
          if (op.name() != "$options") {
            out.push_back({e.name(), op, false, e.value().AsDoc()});
          }
        }
      }
    }
    return out;
  }

  // {path: {$op: operand}} or {$op: operand}, as it was given.
  static void Specify(const Predicate& p, DocBuilder* out) {
    if (p.path.empty() || p.implicit) {
      out->Append(p.element);
      return;
    }
    const auto scope = out->Object(p.path);
    out->Append(p.element);
    if (p.element.name() == "$regex" && p.siblings.Has("$options")) {
      out->Append("$options", p.siblings["$options"]);
    }
  }

  bool FilterHolds(DocView filter) const {
    auto matcher = Matcher::Parse(filter, options_);
    if (!matcher.ok()) {
      return false;
    }
    const auto matched = (*matcher)->Matches(doc_, ctx_);
    return matched.ok() && *matched;
  }
  bool Holds(const Predicate& p) const {
    DocBuilder filter;
    Specify(p, &filter);
    return FilterHolds(DocView(filter.Finish()));
  }

  template <typename Details>
  void Clause(int index, const Details& details) {
    const auto clause = out_->AddObject();
    out_->Append("index", index);
    const auto scope = out_->Object("details");
    details();
  }

  void One(const Predicate& p, bool inverted) {
    const std::string_view op = p.element.name();
    if (p.path.empty()) {
      Top(p, inverted);
    } else if (!p.implicit && op == "$not") {
      out_->Append("operatorName", "$not");
      const auto scope = out_->Object("details");
      Not(p, !inverted);
    } else {
      Leaf(p, inverted);
    }
  }

  void Not(const Predicate& p, bool inverted) {
    DocBuilder filter;
    filter.Append(p.path, p.element.value());
    const std::string bytes = filter.Finish();
    Filter(DocView(bytes), inverted);
  }

  void Top(const Predicate& p, bool inverted) {
    const std::string_view op = p.element.name();
    const ValueView v = p.element.value();
    out_->Append("operatorName", op);
    if (op == "$and" || op == "$or" || op == "$nor") {
      List(op, v.AsArray(), inverted);
    } else if (op == "$jsonSchema") {
      auto schema = ParseSchema(v.AsDoc());
      if (inverted || !schema.ok()) {
        out_->Append("reason", "schema matched");
      } else {
        const auto rules = out_->Array("schemaRulesNotSatisfied");
        ExplainSchema(**schema, ValueView(Type::kObject, doc_.data()), out_);
      }
    } else {
      SpecifiedAs(p);
      if (op == "$expr") {
        out_->Append("reason", inverted ? "expression did match" : "expression did not match");
        AppendExpressionResult(v);
      } else {
        out_->Append("reason", inverted ? "expression always evaluates to true"
                                        : "expression always evaluates to false");
      }
    }
  }

  void List(std::string_view op, DocView clauses, bool inverted) {
    // $nor fails by the clauses that matched, and so does everything below a negation.
    const bool matched = (op == "$nor") != inverted;
    const auto array = out_->Array(matched ? "clausesSatisfied" : "clausesNotSatisfied");
    int index = 0;
    for (const ElementView e : clauses) {
      const DocView filter = e.value().AsDoc();
      if (FilterHolds(filter) == matched) {
        Clause(index, [&] { Filter(filter, matched); });
      }
      ++index;
    }
  }

  void SpecifiedAs(const Predicate& p) {
    const auto scope = out_->Object("specifiedAs");
    Specify(p, out_);
  }

  void Leaf(const Predicate& p, bool inverted) {
    const bool regex = p.implicit && p.element.type() == Type::kRegex;
    const std::string_view op = p.implicit ? (regex ? "$regex" : "$eq") : p.element.name();
    out_->Append("operatorName", op);
    SpecifiedAs(p);
    const bool matched = IsNegative(p) && !p.implicit ? !inverted : inverted;
    const Reason reason = ReasonOf(op);
    if (op == "$exists") {
      out_->Append("reason", matched ? reason.matched : reason.failed);
      return;
    }
    const bool whole = op == "$size" || op == "$elemMatch" || op == "$all";
    const std::vector<ValueView> values = Values(p.path, !whole);
    if (values.empty()) {
      out_->Append("reason", "field was missing");
      return;
    }
    out_->Append("reason", matched ? reason.matched : reason.failed);
    Considered("consideredValue", values);
    if (op == "$type") {
      if (values.size() == 1) {
        out_->Append("consideredType", bson::TypeName(values[0].type()));
      } else {
        const auto types = out_->Array("consideredTypes");
        for (const ValueView v : values) {
          out_->Add(bson::TypeName(v.type()));
        }
      }
    }
  }

  void Considered(std::string_view name, const std::vector<ValueView>& values) {
    if (values.size() == 1) {
      out_->Append(name, values[0]);
      return;
    }
    const auto array = out_->Array(std::string(name) + "s");
    for (const ValueView v : values) {
      out_->Add(v);
    }
  }

  std::vector<ValueView> Values(std::string_view path, bool expand) const {
    std::vector<ValueView> values;
    const bson::FieldPath parts(path);
    WalkValue(doc_.Find(parts.part(0)), parts, 1, expand, -1, [&values](ValueView v, int64_t) {
      if (!v.missing()) {
        values.push_back(v);
      }
      return false;
    });
    return values;
  }

  void AppendExpressionResult(ValueView v) {
    ParseContext variables;
    auto expression = ParseExpression(v, &variables);
    if (!expression.ok() || ctx_ == nullptr) {
      return;
    }
    ctx_->root = doc_;
    const auto result = (*expression)->Evaluate(ctx_);
    if (result.ok()) {
      out_->Append("expressionResult", *result);
    }
  }

  DocView doc_;
  EvalContext* ctx_;
  const MatchOptions& options_;
  DocBuilder* out_;
};

}  // namespace

std::string Matcher::ExplainFailure(DocView doc, EvalContext* ctx) const {
  DocBuilder out;
  const MatchOptions options;
  Explainer(doc, ctx, options, &out).Filter(filter(), false);
  return out.Finish();
}

}  // namespace septet::query
