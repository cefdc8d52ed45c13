// SPDX-License-Identifier: Apache-2.0
// FETCH: RecordIds to documents. Rows are taken from the input in groups that grow from 1 to
// kMaxGroup and read with one sorted MultiGet: scattered reads are the dearest part of an index scan.
// Where it is known how many rows are wanted, no group is larger than what is left of them.
#include <algorithm>
#include <numeric>

#include "query/exec/explain_node.h"
#include "query/exec/scan.h"

namespace septet::query {
namespace {

constexpr size_t kMaxGroup = 128;

class Fetch final : public OneInputNode {
 public:
  Fetch(catalog::CollectionPtr collection, NodePtr child, RowFilter filter, int64_t wanted)
      : OneInputNode(std::move(child)),
        collection_(std::move(collection)),
        filter_(std::move(filter)),
        wanted_(wanted) {
    if (wanted_ > 0 && filter_.empty()) {
      group_ = kMaxGroup;
    }
  }

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    for (;;) {
      while (at_ < count_) {
        const size_t i = at_++;
        if (!found_[i]) {
          continue;  // removed since the index entry was read: cannot be under one snapshot
        }
        ++stats_.works;
        ++stats_.docs_examined;
        ++ctx->op->counters.docs_examined;
        row->doc = DocView(values_[i].view());
        row->has_doc = true;
        row->rid = rids_[i];
        row->metadata.record_id = rids_[i];
        row->has_index_key = !index_keys_[i].empty();
        if (row->has_index_key) {
          row->index_key = DocView(index_keys_[i]);
        }
        ASSIGN_OR_RETURN(const bool accepted, filter_.Accepts(ctx, row));
        if (accepted) {
          ++stats_.advanced;
          return Step::kRow;
        }
        ++stats_.need_time;
        ctx->arena.Reset();
      }
      if (input_done_) {
        stats_.is_eof = true;
        return Step::kDone;
      }
      ASSIGN_OR_RETURN(const Step step, Fill(ctx));
      if (step == Step::kYield) {
        ++stats_.need_yield;
        return Step::kYield;
      }
    }
  }

  std::string_view stage_name() const override { return "FETCH"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    out->Append("stage", stage_name());
    filter_.Explain(out);
    ExplainStats(*this, out, with_stats);
    if (with_stats) {
      out->Append("docsExamined", static_cast<int32_t>(stats_.docs_examined));
      out->Append("alreadyHasObj", 0);
    }
    ExplainChildren(*this, out, with_stats);
  }

 private:
  // Reads the next group. kYield only if the input gave nothing before it yielded.
  StatusOr<Step> Fill(ExecContext* ctx) {
    at_ = 0;
    count_ = 0;
    rids_.clear();
    const int64_t left = wanted_ - stats_.advanced;
    const size_t group = left > 0 ? std::min(group_, static_cast<size_t>(left)) : group_;
    while (rids_.size() < group) {
      Row in;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step == Step::kYield) {
        if (rids_.empty()) {
          return Step::kYield;
        }
        break;
      }
      if (step == Step::kDone) {
        input_done_ = true;
        break;
      }
      const size_t i = rids_.size();
      if (index_keys_.size() <= i) {
        index_keys_.resize(i + 1);
      }
      index_keys_[i].assign(in.has_index_key ? in.index_key.raw() : std::string_view());
      rids_.push_back(in.rid);
    }
    group_ = std::min(kMaxGroup, group_ * 4);
    RETURN_IF_ERROR(Read(ctx));
    return Step::kRow;
  }

  Status Read(ExecContext* ctx) {
    count_ = rids_.size();
    if (values_.size() < count_) {
      values_.resize(count_);
    }
    found_.assign(count_, 0);
    storage::Engine* engine = ctx->catalog->engine();
    if (count_ == 1) {
      ASSIGN_OR_RETURN(const bool found, catalog::GetRecord(engine, *collection_, rids_[0],
                                                            ctx->snapshot.get(), &values_[0]));
      found_[0] = found ? 1 : 0;
      return OkStatus();
    }
    if (count_ == 0) {
      return OkStatus();
    }
    order_.resize(count_);
    std::iota(order_.begin(), order_.end(), 0u);
    std::sort(order_.begin(), order_.end(),
              [this](uint32_t a, uint32_t b) { return rids_[a] < rids_[b]; });
    key_bytes_.resize(count_);
    keys_.clear();
    for (size_t i = 0; i < count_; ++i) {
      key_bytes_[i] = storage::RecordKey(collection_->ident, rids_[order_[i]]);
      keys_.push_back(key_bytes_[i]);
    }
    if (sorted_values_.size() < count_) {
      sorted_values_.resize(count_);
    }
    RETURN_IF_ERROR(engine->MultiGet(storage::Space::kRecords, keys_, ctx->snapshot.get(),
                                     &sorted_values_, &sorted_found_));
    for (size_t i = 0; i < count_; ++i) {
      std::swap(values_[order_[i]], sorted_values_[i]);
      found_[order_[i]] = sorted_found_[i];
    }
    return OkStatus();
  }

  catalog::CollectionPtr collection_;
  RowFilter filter_;
  const int64_t wanted_;  // 0: all
  size_t group_ = 1;
  size_t at_ = 0;
  size_t count_ = 0;
  bool input_done_ = false;
  std::vector<catalog::RecordId> rids_;
  std::vector<std::string> index_keys_;
  std::vector<storage::PinnedValue> values_;
  std::vector<char> found_;
  std::vector<uint32_t> order_;
  std::vector<std::string> key_bytes_;
  std::vector<std::string_view> keys_;
  std::vector<storage::PinnedValue> sorted_values_;
  std::vector<char> sorted_found_;
};

}  // namespace

NodePtr MakeFetch(catalog::CollectionPtr collection, NodePtr child, RowFilter filter,
                  int64_t wanted) {
  return std::make_unique<Fetch>(std::move(collection), std::move(child), std::move(filter),
                                 wanted);
}

}  // namespace septet::query
