// SPDX-License-Identifier: Apache-2.0
#include "replication/core/rollback_plan.h"

#include "base/strings.h"

namespace septet::repl {
namespace {

Status NoCommonPoint(std::string_view whose) {
  return Error(ErrorCode::kUnrecoverableRollbackError,
               StrCat("no common point: reached the oldest entry of the ", whose, " oplog"));
}

Status CheckLimits(const RollbackPlan& plan, const RollbackLimits& limits) {
  if (plan.common_point.optime < limits.commit_point) {
    return Error(ErrorCode::kUnrecoverableRollbackError,
                 StrCat("common point ", plan.common_point.optime.ToString(),
                        " is older than the commit point ", limits.commit_point.ToString()));
  }
  const int64_t span = plan.last_undone.wall_millis - plan.first_undone.wall_millis;
  if (plan.entries > 0 && span > limits.max_span_millis) {
    return Error(ErrorCode::kUnrecoverableRollbackError,
                 StrCat("rollback would span ", span / 1000, " seconds of writes, more than the ",
                        limits.max_span_millis / 1000, " allowed"));
  }
  return OkStatus();
}

}  // namespace

StatusOr<RollbackPlan> MakeRollbackPlan(LogBackwardReader* mine, LogBackwardReader* theirs,
                                        const RollbackLimits& limits) {
  RollbackPlan plan;
  ASSIGN_OR_RETURN(std::optional<OpTimeAndWall> a, mine->Next());
  ASSIGN_OR_RETURN(std::optional<OpTimeAndWall> b, theirs->Next());
  // Positions strictly decrease on both sides, so the larger one cannot be on the other log.
  while (true) {
    if (!a) {
      return NoCommonPoint("local");
    }
    if (!b) {
      return NoCommonPoint("remote");
    }
    if (a->optime == b->optime) {
      plan.common_point = *a;
      break;
    }
    if (a->optime > b->optime) {
      plan.last_undone = plan.entries == 0 ? *a : plan.last_undone;
      plan.first_undone = *a;
      ++plan.entries;
      if (a->optime <= limits.commit_point) {
        return Error(ErrorCode::kUnrecoverableRollbackError,
                     StrCat("the committed entry ", a->optime.ToString(),
                            " is not in the sync source's oplog"));
      }
      ASSIGN_OR_RETURN(a, mine->Next());
    } else {
      ASSIGN_OR_RETURN(b, theirs->Next());
    }
  }
  RETURN_IF_ERROR(CheckLimits(plan, limits));
  return plan;
}

}  // namespace septet::repl
