// SPDX-License-Identifier: Apache-2.0
// Logical sessions (S02-042..S02-044):
// {startSession: 1} -> {id: {id: UUID}, timeoutMinutes: 30}
// {refreshSessions: [{id}]}, {endSessions: [{id}]}, {killSessions: [{id}]},
// {killAllSessions: [{user, db}]}, {killAllSessionsByPattern: [{lsid | uid | users | roles}]} -> {ok}.
// Errors: 10065, TypeMismatch, 40415, UserNotFound (texts recorded; they name the server's IDL structs).
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/strings.h"
#include "catalog/collection.h"
#include "commands/command.h"
#include "commands/operations.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "commands/session_cache.h"

namespace septet::commands {
namespace {

using bson::ValueView;
using Ids = std::vector<std::string>;

Outcome StartSession(catalog::Op*, const Services& services, const Request&,
                     bson::DocBuilder* reply) {
  const catalog::Uuid uuid = catalog::Uuid::Generate();
  const std::string_view id(reinterpret_cast<const char*>(uuid.bytes), sizeof(uuid.bytes));
  const Status status = services.sessions->Touch(id, MonotonicMicros() / 1000);
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  {
    const auto object = reply->Object("id");
    reply->Append("id", bson::BinData{4, id});
  }
  reply->Append("timeoutMinutes", limits::kLogicalSessionTimeoutMinutes);
  return Outcome::Ok();
}

Status NoArray(const Request& request) {
  return Error(10065, StrCat("invalid parameter: expected an object (", request.name, ")"));
}

// The ids of [{id: UUID, uid?}, ...]. `context` is the struct's name in messages.
StatusOr<Ids> ParseIds(const Request& request, std::string_view context) {
  const ValueView list = request.body.FirstElement().value();
  if (!list.is_array()) {
    return NoArray(request);
  }
  const std::string field = StrCat(context, ".", request.name);
  Ids ids;
  for (const bson::ElementView& e : list.AsArray()) {
    if (!e.value().is_object()) {
      return WrongType(field, e.name(), e.value().type(), "object");
    }
    bool found = false;
    for (const bson::ElementView& part : e.value().AsDoc()) {
      if (part.name() == "id") {
        if (part.value().type() != bson::Type::kBinData) {
          return WrongType(field, "id", part.value().type(), "binData");
        }
        ids.emplace_back(part.value().AsBinData().bytes);
        found = true;
      } else if (part.name() != "uid") {
        return UnknownField(field, part.name());
      }
    }
    if (!found) {
      return MissingField(field, "id");
    }
  }
  if (ids.size() > 10'000) {
    return Error(ErrorCode::kBadValue, "Too many sessions in one command; at most 10000");
  }
  return ids;
}

void KillSessionsById(const Services& services, const Ids& ids) {
  for (const std::string& id : ids) {
    services.operations->KillIf(ErrorCode::kInterrupted, [&](const RunningOperation& op) {
      return op.session_id == id && op.spec->name != "killSessions";
    });
    services.sessions->End(id);
  }
}

Outcome Refresh(catalog::Op*, const Services& services, const Request& request,
                bson::DocBuilder*) {
  const StatusOr<Ids> ids = ParseIds(request, "RefreshSessionsCmdFromClient");
  if (!ids.ok()) {
    return Outcome::Fail(ids.status());
  }
  for (const std::string& id : *ids) {
    if (const Status s = services.sessions->Touch(id, MonotonicMicros() / 1000); !s.ok()) {
      return Outcome::Fail(s);
    }
  }
  return Outcome::Ok();
}

Outcome End(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder*) {
  const StatusOr<Ids> ids = ParseIds(request, "EndSessionsCmdFromClient");
  if (!ids.ok()) {
    return Outcome::Fail(ids.status());
  }
  for (const std::string& id : *ids) {
    services.sessions->End(id);
  }
  return Outcome::Ok();
}

Outcome Kill(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder*) {
  const StatusOr<Ids> ids = ParseIds(request, "KillSessionsCmd");
  if (!ids.ok()) {
    return Outcome::Fail(ids.status());
  }
  KillSessionsById(services, *ids);
  return Outcome::Ok();
}

void KillEverySession(catalog::Op* op, const Services& services) {
  services.operations->KillIf(ErrorCode::kInterrupted, [&](const RunningOperation& running) {
    return !running.session_id.empty() && running.op_id != op->op_id;
  });
  services.sessions->EndAll();
}

Outcome KillAll(catalog::Op* op, const Services& services, const Request& request,
                bson::DocBuilder*) {
  const ValueView list = request.body.FirstElement().value();
  if (!list.is_array()) {
    return Outcome::Fail(NoArray(request));
  }
  // Without access control there are no users whose sessions could be told apart.
  for (const bson::ElementView& e : list.AsArray()) {
    std::string_view user;
    std::string_view db;
    if (!e.value().is_object()) {
      return Outcome::Fail(WrongType("KillAllSessionsCmd.killAllSessions", e.name(),
                                     e.value().type(), "object"));
    }
    const Status status =
        ParseFields("KillAllSessionsCmd.killAllSessions", e.value().AsDoc(),
                    {{"user", &user, true}, {"db", &db, true}}, Strictness::kNoUnknownFields);
    return Outcome::Fail(status.ok() ? Error(ErrorCode::kUserNotFound,
                                             StrCat("Could not find user \"", user,
                                                    "\" for db \"", db, "\""))
                                     : status);
  }
  KillEverySession(op, services);
  return Outcome::Ok();
}

Outcome KillByPattern(catalog::Op* op, const Services& services, const Request& request,
                      bson::DocBuilder*) {
  const ValueView list = request.body.FirstElement().value();
  if (!list.is_array()) {
    return Outcome::Fail(NoArray(request));
  }
  constexpr std::string_view kContext = "KillAllSessionsByPatternCmd.killAllSessionsByPattern";
  if (list.AsArray().empty()) {
    KillEverySession(op, services);
    return Outcome::Ok();
  }
  Ids ids;
  for (const bson::ElementView& e : list.AsArray()) {
    if (!e.value().is_object()) {
      return Outcome::Fail(WrongType(kContext, e.name(), e.value().type(), "object"));
    }
    std::optional<bson::DocView> lsid;
    ValueView uid;
    ValueView users;
    ValueView roles;
    const Status status = ParseFields(
        kContext, e.value().AsDoc(),
        {{"lsid", &lsid}, {"uid", &uid}, {"users", &users}, {"roles", &roles}},
        Strictness::kNoUnknownFields);
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    if (lsid.has_value() && (*lsid)["id"].type() == bson::Type::kBinData) {
      ids.emplace_back((*lsid)["id"].AsBinData().bytes);
    } else if (e.value().AsDoc().empty()) {
      KillEverySession(op, services);
    }
  }
  KillSessionsById(services, ids);
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kStartSessionCommand;
const CommandSpec kStartSessionCommand = {
    .name = "startSession",
    .flags = kMaintenanceOk,
    .help = "start a logical session",
    .run = StartSession,
};

extern const CommandSpec kRefreshSessionsCommand;
const CommandSpec kRefreshSessionsCommand = {
    .name = "refreshSessions",
    .flags = kMaintenanceOk,
    .help = "renew a set of logical sessions",
    .api_version = "1",
    .run = Refresh,
};

extern const CommandSpec kEndSessionsCommand;
const CommandSpec kEndSessionsCommand = {
    .name = "endSessions",
    .flags = kMaintenanceOk,
    .help = "end a set of logical sessions",
    .api_version = "1",
    .run = End,
};

extern const CommandSpec kKillSessionsCommand;
const CommandSpec kKillSessionsCommand = {
    .name = "killSessions",
    .flags = kMaintenanceOk,
    .help = "kill a logical session and its operations",
    .run = Kill,
};

extern const CommandSpec kKillAllSessionsCommand;
const CommandSpec kKillAllSessionsCommand = {
    .name = "killAllSessions",
    .flags = kMaintenanceOk,
    .help = "kill all logical sessions, for a user, and their operations",
    .run = KillAll,
};

extern const CommandSpec kKillAllSessionsByPatternCommand;
const CommandSpec kKillAllSessionsByPatternCommand = {
    .name = "killAllSessionsByPattern",
    .flags = kMaintenanceOk,
    .help = "kill logical sessions by pattern",
    .run = KillByPattern,
};

}  // namespace septet::commands
