// SPDX-License-Identifier: Apache-2.0
// {$out: "coll"} or {$out: {db, coll}}: replaces a collection by the pipeline's result, at once: rows go
// into a temporary collection with the target's indexes, which is then renamed over the target.
// Errors: 16990, 16994, 17017, 17385, 17152, 73.
#include "base/strings.h"
#include "bson/builder.h"
#include "catalog/write_unit.h"
#include "query/exec/explain_node.h"
#include "query/stage/pipeline.h"

namespace septet::query {

Status ParseOut(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

constexpr size_t kBatchBytes = 1 << 20;

class OutNode final : public OneInputNode {
 public:
  OutNode(NodePtr input, const catalog::Namespace* target, const PipelineRun& run)
      : OneInputNode(std::move(input)), target_(target), validator_(run.validator) {}

  StatusOr<Step> Next(ExecContext* ctx, Row*) override {
    if (done_) {
      return Step::kDone;
    }
    if (!temporary_) {
      RETURN_IF_ERROR(Open(ctx));
    }
    Status status = OkStatus();
    for (;;) {
      Row in;
      const StatusOr<Step> step = input()->Next(ctx, &in);
      status = step.status();
      if (!status.ok()) {
        break;
      }
      if (*step == Step::kYield) {
        return Step::kYield;
      }
      if (*step == Step::kDone) {
        status = Flush(ctx);
        break;
      }
      Keep(in.doc);
      ctx->arena.Reset();
      if (bytes_ >= kBatchBytes) {
        status = Flush(ctx);
        if (!status.ok()) {
          break;
        }
      }
    }
    done_ = true;
    if (status.ok()) {
      status = ctx->catalog->RenameCollection(ctx->op, temporary_->ns, *target_, true);
    } else {
      int indexes = 0;
      const Status dropped = ctx->catalog->DropCollection(ctx->op, temporary_->ns, &indexes);
      (void)dropped;  // the first error counts; a left-over temporary collection is dropped at step-up
    }
    RETURN_IF_ERROR(status);
    stats_.is_eof = true;
    return Step::kDone;
  }
  std::string_view stage_name() const override { return "OUT"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  Status Open(ExecContext* ctx) {
    RETURN_IF_ERROR(Prefixed("error with target namespace: ", catalog::ValidateCollectionName(*target_)));
    const catalog::CollectionPtr existing = ctx->catalog->Find(target_->full());
    catalog::CreateOptions options;
    std::string option_bytes;
    if (existing != nullptr) {
      if (existing->capped) {
        return Error(17152, StrCat("namespace '", target_->full(), "' is capped so it can't be used for "
                                   "$out"));
      }
      if (existing->is_view) {
        return Error(ErrorCode::kCommandNotSupportedOnView,
                     StrCat("namespace '", target_->full(), "' is a view"));
      }
      options.options = existing->options;
      if (validator_) {
        ASSIGN_OR_RETURN(check_, validator_(*existing));
      }
    }
    const catalog::Namespace name(
        target_->db(), StrCat("tmp.agg_out.", catalog::Uuid::Generate().ToString()));
    ASSIGN_OR_RETURN(temporary_, ctx->catalog->CreateCollection(ctx->op, name, options));
    if (existing != nullptr) {
      std::vector<DocView> specs;
      for (const auto& index : existing->indexes) {
        if (!index->spec.is_id) {
          specs.emplace_back(index->spec.document);
        }
      }
      if (!specs.empty()) {
        RETURN_IF_ERROR(ctx->catalog->CreateIndexes(ctx->op, name, specs).status());
        temporary_ = ctx->catalog->Find(name.full());
      }
    }
    return OkStatus();
  }

  // Copies a row; _id is generated if absent and put first.
  void Keep(DocView doc) {
    bson::DocBuilder out;
    const ValueView id = doc.Find("_id");
    if (id.missing()) {
      out.Append("_id", bson::ObjectId::Generate());
      out.AppendAll(doc);
    } else {
      out.Append("_id", id);
      for (const bson::ElementView e : doc) {
        if (e.name() != "_id") {
          out.Append(e);
        }
      }
    }
    batch_.push_back(out.Finish());
    bytes_ += batch_.back().size();
  }

  Status Flush(ExecContext* ctx) {
    if (batch_.empty()) {
      return OkStatus();
    }
    const Status status = catalog::RetryOnConflict(ctx->op, [&]() -> Status {
      catalog::WriteUnit unit(ctx->catalog, ctx->op, temporary_);
      for (const std::string& doc : batch_) {
        if (check_) {
          RETURN_IF_ERROR(check_(DocView(), DocView(doc)));
        }
        RETURN_IF_ERROR(unit.Insert(DocView(doc)).status());
      }
      return unit.Commit();
    });
    batch_.clear();
    bytes_ = 0;
    return status;
  }

  const catalog::Namespace* target_;
  std::function<StatusOr<WriteCheck>(const catalog::CollectionInfo&)> validator_;
  WriteCheck check_;
  catalog::CollectionPtr temporary_;
  std::vector<std::string> batch_;
  size_t bytes_ = 0;
  bool done_ = false;
};

class OutStage final : public Stage {
 public:
  explicit OutStage(catalog::Namespace target) : target_(std::move(target)) {}
  std::string_view name() const override { return "$out"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage*) const override {
    return NodePtr(std::make_unique<OutNode>(std::move(input), &target_, run));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    out->Append("db", target_.db());
    out->Append("coll", target_.collection());
  }
  void Namespaces(std::vector<catalog::Namespace>* out) const override { out->push_back(target_); }

 private:
  catalog::Namespace target_;
};

}  // namespace

Status ParseOut(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  const ValueView v = spec.value();
  std::string_view db = scope.ns.db();
  std::string_view collection;
  if (v.is_string()) {
    collection = v.AsString();
  } else if (v.is_object()) {
    const DocView object = v.AsDoc();
    const ValueView db_value = object.Find("db");
    const ValueView coll_value = object.Find("coll");
    if (object.CountFields() != 2 || !db_value.is_string() || !coll_value.is_string()) {
      return Error(16994, "If an object is passed to $out it must have exactly 2 fields: 'db' and 'coll'");
    }
    db = db_value.AsString();
    collection = coll_value.AsString();
  } else {
    return Error(16990, StrCat("$out only supports a string or object argument, but found ", TypeText(v)));
  }
  if (collection.empty()) {
    return Error(ErrorCode::kInvalidNamespace, StrCat("Invalid $out target namespace, ", db, "."));
  }
  if (collection.starts_with("system.")) {
    return Error(17385, StrCat("Can't $out to special collection: ", collection));
  }
  if (db == "local" || db == "admin" || db == "config") {
    return Error(31321, StrCat("Can't $out to internal database: ", db));
  }
  out->push_back(std::make_unique<OutStage>(catalog::Namespace(db, collection)));
  return OkStatus();
}

}  // namespace septet::query
