// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/query_args.h"

#include "base/strings.h"
#include "bson/ejson.h"
#include "query/exec/sort_key.h"

namespace septet::commands {

using bson::DocView;
using bson::ValueView;

Status ParseHint(ValueView hint, std::string* name, std::string* key) {
  if (hint.missing()) {
    return OkStatus();
  }
  if (hint.is_string()) {
    *name = hint.AsString();
    return OkStatus();
  }
  if (hint.is_object()) {
    if (!hint.AsDoc().empty()) {
      *key = hint.AsDoc().ToBytes();
    }
    return OkStatus();
  }
  return Error(ErrorCode::kFailedToParse,
               "hint must be specified as a string representing an index name, or an object "
               "representing an index's key pattern");
}

namespace {

Status ParseLet(DocView let, query::FindQuery* out) {
  if (let.empty()) {
    return OkStatus();
  }
  query::ParseContext outer;
  bson::Arena arena;
  query::EvalContext eval;
  eval.arena = &arena;
  for (const bson::ElementView e : let) {
    RETURN_IF_ERROR(query::ValidateVariableName(e.name()));
    ASSIGN_OR_RETURN(const query::ExpressionPtr value, query::ParseExpression(e.value(), &outer));
    ASSIGN_OR_RETURN(const ValueView v, value->Evaluate(&eval));
    out->let_values.emplace_back(out->variables.Declare(e.name()), bson::MakeDoc("v", v));
  }
  return OkStatus();
}

// $natural may stand alone only.
Status ParseSort(DocView sort, const bson::StringComparator* collator, std::string* out) {
  if (sort.empty()) {
    return OkStatus();
  }
  if (sort.Has("$natural")) {
    if (sort.CountFields() != 1) {
      return Error(ErrorCode::kBadValue,
                   StrCat("Cannot include '$natural' in compound sort: ", bson::ToShellText(sort)));
    }
    *out = sort.ToBytes();
    return OkStatus();
  }
  RETURN_IF_ERROR(query::SortKey::Parse(sort, collator).status());
  *out = sort.ToBytes();
  return OkStatus();
}

}  // namespace

StatusOr<std::shared_ptr<query::FindQuery>> BuildQuery(const catalog::Namespace& ns,
                                                       const QueryArgs& args,
                                                       const catalog::CollectionInfo* collection) {
  auto out = std::make_shared<query::FindQuery>();
  out->ns = ns;
  DocView collation = args.collation;
  if (collation.empty() && collection != nullptr) {
    const ValueView inherited = DocView(collection->options).Find("collation");
    if (inherited.is_object()) {
      collation = inherited.AsDoc();
    }
  }
  if (!collation.empty()) {
    ASSIGN_OR_RETURN(out->collation, query::ParseCollation(collation));
  }
  RETURN_IF_ERROR(ParseLet(args.let, out.get()));
  query::MatchOptions match_options;
  match_options.collator = out->collation.get();
  match_options.variables = &out->variables;
  ASSIGN_OR_RETURN(out->matcher, query::Matcher::Parse(args.filter, match_options));
  if (!args.projection.empty()) {
    ASSIGN_OR_RETURN(out->projection,
                     query::ParseProjection(args.projection, query::ProjectionPolicy::kFind,
                                            &out->variables, out->matcher.get()));
  }
  out->meta_uses = out->variables.meta_uses();
  if (!args.filter.Has("$text")) {
    RETURN_IF_ERROR(out->variables.CheckMetaAvailable());
  }
  if ((out->meta_uses & query::kMetaSortKey) != 0 && args.sort.empty()) {
    return Error(ErrorCode::kBadValue, "cannot use sortKey $meta projection without a sort");
  }
  // A constant expression that fails does so without a document.
  RETURN_IF_ERROR(out->variables.fold_status());
  RETURN_IF_ERROR(ParseSort(args.sort, out->collation.get(), &out->sort));
  RETURN_IF_ERROR(ParseHint(args.hint, &out->hint_name, &out->hint_key));
  if (!out->sort.empty() && DocView(out->sort).FirstElement().name() == "$natural" &&
      (!out->hint_name.empty() || !out->hint_key.empty()) &&
      !(!out->hint_key.empty() && DocView(out->hint_key).FirstElement().name() == "$natural")) {
    return Error(ErrorCode::kBadValue, "index hint not allowed with $natural sort order");
  }
  if (!args.min.empty()) {
    out->min_key = args.min.ToBytes();
  }
  if (!args.max.empty()) {
    out->max_key = args.max.ToBytes();
  }
  out->skip = args.skip;
  out->limit = args.limit;
  return out;
}

Status ExecutorError(std::string_view command, const Status& status) {
  switch (CodeOf(status)) {
    case ErrorCode::kMaxTimeMSExpired:
    case ErrorCode::kInterrupted:
    case ErrorCode::kInterruptedAtShutdown:
    case ErrorCode::kInterruptedDueToReplStateChange:
    case ErrorCode::kCursorKilled:
    case ErrorCode::kQueryExceededMemoryLimitNoDiskUseAllowed:
    case ErrorCode::kCappedPositionLost:
    case ErrorCode::kNoQueryExecutionPlans:
    case ErrorCode::kIndexNotFound:  // of $text
      return status;
    default:
      break;
  }
  if (status.ok() || catalog::IsWouldBlock(status)) {
    return status;
  }
  return Prefixed(command == "aggregate"
                      ? std::string("PlanExecutor error during aggregation :: caused by :: ")
                      : StrCat("Executor error during ", command, " command :: caused by :: "),
                  status);
}

}  // namespace septet::commands
