// SPDX-License-Identifier: Apache-2.0
// find's min and max: index bounds given as key documents.
#pragma once

#include <memory>
#include <string>

#include "query/plan/candidate.h"

namespace septet::query {

// `*why` is set (and the plan null) if min/max and the index do not fit.
StatusOr<NodePtr> BuildMinMaxPlan(const PlanInput& input,
                                  const std::shared_ptr<const catalog::IndexEntry>& index,
                                  std::string* why);

}  // namespace septet::query
