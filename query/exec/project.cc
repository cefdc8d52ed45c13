// SPDX-License-Identifier: Apache-2.0
// PROJECTION_SIMPLE, PROJECTION_COVERED, PROJECTION_DEFAULT and RETURN_KEY.
#include "query/exec/explain_node.h"
#include "query/exec/transform.h"

namespace septet::query {
namespace {

class Project final : public OneInputNode {
 public:
  Project(NodePtr child, ProjectOptions options)
      : OneInputNode(std::move(child)), options_(options) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
    if (step != Step::kRow) {
      stats_.is_eof = step == Step::kDone;
      return step;
    }
    buffer_.clear();
    if (options_.return_key) {
      buffer_.assign(row->has_index_key ? row->index_key.raw() : DocView().raw());
    } else {
      const DocView in = options_.covered ? row->index_key : row->doc;
      if (options_.projection != nullptr) {
        if (row->has_index_key) {
          row->metadata.index_key = ValueView(bson::Type::kObject, row->index_key.data());
        }
        ctx->eval.root = in;
        RETURN_IF_ERROR(
            options_.projection->Apply(in, &ctx->eval, &row->match, &row->metadata, &buffer_));
      } else {
        buffer_.assign(in.raw());
      }
    }
    if (options_.show_record_id) {
      bson::DocBuilder with_id;
      with_id.AppendAll(DocView(buffer_)).Append("$recordId", row->rid);
      buffer_ = with_id.Finish();
    }
    row->doc = DocView(buffer_);
    row->has_doc = true;
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }

  std::string_view stage_name() const override {
    if (options_.return_key) {
      return "RETURN_KEY";
    }
    if (options_.covered) {
      return "PROJECTION_COVERED";
    }
    return options_.projection != nullptr && options_.projection->IsSimple() ? "PROJECTION_SIMPLE"
                                                                              : "PROJECTION_DEFAULT";
  }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    if (options_.projection != nullptr) {
      const auto scope = out->Object("transformBy");
      options_.projection->Serialize(out);
    }
    ExplainChildren(*this, out, with_stats);
  }

 private:
  ProjectOptions options_;
  std::string buffer_;
};

}  // namespace

NodePtr MakeProject(NodePtr child, ProjectOptions options) {
  return std::make_unique<Project>(std::move(child), options);
}

}  // namespace septet::query
