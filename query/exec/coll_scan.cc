// SPDX-License-Identifier: Apache-2.0
// COLLSCAN, IDHACK and EOF.
#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/exec/scan.h"

namespace septet::query {

StatusOr<bool> RowFilter::Accepts(ExecContext* ctx, Row* row) const {
  ctx->eval.root = row->doc;
  if (wants_details_) {
    row->match = MatchDetails();
  }
  for (const MatchNode* node : nodes_) {
    ASSIGN_OR_RETURN(const bool matches,
                     node->Matches(row->doc, &ctx->eval, wants_details_ ? &row->match : nullptr));
    if (!matches) {
      return false;
    }
  }
  return true;
}

void RowFilter::Explain(bson::DocBuilder* out) const {
  if (nodes_.empty()) {
    return;
  }
  const auto scope = out->Object("filter");
  if (nodes_.size() == 1) {
    nodes_[0]->Serialize(out);
    return;
  }
  const auto list = out->Array("$and");
  for (const MatchNode* node : nodes_) {
    const auto item = out->AddObject();
    node->Serialize(out);
  }
}

namespace {

class Eof final : public NoInputNode {
 public:
  StatusOr<Step> Next(ExecContext*, Row*) override {
    ++stats_.works;
    stats_.is_eof = true;
    return Step::kDone;
  }
  std::string_view stage_name() const override { return "EOF"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
  }
};

class CollScan final : public NoInputNode {
 public:
  explicit CollScan(CollScanOptions options) : options_(std::move(options)) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    RETURN_IF_ERROR(Position(ctx));
    for (;;) {
      if (ShouldYield(ctx)) {
        ++stats_.need_yield;
        return Step::kYield;
      }
      ++stats_.works;
      if (on_row_) {
        cursor_->Next();
        on_row_ = false;
      }
      if (!cursor_->valid()) {
        RETURN_IF_ERROR(cursor_->status());
        stats_.is_eof = true;
        return Step::kDone;
      }
      on_row_ = true;
      RETURN_IF_ERROR(ctx->op->interrupt.Check());
      last_ = cursor_->rid();
      row->doc = cursor_->doc();
      row->has_doc = true;
      row->has_index_key = false;
      row->rid = last_;
      row->metadata.record_id = last_;
      ++stats_.docs_examined;
      ++ctx->op->counters.docs_examined;
      ASSIGN_OR_RETURN(const bool accepted, options_.filter.Accepts(ctx, row));
      if (accepted) {
        ++stats_.advanced;
        return Step::kRow;
      }
      ++stats_.need_time;
      ctx->arena.Reset();
    }
  }

  std::string_view stage_name() const override { return "COLLSCAN"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, false);
    options_.filter.Explain(out);
    ExplainStats(*this, out, with_stats);
    out->Append("direction", options_.forward ? "forward" : "backward");
    if (with_stats) {
      out->Append("docsExamined", static_cast<int32_t>(stats_.docs_examined));
    }
  }

 private:
  // Opens the cursor, again with each new snapshot (a tailable cursor's getMore).
  Status Position(ExecContext* ctx) {
    if (cursor_ && snapshot_ == ctx->snapshot.get()) {
      return OkStatus();
    }
    const bool again = cursor_ != nullptr;
    cursor_ = std::make_unique<catalog::RecordCursor>(ctx->catalog->engine(), *options_.collection,
                                                      ctx->snapshot, options_.forward);
    snapshot_ = ctx->snapshot.get();
    on_row_ = false;
    if (again && last_ != 0) {
      cursor_->Seek(last_);
      if (!cursor_->valid() && !options_.tailable) {
        return cursor_->status();
      }
      if (options_.tailable && (!cursor_->valid() || cursor_->rid() != last_)) {
        // The record it stood on was overwritten: the reader fell behind the capped collection.
        cursor_->SeekFirst();
        if (cursor_->valid() && cursor_->rid() > last_) {
          return Error(ErrorCode::kCappedPositionLost,
                       "CollectionScan died due to position in capped collection being deleted.");
        }
      }
      on_row_ = cursor_->valid();
    } else if (options_.resume_after != 0) {
      cursor_->Seek(options_.resume_after);
      if (!cursor_->valid() || cursor_->rid() != options_.resume_after) {
        RETURN_IF_ERROR(cursor_->status());
        return Error(ErrorCode::kKeyNotFound,
                     StrCat("Failed to resume collection scan: the recordId from which we are "
                            "attempting to resume no longer exists in the collection: ",
                            options_.resume_after));
      }
      on_row_ = true;
    } else {
      cursor_->SeekFirst();
    }
    return cursor_->status();
  }

  CollScanOptions options_;
  std::unique_ptr<catalog::RecordCursor> cursor_;
  const storage::Snapshot* snapshot_ = nullptr;
  catalog::RecordId last_ = 0;
  bool on_row_ = false;
};

class IdHack final : public NoInputNode {
 public:
  IdHack(catalog::CollectionPtr collection, bson::Value id, RowFilter residual)
      : collection_(std::move(collection)), id_(std::move(id)), residual_(std::move(residual)) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    if (done_) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    done_ = true;
    ++stats_.keys_examined;
    ++ctx->op->counters.keys_examined;
    storage::Engine* engine = ctx->catalog->engine();
    ASSIGN_OR_RETURN(const catalog::RecordId rid,
                     catalog::FindDocumentById(engine, *collection_, id_.view(),
                                               ctx->snapshot.get(), &record_));
    if (rid == 0) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    ++stats_.docs_examined;
    ++ctx->op->counters.docs_examined;
    row->doc = DocView(record_.view());
    row->has_doc = true;
    row->has_index_key = false;
    row->rid = rid;
    row->metadata.record_id = rid;
    ASSIGN_OR_RETURN(const bool accepted, residual_.Accepts(ctx, row));
    if (!accepted) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    ++stats_.advanced;
    return Step::kRow;
  }

  std::string_view stage_name() const override { return "IDHACK"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    if (with_stats) {
      out->Append("keysExamined", static_cast<int32_t>(stats_.keys_examined));
      out->Append("docsExamined", static_cast<int32_t>(stats_.docs_examined));
    }
  }

 private:
  catalog::CollectionPtr collection_;
  bson::Value id_;
  RowFilter residual_;
  storage::PinnedValue record_;
  bool done_ = false;
};

}  // namespace

NodePtr MakeEof() { return std::make_unique<Eof>(); }
NodePtr MakeCollScan(CollScanOptions options) {
  return std::make_unique<CollScan>(std::move(options));
}
NodePtr MakeIdHack(catalog::CollectionPtr collection, bson::Value id, RowFilter residual) {
  return std::make_unique<IdHack>(std::move(collection), std::move(id), std::move(residual));
}

}  // namespace septet::query
