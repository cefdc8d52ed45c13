// SPDX-License-Identifier: Apache-2.0
// replSetGetStatus (S02-079): the whole field list of replication.md 2.6.
// Errors: 76 without a set name, 94 before initiate, 93 when this member was removed.
#include <chrono>

#include "base/clock.h"
#include "base/strings.h"
#include "commands/repl/common.h"
#include "commands/repl/status_sections.h"
#include "commands/server_control.h"

namespace septet::commands {
namespace {

using election::MemberSnapshot;
using election::MemberState;
using repl::OpTime;
using repl::OpTimeAndWall;
using repl::TimePoint;

// Monotonic moments as dates.
class DateOf {
 public:
  DateOf()
      : wall_(WallMillis()),
        mono_(std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now())) {}
  int64_t operator()(TimePoint t) const { return wall_ - (mono_ - t).count(); }

 private:
  int64_t wall_;
  TimePoint mono_;
};

void AppendOptimeDate(std::string_view name, const OpTimeAndWall& p, bson::DocBuilder* out) {
  out->AppendDate(name, static_cast<int64_t>(p.optime.ts.secs) * 1000);
}

void AppendOptimes(const election::Snapshot& s, const OpTimeAndWall& written,
                   const OpTimeAndWall& durable, bson::DocBuilder* out) {
  const auto scope = out->Object("optimes");
  repl::AppendOpTime(out, "lastCommittedOpTime", s.commit_point.optime);
  out->AppendDate("lastCommittedWallTime", s.commit_point.wall_millis);
  repl::AppendOpTime(out, "readConcernMajorityOpTime", s.commit_point.optime);
  repl::AppendOpTime(out, "appliedOpTime", written.optime);
  repl::AppendOpTime(out, "durableOpTime", durable.optime);
  out->AppendDate("lastAppliedWallTime", written.wall_millis);
  out->AppendDate("lastDurableWallTime", durable.wall_millis);
}

std::string_view ShownState(const MemberSnapshot& m) {
  return !m.self && !m.healthy ? std::string_view("(not reachable/healthy)")
                               : election::MemberStateName(m.state);
}

void AppendPosition(const MemberSnapshot& m, bson::DocBuilder* out) {
  repl::AppendOpTime(out, "optime", m.written.optime);
  if (!m.self) {
    repl::AppendOpTime(out, "optimeDurable", m.durable.optime);
  }
  AppendOptimeDate("optimeDate", m.written, out);
  if (!m.self) {
    AppendOptimeDate("optimeDurableDate", m.durable, out);
  }
  out->AppendDate("lastAppliedWallTime", m.written.wall_millis);
  out->AppendDate("lastDurableWallTime", m.durable.wall_millis);
}

void AppendMember(const election::Snapshot& s, const MemberSnapshot& m, bool arbiter,
                  int64_t uptime_secs, const DateOf& date, bson::DocBuilder* out) {
  out->Append("_id", m.id).Append("name", m.name);
  out->Append("health", m.self || m.healthy ? 1.0 : 0.0);
  const MemberState state = m.self || m.healthy ? m.state : MemberState::kDown;
  out->Append("state", static_cast<int32_t>(state));
  out->Append("stateStr", ShownState(m));
  if (m.self) {
    out->Append("uptime", static_cast<int32_t>(uptime_secs));
  } else {
    out->Append("uptime", m.healthy ? static_cast<int32_t>(uptime_secs) : 0);
  }
  if (!arbiter) {
    AppendPosition(m, out);
  }
  if (!m.self) {
    out->AppendDate("lastHeartbeat", m.last_heartbeat ? date(*m.last_heartbeat) : 0);
    out->AppendDate("lastHeartbeatRecv",
                    m.last_heartbeat_received ? date(*m.last_heartbeat_received) : 0);
    out->Append("pingMs", static_cast<int64_t>(std::max(m.ping_millis, 0)));
    if (m.auth_error) {
      out->Append("authenticated", false);
    }
    out->Append("lastHeartbeatMessage", m.last_heartbeat_message);
  }
  out->Append("syncSourceHost", m.sync_source_host);
  out->Append("syncSourceId", m.sync_source_id);
  if (m.self && s.maintenance_count > 0) {
    out->Append("maintenanceMode", s.maintenance_count);
  }
  out->Append("infoMessage", m.self && s.too_stale ? "too stale to catch up" : "");
  const auto election_time = m.self ? s.election_time : m.election_time;
  if (state == MemberState::kPrimary && election_time) {
    out->Append("electionTime", *election_time);
    out->AppendDate("electionDate", static_cast<int64_t>(election_time->secs) * 1000);
  }
  out->Append("configVersion", static_cast<int32_t>(m.config.version));
  out->Append("configTerm", static_cast<int32_t>(m.config.term));
  if (m.self) {
    out->Append("self", true);
    out->Append("lastHeartbeatMessage", "");
  }
}

Outcome Removed(const election::Snapshot& s, bson::DocBuilder* reply) {
  bson::DocBuilder info;
  info.Append("state", static_cast<int32_t>(s.state));
  info.Append("stateStr", election::MemberStateName(s.state));
  (void)reply;
  return Outcome::Fail(WithInfo(
      Error(ErrorCode::kInvalidReplicaSetConfig, "Our replica set config is invalid or we are not a member of it"),
      info.Finish()));
}

Outcome Run(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(NoReplication());
  }
  const repl::SnapshotPtr snapshot = services.driver->snapshot();
  const election::Snapshot& s = *snapshot;
  if (s.config == nullptr) {
    return Outcome::Fail(
        Error(ErrorCode::kNotYetInitialized, "no replset config has been received"));
  }
  const bson::ValueView initial = request.body.Find("initialSync");
  if (!initial.missing() && !initial.is_number() && initial.type() != bson::Type::kBool) {
    return Outcome::Fail(Error(ErrorCode::kTypeMismatch,
                               StrCat("Expected boolean or number type for field \"initialSync\", found ",
                                      bson::TypeName(initial.type()))));
  }
  if (s.self_index < 0) {
    return Removed(s, reply);
  }
  const DateOf date;
  // Own positions move with every write; the snapshot of the election thread may lag a little.
  const OpTimeAndWall written = services.catalog->positions()->written();
  const OpTimeAndWall durable = services.catalog->positions()->durable();
  const election::ReplSetConfig& config = *s.config;
  reply->Append("set", s.set_name);
  reply->AppendDate("date", WallMillis());
  reply->Append("myState", static_cast<int32_t>(s.state));
  reply->Append("term", s.term);
  if (s.too_stale) {
    reply->Append("tooStale", true);
  }
  reply->Append("syncSourceHost", s.sync_source_host);
  reply->Append("syncSourceId", s.sync_source_id);
  reply->Append("heartbeatIntervalMillis", config.settings.heartbeat_interval_millis);
  reply->Append("majorityVoteCount", config.majority_votes());
  reply->Append("writeMajorityCount", config.write_majority());
  reply->Append("votingMembersCount", config.voters());
  reply->Append("writableVotingMembersCount", config.writable_voters());
  AppendOptimes(s, written, durable, reply);
  reply->Append("lastStableRecoveryTimestamp", durable.optime.ts);
  AppendInitialSync(services.driver->sync()->status().initial,
                    initial.Truthy(), reply);
  AppendElectionMetrics(s, reply);
  const int64_t uptime =
      (WallMillis() - services.server->facts().start_wall_millis) / 1000;
  const auto list = reply->Array("members");
  for (size_t i = 0; i < s.members.size(); ++i) {
    MemberSnapshot m = s.members[i];
    if (m.self) {
      m.written = written;
      m.durable = durable;
    }
    const auto one = reply->AddObject();
    AppendMember(s, m, config.members[i].arbiter_only, uptime, date, reply);
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kReplSetGetStatusCommand;
const CommandSpec kReplSetGetStatusCommand{
    .name = "replSetGetStatus", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "The state of every member of the set", .fields = {"initialSync", "checkForMajority"},
    .api_version = "", .run = Run};

}  // namespace septet::commands
