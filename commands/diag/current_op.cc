// SPDX-License-Identifier: Apache-2.0
// {currentOp: 1, $all?, $ownOps?, <match on the result>} -> {inprog: [...], fsyncLock?}. S02-090.
// The filter is the rest of the command, matched as a query.
#include "bson/builder.h"
#include "commands/command.h"
#include "commands/generic_args.h"
#include "commands/operations.h"
#include "commands/server_control.h"
#include "commands/services.h"
#include "commands/write_gate.h"
#include "query/match/matcher.h"

namespace septet::commands {
namespace {

std::string FilterOf(bson::DocView body) {
  bson::DocBuilder filter;
  bool first = true;
  for (const bson::ElementView& e : body) {
    const bool skip = first || e.name() == "$all" || e.name() == "$ownOps" ||
                      e.name() == "$truncateOps" || IsGenericArgument(e.name());
    first = false;
    if (!skip) {
      filter.Append(e);
    }
  }
  return filter.Finish();
}

Outcome Run(catalog::Op*, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const std::string filter = FilterOf(request.body);
  const auto matcher = query::Matcher::Parse(bson::DocView(filter), {});
  if (!matcher.ok()) {
    return Outcome::Fail(matcher.status());
  }
  CurrentOpOptions options;
  options.idle_connections = request.body["$all"].Truthy();
  options.own_ops_only = request.body["$ownOps"].Truthy();
  options.own_connection_id = request.client->connection_id;
  options.host = services.server->facts().host;
  query::EvalContext eval;
  bson::Arena arena;
  eval.arena = &arena;
  {
    const auto array = reply->Array("inprog");
    for (const std::string& op : DescribeOperations(*services.operations, options)) {
      const StatusOr<bool> matches = (*matcher)->Matches(bson::DocView(op), &eval);
      if (!matches.ok()) {
        return Outcome::Fail(matches.status());
      }
      if (*matches) {
        reply->Add(bson::DocView(op));
      }
    }
  }
  if (services.write_gate != nullptr && services.write_gate->lock_count() > 0) {
    reply->Append("fsyncLock", true);
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kCurrentOpCommand;
const CommandSpec kCurrentOpCommand = {
    .name = "currentOp",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "",
    .run = Run,
};

}  // namespace septet::commands
