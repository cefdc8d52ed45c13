// SPDX-License-Identifier: Apache-2.0
// {$bucket: {groupBy, boundaries, default, output}}: a $group by the lower boundary of each value, then a
// $sort by _id. Errors: 40191..40202; a value outside all boundaries without default: 40066.
#include <vector>

#include "base/strings.h"
#include "bson/ejson.h"
#include "query/expression/result.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseBucket(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseGroup(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseSort(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct BucketSpec {
  ValueView group_by;
  std::vector<bson::Value> boundaries;
  bson::Value fallback;  // missing: none
  ValueView output;
};

bool IsPathOrExpression(ValueView v) {
  if (v.is_string()) {
    return v.AsString().starts_with('$');
  }
  return v.is_object() && !v.AsDoc().empty() &&
         v.AsDoc().FirstElement().name().starts_with('$');
}

StatusOr<bson::Value> ConstantOf(ValueView v, const PipelineScope& scope) {
  ASSIGN_OR_RETURN(const ExpressionPtr expression, ParseExpression(v, scope.variables));
  return bson::Value(expression->Constant());
}

Status ReadBoundaries(ValueView list, const PipelineScope& scope, BucketSpec* bucket) {
  if (!list.is_array()) {
    return Error(40200, StrCat("The $bucket 'boundaries' field must be an array, but found type: ",
                               TypeText(list), "."));
  }
  for (const bson::ElementView e : list.AsArray()) {
    ASSIGN_OR_RETURN(bson::Value constant, ConstantOf(e.value(), scope));
    if (constant.view().missing()) {
      return Error(40191, StrCat("The $bucket 'boundaries' field must be an array of constant values, "
                                 "but found value: ",
                                 ValueText(e.value()), "."));
    }
    bucket->boundaries.push_back(std::move(constant));
  }
  const size_t count = bucket->boundaries.size();
  if (count < 2) {
    return Error(40192, StrCat("The $bucket 'boundaries' field must have at least 2 values, but found ",
                               count, " value(s)."));
  }
  for (size_t i = 1; i < count; ++i) {
    const ValueView low = bucket->boundaries[i - 1].view();
    const ValueView high = bucket->boundaries[i].view();
    if (bson::CanonicalClass(low.type()) != bson::CanonicalClass(high.type())) {
      return Error(40193, StrCat("All values in the the 'boundaries' option to $bucket must have the "
                                 "same type. Found conflicting types ",
                                 TypeText(low), " and ", TypeText(high), "."));
    }
    if (bson::Compare(low, high, scope.collation.get()) >= 0) {
      return Error(40194, StrCat("The 'boundaries' option to $bucket must be sorted, but elements ",
                                 i - 1, " and ", i, " are not in ascending order (", ValueText(low),
                                 " is not less than ", ValueText(high), ")."));
    }
  }
  return OkStatus();
}

StatusOr<BucketSpec> ReadSpec(DocView options, const PipelineScope& scope) {
  BucketSpec bucket;
  for (const bson::ElementView e : options) {
    const ValueView v = e.value();
    if (e.name() == "groupBy") {
      if (!IsPathOrExpression(v)) {
        return Error(40202, StrCat("The $bucket 'groupBy' field must be defined as a $-prefixed path or "
                                   "an expression, but found: ",
                                   bson::ToShellText(v), "."));
      }
      bucket.group_by = v;
    } else if (e.name() == "boundaries") {
      RETURN_IF_ERROR(ReadBoundaries(v, scope, &bucket));
    } else if (e.name() == "default") {
      ASSIGN_OR_RETURN(bucket.fallback, ConstantOf(v, scope));
      if (bucket.fallback.view().missing()) {
        return Error(40195, StrCat("The $bucket 'default' field must be a constant, but found: ",
                                   bson::ToShellText(v), "."));
      }
    } else if (e.name() == "output") {
      if (!v.is_object()) {
        return Error(40196, StrCat("The $bucket 'output' field must be an object, but found type: ",
                                   TypeText(v), "."));
      }
      bucket.output = v;
    } else {
      return Error(40197, StrCat("Unrecognized option to $bucket: ", e.name(), "."));
    }
  }
  if (bucket.group_by.missing() || bucket.boundaries.empty()) {
    return Error(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.");
  }
  const ValueView fallback = bucket.fallback.view();
  const bson::StringComparator* collation = scope.collation.get();
  if (!fallback.missing() &&
      bson::Compare(fallback, bucket.boundaries.front().view(), collation) >= 0 &&
      bson::Compare(fallback, bucket.boundaries.back().view(), collation) < 0) {
    return Error(40199, "The $bucket 'default' field must be less than the lowest boundary or greater "
                        "than or equal to the highest boundary.");
  }
  return bucket;
}

void AppendLiteral(bson::DocBuilder* out, std::string_view name, ValueView v) {
  const auto literal = out->Object(name);
  out->Append("$literal", v);
}

// {case: {$and: [{$gte: [groupBy, low]}, {$lt: [groupBy, high]}]}, then: low}.
void AppendBranch(bson::DocBuilder* out, ValueView group_by, ValueView low, ValueView high) {
  const auto branch = out->AddObject();
  {
    const auto condition = out->Object("case");
    const auto both = out->Array("$and");
    const ValueView bounds[] = {low, high};
    for (int i = 0; i < 2; ++i) {
      const auto side = out->AddObject();
      const auto operands = out->Array(i == 0 ? "$gte" : "$lt");
      out->Add(group_by);
      AppendLiteral(out, out->NextIndex(), bounds[i]);
    }
  }
  AppendLiteral(out, "then", low);
}

std::string MakeGroup(const BucketSpec& bucket) {
  bson::DocBuilder out;
  {
    const auto group = out.Object("$group");
    {
      const auto id = out.Object("_id");
      const auto choice = out.Object("$switch");
      {
        const auto branches = out.Array("branches");
        for (size_t i = 1; i < bucket.boundaries.size(); ++i) {
          AppendBranch(&out, bucket.group_by, bucket.boundaries[i - 1].view(),
                       bucket.boundaries[i].view());
        }
      }
      if (!bucket.fallback.view().missing()) {
        AppendLiteral(&out, "default", bucket.fallback.view());
      }
    }
    if (bucket.output.missing()) {
      const auto count = out.Object("count");
      out.Append("$sum", 1);
    } else {
      out.AppendAll(bucket.output.AsDoc());
    }
  }
  {
    const auto sort = out.Object("$sort");
    out.Append("_id", 1);
  }
  return out.Finish();
}

}  // namespace

Status ParseBucket(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(40201, StrCat("Argument to $bucket stage must be an object, but found type: ",
                               TypeText(spec.value()), "."));
  }
  ASSIGN_OR_RETURN(const BucketSpec bucket, ReadSpec(spec.value().AsDoc(), scope));
  const std::string bytes = MakeGroup(bucket);
  const DocView doc(bytes);
  RETURN_IF_ERROR(ParseGroup(doc.FirstElement(), scope, out));
  return ParseSort(*++doc.begin(), scope, out);
}

}  // namespace septet::query
