// SPDX-License-Identifier: Apache-2.0
// {getParameter: 1, name: 1, ...} -> {name: value, ...}; {getParameter: "*"} or {getParameter:
// {showDetails, allParameters, setAt}} for details and all. S02-096.
// Errors: InvalidOptions (72) "no option found to get".
#include "commands/command.h"
#include "commands/generic_args.h"
#include "commands/parameters.h"
#include "commands/parse.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

struct Wanted {
  bool all = false;
  bool details = false;
  std::string_view set_at;  // "", "startup", "runtime"
};

StatusOr<Wanted> ParseWanted(bson::ValueView v) {
  Wanted wanted;
  if (v.is_string()) {
    wanted.all = v.AsString() == "*";
  } else if (v.is_object()) {
    RETURN_IF_ERROR(ParseFields("getParameter", v.AsDoc(),
                                {{"showDetails", &wanted.details},
                                 {"allParameters", &wanted.all},
                                 {"setAt", &wanted.set_at}},
                                Strictness::kNoUnknownFields));
    if (!wanted.set_at.empty() && wanted.set_at != "startup" && wanted.set_at != "runtime") {
      return Error(ErrorCode::kBadValue,
                   "Enumeration value for field 'getParameter.setAt' is not a valid value.");
    }
  }
  return wanted;
}

bool Selected(const Parameters& parameters, std::string_view name, const Wanted& wanted) {
  const Parameters::Settable settable = parameters.SettableOf(name);
  return wanted.set_at.empty() || (wanted.set_at == "startup" ? settable.at_start
                                                               : settable.at_run_time);
}

void AppendOne(const Parameters& parameters, std::string_view name, const Wanted& wanted,
               bson::DocBuilder* reply) {
  if (!wanted.details) {
    parameters.Append(name, reply);
    return;
  }
  bson::DocBuilder value;
  parameters.Append(name, &value);
  const std::string bytes = value.Finish();
  const Parameters::Settable settable = parameters.SettableOf(name);
  const auto object = reply->Object(name);
  reply->Append("value", bson::DocView(bytes).FirstElement().value());
  reply->Append("settableAtRuntime", settable.at_run_time);
  reply->Append("settableAtStartup", settable.at_start);
}

Outcome Run(catalog::Op*, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const Parameters& parameters = *services.parameters;
  const StatusOr<Wanted> wanted = ParseWanted(request.body.FirstElement().value());
  if (!wanted.ok()) {
    return Outcome::Fail(wanted.status());
  }
  int found = 0;
  for (const std::string_view name : parameters.Names()) {
    const bool asked = wanted->all || request.body.Has(name);
    if (asked && Selected(parameters, name, *wanted)) {
      AppendOne(parameters, name, *wanted, reply);
      ++found;
    }
  }
  if (found == 0) {
    return Outcome::Fail(Error(ErrorCode::kInvalidOptions, "no option found to get"));
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kGetParameterCommand;
const CommandSpec kGetParameterCommand = {
    .name = "getParameter",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "get administrative option(s)\nexample:\n{ getParameter:1, notablescan:1 }",
    .run = Run,
};

}  // namespace septet::commands
