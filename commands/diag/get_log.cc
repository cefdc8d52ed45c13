// SPDX-License-Identifier: Apache-2.0
// {getLog: "*" | "global" | "startupWarnings"} -> {names} or {totalLinesWritten, log: [lines]}. S02-093.
// Errors: TypeMismatch, OperationFailed for an unknown name (texts recorded).
#include "base/log.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "commands/command.h"

namespace septet::commands {
namespace {

void AppendLines(int64_t total, const std::vector<std::string>& lines, bson::DocBuilder* reply) {
  reply->Append("totalLinesWritten", static_cast<int32_t>(total));
  const auto array = reply->Array("log");
  for (const std::string& line : lines) {
    reply->Add(line);
  }
}

Outcome Run(catalog::Op*, const Services&, const Request& request, bson::DocBuilder* reply) {
  const bson::ValueView which = request.body.FirstElement().value();
  if (!which.is_string()) {
    return Outcome::Fail(
        Error(ErrorCode::kTypeMismatch,
              StrCat("Argument to getLog must be of type String; found ", bson::ToShellText(which),
                     " of type ", bson::TypeName(which.type()))));
  }
  const std::string_view name = which.AsString();
  if (name == "*") {
    const auto names = reply->Array("names");
    reply->Add(std::string_view("global")).Add(std::string_view("startupWarnings"));
  } else if (name == "global") {
    int64_t total = 0;
    const std::vector<std::string> lines = log::RecentLines(&total);
    AppendLines(total, lines, reply);
  } else if (name == "startupWarnings") {
    const std::vector<std::string> lines = log::StartupWarnings();
    AppendLines(static_cast<int64_t>(lines.size()), lines, reply);
  } else {
    return Outcome::Fail(
        Error(ErrorCode::kOperationFailed, StrCat("no RamLog named: ", name)));
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kGetLogCommand;
const CommandSpec kGetLogCommand = {
    .name = "getLog",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "{ getLog : '*' }  OR { getLog : 'global' }",
    .run = Run,
};

}  // namespace septet::commands
