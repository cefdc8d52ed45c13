// SPDX-License-Identifier: Apache-2.0
// find's min and max: index bounds given as key documents.
#pragma once

#include <memory>
#include <string>

#include "query/plan/candidate.h"

namespace septet::query {

// Errors: 51174 if min/max and the index do not fit, 51175 if min does not come before max.
StatusOr<NodePtr> BuildMinMaxPlan(const PlanInput& input,
                                  const std::shared_ptr<const catalog::IndexEntry>& index);

}  // namespace septet::query
