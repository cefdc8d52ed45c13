// SPDX-License-Identifier: Apache-2.0
#include "replication/core/apply_plan.h"

#include <algorithm>

#include "base/check.h"

namespace septet::repl {
namespace {

// FNV-1a: the same on every build, so a run can be replayed.
uint64_t Hash(std::string_view bytes, uint64_t h) {
  for (const char c : bytes) {
    h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  }
  return h ^ (h >> 29);
}

size_t LaneOf(const ApplyOp& op, size_t lanes) {
  uint64_t h = Hash(op.collection, 0xcbf29ce484222325ULL);
  if (op.kind == ApplyOp::Kind::kDocument) {
    h = Hash(op.id_key, h);
  }
  return static_cast<size_t>(h % lanes);
}

void CloseStep(std::span<const ApplyOp> batch, ApplyStep* open, std::vector<ApplyStep>* plan) {
  std::erase_if(open->lanes, [](const auto& lane) { return lane.empty(); });
  if (open->lanes.empty()) {
    return;
  }
  for (auto& lane : open->lanes) {
    std::stable_sort(lane.begin(), lane.end(), [&](uint32_t a, uint32_t b) {
      return batch[a].collection < batch[b].collection;
    });
  }
  plan->push_back(std::move(*open));
  *open = ApplyStep{};
}

}  // namespace

std::vector<ApplyStep> MakeApplyPlan(std::span<const ApplyOp> batch, int lanes) {
  P_CHECK(lanes > 0);
  std::vector<ApplyStep> plan;
  ApplyStep open;
  for (uint32_t i = 0; i < batch.size(); ++i) {
    if (batch[i].kind == ApplyOp::Kind::kAlone) {
      CloseStep(batch, &open, &plan);
      plan.push_back(ApplyStep{{{i}}, true});
      continue;
    }
    open.lanes.resize(static_cast<size_t>(lanes));
    open.lanes[LaneOf(batch[i], open.lanes.size())].push_back(i);
  }
  CloseStep(batch, &open, &plan);
  return plan;
}

}  // namespace septet::repl
