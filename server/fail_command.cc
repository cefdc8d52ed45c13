// SPDX-License-Identifier: Apache-2.0
#include "server/fail_command.h"

#include <algorithm>

#include "base/strings.h"
#include "bson/number.h"
#include "bson/view.h"

namespace septet::server {
namespace {

using bson::DocView;
using bson::ValueView;

bool Names(ValueView commands, const commands::CommandSpec& spec) {
  if (!commands.is_array()) {
    return false;
  }
  for (const bson::ElementView& e : commands.AsArray()) {
    if (!e.value().is_string()) {
      continue;
    }
    const std::string_view name = e.value().AsString();
    if (name == spec.name ||
        std::find(spec.aliases.begin(), spec.aliases.end(), name) != spec.aliases.end()) {
      return true;
    }
  }
  return false;
}

bool Matches(DocView data, const commands::CommandSpec& spec, const commands::Request& request) {
  if (!Names(data["failCommands"], spec) || spec.name == "configureFailPoint") {
    return false;
  }
  if (request.client->internal && !data["failInternalCommands"].Truthy()) {
    return false;
  }
  if (const ValueView app = data["appName"]; app.is_string()) {
    if (app.AsString() != request.client->app_name) {
      return false;
    }
  }
  if (const ValueView ns = data["namespace"]; ns.is_string()) {
    const ValueView first = request.body.FirstElement().value();
    if (!first.is_string() ||
        StrCat(request.db, ".", first.AsString()) != ns.AsString()) {
      return false;
    }
  }
  return true;
}

}  // namespace

FailCommandDecision DecideFailCommand(FailPoints* points, const commands::CommandSpec& spec,
                                      const commands::Request& request) {
  FailCommandDecision decision;
  std::string bytes;
  const bool hit = points->Get(FailPointName::kFailCommand)
                       .Enter(
                           [&](std::string_view data) {
                             return !data.empty() && Matches(DocView(data), spec, request);
                           },
                           &bytes);
  if (!hit) {
    return decision;
  }
  const DocView data(bytes);
  decision.hit = true;
  decision.close_connection = data["closeConnection"].Truthy();
  if (const ValueView code = data["errorCode"]; code.is_number()) {
    decision.error_code = static_cast<int>(bson::ToInt64Clamped(code));
  }
  if (data["blockConnection"].Truthy() && data["blockTimeMS"].is_number()) {
    decision.block_millis = std::max<int64_t>(0, bson::ToInt64Clamped(data["blockTimeMS"]));
  }
  if (const ValueView labels = data["errorLabels"]; labels.is_array()) {
    decision.has_labels = true;
    decision.labels = labels.AsArray().ToBytes();
  }
  if (const ValueView info = data["errorExtraInfo"]; info.is_object()) {
    decision.extra_info = info.AsDoc().ToBytes();
  }
  if (const ValueView error = data["writeConcernError"]; error.is_object()) {
    decision.write_concern_error = error.AsDoc().ToBytes();
  }
  return decision;
}

}  // namespace septet::server
