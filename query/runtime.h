// SPDX-License-Identifier: Apache-2.0
// What queries of the whole server share: open cursors, remembered plans, where to spill.
// Thread rule: every member is thread-safe.
#pragma once

#include <string>

#include "query/cursor.h"
#include "query/plan/planner.h"

namespace septet::query {

struct Runtime {
  CursorRegistry cursors;
  PlanCache plans;
  std::string temp_dir;  // for sorts and groups beyond their memory limit

  PlannerOptions planner_options(bool allow_disk_use = true) const {
    PlannerOptions options;
    options.temp_dir = temp_dir;
    options.allow_disk_use = allow_disk_use;
    return options;
  }
};

}  // namespace septet::query
