// SPDX-License-Identifier: Apache-2.0
#include "election/snapshot.h"

#include "election/node.h"

namespace septet::election {

Snapshot Node::MakeSnapshot() const {
  Snapshot s;
  s.set_name = options_.set_name;
  s.config = config_;
  s.self_index = self_index_;
  s.state = state();
  s.leader_mode = leader_mode_;
  s.writable = is_writable();
  s.secondary = s.state == MemberState::kSecondary || (is_leader() && !s.writable);
  s.term = term_;
  s.primary_id = primary_id_;
  s.written = written_;
  s.durable = durable_;
  s.commit_point = commit_point_.value();
  s.first_of_term = is_leader() ? commit_point_.first_of_term() : OpTime::Max();
  s.election_time = election_time_;
  s.sync_source_host = sync_source_;
  s.too_stale = too_stale_;
  s.maintenance_count = maintenance_count_;
  s.topology_version = topology_version_;
  s.counters = counters_;
  s.candidate = candidate_;
  s.participant = participant_;
  if (config_ == nullptr) {
    return s;
  }
  s.config_committed = ConfigCommitted();
  if (const MemberConfig* primary = config_->Find(primary_id_)) {
    s.primary_host = primary->host;
  }
  if (const int source = config_->IndexOfHost(sync_source_); source >= 0) {
    s.sync_source_id = config_->members[static_cast<size_t>(source)].id;
  }
  s.members.reserve(config_->members.size());
  for (const MemberConfig& m : config_->members) {
    s.members.push_back(MakeMemberSnapshot(m));
  }
  return s;
}

MemberSnapshot Node::MakeMemberSnapshot(const MemberConfig& m) const {
  MemberSnapshot member;
  member.id = m.id;
  member.name = m.host;
  if (&m == self()) {
    member.self = true;
    member.state = state();
    member.written = written_;
    member.durable = durable_;
    member.sync_source_host = sync_source_;
    member.config = config_->config_version();
    member.election_time = election_time_;
  } else if (const repl::MemberProgress* p = progress_.Find(m.id)) {
    member.written = p->written;
    member.durable = p->durable;
  }
  for (const Peer& p : peers_) {
    if (p.id != m.id) {
      continue;
    }
    member.healthy = p.up;
    member.state = p.state;
    member.last_heartbeat = p.last_heartbeat;
    member.last_heartbeat_received = p.last_heartbeat_received;
    member.ping_millis = p.ping_millis < 0 ? 0 : p.ping_millis;
    member.auth_error = p.auth_error;
    member.last_heartbeat_message = p.last_message;
    member.sync_source_host = p.syncing_to;
    member.config = p.config;
    member.election_time = p.election_time;
  }
  const int source = config_->IndexOfHost(member.sync_source_host);
  member.sync_source_id = source < 0 ? -1 : config_->members[static_cast<size_t>(source)].id;
  return member;
}

}  // namespace septet::election
