// SPDX-License-Identifier: Apache-2.0
// setFeatureCompatibilityVersion (S02-088): {setFeatureCompatibilityVersion: "7.0", confirm: true}; reply {ok: 1}.
// This server has one version of its data, so the one that is in force is the only one to be set.
// Errors: 14, 4926900 (another version), 7369100 (no confirm: true).
#include "base/strings.h"
#include "commands/command.h"
#include "commands/parse.h"
#include "commands/version.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request& request, bson::DocBuilder*) {
  std::string_view version;
  bool confirm = false;
  const Status status =
      ParseFields("setFeatureCompatibilityVersion", request.body,
                  {FieldBinding("setFeatureCompatibilityVersion", &version, true), {"confirm", &confirm}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  if (version != kFeatureCompatibilityVersion) {
    return Outcome::Fail(Error(4926900, StrCat("Invalid feature compatibility version value '", version,
                                               "'. Expected one of the following versions: '",
                                               kFeatureCompatibilityVersion, "'")));
  }
  if (!confirm) {
    return Outcome::Fail(
        Error(7369100, StrCat("Once you have upgraded to ", version,
                              ", you will not be able to downgrade FCV and binary version without support "
                              "assistance. Please re-run this command with 'confirm: true' to acknowledge "
                              "this and continue with the FCV upgrade.")));
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kSetFeatureCompatibilityVersionCommand;
const CommandSpec kSetFeatureCompatibilityVersionCommand{
    .name = "setFeatureCompatibilityVersion",
    .aliases = {},
    .flags = kAdminOnly | kWrite,
    .help = "Sets the version of features that may be used",
    .fields = {"confirm", "fromConfigServer"},
    .api_version = "",
    .run = Run,
};

}  // namespace septet::commands
