// SPDX-License-Identifier: Apache-2.0
// What a config may be, and which config may follow which. Source: replication.md 2.2-2.5, surface
// S08-048, S08-049, S08-052; texts as a mongod words them where public reports show them.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "election/config.h"

namespace septet::election {

// Rules for one config by itself. Error: BadValue (2).
Status ValidateConfig(const ReplSetConfig& config);

// The index of this process in the config, given all names it is known by. Error: NodeNotFound (74) if
// none or more than one member is this process.
StatusOr<int> FindSelf(const ReplSetConfig& config, std::span<const std::string> self_hosts);

// replSetInitiate: version 1, term not given or 0, no replicaSetId, name equal to the command line's, all
// rules. Every failure is InvalidReplicaSetConfig (93).
Status ValidateForInitiate(const ReplSetConfig& config, std::string_view set_name_on_command_line,
                           std::span<const std::string> self_hosts);

struct ReconfigOptions {
  bool force = false;
  // A cluster-wide default write concern was set by setDefaultRWConcern.
  bool default_write_concern_set = false;
};
// replSetReconfig and nothing else: `next` as given by the user, with version and term already settled.
// Errors: NewReplicaSetConfigurationIncompatible (103) for the rules, InvalidReplicaSetConfig (93) for a
// different name, NodeNotFound (74), NodeNotElectable (104).
Status ValidateForReconfig(const ReplSetConfig& current, const ReplSetConfig& next,
                           std::span<const std::string> self_hosts, const ReconfigOptions& options);

// A config learned from another member: set name and rules; this process need not be in it. Error:
// InvalidReplicaSetConfig (93).
Status ValidateFromPeer(const ReplSetConfig& config, std::string_view set_name_on_command_line);

// Marks voters that are new in `next` as newlyAdded and keeps the marks of members that still have them.
// Arbiters bear no data and are never marked.
void MarkNewlyAdded(const ReplSetConfig& current, ReplSetConfig* next);

}  // namespace septet::election
