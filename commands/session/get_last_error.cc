// SPDX-License-Identifier: Apache-2.0
// {getLastError: 1, w?, j?, wtimeout?, fsync?} -> {connectionId, n, updatedExisting?, upserted?, err, code?,
// lastOp?, writtenTo, wtime? ...}: what the last legacy write of this connection did, once its write
// concern is met. {resetError: 1} forgets it. {logout: 1} ends nothing. S01-043, S01-044.
// A write concern that fails is part of the reply (wtimeout: true, err), not a failed command.
#include "base/strings.h"
#include "commands/command.h"
#include "commands/services.h"
#include "commands/write_concern.h"

namespace septet::commands {
namespace {

struct Waiting {
  Status error;
  bool timed_out = false;
};

// What getLastError tells: nothing once another operation came after the write.
LastError Current(const LastError& last) {
  if (last.operations_since == 0) {
    return last;
  }
  LastError none;
  none.optime = last.optime;
  return none;
}

void AppendResult(const Request& request, const WriteConcern& wc, const Waiting& waiting,
                  bson::DocBuilder* reply) {
  const LastError last = Current(*request.last_error);
  if (!last.optime.IsNull()) {
    const auto object = reply->Object("lastOp");
    reply->Append("ts", last.optime.ts).Append("t", last.optime.term);
  }
  reply->Append("connectionId", static_cast<int32_t>(request.client->connection_id));
  if (last.is_update) {
    reply->Append("updatedExisting", last.updated_existing);
  }
  if (!last.upserted.empty()) {
    reply->AppendAll(bson::DocView(last.upserted));
  }
  reply->Append("n", static_cast<int32_t>(last.n));
  reply->Append("syncMillis", 0);
  reply->AppendNull("writtenTo");
  AppendWriteConcern("writeConcern", wc, /*with_provenance=*/false, reply);
  if (!last.err.empty()) {
    reply->Append("err", last.err);
    if (last.code != 0) {
      reply->Append("code", last.code).Append("codeName", CodeName(ErrorCode{last.code}));
    }
  } else if (waiting.timed_out) {
    reply->Append("wtimeout", true).Append("waited", static_cast<int32_t>(wc.wtimeout_millis));
    reply->Append("err", "timeout");
  } else if (!waiting.error.ok()) {
    reply->Append("err", TextOf(waiting.error));
    reply->Append("code", static_cast<int32_t>(CodeOf(waiting.error)));
  } else {
    reply->AppendNull("err");
  }
}

// The concern stands beside the command's own name: {getLastError: 1, w: 2, wtimeout: 100}.
StatusOr<WriteConcern> ParseConcern(bson::DocView body) {
  bson::DocBuilder fields;
  for (const std::string_view name : {"w", "j", "fsync", "wtimeout"}) {
    fields.Append(name, body[name]);
  }
  return ParseWriteConcernFields(bson::DocView(fields.Finish()));
}

Outcome GetLastError(catalog::Op*, const Services&, const Request& request,
                     bson::DocBuilder* reply) {
  StatusOr<WriteConcern> parsed = ParseConcern(request.body);
  if (!parsed.ok()) {
    return Outcome::Fail(parsed.status());
  }
  const auto concern = std::make_shared<const WriteConcern>(*std::move(parsed));
  const auto waiting = std::make_shared<Waiting>();
  --request.last_error->operations_since;
  const LastError last = Current(*request.last_error);
  if (last.optime.IsNull() || !last.err.empty() || concern->IsUnacknowledged()) {
    AppendResult(request, *concern, *waiting, reply);
    return Outcome::Ok();
  }
  const auto deadline = concern->wtimeout_millis > 0
                            ? std::chrono::steady_clock::now() +
                                  std::chrono::milliseconds(concern->wtimeout_millis)
                            : std::chrono::steady_clock::time_point::max();
  const Request* stays = &request;
  return {Suspend{.wait = WaitWriteConcern{last.optime, concern, &waiting->error},
                  .resume =
                      [stays, concern, waiting, reply](bool timed_out) {
                        waiting->timed_out = timed_out;
                        AppendResult(*stays, *concern, *waiting, reply);
                        return Outcome::Ok();
                      },
                  .deadline = deadline}};
}

Outcome ResetError(catalog::Op*, const Services&, const Request& request, bson::DocBuilder*) {
  const repl::OpTime optime = request.last_error->optime;
  *request.last_error = {};
  request.last_error->optime = optime;
  return Outcome::Ok();
}

// Old clients ask for the last error of several; the last one is all that is kept.
Outcome GetPrevError(catalog::Op*, const Services&, const Request& request,
                     bson::DocBuilder* reply) {
  const LastError& last = *request.last_error;
  --request.last_error->operations_since;
  if (last.err.empty()) {
    reply->AppendNull("err");
    reply->Append("n", 0).Append("nPrev", -1);
    return Outcome::Ok();
  }
  reply->Append("err", last.err).Append("code", last.code);
  reply->Append("n", static_cast<int32_t>(last.n)).Append("nPrev", static_cast<int32_t>(last.operations_since + 1));
  return Outcome::Ok();
}

Outcome Logout(catalog::Op*, const Services&, const Request&, bson::DocBuilder*) {
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kGetLastErrorCommand;
const CommandSpec kGetLastErrorCommand = {
    .name = "getLastError",
    .aliases = {"getlasterror"},
    .flags = kMaintenanceOk,
    .help = "return error status of the last legacy write of this connection",
    .run = GetLastError,
};

extern const CommandSpec kGetPrevErrorCommand;
const CommandSpec kGetPrevErrorCommand = {
    .name = "getPrevError",
    .aliases = {"getpreverror"},
    .flags = kMaintenanceOk,
    .help = "check for errors since the last resetError",
    .run = GetPrevError,
};

extern const CommandSpec kResetErrorCommand;
const CommandSpec kResetErrorCommand = {
    .name = "resetError",
    .aliases = {"reseterror"},
    .flags = kMaintenanceOk,
    .help = "reset error state",
    .run = ResetError,
};

extern const CommandSpec kLogoutCommand;
const CommandSpec kLogoutCommand = {
    .name = "logout",
    .flags = kNoAuth | kMaintenanceOk,
    .help = "de-authenticate",
    .run = Logout,
};

}  // namespace septet::commands
