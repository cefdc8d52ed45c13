// SPDX-License-Identifier: Apache-2.0
#include "query/expression/sort_pattern.h"

#include "bson/number.h"

#include "query/expression/field_path.h"
#include "query/expression/result.h"

namespace septet::query {

StatusOr<SortPattern> SortPattern::Parse(DocView spec) {
  SortPattern pattern;
  pattern.spec_ = spec.ToBytes();
  for (const bson::ElementView e : spec) {
    RETURN_IF_ERROR(ValidateFieldPath(e.name()));
    if (!e.value().is_number()) {
      return Error(15974, "$sort key ordering must be specified using a number or {$meta: 'text'}");
    }
    const double direction = bson::ToDouble(e.value());
    if (direction != 1 && direction != -1) {
      return Error(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)");
    }
    pattern.fields_.push_back({bson::FieldPath(e.name()), direction == 1});
  }
  if (pattern.fields_.empty()) {
    return Error(15976, "$sort stage must have at least one sort key");
  }
  return pattern;
}

ValueView SortPattern::Key(DocView doc, EvalContext* ctx) const {
  ArrayWriter out(ctx);
  for (const Field& field : fields_) {
    ValueView best;
    bool any = false;
    const auto take = [&](ValueView v) {
      const int order = any ? bson::Compare(v, best, ctx->collator) : 0;
      if (!any || (field.ascending ? order < 0 : order > 0)) {
        best = v;
      }
      any = true;
    };
    bson::VisitPath(doc, field.path, 0, [&](ValueView v) {
      if (!v.is_array()) {
        take(v.missing() ? NullValue() : v);
      } else if (v.AsArray().empty()) {
        take({bson::Type::kUndefined, ""});
      } else {
        for (const bson::ElementView e : v.AsArray()) {
          take(e.value());
        }
      }
      return false;
    });
    out.Add(best);
  }
  return out.Finish();
}

int SortPattern::Compare(ValueView a, ValueView b, const bson::StringComparator* collator) const {
  auto left = a.AsArray().begin();
  auto right = b.AsArray().begin();
  for (const Field& field : fields_) {
    const int order = bson::Compare(left->value(), right->value(), collator);
    if (order != 0) {
      return field.ascending ? order : -order;
    }
    ++left;
    ++right;
  }
  return 0;
}

void SortPattern::Dependencies(std::vector<std::string>* paths) const {
  for (const Field& field : fields_) {
    paths->push_back(field.path.text());
  }
}

}  // namespace septet::query
