// SPDX-License-Identifier: Apache-2.0
// {$graphLookup: {from, startWith, connectFromField, connectToField, as, maxDepth, depthField,
//   restrictSearchWithMatch}}: the documents reached from startWith, breadth first, each once.
// Every step asks for all documents whose connectToField is one of the values found by the step before.
// Errors: 9, 40100..40105, 40185, 16410; 40099 beyond the memory of a stage (S04-014).
#include <set>

#include "base/strings.h"
#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "query/exec/explain_node.h"
#include "query/expression/field_path.h"
#include "query/stage/foreign.h"
#include "query/stage/set_path.h"

namespace septet::query {

Status ParseGraphLookup(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct GraphSpec {
  std::string name;
  Foreign from;
  ExpressionPtr start_with;
  bson::FieldPath connect_from;
  std::string connect_to;
  bson::FieldPath as;
  std::optional<int64_t> max_depth;
  std::optional<bson::FieldPath> depth_field;
  std::string restrict_search;  // encoded filter, or empty
  std::vector<VariableId> outer;
  const ParseContext* variables = nullptr;  // of the pipeline
};

struct ValueLess {
  const bson::StringComparator* collator = nullptr;
  bool operator()(const bson::Value& a, const bson::Value& b) const {
    return bson::Compare(a.view(), b.view(), collator) < 0;
  }
};
using ValueSet = std::set<bson::Value, ValueLess>;

class GraphNode final : public OneInputNode {
 public:
  GraphNode(NodePtr input, const GraphSpec* spec, const PipelineRun& run)
      : OneInputNode(std::move(input)), spec_(spec), run_(run),
        asked_(ValueLess{run.collation.get()}), frontier_(ValueLess{run.collation.get()}),
        visited_(ValueLess{}) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    if (!searching_) {
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in_));
      if (step != Step::kRow) {
        stats_.is_eof = step == Step::kDone;
        return step;
      }
      RETURN_IF_ERROR(Start(ctx));
    }
    while (!frontier_.empty() || search_.is_open()) {
      ASSIGN_OR_RETURN(const Step step, SearchOnce(ctx));
      if (step == Step::kYield) {
        return step;
      }
    }
    searching_ = false;
    found_.Seal();
    RETURN_IF_ERROR(SetPath(in_.doc, spec_->as,
                            ValueView(bson::Type::kArray, found_.View().Find("a").data()), &buffer_));
    *row = in_;
    row->doc = DocView(buffer_);
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "GRAPH_LOOKUP"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  Status Start(ExecContext* ctx) {
    searching_ = true;
    depth_ = 0;
    bytes_ = 0;
    asked_.clear();
    visited_.clear();
    frontier_.clear();
    found_.Reset();
    found_.OpenArray("a");
    ctx->eval.root = in_.doc;
    ASSIGN_OR_RETURN(const ValueView start, spec_->start_with->Evaluate(&ctx->eval));
    if (start.is_array()) {
      for (const bson::ElementView e : start.AsArray()) {
        frontier_.emplace(e.value());
      }
    } else if (!start.missing()) {
      frontier_.emplace(start);
    }
    return OkStatus();
  }

  // One depth: the documents that the frontier points to; their values are the next frontier.
  StatusOr<Step> SearchOnce(ExecContext* ctx) {
    if (!search_.is_open()) {
      RETURN_IF_ERROR(Ask(ctx));
    }
    for (;;) {
      Row hit;
      ASSIGN_OR_RETURN(const Step step, search_.Next(ctx, &hit));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        break;
      }
      RETURN_IF_ERROR(Keep(ctx, hit.doc));
    }
    search_.Close();
    ++depth_;
    if (spec_->max_depth && depth_ > *spec_->max_depth) {
      frontier_.clear();
    }
    return Step::kDone;
  }

  Status Ask(ExecContext* ctx) {
    bson::DocBuilder values;
    int count = 0;
    for (const bson::Value& v : frontier_) {
      values.Append(std::to_string(count++), v.view());
    }
    asked_.merge(frontier_);
    frontier_.clear();
    const std::string list = values.Finish();
    const std::string points = EqualsAnyFilter(spec_->connect_to, DocView(list));
    if (spec_->restrict_search.empty()) {
      return search_.OpenFilter(ctx, run_, spec_->from, DocView(points), spec_->variables,
                                OuterValues(spec_->outer, ctx->eval), nullptr);
    }
    bson::DocBuilder both;
    {
      const auto all = both.Array("$and");
      both.Add(DocView(spec_->restrict_search));
      both.Add(DocView(points));
    }
    const std::string filter = both.Finish();
    return search_.OpenFilter(ctx, run_, spec_->from, DocView(filter), spec_->variables,
                              OuterValues(spec_->outer, ctx->eval), nullptr);
  }

  Status Keep(ExecContext* ctx, DocView doc) {
    if (!visited_.emplace(doc.Find("_id")).second) {
      return OkStatus();
    }
    bytes_ += doc.size_bytes();
    if (bytes_ > ctx->memory_limit_bytes) {
      return Error(40099, "$graphLookup reached maximum memory consumption");
    }
    VisitJoinValues(doc, spec_->connect_from, [this](ValueView v) {
      bson::Value value(v);
      if (!asked_.contains(value)) {
        frontier_.insert(std::move(value));
      }
    });
    if (!spec_->depth_field) {
      found_.Add(doc);
      return OkStatus();
    }
    const std::string depth = bson::MakeDoc("d", depth_);
    RETURN_IF_ERROR(SetPath(doc, *spec_->depth_field, DocView(depth).Find("d"), &with_depth_));
    found_.Add(DocView(with_depth_));
    return OkStatus();
  }

  const GraphSpec* spec_;
  PipelineRun run_;
  Row in_;
  bool searching_ = false;
  int64_t depth_ = 0;
  int64_t bytes_ = 0;
  ValueSet asked_;     // values of connectToField that were searched
  ValueSet frontier_;  // those to search next
  ValueSet visited_;   // _ids of the documents found
  ForeignCursor search_;
  bson::DocBuilder found_;
  std::string with_depth_;
  std::string buffer_;
};

class GraphStage final : public Stage {
 public:
  explicit GraphStage(GraphSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$graphLookup"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage*) const override {
    return NodePtr(std::make_unique<GraphNode>(std::move(input), &spec_, run));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    out->Append("from", spec_.name);
    out->Append("as", spec_.as.text());
    out->Append("connectToField", spec_.connect_to);
    out->Append("connectFromField", spec_.connect_from.text());
    spec_.start_with->Serialize("startWith", out);
    if (spec_.depth_field) {
      out->Append("depthField", spec_.depth_field->text());
    }
    if (spec_.max_depth) {
      out->Append("maxDepth", *spec_.max_depth);
    }
    if (!spec_.restrict_search.empty()) {
      out->Append("restrictSearchWithMatch", DocView(spec_.restrict_search));
    }
  }
  void Namespaces(std::vector<catalog::Namespace>* out) const override {
    out->push_back(spec_.from.ns);
  }

 private:
  GraphSpec spec_;
};

Status ParseMaxDepth(ValueView v, GraphSpec* out) {
  if (!v.is_number()) {
    return Error(40100, StrCat("maxDepth must be numeric, found type: ", TypeText(v)));
  }
  const int64_t depth = bson::ToInt64Clamped(v);
  if (depth < 0) {
    return Error(40101, StrCat("maxDepth requires a nonnegative argument, found: ", depth));
  }
  if (bson::ToDouble(v) != static_cast<double>(depth)) {
    return Error(40102, StrCat("maxDepth could not be represented as a long long: ", depth));
  }
  out->max_depth = depth;
  return OkStatus();
}

Status ParseRestriction(ValueView v, const PipelineScope& scope, GraphSpec* out) {
  if (!v.is_object()) {
    return Error(40185, StrCat("restrictSearchWithMatch must be an object, found ", TypeText(v)));
  }
  MatchOptions options;
  options.collator = scope.collation.get();
  options.variables = scope.variables;
  const auto parsed = Matcher::Parse(v.AsDoc(), options);
  if (!parsed.ok()) {
    return Prefixed("Failed to parse 'restrictSearchWithMatch' option to $graphLookup: ",
                    parsed.status());
  }
  out->restrict_search = v.AsDoc().ToBytes();
  return OkStatus();
}

// The arguments that are names or paths.
Status ParseName(std::string_view name, ValueView v, const PipelineScope& scope, GraphSpec* out) {
  const bool known = name == "as" || name == "connectFromField" || name == "connectToField" ||
                     name == "depthField" || name == "from";
  if (known && name == "from" && !v.is_string()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("'from' option to $graphLookup must be a string, but was type ", TypeText(v)));
  }
  if (known && !v.is_string()) {
    return Error(40103, StrCat("expected string as argument for ", name, ", found: ",
                               bson::ToShellText(v)));
  }
  if (!known) {
    return Error(40104, StrCat("Unknown argument to $graphLookup: ", name));
  }
  if (name == "from") {
    if (v.AsString().empty()) {
      return Error(ErrorCode::kInvalidNamespace,
                   StrCat("invalid $graphLookup namespace: ", scope.ns.db(), "."));
    }
    out->name = std::string(v.AsString());
    ASSIGN_OR_RETURN(out->from, FindForeign(scope, out->name));
    return OkStatus();
  }
  RETURN_IF_ERROR(ValidateFieldPath(v.AsString()));
  if (name == "as") {
    out->as = bson::FieldPath(v.AsString());
  } else if (name == "connectFromField") {
    out->connect_from = bson::FieldPath(v.AsString());
  } else if (name == "connectToField") {
    out->connect_to = std::string(v.AsString());
  } else {
    out->depth_field = bson::FieldPath(v.AsString());
  }
  return OkStatus();
}

}  // namespace

Status ParseGraphLookup(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("the $graphLookup stage specification must be an object, but found ",
                        TypeText(spec.value())));
  }
  const DocView arguments = spec.value().AsDoc();
  GraphSpec graph;
  graph.outer = scope.variables->InScope();
  graph.variables = scope.variables;
  for (const bson::ElementView e : arguments) {
    if (e.name() == "startWith") {
      ASSIGN_OR_RETURN(graph.start_with, ParseExpression(e.value(), scope.variables));
    } else if (e.name() == "maxDepth") {
      RETURN_IF_ERROR(ParseMaxDepth(e.value(), &graph));
    } else if (e.name() == "restrictSearchWithMatch") {
      RETURN_IF_ERROR(ParseRestriction(e.value(), scope, &graph));
    } else {
      RETURN_IF_ERROR(ParseName(e.name(), e.value(), scope, &graph));
    }
  }
  if (graph.name.empty()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("missing 'from' option to $graphLookup stage specification: ",
                        bson::ToShellText(arguments)));
  }
  if (graph.as.size() == 0 || graph.start_with == nullptr || graph.connect_from.size() == 0 ||
      graph.connect_to.empty()) {
    return Error(40105,
                 "$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and "
                 "'connectToField' to be specified.");
  }
  out->push_back(std::make_unique<GraphStage>(std::move(graph)));
  return OkStatus();
}

}  // namespace septet::query
