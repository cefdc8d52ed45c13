// SPDX-License-Identifier: Apache-2.0
#include "replication/core/progress.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace septet::repl {

void Progress::Configure(std::vector<MemberSpec> specs, int self_id) {
  std::vector<MemberProgress> next;
  next.reserve(specs.size());
  voters_ = voting_arbiters_ = data_members_ = 0;
  for (MemberSpec& spec : specs) {
    MemberProgress m;
    for (const MemberProgress& old : members_) {
      if (old.spec.id == spec.id && old.spec.host == spec.host) {
        m = old;
      }
    }
    voters_ += spec.voter ? 1 : 0;
    voting_arbiters_ += spec.voter && !spec.bears_data ? 1 : 0;
    data_members_ += spec.bears_data ? 1 : 0;
    m.spec = std::move(spec);
    next.push_back(std::move(m));
  }
  members_ = std::move(next);
  self_id_ = self_id;
}

void Progress::SetSelf(const OpTimeAndWall& written, const OpTimeAndWall& durable) {
  if (MemberProgress* m = FindMutable(self_id_)) {
    m->written = written;
    m->durable = durable;
  }
}

bool Progress::Advance(int id, const OpTimeAndWall& written, const OpTimeAndWall& durable,
                       int64_t term) {
  MemberProgress* m = id == self_id_ ? nullptr : FindMutable(id);
  if (m == nullptr) {
    return false;
  }
  bool moved = false;
  if (written.optime > m->written.optime) {
    m->written = written;
    moved = true;
  }
  if (durable.optime > m->durable.optime) {
    m->durable = durable;
    moved = true;
  }
  m->term = std::max(m->term, term);
  return moved;
}

void Progress::Forget(int id) {
  if (MemberProgress* m = id == self_id_ ? nullptr : FindMutable(id)) {
    m->written = {};
    m->durable = {};
  }
}

void Progress::MarkAlive(int id, TimePoint when) {
  if (MemberProgress* m = FindMutable(id)) {
    m->alive_at = m->alive_at ? std::max(*m->alive_at, when) : when;
  }
}

const MemberProgress* Progress::Find(int id) const {
  return const_cast<Progress*>(this)->FindMutable(id);
}

MemberProgress* Progress::FindMutable(int id) {
  for (MemberProgress& m : members_) {
    if (m.spec.id == id) {
      return &m;
    }
  }
  return nullptr;
}

OpTimeAndWall Progress::ReachedBy(int count, Which which, bool voters_only) const {
  std::array<OpTimeAndWall, limits::kMaxMembers> positions;
  size_t n = 0;
  for (const MemberProgress& m : members_) {
    if (m.spec.bears_data && (m.spec.voter || !voters_only) && n < positions.size()) {
      positions[n++] = PositionOf(m, which);
    }
  }
  if (count <= 0 || static_cast<size_t>(count) > n) {
    return {};
  }
  const auto nth = positions.begin() + (count - 1);
  std::nth_element(positions.begin(), nth, positions.begin() + static_cast<std::ptrdiff_t>(n),
                   [](const OpTimeAndWall& a, const OpTimeAndWall& b) { return a.optime > b.optime; });
  return *nth;
}

OpTime Progress::ReachedByTags(const std::vector<std::pair<std::string, int>>& pattern,
                               Which which) const {
  // Walk members from the furthest down, until every key shows enough distinct values.
  std::vector<const MemberProgress*> order;
  order.reserve(members_.size());
  for (const MemberProgress& m : members_) {
    if (m.spec.bears_data) {
      order.push_back(&m);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
    return PositionOf(*a, which).optime > PositionOf(*b, which).optime;
  });
  std::vector<std::vector<std::string_view>> seen(pattern.size());
  for (const MemberProgress* m : order) {
    bool enough = true;
    for (size_t i = 0; i < pattern.size(); ++i) {
      for (const auto& [key, value] : m->spec.tags) {
        if (key == pattern[i].first &&
            std::find(seen[i].begin(), seen[i].end(), value) == seen[i].end()) {
          seen[i].push_back(value);
        }
      }
      enough = enough && static_cast<int>(seen[i].size()) >= pattern[i].second;
    }
    if (enough) {
      return PositionOf(*m, which).optime;
    }
  }
  return {};
}

}  // namespace septet::repl
