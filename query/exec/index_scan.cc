// SPDX-License-Identifier: Apache-2.0
// IXSCAN: walks key ranges of one index.
#include <unordered_set>

#include "query/exec/explain_node.h"
#include "query/exec/scan.h"

namespace septet::query {
namespace {

class IndexScan final : public NoInputNode {
 public:
  explicit IndexScan(IndexScanOptions options) : options_(std::move(options)) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    if (!cursor_) {
      cursor_ = std::make_unique<catalog::IndexCursor>(ctx->catalog->engine(), *options_.index,
                                                       ctx->snapshot, options_.forward);
      options_.index->accesses->fetch_add(1, std::memory_order_relaxed);
    }
    for (;;) {
      if (ShouldYield(ctx)) {
        ++stats_.need_yield;
        return Step::kYield;
      }
      ++stats_.works;
      ASSIGN_OR_RETURN(const bool on_key, Advance());
      if (!on_key) {
        stats_.is_eof = true;
        return Step::kDone;
      }
      RETURN_IF_ERROR(ctx->op->interrupt.Check());
      ++stats_.keys_examined;
      ++ctx->op->counters.keys_examined;
      ASSIGN_OR_RETURN(const bool accepted, Accept(row));
      if (accepted) {
        ++stats_.advanced;
        return Step::kRow;
      }
      ++stats_.need_time;
    }
  }

  std::string_view stage_name() const override { return "IXSCAN"; }

  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    const index::Spec& spec = options_.index->spec;
    ExplainHead(*this, out, with_stats);
    out->Append("keyPattern", DocView(spec.key_pattern));
    out->Append("indexName", spec.name);
    const uint64_t multikey = options_.index->multikey->load(std::memory_order_relaxed);
    out->Append("isMultiKey", multikey != 0);
    {
      const auto paths = out->Object("multiKeyPaths");
      for (size_t i = 0; i < spec.fields.size(); ++i) {
        const auto list = out->Array(spec.fields[i].path.text());
        if ((multikey >> i & 1) != 0) {
          out->Add(spec.fields[i].path.text());
        }
      }
    }
    out->Append("isUnique", spec.unique || spec.is_id);
    out->Append("isSparse", spec.sparse);
    out->Append("isPartial", !spec.partial_filter.empty());
    out->Append("indexVersion", 2);
    out->Append("direction", options_.forward ? "forward" : "backward");
    if (!options_.bounds_text.empty()) {
      out->Append("indexBounds", DocView(options_.bounds_text));
    }
    if (with_stats) {
      out->Append("keysExamined", static_cast<int32_t>(stats_.keys_examined));
      out->Append("seeks", static_cast<int32_t>(stats_.seeks));
      out->Append("dupsTested", static_cast<int32_t>(options_.dedup ? stats_.keys_examined : 0));
      out->Append("dupsDropped", static_cast<int32_t>(dups_dropped_));
    }
  }

 private:
  // Moves to the next key inside the ranges; false at the end.
  StatusOr<bool> Advance() {
    if (in_range_) {
      cursor_->Next();
    }
    while (range_ < options_.ranges.size()) {
      const KeyRange& range = options_.ranges[range_];
      if (!in_range_) {
        cursor_->Seek(options_.forward ? range.low : range.high);
        ++stats_.seeks;
        in_range_ = true;
        // A unique index's key may be the open end itself: it has no RecordId behind the values.
        if (!options_.forward && cursor_->valid() && cursor_->key() == range.high) {
          cursor_->Next();
        }
      }
      if (cursor_->valid()) {
        const std::string_view key = cursor_->key();
        const bool inside = options_.forward ? key < range.high : key >= range.low;
        if (inside) {
          return true;
        }
      } else {
        RETURN_IF_ERROR(cursor_->status());
      }
      in_range_ = false;
      ++range_;
    }
    return false;
  }

  // Fills the row from the key under the cursor; false if a check or the de-duplication drops it.
  StatusOr<bool> Accept(Row* row) {
    if (options_.decode_key || !options_.checks.empty()) {
      key_.Reset();
      RETURN_IF_ERROR(cursor_->DecodeTo(&key_, true));
      key_.Seal();
      int field = 0;
      size_t check = 0;
      for (const bson::ElementView e : key_.View()) {
        if (check < options_.checks.size() && options_.checks[check].field == field) {
          if (!Contains(options_.checks[check].intervals, e.value())) {
            return false;
          }
          ++check;
        }
        ++field;
      }
    }
    row->rid = cursor_->rid();
    if (options_.dedup && !seen_.insert(row->rid).second) {
      ++dups_dropped_;
      return false;
    }
    row->has_doc = false;
    row->metadata.record_id = row->rid;
    row->has_index_key = options_.decode_key;
    if (options_.decode_key) {
      row->index_key = key_.View();
    }
    return true;
  }

  IndexScanOptions options_;
  std::unique_ptr<catalog::IndexCursor> cursor_;
  bson::DocBuilder key_;
  std::unordered_set<catalog::RecordId> seen_;
  size_t range_ = 0;
  bool in_range_ = false;
  int64_t dups_dropped_ = 0;
};

}  // namespace

NodePtr MakeIndexScan(IndexScanOptions options) {
  return std::make_unique<IndexScan>(std::move(options));
}

}  // namespace septet::query
