// SPDX-License-Identifier: Apache-2.0
#include "query/stage/group_table.h"

#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/exec/sort_run.h"

namespace septet::query {
namespace {

constexpr size_t kPartitions = 16;
constexpr int kMaxDepth = 6;

struct Group {
  uint64_t hash = 0;
  int32_t next = -1;
  bson::Value key;
  std::vector<std::unique_ptr<Accumulator>> accumulators;
};

// Groups by key; the keys 1, 1.0 and NumberLong(1) are one.
class GroupTable {
 public:
  explicit GroupTable(const GroupSpec* spec) : spec_(spec), buckets_(64, -1) {}

  Group* Find(ValueView key, uint64_t hash, const bson::StringComparator* collator) {
    for (int32_t i = buckets_[hash & (buckets_.size() - 1)]; i >= 0;
         i = groups_[static_cast<size_t>(i)].next) {
      Group& g = groups_[static_cast<size_t>(i)];
      if (g.hash == hash && bson::Equal(g.key.view(), key, collator)) {
        return &g;
      }
    }
    return nullptr;
  }

  Group* Insert(ValueView key, uint64_t hash) {
    if (groups_.size() >= buckets_.size()) {
      Grow();
    }
    Group g;
    g.hash = hash;
    g.key.Assign(key);
    for (const GroupField& field : spec_->fields) {
      g.accumulators.push_back(field.accumulator->Make());
      memory_bytes_ += 48;
    }
    memory_bytes_ += static_cast<int64_t>(sizeof(Group) + g.key.memory_bytes());
    int32_t& bucket = buckets_[hash & (buckets_.size() - 1)];
    g.next = bucket;
    bucket = static_cast<int32_t>(groups_.size());
    groups_.push_back(std::move(g));
    return &groups_.back();
  }

  void Charge(int64_t bytes) { memory_bytes_ += bytes; }
  int64_t memory_bytes() const { return memory_bytes_; }
  std::vector<Group>& groups() { return groups_; }
  void Clear() {
    groups_.clear();
    std::fill(buckets_.begin(), buckets_.end(), -1);
    memory_bytes_ = 0;
  }

 private:
  void Grow() {
    buckets_.assign(buckets_.size() * 2, -1);
    for (size_t i = 0; i < groups_.size(); ++i) {
      int32_t& bucket = buckets_[groups_[i].hash & (buckets_.size() - 1)];
      groups_[i].next = bucket;
      bucket = static_cast<int32_t>(i);
    }
  }

  const GroupSpec* spec_;
  std::vector<int32_t> buckets_;
  std::vector<Group> groups_;
  int64_t memory_bytes_ = 0;
};

// Rows set aside: {k: key, a0: input, a1: ...}, to be grouped later.
struct Partition {
  std::unique_ptr<SortRun> rows;
  int depth = 0;
};

class GroupNode final : public OneInputNode {
 public:
  GroupNode(NodePtr input, const GroupSpec* spec)
      : OneInputNode(std::move(input)), spec_(spec), table_(spec) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    while (!input_done_) {
      ASSIGN_OR_RETURN(const Step step, TakeRow(ctx));
      if (step == Step::kYield) {
        ++stats_.need_yield;
        return step;
      }
    }
    while (at_ == table_.groups().size()) {
      if (pending_.empty()) {
        stats_.is_eof = true;
        return Step::kDone;
      }
      RETURN_IF_ERROR(TakePartition(ctx));
    }
    return Emit(ctx, &table_.groups()[at_++], row);
  }

  std::string_view stage_name() const override { return "GROUP"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    if (with_stats) {
      out->Append("usedDisk", spilled_);
    }
    ExplainChildren(*this, out, with_stats);
  }

 private:
  StatusOr<Step> TakeRow(ExecContext* ctx) {
    Row in;
    ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
    if (step == Step::kYield) {
      return step;
    }
    if (step == Step::kDone) {
      input_done_ = true;
      RETURN_IF_ERROR(FinishWriting());
      return step;
    }
    ctx->eval.root = in.has_doc ? in.doc : DocView();
    ASSIGN_OR_RETURN(const ValueView raw, spec_->id->Evaluate(&ctx->eval));
    const ValueView key = raw.missing() ? ctx->arena.Null() : raw;
    inputs_.clear();
    for (const GroupField& field : spec_->fields) {
      ASSIGN_OR_RETURN(const ValueView v, field.accumulator->Input(&ctx->eval));
      inputs_.push_back(v);
    }
    RETURN_IF_ERROR(Add(ctx, key, 0));
    ctx->arena.Reset();
    return step;
  }

  // Adds inputs_ to the group of `key`, or sets the row aside.
  Status Add(ExecContext* ctx, ValueView key, int depth) {
    const bson::StringComparator* collator = ctx->eval.collator;
    const uint64_t hash = bson::Hash(key, collator, 0);
    Group* group = table_.Find(key, hash, collator);
    if (group == nullptr) {
      if (table_.memory_bytes() > ctx->memory_limit_bytes && depth < kMaxDepth) {
        return SetAside(ctx, key, hash, depth);
      }
      group = table_.Insert(key, hash);
    }
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Accumulator* accumulator = group->accumulators[i].get();
      const size_t before = accumulator->memory_bytes();
      RETURN_IF_ERROR(accumulator->Add(inputs_[i], &ctx->eval));
      const size_t after = accumulator->memory_bytes();
      table_.Charge(static_cast<int64_t>(after) - static_cast<int64_t>(before));
    }
    return OkStatus();
  }

  Status SetAside(ExecContext* ctx, ValueView key, uint64_t hash, int depth) {
    if (!ctx->allow_disk_use) {
      return Error(ErrorCode::kQueryExceededMemoryLimitNoDiskUseAllowed,
                   "Exceeded memory limit for $group, but didn't allow external sort. Pass "
                   "allowDiskUse:true to opt in.");
    }
    spilled_ = true;
    if (open_.empty()) {
      open_.resize(kPartitions);
    }
    // Each depth looks at other bits, so that a partition falls apart again.
    Partition& partition = open_[hash >> (60 - 4 * depth) & (kPartitions - 1)];
    if (!partition.rows) {
      ASSIGN_OR_RETURN(partition.rows, SortRun::Create(ctx->temp_dir));
      partition.depth = depth + 1;
    }
    row_.Reset();
    row_.Append("k", key);
    char name[8] = "a";
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!inputs_[i].missing()) {
        std::snprintf(name + 1, sizeof(name) - 1, "%d", static_cast<int>(i));
        row_.Append(name, inputs_[i]);
      }
    }
    row_.Seal();
    return partition.rows->Append({{}, row_.View().raw(), 0});
  }

  Status FinishWriting() {
    for (Partition& p : open_) {
      if (p.rows) {
        RETURN_IF_ERROR(p.rows->FinishWriting());
        pending_.push_back(std::move(p));
      }
    }
    open_.clear();
    return OkStatus();
  }

  Status TakePartition(ExecContext* ctx) {
    table_.Clear();
    at_ = 0;
    Partition partition = std::move(pending_.back());
    pending_.pop_back();
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, partition.rows->Next());
      if (!more) {
        break;
      }
      RETURN_IF_ERROR(ctx->op->interrupt.Check());
      inputs_.assign(spec_->fields.size(), ValueView());
      ValueView key;
      for (const bson::ElementView e : DocView(partition.rows->row().payload)) {
        if (e.name() == "k") {
          key = e.value();
        } else {
          inputs_[static_cast<size_t>(std::atoi(e.name().data() + 1))] = e.value();
        }
      }
      RETURN_IF_ERROR(Add(ctx, key, partition.depth));
      ctx->arena.Reset();
    }
    return FinishWriting();
  }

  StatusOr<Step> Emit(ExecContext* ctx, Group* group, Row* row) {
    out_.Reset();
    out_.Append("_id", group->key.view());
    for (size_t i = 0; i < spec_->fields.size(); ++i) {
      ASSIGN_OR_RETURN(const ValueView v, group->accumulators[i]->Result(&ctx->eval));
      if (v.missing()) {
        out_.AppendNull(spec_->fields[i].name);
      } else {
        out_.Append(spec_->fields[i].name, v);
      }
    }
    out_.Seal();
    group->accumulators.clear();
    row->doc = out_.View();
    row->has_doc = true;
    row->has_index_key = false;
    row->rid = 0;
    ++stats_.advanced;
    return Step::kRow;
  }

  const GroupSpec* spec_;
  GroupTable table_;
  std::vector<ValueView> inputs_;
  std::vector<Partition> open_;
  std::vector<Partition> pending_;
  bson::DocBuilder row_;
  bson::DocBuilder out_;
  size_t at_ = 0;
  bool input_done_ = false;
  bool spilled_ = false;
};

}  // namespace

NodePtr MakeGroupNode(NodePtr input, const GroupSpec* spec) {
  return std::make_unique<GroupNode>(std::move(input), spec);
}

}  // namespace septet::query
