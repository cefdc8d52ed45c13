// SPDX-License-Identifier: Apache-2.0
#include "election/config_rules.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"
#include "base/strings.h"

namespace septet::election {
namespace {

constexpr int kMaxMemberId = 255;
constexpr double kMaxPriority = 1000;
constexpr int64_t kMaxDelaySecs = 31'622'400;

Status Bad(std::string_view text) { return Error(ErrorCode::kBadValue, text); }

Status ValidateArbiter(const MemberConfig& m) {
  if (m.votes != 1) {
    return Bad("Arbiter must vote (cannot have 0 votes)");
  }
  if (m.priority != 0) {
    return Bad("priority must be 0 for arbiters");
  }
  if (!m.tags.empty()) {
    return Bad("Cannot set tags on arbiters.");
  }
  return OkStatus();
}

Status ValidateMember(const MemberConfig& m) {
  if (m.id < 0 || m.id > kMaxMemberId) {
    return Bad(StrCat("_id field value of ", m.id, " is out of range."));
  }
  if (m.votes != 0 && m.votes != 1) {
    return Bad(StrCat("votes field value is ", m.votes, " but must be 0 or 1"));
  }
  if (!(m.priority >= 0 && m.priority <= kMaxPriority)) {
    return Bad(StrCat("priority field value of ", m.priority, " is out of range"));
  }
  if (m.secondary_delay_secs < 0 || m.secondary_delay_secs > kMaxDelaySecs) {
    return Bad(StrCat("secondaryDelaySecs field value of ", m.secondary_delay_secs,
                      " seconds is out of range"));
  }
  if (m.arbiter_only) {
    return ValidateArbiter(m);
  }
  if (m.priority == 0) {
    return OkStatus();
  }
  if (m.votes == 0) {
    return Bad("priority must be 0 when non-voting (votes:0)");
  }
  if (m.secondary_delay_secs > 0) {
    return Bad("priority must be 0 when secondaryDelaySecs is used");
  }
  if (m.hidden) {
    return Bad("priority must be 0 when hidden=true");
  }
  if (!m.build_indexes) {
    return Bad("priority must be 0 when buildIndexes=false");
  }
  return OkStatus();
}

Status ValidateSettings(const ReplSetConfig& config) {
  const ReplSetSettings& s = config.settings;
  const auto positive = [](std::string_view name, int64_t v) {
    return v > 0 ? OkStatus()
                 : Bad(StrCat("settings.", name, " must be greater than 0, but found ", v));
  };
  RETURN_IF_ERROR(positive("heartbeatIntervalMillis", s.heartbeat_interval_millis));
  RETURN_IF_ERROR(positive("heartbeatTimeoutSecs", s.heartbeat_timeout_secs));
  RETURN_IF_ERROR(positive("electionTimeoutMillis", s.election_timeout_millis));
  if (s.catch_up_timeout_millis < -1 || s.catch_up_takeover_delay_millis < -1) {
    return Bad(
        "settings.catchUpTimeoutMillis and settings.catchUpTakeoverDelayMillis must be positive, 0 or "
        "-1");
  }
  for (const repl::TagMode& mode : s.write_concern_modes) {
    for (const auto& [key, count] : mode.pattern) {
      if (count <= 0) {
        return Bad(StrCat("Value for ", key, " in settings.getLastErrorModes.", mode.name,
                          " must be greater than 0, but found ", count));
      }
      const bool known = std::any_of(
          config.members.begin(), config.members.end(), [&k = key](const MemberConfig& m) {
            return std::any_of(m.tags.begin(), m.tags.end(),
                               [&k](const auto& tag) { return tag.first == k; });
          });
      if (!known) {
        return Error(ErrorCode::kNoSuchKey,
                     StrCat("No replica set tag key ", key, " found for write concern mode ",
                            mode.name));
      }
    }
  }
  return OkStatus();
}

Status ValidatePairs(const ReplSetConfig& config) {
  const auto& members = config.members;
  for (size_t i = 0; i < members.size(); ++i) {
    for (size_t j = i + 1; j < members.size(); ++j) {
      if (members[i].id == members[j].id) {
        return Bad(StrCat("Found two member configurations with same _id field, members.", i,
                          "._id == members.", j, "._id == ", members[i].id));
      }
      if (members[i].host == members[j].host) {
        return Bad(StrCat("Found two member configurations with same host field, members.", i,
                          ".host == members.", j, ".host == ", members[i].host));
      }
    }
  }
  return OkStatus();
}

Status ValidateHorizons(const ReplSetConfig& config) {
  const auto& first = config.members.front().horizons;
  std::vector<std::string_view> hosts;
  for (const MemberConfig& m : config.members) {
    const bool same = m.horizons.size() == first.size() &&
                      std::all_of(m.horizons.begin(), m.horizons.end(), [&](const auto& h) {
                        return std::any_of(first.begin(), first.end(), [&h](const auto& f) {
                          return f.first == h.first;
                        });
                      });
    if (!same) {
      return Bad("Saw a replica set member with a different horizon mapping than the others");
    }
    for (const auto& [name, host] : m.horizons) {
      if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) {
        return Bad(StrCat("Duplicate horizon member found \"", host, "\"."));
      }
      hosts.push_back(host);
    }
  }
  return OkStatus();
}

std::string Rejected(const ReplSetConfig& next) {
  return StrCat(" new configuration with ", next.config_version().ToString(), " for replica set ",
                next.set_name);
}

// `next` may follow `current`, whoever asked.
Status ValidateSuccessor(const ReplSetConfig& current, const ReplSetConfig& next) {
  const auto incompatible = [](std::string_view text) {
    return Error(ErrorCode::kNewReplicaSetConfigurationIncompatible, text);
  };
  if (next.set_name != current.set_name) {
    return Error(ErrorCode::kInvalidReplicaSetConfig,
                 StrCat("New and old configurations differ in replica set name; old was ",
                        current.set_name, ", and new is ", next.set_name));
  }
  if (!next.config_version().IsNewerThan(current.config_version())) {
    return incompatible(StrCat("New replica set configuration version must be greater than old, but ",
                               next.version, " is not greater than ", current.version,
                               " for replica set ", next.set_name));
  }
  if (next.settings.replica_set_id != current.settings.replica_set_id) {
    const auto text = [](const std::optional<bson::ObjectId>& id) {
      return id ? id->ToHex() : std::string("none");
    };
    return incompatible(StrCat("New and old configurations differ in replica set ID; old was ",
                               text(current.settings.replica_set_id), ", and new is ",
                               text(next.settings.replica_set_id)));
  }
  for (const MemberConfig& m : next.members) {
    const int old_index = current.IndexOfHost(m.host);
    const MemberConfig* old =
        old_index < 0 ? nullptr : &current.members[static_cast<size_t>(old_index)];
    if (old == nullptr) {
      continue;
    }
    if (old->id != m.id) {
      return incompatible(StrCat("New and old configurations both have members with host of ", m.host,
                                 " but in the new configuration the _id field is ", m.id,
                                 " and in the old configuration it is ", old->id,
                                 " for replica set ", next.set_name));
    }
    const std::string_view changed = old->build_indexes != m.build_indexes   ? "buildIndexes"
                                     : old->arbiter_only != m.arbiter_only ? "arbiterOnly"
                                                                             : "";
    if (!changed.empty()) {
      return incompatible(StrCat("New and old configurations differ in the setting of the ", changed,
                                 " field for member ", m.host,
                                 "; to make this change, remove then re-add the member"));
    }
  }
  return OkStatus();
}

// Ids of members with votes: 1 as written: a member waiting for its data counts as the voter it becomes.
std::vector<int> DeclaredVoters(const ReplSetConfig& config) {
  std::vector<int> ids;
  for (const MemberConfig& m : config.members) {
    if (m.votes == 1) {
      ids.push_back(m.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Two majorities of consecutive configs must share a member.
Status ValidateSingleChange(const ReplSetConfig& current, const ReplSetConfig& next) {
  const std::vector<int> a = DeclaredVoters(current);
  const std::vector<int> b = DeclaredVoters(next);
  std::vector<int> difference;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(),
                                std::back_inserter(difference));
  if (difference.size() > 1) {
    return Error(ErrorCode::kNewReplicaSetConfigurationIncompatible,
                 "Non force replica set reconfig can only add or remove at most 1 voting member.");
  }
  return OkStatus();
}

bool IsPrimarySecondaryArbiter(const ReplSetConfig& c) {
  return c.voters() == 3 && c.writable_voters() == 2;
}

// With a primary, one secondary and an arbiter the secondary may win an election with the arbiter's vote
// and without a majority-committed entry, if writes were committed by the primary alone before.
Status ValidatePsa(const ReplSetConfig& current, const ReplSetConfig& next) {
  if (!IsPrimarySecondaryArbiter(next) || current.writable_voters() != 1) {
    return OkStatus();
  }
  const auto electable = std::count_if(next.members.begin(), next.members.end(),
                                       [](const MemberConfig& m) { return m.is_electable(); });
  if (electable < 2) {
    return OkStatus();
  }
  return Error(ErrorCode::kNewReplicaSetConfigurationIncompatible,
               "Rejecting reconfig where the new config has a PSA topology and the secondary is "
               "electable, but the old config contains only one writable node. Refer to "
               "https://www.mongodb.com/docs/manual/reference/method/rs.reconfigForPSASet/ for next "
               "steps on reconfiguring a PSA set.");
}

Status WithCode(ErrorCode code, const Status& status) {
  return status.ok() ? status : Error(code, TextOf(status));
}

}  // namespace

Status ValidateConfig(const ReplSetConfig& config) {
  if (config.set_name.empty()) {
    return Bad("Replica set configuration must have non-empty _id field");
  }
  if (config.version < 1 || config.version > INT32_MAX) {
    return Bad(StrCat("version field value of ", config.version, " is out of range"));
  }
  if (config.protocol_version != 1) {
    return Bad(StrCat("Support for replication protocol version ", config.protocol_version,
                      " was removed in MongoDB 4.0. Downgrade to MongoDB version 3.6 and upgrade your "
                      "protocol version to 1 before upgrading your MongoDB version"));
  }
  const size_t count = config.members.size();
  if (count < 1 || count > static_cast<size_t>(limits::kMaxMembers)) {
    return Bad(StrCat("Replica set configuration contains ", count,
                      " members, but must have at least 1 and no more than ", limits::kMaxMembers));
  }
  int voters = 0;
  int electable = 0;
  size_t loopback = 0;
  for (const MemberConfig& m : config.members) {
    RETURN_IF_ERROR(ValidateMember(m));
    voters += m.votes;
    electable += !m.arbiter_only && m.priority > 0 ? 1 : 0;
    loopback += IsLoopbackHost(m.host) ? 1u : 0u;
  }
  RETURN_IF_ERROR(ValidatePairs(config));
  if (loopback != 0 && loopback != count) {
    return Bad(StrCat("Either all host names in a replica set configuration must be localhost "
                      "references, or none must be; found ",
                      loopback, " out of ", count));
  }
  if (voters < 1 || voters > limits::kMaxVotingMembers) {
    return Bad(StrCat("Replica set configuration contains ", voters,
                      " voting members, but must be at least 1 and no more than ",
                      limits::kMaxVotingMembers));
  }
  if (electable == 0) {
    return Bad(
        "Replica set configuration must contain at least one non-arbiter member with priority > 0");
  }
  RETURN_IF_ERROR(ValidateHorizons(config));
  return ValidateSettings(config);
}

StatusOr<int> FindSelf(const ReplSetConfig& config, std::span<const std::string> self_hosts) {
  int found = -1;
  for (size_t i = 0; i < config.members.size(); ++i) {
    if (std::find(self_hosts.begin(), self_hosts.end(), config.members[i].host) == self_hosts.end()) {
      continue;
    }
    if (found >= 0) {
      return Error(ErrorCode::kNodeNotFound,
                   StrCat("The hosts ", config.members[static_cast<size_t>(found)].host, " and ",
                          config.members[i].host, " all map to this node in", Rejected(config)));
    }
    found = static_cast<int>(i);
  }
  if (found < 0) {
    return Error(ErrorCode::kNodeNotFound,
                 StrCat("No host described in", Rejected(config), " maps to this node"));
  }
  return found;
}

Status ValidateForInitiate(const ReplSetConfig& config, std::string_view set_name_on_command_line,
                           std::span<const std::string> self_hosts) {
  const auto invalid = [](std::string_view text) {
    return Error(ErrorCode::kInvalidReplicaSetConfig, text);
  };
  if (config.set_name != set_name_on_command_line) {
    return invalid(StrCat("Attempting to initiate a replica set with name ", config.set_name,
                          ", but command line reports ", set_name_on_command_line, "; rejecting"));
  }
  RETURN_IF_ERROR(WithCode(ErrorCode::kInvalidReplicaSetConfig, ValidateConfig(config)));
  if (config.settings.replica_set_id) {
    return invalid(
        "replica set configuration cannot contain 'replicaSetId' field when called from "
        "replSetInitiate");
  }
  if (config.version != 1) {
    return invalid(StrCat("Configuration used to initiate a replica set must have version 1, but found ",
                          config.version));
  }
  if (config.term != repl::kUninitializedTerm && config.term != repl::kInitialTerm) {
    return invalid(StrCat("Configuration used to initiate a replica set must have term ",
                          repl::kInitialTerm, ", but found ", config.term));
  }
  ReplSetConfig shown = config;
  shown.term = repl::kInitialTerm;
  const StatusOr<int> self = FindSelf(shown, self_hosts);
  RETURN_IF_ERROR(WithCode(ErrorCode::kInvalidReplicaSetConfig, self.status()));
  if (!config.members[static_cast<size_t>(*self)].is_electable()) {
    return invalid(StrCat("This node, ", config.members[static_cast<size_t>(*self)].host,
                          ", with _id ", config.members[static_cast<size_t>(*self)].id,
                          " is not electable under the", Rejected(shown)));
  }
  return OkStatus();
}

Status ValidateForReconfig(const ReplSetConfig& current, const ReplSetConfig& next,
                           std::span<const std::string> self_hosts, const ReconfigOptions& options) {
  RETURN_IF_ERROR(
      WithCode(ErrorCode::kNewReplicaSetConfigurationIncompatible, ValidateConfig(next)));
  RETURN_IF_ERROR(ValidateSuccessor(current, next));
  if (!options.force) {
    RETURN_IF_ERROR(ValidateSingleChange(current, next));
    RETURN_IF_ERROR(ValidatePsa(current, next));
    if (!options.default_write_concern_set &&
        current.implicit_default_is_majority() != next.implicit_default_is_majority()) {
      return Error(ErrorCode::kNewReplicaSetConfigurationIncompatible,
                   "Reconfig attempted to install a config that would change the implicit default "
                   "write concern. Use the setDefaultRWConcern command to set a cluster-wide write "
                   "concern and try the reconfig again.");
    }
  }
  ASSIGN_OR_RETURN(const int self, FindSelf(next, self_hosts));
  const MemberConfig& me = next.members[static_cast<size_t>(self)];
  if (!options.force && !me.is_electable()) {
    return Error(ErrorCode::kNodeNotElectable,
                 StrCat("This node, ", me.host, ", with _id ", me.id, " is not electable under the",
                        Rejected(next)));
  }
  return OkStatus();
}

Status ValidateFromPeer(const ReplSetConfig& config, std::string_view set_name_on_command_line) {
  if (config.set_name != set_name_on_command_line) {
    return Error(ErrorCode::kInvalidReplicaSetConfig,
                 StrCat("Replica set name ", config.set_name,
                        " of the received configuration does not match ", set_name_on_command_line,
                        " of the command line"));
  }
  return WithCode(ErrorCode::kInvalidReplicaSetConfig, ValidateConfig(config));
}

void MarkNewlyAdded(const ReplSetConfig& current, ReplSetConfig* next) {
  for (MemberConfig& m : next->members) {
    const MemberConfig* old = current.Find(m.id);
    const bool same_member = old != nullptr && old->host == m.host;
    // A member that was there without a vote has data already, or will get it as it did.
    m.newly_added = m.votes == 1 && !m.arbiter_only && (same_member ? old->newly_added : true);
  }
}

}  // namespace septet::election
