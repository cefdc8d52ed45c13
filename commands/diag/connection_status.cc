// SPDX-License-Identifier: Apache-2.0
// {connectionStatus: 1, showPrivileges?: bool}
// -> {authInfo: {authenticatedUsers, authenticatedUserRoles, authenticatedUserPrivileges?}}. S02-055.
// Access control is not part of this server, so the lists are empty.
#include "base/strings.h"
#include "commands/command.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request& request, bson::DocBuilder* reply) {
  const bson::ValueView show = request.body["showPrivileges"];
  if (!show.missing() && !show.is_number() && show.type() != bson::Type::kBool) {
    return Outcome::Fail(Error(ErrorCode::kTypeMismatch,
                               StrCat("Expected boolean or number type for field \"showPrivileges\", "
                                      "found ",
                                      bson::TypeName(show.type()))));
  }
  const auto info = reply->Object("authInfo");
  {
    const auto users = reply->Array("authenticatedUsers");
  }
  {
    const auto roles = reply->Array("authenticatedUserRoles");
  }
  if (show.Truthy()) {
    const auto privileges = reply->Array("authenticatedUserPrivileges");
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kConnectionStatusCommand;
const CommandSpec kConnectionStatusCommand = {
    .name = "connectionStatus",
    .flags = kNoAuth | kMaintenanceOk | kTransactionOk,
    .help = "Returns connection-specific information such as logged-in users and their roles",
    .run = Run,
};

}  // namespace septet::commands
