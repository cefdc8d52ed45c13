// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/applier.h"

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "query/update/update.h"
#include "replication/core/apply_plan.h"
#include "storage/key.h"
#include "txn/session_apply.h"

namespace septet::repl {
namespace {

// Fewer entries are not worth waking a helper.
constexpr size_t kParallelEntries = 64;

bool IsCommand(const EntryView& e) { return e.op == 'c'; }

StatusOr<std::string> ApplyUpdateDiff(bson::DocView doc, bson::DocView diff) {
  return query::ApplyDiff(doc, diff);
}

// _id of the document an entry changes.
bson::ValueView DocumentId(const EntryView& e) {
  if (e.op == 'u' && e.o2.is_object()) {
    return e.o2.AsDoc().Find("_id");
  }
  return e.o.Find("_id");
}

}  // namespace

Applier::Applier(catalog::Catalog* catalog, int threads)
    : catalog_(catalog), threads_(threads < 1 ? 1 : threads) {
  for (int i = 1; i < threads_; ++i) {
    helpers_.emplace_back([this] { HelperLoop(); });
  }
}

Applier::~Applier() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& helper : helpers_) {
    helper.join();
  }
}

void Applier::HelperLoop() {
  log::SetThreadContext("ReplApply");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || next_job_ < jobs_.size(); });
    if (stop_) {
      return;
    }
    const std::function<void()> job = std::move(jobs_[next_job_++]);
    lock.unlock();
    job();
    lock.lock();
    if (--jobs_left_ == 0) {
      done_.notify_one();
    }
  }
}

void Applier::RunAll(std::vector<std::function<void()>> jobs) {
  std::unique_lock lock(mutex_);
  jobs_ = std::move(jobs);
  next_job_ = 0;
  jobs_left_ = jobs_.size();
  if (jobs_.size() > 1) {
    wake_.notify_all();
  }
  while (next_job_ < jobs_.size()) {
    const std::function<void()> job = std::move(jobs_[next_job_++]);
    lock.unlock();
    job();
    lock.lock();
    --jobs_left_;
  }
  done_.wait(lock, [this] { return jobs_left_ == 0; });
  jobs_.clear();
  next_job_ = 0;
}

Status Applier::Apply(const std::vector<bson::DocView>& entries, bool tolerant) {
  std::vector<EntryView> parsed;
  parsed.reserve(entries.size());
  for (const bson::DocView entry : entries) {
    ASSIGN_OR_RETURN(EntryView view, ParseEntry(entry));
    parsed.push_back(std::move(view));
  }
  size_t from = 0;
  while (from < parsed.size()) {
    if (IsCommand(parsed[from])) {
      RETURN_IF_ERROR(ApplyCommand(parsed[from], entries[from], tolerant));
      ++from;
      continue;
    }
    size_t to = from;
    while (to < parsed.size() && !IsCommand(parsed[to])) {
      ++to;
    }
    // The entries' documents follow their views by position.
    std::vector<EntryView> run(parsed.begin() + static_cast<ptrdiff_t>(from),
                               parsed.begin() + static_cast<ptrdiff_t>(to));
    std::vector<std::string> whole;
    whole.reserve(to - from);
    for (size_t i = from; i < to; ++i) {
      whole.push_back(entries[i].ToBytes());
    }
    RETURN_IF_ERROR(ApplyRun(run, whole, tolerant));
    from = to;
  }
  applied_ += static_cast<int64_t>(entries.size());
  for (const EntryView& entry : parsed) {
    switch (entry.op) {
      case 'i':
        ++applied_ops_.inserts;
        break;
      case 'u':
        ++applied_ops_.updates;
        break;
      case 'd':
        ++applied_ops_.removes;
        break;
      case 'c':
        ++applied_ops_.commands;
        break;
      default:
        break;
    }
  }
  return OkStatus();
}

Status Applier::ApplyCommand(const EntryView& entry, bson::DocView document, bool tolerant) {
  return catalog_->ApplyCommand(entry, document.ToBytes(), tolerant, &interrupt_);
}

Status Applier::ApplyRun(const std::vector<EntryView>& entries, const std::vector<std::string>& whole,
                         bool tolerant) {
  const catalog::CatalogSnapshot snapshot = catalog_->Snapshot();
  std::vector<ApplyOp> ops(entries.size());
  id_keys_.resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const EntryView& e = entries[i];
    ops[i].kind = ApplyOp::Kind::kDocument;
    ops[i].collection = e.uuid != nullptr
                            ? std::string_view(reinterpret_cast<const char*>(e.uuid), 16)
                            : e.ns;
    if (e.op == 'n' || e.uuid == nullptr) {
      continue;  // no document: any lane
    }
    catalog::Uuid uuid;
    std::memcpy(uuid.bytes, e.uuid, sizeof(uuid.bytes));
    const catalog::CollectionPtr collection = snapshot.FindByUuid(uuid);
    if (collection != nullptr && catalog::NeedsSerialApply(*collection)) {
      ops[i].kind = ApplyOp::Kind::kSerial;
      continue;
    }
    storage::KeyBuilder key(0);
    key.Append(DocumentId(e), collection != nullptr ? collection->collator.get() : nullptr);
    id_keys_[i] = key.TakeKey();
    ops[i].id_key = id_keys_[i];
  }
  const int lanes_wanted = entries.size() >= kParallelEntries ? threads_ : 1;
  catalog::ApplyOptions options;
  options.apply_diff = ApplyUpdateDiff;
  options.tolerant = tolerant;
  std::vector<std::string> undo(entries.size());
  std::vector<std::string> images(entries.size());
  // Without commands the plan is one step.
  const std::vector<ApplyStep> plan = MakeApplyPlan(ops, lanes_wanted);
  P_CHECK(plan.size() == 1);
  const ApplyStep& step = plan.front();
  std::vector<std::unique_ptr<catalog::ApplyLane>> lanes;
  std::vector<Status> results(step.lanes.size());
  std::vector<std::function<void()>> jobs;
  for (size_t n = 0; n < step.lanes.size(); ++n) {
    lanes.push_back(std::make_unique<catalog::ApplyLane>(catalog_, options));
    jobs.emplace_back([&, n, lane = lanes.back().get()] {
      for (const uint32_t i : step.lanes[n]) {
        results[n] = lane->Apply(entries[i], &undo[i], &images[i]);
        if (!results[n].ok()) {
          return;
        }
      }
    });
  }
  RunAll(std::move(jobs));
  for (const Status& result : results) {
    RETURN_IF_ERROR(result);
  }
  txn::SessionApply sessions(catalog_, tolerant);
  for (size_t i = 0; i < entries.size(); ++i) {
    RETURN_IF_ERROR(sessions.Add(entries[i], images[i], &undo[i]));
  }
  return catalog::CommitLanes(catalog_, lanes, whole,
                              tolerant ? std::vector<std::string>() : undo, &sessions);
}

}  // namespace septet::repl
