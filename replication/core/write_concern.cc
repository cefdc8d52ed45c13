// SPDX-License-Identifier: Apache-2.0
#include "replication/core/write_concern.h"

#include <algorithm>

#include "base/strings.h"

namespace septet::repl {

void WriteConcernQueue::Configure(std::vector<TagMode> modes, bool majority_journal_default) {
  modes_ = std::move(modes);
  majority_journal_default_ = majority_journal_default;
}

Status WriteConcernQueue::CheckSatisfiable(const WriteConcern& concern,
                                           const Progress& progress) const {
  if (concern.kind == WriteConcern::Kind::kNumber && concern.w > progress.data_members()) {
    return Error(ErrorCode::kUnsatisfiableWriteConcern, "Not enough data-bearing nodes");
  }
  if (concern.kind != WriteConcern::Kind::kMode) {
    return OkStatus();
  }
  const TagMode* mode = FindMode(concern.mode);
  if (mode == nullptr) {
    return Error(ErrorCode::kUnknownReplWriteConcern,
                 StrCat("No write concern mode named '", concern.mode,
                        "' found in replica set configuration"));
  }
  for (const auto& [key, count] : mode->pattern) {
    std::vector<std::string_view> values;
    for (const MemberProgress& m : progress.members()) {
      for (const auto& [k, v] : m.spec.tags) {
        if (k == key && std::find(values.begin(), values.end(), v) == values.end()) {
          values.push_back(v);
        }
      }
    }
    if (static_cast<int>(values.size()) < count) {
      return Error(ErrorCode::kUnsatisfiableWriteConcern,
                   StrCat("Not enough nodes match write concern mode \"", concern.mode, "\""));
    }
  }
  return OkStatus();
}

WriteConcernQueue::Group WriteConcernQueue::GroupOf(const WriteConcern& concern) const {
  Group g;
  g.kind = concern.kind;
  g.w = concern.kind == WriteConcern::Kind::kNumber ? concern.w : 0;
  g.mode = concern.kind == WriteConcern::Kind::kMode ? concern.mode : "";
  g.durable = concern.journal == WriteConcern::Journal::kYes ||
              (concern.kind == WriteConcern::Kind::kMajority && majority_journal_default_ &&
               concern.journal == WriteConcern::Journal::kUnset);
  return g;
}

OpTime WriteConcernQueue::Reached(const Group& group, const Progress& progress,
                                  const OpTime& commit_point) const {
  const auto which = group.durable ? Progress::Which::kDurable : Progress::Which::kWritten;
  switch (group.kind) {
    case WriteConcern::Kind::kNumber:
      return group.w <= 0 ? OpTime::Max() : progress.ReachedBy(group.w, which, false).optime;
    case WriteConcern::Kind::kMajority: {
      // The commit point covers durability unless it counts written entries.
      if (!group.durable || majority_journal_default_) {
        return commit_point;
      }
      const OpTime durable = progress.ReachedBy(progress.write_majority(), which, true).optime;
      return durable < commit_point ? durable : commit_point;
    }
    case WriteConcern::Kind::kMode: {
      const TagMode* mode = FindMode(group.mode);
      return mode == nullptr ? OpTime{} : progress.ReachedByTags(mode->pattern, which);
    }
  }
  return {};
}

const TagMode* WriteConcernQueue::FindMode(std::string_view name) const {
  for (const TagMode& mode : modes_) {
    if (mode.name == name) {
      return &mode;
    }
  }
  return nullptr;
}

bool WriteConcernQueue::IsSatisfied(const WriteConcern& concern, const OpTime& optime,
                                    const Progress& progress, const OpTime& commit_point) const {
  return optime <= Reached(GroupOf(concern), progress, commit_point);
}

void WriteConcernQueue::Add(WaiterId id, const WriteConcern& concern, const OpTime& optime) {
  Group g = GroupOf(concern);
  groups_[g].emplace(std::make_pair(optime, id), 0);
  by_id_.emplace(id, std::make_pair(std::move(g), optime));
}

void WriteConcernQueue::Remove(WaiterId id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) {
    return;
  }
  const auto group = groups_.find(it->second.first);
  group->second.erase({it->second.second, id});
  if (group->second.empty()) {
    groups_.erase(group);
  }
  by_id_.erase(it);
}

void WriteConcernQueue::TakeSatisfied(const Progress& progress, const OpTime& commit_point,
                                      std::vector<WaiterId>* done) {
  for (auto group = groups_.begin(); group != groups_.end();) {
    const OpTime reached = Reached(group->first, progress, commit_point);
    auto& waiters = group->second;
    while (!waiters.empty() && waiters.begin()->first.first <= reached) {
      const WaiterId id = waiters.begin()->first.second;
      done->push_back(id);
      by_id_.erase(id);
      waiters.erase(waiters.begin());
    }
    group = waiters.empty() ? groups_.erase(group) : std::next(group);
  }
}

void WriteConcernQueue::TakeAll(std::vector<WaiterId>* all) {
  for (const auto& [id, unused] : by_id_) {
    all->push_back(id);
  }
  by_id_.clear();
  groups_.clear();
}

}  // namespace septet::repl
