// SPDX-License-Identifier: Apache-2.0
// {$unwind: "$path"} or {path, includeArrayIndex, preserveNullAndEmptyArrays}. Errors: 15981, 28808..28812,
// 28818, 28822.
#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/expression/field_path.h"
#include "query/stage/set_path.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseUnwind(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct UnwindSpec {
  bson::FieldPath path;
  std::string index_field;
  bool preserve = false;
};

class UnwindNode final : public OneInputNode {
 public:
  UnwindNode(NodePtr input, const UnwindSpec* spec) : OneInputNode(std::move(input)), spec_(spec) {
    if (!spec->index_field.empty()) {
      index_path_ = bson::FieldPath(spec->index_field);
    }
  }

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    for (;;) {
      ++stats_.works;
      if (!current_.empty() && items_ != items_end_) {
        const ValueView item = (*items_).value();
        ++items_;
        return Emit(ctx, item, index_++, row);
      }
      current_.clear();
      Row in;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step != Step::kRow) {
        stats_.is_eof = step == Step::kDone;
        return step;
      }
      const ValueView v = bson::FindPath(in.doc, spec_->path);
      if (v.is_array() && !v.AsArray().empty()) {
        current_.assign(in.doc.raw());
        const DocView array = bson::FindPath(DocView(current_), spec_->path).AsArray();
        items_ = array.begin();
        items_end_ = array.end();
        index_ = 0;
        continue;
      }
      if (v.is_array() || v.nullish()) {
        if (!spec_->preserve) {
          ctx->arena.Reset();
          continue;
        }
        // An empty array's field is removed; null and missing stay as they are.
        current_.assign(in.doc.raw());
        const Status status = SetPath(DocView(current_), spec_->path,
                                      v.is_array() ? ValueView() : v, &buffer_);
        current_.clear();
        RETURN_IF_ERROR(status);
        return Finish(ctx, ctx->arena.Null(), row);
      }
      // Anything else counts as an array of one, without an index.
      buffer_.assign(in.doc.raw());
      return Finish(ctx, ctx->arena.Null(), row);
    }
  }

  std::string_view stage_name() const override { return "UNWIND"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  StatusOr<Step> Emit(ExecContext* ctx, ValueView item, int64_t index, Row* row) {
    RETURN_IF_ERROR(SetPath(DocView(current_), spec_->path, item, &buffer_));
    return Finish(ctx, ctx->arena.Int64(index), row);
  }

  StatusOr<Step> Finish(ExecContext*, ValueView index, Row* row) {
    if (!spec_->index_field.empty()) {
      std::string with_index;
      RETURN_IF_ERROR(SetPath(DocView(buffer_), index_path_, index, &with_index));
      buffer_.swap(with_index);
    }
    row->doc = DocView(buffer_);
    row->has_doc = true;
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }

  const UnwindSpec* spec_;
  bson::FieldPath index_path_;
  std::string current_;
  std::string buffer_;
  DocView::Iterator items_{DocView().begin()};
  DocView::Iterator items_end_{DocView().begin()};
  int64_t index_ = 0;
};

class UnwindStage final : public Stage {
 public:
  explicit UnwindStage(UnwindSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$unwind"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return NodePtr(std::make_unique<UnwindNode>(std::move(input), &spec_));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    out->Append("path", StrCat("$", spec_.path.text()));
    if (spec_.preserve) {
      out->Append("preserveNullAndEmptyArrays", true);
    }
    if (!spec_.index_field.empty()) {
      out->Append("includeArrayIndex", spec_.index_field);
    }
  }

 private:
  UnwindSpec spec_;
};

Status ParseOption(bson::ElementView e, std::string* path, UnwindSpec* unwind) {
  const ValueView v = e.value();
  if (e.name() == "path") {
    if (!v.is_string()) {
      return Error(28808, StrCat("expected a string as the path for $unwind stage, got ", TypeText(v)));
    }
    *path = v.AsString();
  } else if (e.name() == "includeArrayIndex") {
    if (!v.is_string() || v.AsString().empty()) {
      return Error(28810, StrCat("expected a non-empty string for the includeArrayIndex  option to "
                                 "$unwind stage, got ", TypeText(v)));
    }
    if (v.AsString()[0] == '$') {
      return Error(28822, StrCat("includeArrayIndex option to $unwind stage should not be prefixed "
                                 "with a '$': ", v.AsString()));
    }
    RETURN_IF_ERROR(ValidateFieldPath(v.AsString()));
    unwind->index_field = v.AsString();
  } else if (e.name() == "preserveNullAndEmptyArrays") {
    if (v.type() != bson::Type::kBool) {
      return Error(28809, StrCat("expected a boolean for the preserveNullAndEmptyArrays option to "
                                 "$unwind stage, got ", TypeText(v)));
    }
    unwind->preserve = v.AsBool();
  } else {
    return Error(28811, StrCat("unrecognized option to $unwind stage: ", e.name()));
  }
  return OkStatus();
}

}  // namespace

Status ParseUnwind(bson::ElementView spec, const PipelineScope&, StageList* out) {
  UnwindSpec unwind;
  std::string path;
  const ValueView v = spec.value();
  if (v.is_string()) {
    path = v.AsString();
  } else if (v.is_object()) {
    for (const bson::ElementView e : v.AsDoc()) {
      RETURN_IF_ERROR(ParseOption(e, &path, &unwind));
    }
  } else {
    return Error(15981, StrCat("expected either a string or an object as specification for $unwind "
                               "stage, got ", TypeText(v)));
  }
  if (path.empty()) {
    return Error(28812, "no path specified to $unwind stage");
  }
  if (path[0] != '$') {
    return Error(28818, StrCat("path option to $unwind stage should be prefixed with a '$': ", path));
  }
  RETURN_IF_ERROR(ValidateFieldPath(std::string_view(path).substr(1)));
  unwind.path = bson::FieldPath(std::string_view(path).substr(1));
  out->push_back(std::make_unique<UnwindStage>(std::move(unwind)));
  return OkStatus();
}

}  // namespace septet::query
