// SPDX-License-Identifier: Apache-2.0
// {configureFailPoint: name, mode: "off" | "alwaysOn" | {times: n} | {skip: n} | {activationProbability: p},
// data?: {...}} -> {count}. {waitForFailPoint: name, timesEntered: n, maxTimeMS}. Only with enableTestCommands.
// S02-114, S02-117. Errors: FailPointSetFailed (266), BadValue, TypeMismatch, MaxTimeMSExpired.
#include "base/failpoint.h"
#include "base/strings.h"
#include "bson/number.h"
#include "commands/command.h"
#include "commands/parse.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

using Mode = FailPoint::Mode;

StatusOr<FailPoint*> FindPoint(const Services& services, const Request& request) {
  const bson::ValueView name = request.body.FirstElement().value();
  if (!name.is_string()) {
    return WrongType(request.name, request.name, name.type(), "string");
  }
  FailPoint* point = services.fail_points->Find(name.AsString());
  if (point == nullptr) {
    return Error(ErrorCode::kFailPointSetFailed, StrCat(name.AsString(), " not found"));
  }
  return point;
}

Status ParseModeDocument(bson::DocView doc, FailPoint::Setting* setting) {
  if (doc.empty()) {
    return Error(ErrorCode::kBadValue, "When using an object format for 'mode' a mode must be given");
  }
  const bson::ElementView e = doc.FirstElement();
  if (!e.value().is_number()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("'", e.name(), "' option to 'mode' must be a number"));
  }
  if (e.name() == "activationProbability") {
    setting->mode = Mode::kProbability;
    setting->probability = bson::ToDouble(e.value());
    if (!(setting->probability >= 0.0 && setting->probability <= 1.0)) {
      return Error(ErrorCode::kBadValue,
                   StrCat("activationProbability must be between 0.0 and 1.0; found ",
                          setting->probability));
    }
    return OkStatus();
  }
  setting->count = bson::ToInt64Clamped(e.value());
  if (setting->count < 0) {
    return Error(ErrorCode::kBadValue,
                 StrCat("'", e.name(), "' option to 'mode' must be positive"));
  }
  if (e.name() == "times") {
    setting->mode = Mode::kTimes;
  } else if (e.name() == "skip") {
    setting->mode = Mode::kSkip;
  } else {
    return Error(ErrorCode::kBadValue,
                 StrCat("'mode' must be one of {times:num}, {skip:num} or "
                        "{activationProbability:num}; found ",
                        e.name()));
  }
  return OkStatus();
}

StatusOr<FailPoint::Setting> ParseSetting(bson::DocView body) {
  FailPoint::Setting setting;
  const bson::ValueView mode = body["mode"];
  if (mode.missing()) {
    return MissingField("configureFailPoint", "mode");
  }
  if (mode.is_string()) {
    if (mode.AsString() == "alwaysOn") {
      setting.mode = Mode::kAlwaysOn;
    } else if (mode.AsString() != "off") {
      return Error(ErrorCode::kBadValue, StrCat("unknown mode: ", mode.AsString()));
    }
  } else if (mode.is_object()) {
    RETURN_IF_ERROR(ParseModeDocument(mode.AsDoc(), &setting));
  } else {
    return Error(ErrorCode::kTypeMismatch, "'mode' must be a string or JSON object");
  }
  const bson::ValueView data = body["data"];
  if (!data.missing() && !data.is_object()) {
    return Error(ErrorCode::kTypeMismatch, "'data' must be a JSON object");
  }
  setting.data = data.is_object() ? data.AsDoc().ToBytes() : bson::DocView().ToBytes();
  return setting;
}

Outcome Configure(catalog::Op*, const Services& services, const Request& request,
                  bson::DocBuilder* reply) {
  const StatusOr<FailPoint*> point = FindPoint(services, request);
  if (!point.ok()) {
    return Outcome::Fail(point.status());
  }
  StatusOr<FailPoint::Setting> setting = ParseSetting(request.body);
  if (!setting.ok()) {
    return Outcome::Fail(setting.status());
  }
  reply->Append("count", static_cast<int32_t>((*point)->Set(*std::move(setting))));
  return Outcome::Ok();
}

// Looks again every 5 ms: only tests ask.
Outcome WaitUntil(catalog::Op* op, FailPoint* point, int64_t times) {
  if (point->hits() >= times) {
    return Outcome::Ok();
  }
  if (const Status status = op->interrupt.CheckNow(); !status.ok()) {
    return Outcome::Fail(status);
  }
  return {Suspend{.wait = WaitBackoff{std::chrono::milliseconds(5)},
                  .resume = [op, point, times](bool) { return WaitUntil(op, point, times); }}};
}

Outcome WaitForHits(catalog::Op* op, const Services& services, const Request& request,
                    bson::DocBuilder*) {
  const StatusOr<FailPoint*> point = FindPoint(services, request);
  if (!point.ok()) {
    return Outcome::Fail(point.status());
  }
  int64_t times = 0;
  const Status status =
      ParseFields("waitForFailPoint", request.body, {{"timesEntered", &times, true}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  return WaitUntil(op, *point, times);
}

}  // namespace

extern const CommandSpec kConfigureFailPointCommand;
const CommandSpec kConfigureFailPointCommand = {
    .name = "configureFailPoint",
    .flags = kAdminOnly | kMaintenanceOk | kTestOnly,
    .help = "modifies the settings of a fail point",
    .run = Configure,
};

extern const CommandSpec kWaitForFailPointCommand;
const CommandSpec kWaitForFailPointCommand = {
    .name = "waitForFailPoint",
    .flags = kAdminOnly | kMaintenanceOk | kTestOnly,
    .help = "waits until a fail point was entered",
    .run = WaitForHits,
};

}  // namespace septet::commands
