// SPDX-License-Identifier: Apache-2.0
// What members say to each other: replSetHeartbeat, replSetRequestVotes, replSetUpdatePosition,
// replSetStepUp, replSetGetRBID, replSetAbortPrimaryCatchUp (replication.md 1.10).
#include "bson/builder.h"
#include "commands/repl/answer.h"
#include "commands/repl/common.h"
#include "commands/services.h"
#include "replication/driver/replication_driver.h"

namespace septet::commands {
namespace {

template <typename Reply>
struct MemberAnswer {
  Status status;
  Reply reply;
};

Outcome RunHeartbeat(catalog::Op* op, const Services& services, const Request& request,
                     bson::DocBuilder* reply) {
  StatusOr<election::HeartbeatRequest> parsed = election::HeartbeatRequest::FromBson(request.body);
  if (services.driver == nullptr || !parsed.ok()) {
    return Outcome::Fail(services.driver == nullptr ? NoReplication() : parsed.status());
  }
  using Answer = MemberAnswer<election::HeartbeatReply>;
  repl::ElectionDriver* election = services.driver->election();
  return AwaitAnswer<Answer>(
      op,
      [election, message = *std::move(parsed)](std::function<void(Answer)> done) {
        election->HandleHeartbeat(message, [done](Status status, election::HeartbeatReply answer) {
          done({std::move(status), std::move(answer)});
        });
      },
      [reply](const Answer& answer) {
        if (!answer.status.ok()) {
          return Outcome::Fail(answer.status);
        }
        const std::string document = answer.reply.ToBson();
        reply->AppendAll(bson::DocView(document));
        return Outcome::Ok();
      });
}

Outcome RunRequestVotes(catalog::Op* op, const Services& services, const Request& request,
                        bson::DocBuilder* reply) {
  StatusOr<election::VoteRequest> parsed = election::VoteRequest::FromBson(request.body);
  if (services.driver == nullptr || !parsed.ok()) {
    return Outcome::Fail(services.driver == nullptr ? NoReplication() : parsed.status());
  }
  using Answer = MemberAnswer<election::VoteReply>;
  repl::ElectionDriver* election = services.driver->election();
  return AwaitAnswer<Answer>(
      op,
      [election, message = *std::move(parsed)](std::function<void(Answer)> done) {
        election->HandleVoteRequest(message, [done](Status status, election::VoteReply answer) {
          done({std::move(status), std::move(answer)});
        });
      },
      [reply](const Answer& answer) {
        if (!answer.status.ok()) {
          return Outcome::Fail(answer.status);
        }
        const std::string document = answer.reply.ToBson();
        reply->AppendAll(bson::DocView(document));
        return Outcome::Ok();
      });
}

Outcome RunUpdatePosition(catalog::Op* op, const Services& services, const Request& request,
                          bson::DocBuilder* reply) {
  StatusOr<election::UpdatePositionRequest> parsed =
      election::UpdatePositionRequest::FromBson(request.body);
  if (services.driver == nullptr || !parsed.ok()) {
    return Outcome::Fail(services.driver == nullptr ? NoReplication() : parsed.status());
  }
  repl::ElectionDriver* election = services.driver->election();
  return AwaitAnswer<AdminAnswer>(
      op,
      [election, message = *std::move(parsed)](std::function<void(AdminAnswer)> done) {
        election->HandleUpdatePosition(message, [done](Status status, std::string extra) {
          done({std::move(status), std::move(extra)});
        });
      },
      [reply](const AdminAnswer& answer) { return FinishAdmin(answer, reply); });
}

Outcome RunStepUp(catalog::Op* op, const Services& services, const Request& request,
                  bson::DocBuilder* reply) {
  election::StepUpRequested event{};
  event.skip_dry_run = request.body.Find("skipDryRun").Truthy();
  return RunAdmin(op, services, event, reply);
}

Outcome RunGetRbid(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(NoReplication());
  }
  reply->Append("rbid", services.driver->sync()->rollback_id());
  return Outcome::Ok();
}

Outcome RunAbortCatchUp(catalog::Op* op, const Services& services, const Request&,
                        bson::DocBuilder* reply) {
  return RunAdmin(op, services, election::AbortCatchUpRequested{}, reply);
}

}  // namespace

extern const CommandSpec kReplSetHeartbeatCommand;
const CommandSpec kReplSetHeartbeatCommand{
    .name = "replSetHeartbeat", .aliases = {}, .flags = kAdminOnly | kInternal | kMaintenanceOk,
    .help = "A member's sign of life", .fields = {}, .api_version = "", .run = RunHeartbeat};
extern const CommandSpec kReplSetRequestVotesCommand;
const CommandSpec kReplSetRequestVotesCommand{
    .name = "replSetRequestVotes", .aliases = {}, .flags = kAdminOnly | kInternal | kMaintenanceOk,
    .help = "A candidate asks for a vote", .fields = {}, .api_version = "", .run = RunRequestVotes};
extern const CommandSpec kReplSetUpdatePositionCommand;
const CommandSpec kReplSetUpdatePositionCommand{
    .name = "replSetUpdatePosition", .aliases = {}, .flags = kAdminOnly | kInternal | kMaintenanceOk,
    .help = "A member tells how far it is", .fields = {}, .api_version = "", .run = RunUpdatePosition};
extern const CommandSpec kReplSetStepUpCommand;
const CommandSpec kReplSetStepUpCommand{
    .name = "replSetStepUp", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Asks this member to run for primary", .fields = {"skipDryRun"}, .api_version = "",
    .run = RunStepUp};
extern const CommandSpec kReplSetGetRBIDCommand;
const CommandSpec kReplSetGetRBIDCommand{
    .name = "replSetGetRBID", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "The rollback id of this member", .fields = {}, .api_version = "", .run = RunGetRbid};
extern const CommandSpec kReplSetAbortPrimaryCatchUpCommand;
const CommandSpec kReplSetAbortPrimaryCatchUpCommand{
    .name = "replSetAbortPrimaryCatchUp", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Ends the catch-up of a new primary", .fields = {}, .api_version = "",
    .run = RunAbortCatchUp};

}  // namespace septet::commands
