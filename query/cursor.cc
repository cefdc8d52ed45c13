// SPDX-License-Identifier: Apache-2.0
#include "query/cursor.h"

#include "base/strings.h"

namespace septet::query {
namespace {

// Stages may make documents that nobody could send.
Status CheckSize(DocView doc) {
  if (doc.size_bytes() <= limits::kMaxInternalBsonSize) {
    return OkStatus();
  }
  return Error(ErrorCode::kBSONObjectTooLarge,
               StrCat("BSONObj size: ", doc.size_bytes(), " is invalid. Size must be between 0 and ",
                      limits::kMaxInternalBsonSize, "(16MB)"));
}

}  // namespace

StatusOr<Step> FillBatch(Cursor* cursor, catalog::Op* op, const BatchLimits& limits,
                         bson::DocBuilder* out, int64_t* count) {
  const size_t start = out->size_bytes();
  if (!cursor->pending.empty()) {
    out->Add(DocView(cursor->pending));
    cursor->pending.clear();
    cursor->last_rid = cursor->pending_rid;
    ++*count;
    ++op->counters.docs_returned;
  }
  while (limits.max_documents < 0 || *count < limits.max_documents) {
    Row row;
    ASSIGN_OR_RETURN(const Step step, cursor->plan.Next(op, &row));
    if (step != Step::kRow) {
      return step;
    }
    RETURN_IF_ERROR(CheckSize(row.doc));
    const auto used = static_cast<int64_t>(out->size_bytes() - start);
    if (*count > 0 && used + row.doc.size_bytes() > limits.max_bytes) {
      cursor->pending.assign(row.doc.raw());
      cursor->pending_rid = row.rid;
      return Step::kRow;
    }
    out->Add(row.doc);
    cursor->last_rid = row.rid;
    ++*count;
    ++op->counters.docs_returned;
  }
  return Step::kRow;
}

CursorRegistry::CursorRegistry() : random_(RandomSeedFromSystem()) {}

int64_t CursorRegistry::Add(std::unique_ptr<Cursor> cursor) {
  const std::lock_guard lock(mutex_);
  int64_t id = 0;
  do {
    id = static_cast<int64_t>(random_.Next() >> 1);
  } while (id == 0 || slots_.count(id) != 0);
  cursor->id = id;
  cursor->last_used = std::chrono::steady_clock::now();
  Slot& slot = slots_[id];
  slot.ns = cursor->ns;
  slot.session_id = cursor->session_id;
  slot.cursor = std::move(cursor);
  ++totals_.total_opened;
  return id;
}

StatusOr<std::unique_ptr<Cursor>> CursorRegistry::Checkout(int64_t id, std::string_view ns) {
  const std::lock_guard lock(mutex_);
  if (const auto gone = remains_.find(id); gone != remains_.end()) {
    const std::string why = std::move(gone->second.why);
    remains_.erase(gone);
    return Error(ErrorCode::kQueryPlanKilled, why);
  }
  const auto it = slots_.find(id);
  if (it == slots_.end() || it->second.killed) {
    return Error(ErrorCode::kCursorNotFound, StrCat("cursor id ", id, " not found"));
  }
  if (it->second.cursor == nullptr) {
    return Error(ErrorCode::kCursorInUse, StrCat("cursor id ", id, " is already in use"));
  }
  if (it->second.ns != ns) {
    return Error(ErrorCode::kUnauthorized,
                 StrCat("Requested getMore on namespace '", ns,
                        "', but cursor belongs to a different namespace ", it->second.ns));
  }
  return std::move(it->second.cursor);
}

void CursorRegistry::Return(std::unique_ptr<Cursor> cursor) {
  std::unique_ptr<Cursor> doomed;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  const auto it = slots_.find(cursor->id);
  if (it == slots_.end() || it->second.killed) {
    if (it != slots_.end()) {
      slots_.erase(it);
    }
    doomed = std::move(cursor);
    return;
  }
  cursor->last_used = std::chrono::steady_clock::now();
  it->second.cursor = std::move(cursor);
}

void CursorRegistry::Forget(int64_t id) {
  const std::lock_guard lock(mutex_);
  slots_.erase(id);
}

CursorRegistry::KillResult CursorRegistry::Kill(int64_t id) {
  std::unique_ptr<Cursor> doomed;
  const std::lock_guard lock(mutex_);
  if (remains_.erase(id) != 0) {
    return KillResult::kKilled;
  }
  const auto it = slots_.find(id);
  if (it == slots_.end() || it->second.killed) {
    return KillResult::kNotFound;
  }
  if (it->second.cursor == nullptr) {
    it->second.killed = true;  // its operation drops it on return
  } else {
    doomed = std::move(it->second.cursor);
    slots_.erase(it);
  }
  return KillResult::kKilled;
}

int CursorRegistry::KillIf(bool (*matches)(const Slot&, std::string_view), std::string_view what) {
  std::vector<std::unique_ptr<Cursor>> doomed;
  int killed = 0;
  const std::lock_guard lock(mutex_);
  for (auto it = slots_.begin(); it != slots_.end();) {
    if (it->second.killed || !matches(it->second, what)) {
      ++it;
      continue;
    }
    ++killed;
    if (it->second.cursor == nullptr) {
      it->second.killed = true;
      ++it;
    } else {
      doomed.push_back(std::move(it->second.cursor));
      it = slots_.erase(it);
    }
  }
  return killed;
}

int CursorRegistry::KillSession(std::string_view session_id) {
  return KillIf([](const Slot& s, std::string_view id) { return s.session_id == id; }, session_id);
}

int CursorRegistry::KillNamespace(std::string_view ns, std::string_view why) {
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [id, slot] : slots_) {
      if (slot.cursor != nullptr && slot.ns == ns) {
        remains_[id] = {std::string(why), now};
      }
    }
  }
  return KillIf([](const Slot& s, std::string_view name) { return s.ns == name; }, ns);
}

int CursorRegistry::KillAll() {
  return KillIf([](const Slot&, std::string_view) { return true; }, {});
}

int CursorRegistry::Sweep(std::chrono::steady_clock::time_point now,
                          std::chrono::milliseconds timeout) {
  std::vector<std::unique_ptr<Cursor>> doomed;
  const std::lock_guard lock(mutex_);
  for (auto it = slots_.begin(); it != slots_.end();) {
    Cursor* cursor = it->second.cursor.get();
    if (cursor == nullptr || cursor->no_timeout || now - cursor->last_used < timeout) {
      ++it;
      continue;
    }
    doomed.push_back(std::move(it->second.cursor));
    it = slots_.erase(it);
  }
  std::erase_if(remains_, [&](const auto& entry) { return now - entry.second.since >= timeout; });
  totals_.timed_out += static_cast<int64_t>(doomed.size());
  return static_cast<int>(doomed.size());
}

CursorRegistry::Figures CursorRegistry::figures() const {
  const std::lock_guard lock(mutex_);
  Figures out = totals_;
  for (const auto& [id, slot] : slots_) {
    ++out.open;
    out.pinned += slot.cursor == nullptr ? 1 : 0;
    out.no_timeout += slot.cursor != nullptr && slot.cursor->no_timeout ? 1 : 0;
  }
  return out;
}

std::vector<std::string> CursorRegistry::DescribeIdle() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [id, slot] : slots_) {
    if (slot.cursor == nullptr) {
      continue;
    }
    const Cursor& c = *slot.cursor;
    bson::DocBuilder b;
    b.Append("type", "idleCursor").Append("ns", c.ns);
    const auto scope = b.Object("cursor");
    b.Append("cursorId", c.id).Append("nDocsReturned", c.returned).Append("nBatchesReturned", c.batches);
    b.Append("noCursorTimeout", c.no_timeout).Append("tailable", c.tailable);
    b.Append("awaitData", c.await_data).Append("planSummary", c.plan.summary);
    if (!c.command.empty()) {
      b.Append("originatingCommand", DocView(c.command));
    }
    out.push_back(b.Finish());
  }
  return out;
}

}  // namespace septet::query
