// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/strings.h"
#include "query/expression/field_path.h"
#include "query/stage/merge.h"

namespace septet::query {
namespace {

constexpr std::string_view kMatchedNames[] = {"merge", "replace", "keepExisting", "fail"};
constexpr std::string_view kNotMatchedNames[] = {"insert", "discard", "fail"};

Status WrongType(std::string_view field, ValueView v, std::string_view wanted) {
  return Error(ErrorCode::kTypeMismatch, StrCat("BSON field '", field, "' is the wrong type '",
                                                TypeText(v), "', expected type '", wanted, "'"));
}

Status ParseInto(ValueView v, const PipelineScope& scope, MergeSpec* out) {
  std::string_view db = scope.ns.db();
  std::string_view collection;
  if (v.is_string()) {
    collection = v.AsString();
  } else if (v.is_object()) {
    bool named = false;
    for (const bson::ElementView e : v.AsDoc()) {
      if (e.name() != "db" && e.name() != "coll") {
        return Error(40415, StrCat("BSON field 'into.", e.name(), "' is an unknown field."));
      }
      if (!e.value().is_string()) {
        return WrongType(StrCat("into.", e.name()), e.value(), "string");
      }
      named = named || e.name() == "coll";
      (e.name() == "db" ? db : collection) = e.value().AsString();
    }
    if (!named) {
      return Error(40414, "BSON field 'into.coll' is missing but a required field");
    }
  } else {
    return Error(51178, StrCat("$merge 'into' field  must be either a string or an object, but found ",
                               TypeText(v)));
  }
  if (collection.empty() || db.empty()) {
    return Error(ErrorCode::kInvalidNamespace,
                 StrCat("Invalid $merge target namespace: '", db, ".", collection, "'"));
  }
  if (collection.starts_with("system.")) {
    return Error(31319, StrCat("Cannot $merge to special collection: ", collection));
  }
  if (db == "admin" || db == "config" || db == "local") {
    return Error(31320, StrCat("Cannot $merge to internal database: ", db));
  }
  out->into = catalog::Namespace(db, collection);
  return OkStatus();
}

Status ParseOn(ValueView v, MergeSpec* out) {
  if (v.is_string()) {
    out->on.emplace_back(v.AsString());
  } else if (v.is_array()) {
    if (v.AsArray().empty()) {
      return Error(51187, "If explicitly specifying $merge 'on', must include at least one field");
    }
    for (const bson::ElementView e : v.AsArray()) {
      if (!e.value().is_string()) {
        return Error(51134, StrCat("$merge 'on' array elements must be strings, but found ",
                                   TypeText(e.value())));
      }
      const std::string_view field = e.value().AsString();
      if (std::find(out->on.begin(), out->on.end(), field) != out->on.end()) {
        return Error(31465, StrCat("Found a duplicate field '", field, "'"));
      }
      out->on.emplace_back(field);
    }
  } else {
    return Error(51186, StrCat("$merge 'on' field  must be either a string or an array of strings, but "
                               "found ",
                               TypeText(v)));
  }
  for (const std::string& field : out->on) {
    RETURN_IF_ERROR(ValidateFieldPath(field));
  }
  return OkStatus();
}

// The number of `v` among `names`.
template <size_t kSize>
StatusOr<size_t> ParseName(std::string_view field, std::string_view v,
                           const std::string_view (&names)[kSize]) {
  const auto* const found = std::find(std::begin(names), std::end(names), v);
  if (found == std::end(names)) {
    return Error(ErrorCode::kBadValue, StrCat("Enumeration value '", v, "' for field '", field,
                                              "' is not a valid value."));
  }
  return static_cast<size_t>(found - std::begin(names));
}

Status ParseWhenMatched(ValueView v, MergeSpec* out) {
  if (v.is_array()) {
    out->when_matched = WhenMatched::kPipeline;
    out->pipeline_text = v.AsArray().ToBytes();
    return OkStatus();
  }
  if (!v.is_string()) {
    return Error(51191, StrCat("$merge 'whenMatched' field  must be either a string or an array, but "
                               "found ",
                               TypeText(v)));
  }
  ASSIGN_OR_RETURN(const size_t mode, ParseName("$merge.whenMatched", v.AsString(), kMatchedNames));
  out->when_matched = static_cast<WhenMatched>(mode);
  return OkStatus();
}

Status ParseWhenNotMatched(ValueView v, MergeSpec* out) {
  if (!v.is_string()) {
    return WrongType("$merge.whenNotMatched", v, "string");
  }
  ASSIGN_OR_RETURN(const size_t mode,
                   ParseName("$merge.whenNotMatched", v.AsString(), kNotMatchedNames));
  out->when_not_matched = static_cast<WhenNotMatched>(mode);
  return OkStatus();
}

std::string_view NameOf(WhenMatched mode) {
  return mode == WhenMatched::kPipeline ? "pipeline" : kMatchedNames[static_cast<size_t>(mode)];
}
std::string_view NameOf(WhenNotMatched mode) {
  return kNotMatchedNames[static_cast<size_t>(mode)];
}

Status CheckModes(const MergeSpec& spec, ValueView let) {
  const bool quiet = spec.when_matched == WhenMatched::kFail ||
                     spec.when_matched == WhenMatched::kKeepExisting;
  if (quiet && spec.when_not_matched != WhenNotMatched::kInsert) {
    return Error(51181, StrCat("Combination of $merge modes 'whenMatched: ", NameOf(spec.when_matched),
                               "' and 'whenNotMatched: ", NameOf(spec.when_not_matched),
                               "' is not supported"));
  }
  if (!let.missing() && spec.when_matched != WhenMatched::kPipeline) {
    return Error(51199, StrCat("Cannot use 'let' variables with 'whenMatched: ",
                               NameOf(spec.when_matched), "' mode"));
  }
  return OkStatus();
}

// The variables of whenMatched and its stages.
Status CompilePipeline(ValueView let, const PipelineScope& scope, MergeSpec* out) {
  ParseContext variables = *scope.variables;
  out->outer = scope.variables->InScope();
  bool has_new = false;
  if (!let.missing()) {
    for (const bson::ElementView e : let.AsDoc()) {
      RETURN_IF_ERROR(ValidateVariableName(e.name()));
      const bool is_new = e.name() == "new";
      if (is_new && !(e.value().is_string() && e.value().AsString() == "$$ROOT")) {
        return Error(51273, "'let' may not define a value for the reserved 'new' variable other than "
                            "'$$ROOT'");
      }
      has_new = has_new || is_new;
      ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression(e.value(), scope.variables));
      out->let.push_back({std::string(e.name()), 0, std::move(value)});
    }
  }
  if (!has_new) {
    const std::string root = bson::MakeDoc("v", "$$ROOT");
    ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression(DocView(root).Find("v"), scope.variables));
    out->let.push_back({"new", 0, std::move(value)});
  }
  for (MergeSpec::Variable& variable : out->let) {
    variable.id = variables.Declare(variable.name);
  }
  UpdateOptions options;
  options.collator = scope.collation.get();
  options.variables = &variables;
  ASSIGN_OR_RETURN(out->pipeline,
                   ParseUpdate(ValueView(bson::Type::kArray, out->pipeline_text.data()), {}, options));
  return OkStatus();
}

}  // namespace

StatusOr<MergeSpec> ParseMergeSpec(ValueView v, const PipelineScope& scope) {
  if (!v.is_string() && !v.is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("$merge requires a string or object argument, but found ", TypeText(v)));
  }
  MergeSpec out;
  ValueView into = v;
  ValueView let;
  if (v.is_object()) {
    into = ValueView();
    for (const bson::ElementView e : v.AsDoc()) {
      if (e.name() == "into") {
        into = e.value();
      } else if (e.name() == "on") {
        RETURN_IF_ERROR(ParseOn(e.value(), &out));
      } else if (e.name() == "whenMatched") {
        RETURN_IF_ERROR(ParseWhenMatched(e.value(), &out));
      } else if (e.name() == "whenNotMatched") {
        RETURN_IF_ERROR(ParseWhenNotMatched(e.value(), &out));
      } else if (e.name() != "let") {
        return Error(40415, StrCat("BSON field '$merge.", e.name(), "' is an unknown field."));
      } else if (!e.value().is_object()) {
        return WrongType("$merge.let", e.value(), "object");
      } else {
        let = e.value();
      }
    }
    if (into.missing()) {
      return Error(40414, "BSON field '$merge.into' is missing but a required field");
    }
  }
  RETURN_IF_ERROR(ParseInto(into, scope, &out));
  if (out.on.empty()) {
    out.on.emplace_back("_id");
  }
  out.on_id = std::find(out.on.begin(), out.on.end(), "_id") != out.on.end();
  RETURN_IF_ERROR(CheckModes(out, let));
  if (out.when_matched == WhenMatched::kPipeline) {
    RETURN_IF_ERROR(CompilePipeline(let, scope, &out));
  }
  return out;
}

void SerializeMerge(const MergeSpec& spec, bson::DocBuilder* out) {
  const auto scope = out->Object("$merge");
  {
    const auto into = out->Object("into");
    out->Append("db", spec.into.db());
    out->Append("coll", spec.into.collection());
  }
  if (spec.on.size() == 1) {
    out->Append("on", spec.on.front());
  } else {
    const auto on = out->Array("on");
    for (const std::string& field : spec.on) {
      out->Add(std::string_view(field));
    }
  }
  if (spec.when_matched == WhenMatched::kPipeline) {
    const auto let = out->Object("let");
    for (const MergeSpec::Variable& variable : spec.let) {
      variable.expression->Serialize(variable.name, out);
    }
  }
  if (spec.when_matched == WhenMatched::kPipeline) {
    out->AppendArray("whenMatched", DocView(spec.pipeline_text));
  } else {
    out->Append("whenMatched", NameOf(spec.when_matched));
  }
  out->Append("whenNotMatched", NameOf(spec.when_not_matched));
}

}  // namespace septet::query
