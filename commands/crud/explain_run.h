// SPDX-License-Identifier: Apache-2.0
// What explain answers for each command it wraps (surface 6.3). Nothing is executed but reads, and those
// only from executionStats on.
#pragma once

#include "commands/crud/aggregate_run.h"
#include "query/plan/planner.h"

namespace septet::commands {

enum class ExplainVerbosity { kQueryPlanner, kExecutionStats, kAllPlansExecution };

// find, count, distinct, update, delete, findAndModify. `wrapper` is the stage put on top ("UPDATE",
// "DELETE", or empty).
Outcome ExplainFind(catalog::Op* op, const Services& services, const Request& request,
                    const catalog::Namespace& ns, std::shared_ptr<query::FindQuery> query,
                    std::string_view wrapper, ExplainVerbosity verbosity, bson::DocBuilder* reply);

Outcome ExplainAggregate(catalog::Op* op, const Services& services, const Request& request,
                         AggregateArgs args, ExplainVerbosity verbosity, bson::DocBuilder* reply);

}  // namespace septet::commands
