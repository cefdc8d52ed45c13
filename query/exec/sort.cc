// SPDX-License-Identifier: Apache-2.0
// SORT: blocking sort in memory, the best k of a limit in a heap, sorted runs on disk beyond the limit.
// Equal keys keep their input order.
#include <algorithm>
#include <unordered_set>

#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/exec/sort_key.h"
#include "query/exec/sort_run.h"
#include "query/exec/transform.h"

namespace septet::query {
namespace {

struct Entry {
  std::string bytes;  // key, then document
  uint32_t key_size = 0;
  catalog::RecordId rid = 0;
  uint64_t sequence = 0;

  std::string_view key() const { return std::string_view(bytes).substr(0, key_size); }
  std::string_view document() const { return std::string_view(bytes).substr(key_size); }
  size_t memory_bytes() const { return sizeof(*this) + bytes.capacity(); }
};

bool Less(const Entry& a, const Entry& b) {
  const int c = a.key().compare(b.key());
  return c != 0 ? c < 0 : a.sequence < b.sequence;
}

class Sort final : public OneInputNode {
 public:
  Sort(NodePtr child, SortKey key, std::string_view pattern, int64_t limit)
      : OneInputNode(std::move(child)), sort_key_(std::move(key)), pattern_(pattern), limit_(limit) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    memory_limit_ = ctx->memory_limit_bytes;
    ctx->op->counters.has_sort_stage = true;
    while (!input_done_) {
      Row in;
      ++stats_.works;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step == Step::kYield) {
        ++stats_.need_yield;
        return step;
      }
      if (step == Step::kDone) {
        RETURN_IF_ERROR(FinishInput());
        break;
      }
      ++stats_.need_time;
      RETURN_IF_ERROR(Take(ctx, in));
      ctx->arena.Reset();
    }
    ++stats_.works;
    return Emit(row);
  }

  std::string_view stage_name() const override { return "SORT"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    out->Append("sortPattern", DocView(pattern_));
    out->Append("memLimit", static_cast<int32_t>(memory_limit_));
    if (limit_ > 0) {
      out->Append("limitAmount", static_cast<int32_t>(limit_));
    }
    out->Append("type", "simple");
    if (with_stats) {
      out->Append("totalDataSizeSorted", total_bytes_);
      out->Append("usedDisk", !runs_.empty());
      out->Append("spills", static_cast<int32_t>(runs_.size()));
    }
    ExplainChildren(*this, out, with_stats);
  }

 private:
  Status Take(ExecContext* ctx, const Row& in) {
    RETURN_IF_ERROR(sort_key_.Make(in.doc, &key_));
    Entry entry;
    entry.key_size = static_cast<uint32_t>(key_.size());
    entry.rid = in.rid;
    entry.sequence = sequence_++;
    const std::string_view doc = in.doc.raw();
    if (limit_ > 0 && static_cast<int64_t>(entries_.size()) == limit_) {
      // The heap's front is the worst row kept.
      if (key_ >= entries_.front().key()) {
        return OkStatus();
      }
      std::pop_heap(entries_.begin(), entries_.end(), Less);
      memory_bytes_ -= static_cast<int64_t>(entries_.back().memory_bytes());
      entries_.pop_back();
    }
    entry.bytes.reserve(key_.size() + doc.size());
    entry.bytes.append(key_).append(doc);
    total_bytes_ += static_cast<int64_t>(doc.size());
    memory_bytes_ += static_cast<int64_t>(entry.memory_bytes());
    entries_.push_back(std::move(entry));
    if (limit_ > 0) {
      std::push_heap(entries_.begin(), entries_.end(), Less);
    }
    return memory_bytes_ > memory_limit_ ? Spill(ctx) : OkStatus();
  }

  Status Spill(ExecContext* ctx) {
    if (!ctx->allow_disk_use) {
      return Error(ErrorCode::kQueryExceededMemoryLimitNoDiskUseAllowed,
                   StrCat("Sort exceeded memory limit of ", memory_limit_,
                          " bytes, but did not opt in to external sorting."));
    }
    ASSIGN_OR_RETURN(std::unique_ptr<SortRun> run, SortRun::Create(ctx->temp_dir));
    std::sort(entries_.begin(), entries_.end(), Less);
    for (const Entry& e : entries_) {
      RETURN_IF_ERROR(run->Append({e.key(), e.document(), e.rid}));
    }
    RETURN_IF_ERROR(run->FinishWriting());
    runs_.push_back(std::move(run));
    entries_.clear();
    memory_bytes_ = 0;
    return OkStatus();
  }

  Status FinishInput() {
    input_done_ = true;
    std::sort(entries_.begin(), entries_.end(), Less);
    // Each run and the rows still in memory are merged; runs come first among equal keys.
    for (auto& run : runs_) {
      ASSIGN_OR_RETURN(const bool more, run->Next());
      run_live_.push_back(more);
    }
    return OkStatus();
  }

  StatusOr<Step> Emit(Row* row) {
    if (limit_ > 0 && stats_.advanced >= limit_) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    if (last_run_ >= 0) {
      ASSIGN_OR_RETURN(const bool more, runs_[static_cast<size_t>(last_run_)]->Next());
      run_live_[static_cast<size_t>(last_run_)] = more;
      last_run_ = -1;
    }
    int best = -1;
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (run_live_[i] && (best < 0 || runs_[i]->row().key <
                                           runs_[static_cast<size_t>(best)]->row().key)) {
        best = static_cast<int>(i);
      }
    }
    const bool memory_left = at_ < entries_.size();
    if (best < 0 && !memory_left) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    if (best >= 0 &&
        (!memory_left || runs_[static_cast<size_t>(best)]->row().key <= entries_[at_].key())) {
      const RunRow& from = runs_[static_cast<size_t>(best)]->row();
      Fill(row, from.payload, from.number);
      last_run_ = best;
    } else {
      Fill(row, entries_[at_].document(), entries_[at_].rid);
      ++at_;
    }
    ++stats_.advanced;
    return Step::kRow;
  }

  static void Fill(Row* row, std::string_view document, catalog::RecordId rid) {
    row->doc = DocView(document);
    row->has_doc = true;
    row->has_index_key = false;
    row->rid = rid;
    row->metadata.record_id = rid;
  }

  SortKey sort_key_;
  std::string pattern_;
  int64_t limit_;
  int64_t memory_limit_ = limits::kBlockingStageMemoryBytes;
  std::string key_;
  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<SortRun>> runs_;
  std::vector<char> run_live_;
  uint64_t sequence_ = 0;
  int64_t memory_bytes_ = 0;
  int64_t total_bytes_ = 0;
  size_t at_ = 0;
  int last_run_ = -1;
  bool input_done_ = false;
};

class SortMerge final : public ManyInputsNode {
 public:
  SortMerge(std::vector<NodePtr> children, SortKey key, std::string_view pattern)
      : sort_key_(std::move(key)), pattern_(pattern), heads_(children.size()) {
    children_ = std::move(children);
  }

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    for (;;) {
      ++stats_.works;
      ASSIGN_OR_RETURN(const Step step, FillHeads(ctx));
      if (step == Step::kYield) {
        return step;
      }
      Head* best = nullptr;
      for (Head& head : heads_) {
        if (!head.done && (best == nullptr || head.key < best->key)) {
          best = &head;
        }
      }
      if (best == nullptr) {
        stats_.is_eof = true;
        return Step::kDone;
      }
      best->full = false;
      current_.swap(best->document);
      if (!seen_.insert(best->rid).second) {
        continue;
      }
      row->doc = DocView(current_);
      row->has_doc = true;
      row->has_index_key = false;
      row->rid = best->rid;
      row->metadata.record_id = best->rid;
      ++stats_.advanced;
      return Step::kRow;
    }
  }
  std::string_view stage_name() const override { return "SORT_MERGE"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    out->Append("sortPattern", DocView(pattern_));
    const auto array = out->Array("inputStages");
    for (const NodePtr& child : children_) {
      const auto scope = out->AddObject();
      child->Explain(out, with_stats);
    }
  }

 private:
  struct Head {
    bool full = false;
    bool done = false;
    std::string key;
    std::string document;
    catalog::RecordId rid = 0;
  };

  StatusOr<Step> FillHeads(ExecContext* ctx) {
    for (size_t i = 0; i < heads_.size(); ++i) {
      Head& head = heads_[i];
      if (head.full || head.done) {
        continue;
      }
      Row in;
      ASSIGN_OR_RETURN(const Step step, children_[i]->Next(ctx, &in));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        head.done = true;
        continue;
      }
      RETURN_IF_ERROR(sort_key_.Make(in.doc, &head.key));
      head.document.assign(in.doc.raw());
      head.rid = in.rid;
      head.full = true;
    }
    return Step::kRow;
  }

  SortKey sort_key_;
  std::string pattern_;
  std::vector<Head> heads_;
  std::unordered_set<catalog::RecordId> seen_;
  std::string current_;
};

}  // namespace

StatusOr<NodePtr> MakeSort(NodePtr child, std::string_view pattern, int64_t limit,
                           const bson::StringComparator* collator) {
  ASSIGN_OR_RETURN(SortKey key, SortKey::Parse(DocView(pattern), collator));
  return NodePtr(std::make_unique<Sort>(std::move(child), std::move(key), pattern, limit));
}

StatusOr<NodePtr> MakeSortMerge(std::vector<NodePtr> children, std::string_view pattern,
                                const bson::StringComparator* collator) {
  ASSIGN_OR_RETURN(SortKey key, SortKey::Parse(DocView(pattern), collator));
  return NodePtr(std::make_unique<SortMerge>(std::move(children), std::move(key), pattern));
}

}  // namespace septet::query
