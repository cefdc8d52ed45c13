// SPDX-License-Identifier: Apache-2.0
// {$merge: "coll"} or {$merge: {into, on, let, whenMatched, whenNotMatched}}: writes the pipeline's
// documents into a collection, each into the document that equals it in the `on` fields (which a unique
// index must cover), or as a new one. Documents are written in batches without an order: the first error
// of a batch is answered after the whole batch was tried (S04-025).
// Errors: 51132 a row without its `on` fields, 51183 no unique index, 11000 (whenMatched: fail), 13113
// (whenNotMatched: fail), 66 a changed _id; parsing: merge_parse.cc.
#include "query/stage/merge.h"

#include "base/strings.h"
#include "catalog/write_unit.h"
#include "query/exec/explain_node.h"
#include "query/stage/foreign.h"
#include "query/update/forms.h"
#include "query/write/write_statement.h"

namespace septet::query {
namespace {

constexpr size_t kBatchBytes = 1 << 20;

// How one document of the pipeline changes the document it matches, or becomes a new one.
class MergeUpdate final : public Update {
 public:
  MergeUpdate(const MergeSpec* spec, DocView source) : spec_(spec), source_(source) {}

  Status Apply(DocView doc, const MatchDetails* match, EvalContext* ctx, bool is_insert,
               UpdateResult* result) const override {
    switch (spec_->when_matched) {
      case WhenMatched::kPipeline:
        return spec_->pipeline->Apply(doc, match, ctx, is_insert, result);
      case WhenMatched::kMerge: {
        const std::string set = bson::MakeDoc("$set", source_);
        ASSIGN_OR_RETURN(const UpdatePtr update,
                         ParseOperatorUpdate(DocView(set), {}, UpdateOptions()));
        return update->Apply(doc, match, ctx, is_insert, result);
      }
      case WhenMatched::kReplace: {
        ASSIGN_OR_RETURN(const UpdatePtr update, ParseReplacementUpdate(source_, UpdateOptions()));
        return update->Apply(doc, match, ctx, is_insert, result);
      }
      case WhenMatched::kKeepExisting:
      case WhenMatched::kFail:
        break;
    }
    result->modified = false;
    result->document.assign(doc.raw());
    return OkStatus();
  }
  StatusOr<std::string> MakeUpsertDocument(const Matcher&, EvalContext*) const override {
    return WithIdFirst(source_);
  }
  bool is_replacement() const override { return spec_->when_matched == WhenMatched::kReplace; }
  bool NeedsMatchDetails() const override { return false; }
  void ChangedPaths(std::vector<std::string>*, bool* whole_document) const override {
    *whole_document = true;
  }

 private:
  const MergeSpec* spec_;
  DocView source_;
};

// One document to write: what it is matched by, and the values of the variables of whenMatched.
struct PendingWrite {
  std::string document;
  std::string filter;
  LetValues let;
};

class MergeNode final : public OneInputNode {
 public:
  MergeNode(NodePtr input, const MergeSpec* spec, const PipelineRun& run)
      : OneInputNode(std::move(input)), spec_(spec), run_(run) {}

  StatusOr<Step> Next(ExecContext* ctx, Row*) override {
    while (!done_) {
      Row in;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kRow) {
        RETURN_IF_ERROR(Keep(ctx, in.doc));
        ctx->arena.Reset();
      }
      done_ = step == Step::kDone;
      if (done_ || bytes_ >= kBatchBytes) {
        RETURN_IF_ERROR(Flush(ctx));
      }
    }
    stats_.is_eof = true;
    return Step::kDone;
  }
  std::string_view stage_name() const override { return "MERGE"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  Status Keep(ExecContext* ctx, DocView row) {
    PendingWrite write;
    if (spec_->on_id && !row.Has("_id")) {
      ASSIGN_OR_RETURN(write.document, WithIdFirst(row));
    } else {
      write.document = row.ToBytes();
    }
    const DocView doc(write.document);
    bson::DocBuilder filter;
    for (const std::string& field : spec_->on) {
      const ValueView v = bson::FindPath(doc, field);
      if (v.nullish() || v.is_array()) {
        return Error(51132, StrCat("$merge write error: 'on' field '", field,
                                   "' cannot be missing, null, undefined or an array"));
      }
      const auto equal = filter.Object(field);
      filter.Append("$eq", v);
    }
    write.filter = filter.Finish();
    if (spec_->pipeline != nullptr) {
      ctx->eval.root = doc;
      write.let = OuterValues(spec_->outer, ctx->eval);
      for (const MergeSpec::Variable& variable : spec_->let) {
        ASSIGN_OR_RETURN(const ValueView v, variable.expression->Evaluate(&ctx->eval));
        write.let.emplace_back(variable.id, LetValue(v));
      }
    }
    bytes_ += write.document.size() + write.filter.size();
    batch_.push_back(std::move(write));
    return OkStatus();
  }

  Status Flush(ExecContext* ctx) {
    Status first = OkStatus();
    for (PendingWrite& write : batch_) {
      RETURN_IF_ERROR(ctx->op->interrupt.Check());
      const Status status =
          spec_->when_matched == WhenMatched::kFail ? Insert(ctx, write) : Merge(ctx, &write);
      if (!status.ok() && first.ok()) {
        first = status;
      }
    }
    batch_.clear();
    bytes_ = 0;
    return first;
  }

  StatusOr<WriteCheck> CheckFor(ExecContext* ctx) const {
    const catalog::CollectionPtr target = ctx->catalog->Find(spec_->into.full());
    return target != nullptr && run_.validator ? run_.validator(*target) : WriteCheck();
  }

  Status Merge(ExecContext* ctx, PendingWrite* write) {
    WriteStatement statement;
    statement.ns = spec_->into;
    statement.query = std::make_shared<FindQuery>();
    statement.query->ns = spec_->into;
    statement.query->collation = run_.collation;
    statement.query->let_values = std::move(write->let);
    MatchOptions options;
    options.collator = run_.collation.get();
    ASSIGN_OR_RETURN(statement.query->matcher, Matcher::Parse(DocView(write->filter), options));
    statement.update = std::make_unique<MergeUpdate>(spec_, DocView(write->document));
    statement.upsert = spec_->when_not_matched == WhenNotMatched::kInsert;
    ASSIGN_OR_RETURN(statement.check, CheckFor(ctx));
    WriteRunner runner(ctx->catalog, run_.cache, run_.options, &statement);
    for (;;) {
      StatusOr<Step> step = runner.Run(ctx->op);
      if (!step.ok() && CodeOf(step.status()) == ErrorCode::kImmutableField) {
        return Prefixed("$merge failed to update the matching document, did you attempt to modify the "
                        "_id or the shard key? :: caused by :: ",
                        step.status());
      }
      RETURN_IF_ERROR(step.status());
      if (*step == Step::kDone) {
        break;
      }
    }
    if (runner.result().matched == 0 && spec_->when_not_matched == WhenNotMatched::kFail) {
      return Error(ErrorCode::kMergeStageNoMatchingDocument,
                   "$merge could not find a matching document in the target collection for at least "
                   "one document in the source collection");
    }
    return OkStatus();
  }

  // whenMatched: fail leaves the match to the unique index.
  Status Insert(ExecContext* ctx, const PendingWrite& write) {
    catalog::CollectionPtr target = ctx->catalog->Find(spec_->into.full());
    if (target == nullptr) {
      const auto created =
          ctx->catalog->CreateCollection(ctx->op, spec_->into, catalog::CreateOptions());
      if (!created.ok() && CodeOf(created.status()) != ErrorCode::kNamespaceExists) {
        return created.status();
      }
      target = ctx->catalog->Find(spec_->into.full());
    }
    if (target == nullptr || target->is_view) {
      return Error(ErrorCode::kCommandNotSupportedOnView,
                   StrCat("Namespace ", spec_->into.full(), " is a view, not a collection"));
    }
    ASSIGN_OR_RETURN(const std::string document, WithIdFirst(DocView(write.document)));
    ASSIGN_OR_RETURN(const WriteCheck check, CheckFor(ctx));
    if (check) {
      RETURN_IF_ERROR(check(DocView(), DocView(document)));
    }
    return catalog::RetryOnConflict(ctx->op, [&]() -> Status {
      catalog::WriteUnit unit(ctx->catalog, ctx->op, target);
      RETURN_IF_ERROR(unit.Insert(DocView(document)).status());
      return unit.Commit();
    });
  }

  const MergeSpec* spec_;
  PipelineRun run_;
  std::vector<PendingWrite> batch_;
  size_t bytes_ = 0;
  bool done_ = false;
};

// Whether a unique index of the target says that the `on` fields name one document.
bool UniqueOn(const catalog::CollectionInfo& target, const MergeSpec& spec,
              const PipelineRun& run) {
  const std::string collation = run.collation == nullptr ? "" : run.collation->spec();
  for (const auto& entry : target.indexes) {
    const index::Spec& index = entry->spec;
    if (!entry->ready || (!index.unique && !index.is_id) || index.filter != nullptr ||
        index.collation != collation || index.fields.size() != spec.on.size()) {
      continue;
    }
    size_t covered = 0;
    for (const index::KeyField& field : index.fields) {
      covered += std::find(spec.on.begin(), spec.on.end(), field.path.text()) != spec.on.end();
    }
    if (covered == spec.on.size()) {
      return true;
    }
  }
  return false;
}

class MergeStage final : public Stage {
 public:
  explicit MergeStage(MergeSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$merge"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage*) const override {
    const catalog::CollectionPtr target = run.catalog->Find(spec_.into.full());
    const bool only_id = spec_.on.size() == 1 && spec_.on_id;
    if (target == nullptr ? !only_id : !target->is_view && !UniqueOn(*target, spec_, run)) {
      return Error(51183, "Cannot find index to verify that join fields will be unique");
    }
    return NodePtr(std::make_unique<MergeNode>(std::move(input), &spec_, run));
  }
  void Serialize(bson::DocBuilder* out) const override { SerializeMerge(spec_, out); }
  void Namespaces(std::vector<catalog::Namespace>* out) const override { out->push_back(spec_.into); }

 private:
  MergeSpec spec_;
};

}  // namespace

Status ParseMerge(bson::ElementView spec, const PipelineScope& scope, StageList* out);

Status ParseMerge(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  ASSIGN_OR_RETURN(MergeSpec parsed, ParseMergeSpec(spec.value(), scope));
  out->push_back(std::make_unique<MergeStage>(std::move(parsed)));
  return OkStatus();
}

}  // namespace septet::query
