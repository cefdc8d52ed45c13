// SPDX-License-Identifier: Apache-2.0
#include "replication/core/sync_source.h"

#include <algorithm>

namespace septet::repl {
namespace {

constexpr int kMaxClosenessChangesPerHour = 3;

// Has what I lack: entries, or knowledge of the commit point.
bool IsAhead(const SourceCandidate& c, const SourceQuery& q) {
  return c.written > q.written ||
         (c.written == q.written && (c.primary || c.commit_point > q.commit_point));
}

bool IsEligible(const SourceCandidate& c, const SourceQuery& q, const Denylist& denylist) {
  if (!c.up || !c.readable || denylist.Contains(c.host, q.now)) {
    return false;
  }
  if (q.builds_indexes && !c.builds_indexes) {
    return false;
  }
  if (q.catching_up && c.syncing_from == q.self_host && c.written <= q.written) {
    return false;  // it waits for me while I would wait for it
  }
  return IsAhead(c, q);
}

// The first pass also wants a source that is good for long.
bool IsPreferred(const SourceCandidate& c, const SourceQuery& q) {
  if ((q.voter && !c.voter) || c.hidden || c.delay_secs > q.delay_secs) {
    return false;
  }
  for (const SourceCandidate& other : q.candidates) {
    if (other.primary && other.up && !c.primary &&
        static_cast<int64_t>(c.written.ts.secs) + q.max_lag_secs <
            static_cast<int64_t>(other.written.ts.secs)) {
      return false;
    }
  }
  return true;
}

bool IsCloser(const SourceCandidate& a, const SourceCandidate& b) {
  const int ping_a = a.ping_millis < 0 ? INT32_MAX : a.ping_millis;
  const int ping_b = b.ping_millis < 0 ? INT32_MAX : b.ping_millis;
  return ping_a < ping_b || (ping_a == ping_b && a.primary && !b.primary);
}

const SourceCandidate* Find(const SourceQuery& q, const std::string& host) {
  for (const SourceCandidate& c : q.candidates) {
    if (c.host == host) {
      return &c;
    }
  }
  return nullptr;
}

}  // namespace

void Denylist::Add(const std::string& host, TimePoint until) {
  for (auto& [h, t] : entries_) {
    if (h == host) {
      t = std::max(t, until);
      return;
    }
  }
  entries_.emplace_back(host, until);
}

bool Denylist::Contains(const std::string& host, TimePoint now) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& e) { return e.first == host && e.second > now; });
}

std::optional<int> ChooseSyncSource(const SourceQuery& q, const Denylist& denylist) {
  if (!q.chaining_allowed && !q.catching_up) {
    bool primary_known = false;
    for (const SourceCandidate& c : q.candidates) {
      primary_known = primary_known || (c.primary && c.up);
      if (c.primary && c.up && !denylist.Contains(c.host, q.now)) {
        return c.id;
      }
    }
    // Without a primary the electable members must be able to get what a member of priority 0 has, or
    // that member's vote would keep the set without a primary for ever.
    if (primary_known) {
      return std::nullopt;
    }
  }
  for (const bool strict : {true, false}) {
    const SourceCandidate* best = nullptr;
    for (const SourceCandidate& c : q.candidates) {
      if (IsEligible(c, q, denylist) && (!strict || IsPreferred(c, q)) &&
          (best == nullptr || IsCloser(c, *best))) {
        best = &c;
      }
    }
    if (best != nullptr) {
      return best->id;
    }
  }
  return std::nullopt;
}

std::string WhyChangeSource(const SourceQuery& q, const SourceChangeQuery& change,
                            const Denylist& denylist) {
  const SourceCandidate* current = Find(q, change.current_host);
  if (current == nullptr) {
    return "the source is not in the config";
  }
  if (!q.chaining_allowed && !q.catching_up && !change.source_is_primary) {
    for (const SourceCandidate& c : q.candidates) {
      if (c.primary && c.up && c.host != change.current_host) {
        return "chaining is off and a primary is known";
      }
    }
  }
  const bool source_ahead = change.source_written > q.written;
  if (!change.source_is_primary && change.source_syncs_from.empty() && !source_ahead) {
    return "the source has no source and is not ahead";
  }
  if (q.catching_up && change.source_syncs_from == q.self_host && !source_ahead) {
    return "the source copies from this member";
  }
  if (!q.chaining_allowed && !q.catching_up) {
    return "";
  }
  for (const SourceCandidate& c : q.candidates) {
    if (c.host == change.current_host || !IsEligible(c, q, denylist)) {
      continue;
    }
    if (static_cast<int64_t>(change.source_written.ts.secs) + q.max_lag_secs <
        static_cast<int64_t>(c.written.ts.secs)) {
      return "another member is much further";
    }
    if (!IsPreferred(*current, q) && IsPreferred(c, q)) {
      return "a preferred member exists";
    }
    if (change.recent_changes < kMaxClosenessChangesPerHour && current->ping_millis >= 0 &&
        c.ping_millis >= 0 && IsPreferred(c, q) &&
        c.ping_millis + change.threshold_millis < current->ping_millis) {
      return kMuchCloser;
    }
  }
  return "";
}

}  // namespace septet::repl
