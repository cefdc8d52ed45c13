// SPDX-License-Identifier: Apache-2.0
#include "server/replica_set_info.h"

namespace septet::server {

using Kind = repl::WriteConcern::Kind;
using Journal = repl::WriteConcern::Journal;
using commands::WriteConcern;

namespace {

// Grows with the term; drivers tell stale primaries by it.
bson::ObjectId ElectionId(int64_t term) {
  bson::ObjectId id{};
  id.bytes[0] = 0x7f;
  id.bytes[1] = id.bytes[2] = id.bytes[3] = 0xff;
  for (int i = 0; i < 8; ++i) {
    id.bytes[4 + i] = static_cast<uint8_t>(static_cast<uint64_t>(term) >> (56 - 8 * i));
  }
  return id;
}

void DescribeConfig(const election::ReplSetConfig& config, int self_index,
                    commands::ReplicationSnapshot* out) {
  out->config_version = config.version;
  for (const election::MemberConfig& member : config.members) {
    if (member.hidden || member.secondary_delay_secs > 0) {
      continue;
    }
    if (member.arbiter_only) {
      out->arbiters.push_back(member.host);
    } else if (member.priority > 0) {
      out->hosts.push_back(member.host);
    } else {
      out->passives.push_back(member.host);
    }
  }
  out->default_write_concern.concern.kind =
      config.implicit_default_is_majority() ? Kind::kMajority : Kind::kNumber;
  if (self_index < 0) {
    return;
  }
  const election::MemberConfig& self = config.members[static_cast<size_t>(self_index)];
  out->me = self.host;
  out->passive = self.priority == 0 && !self.arbiter_only;
  out->hidden = self.hidden;
  out->build_indexes = self.build_indexes;
  out->secondary_delay_secs = self.secondary_delay_secs;
  out->tags = self.tags;
}

}  // namespace

ReplicaSetInfo::ReplicaSetInfo(std::string set_name, repl::Positions* positions,
                               repl::Sequencer* sequencer)
    : set_name_(std::move(set_name)),
      process_id_(bson::ObjectId::Generate()),
      positions_(positions),
      sequencer_(sequencer) {
  auto snapshot = std::make_shared<commands::ReplicationSnapshot>();
  snapshot->replica_set = true;
  snapshot->accepts_writes = false;
  snapshot->readable = false;
  snapshot->process_id = process_id_;
  snapshot->set_name = set_name_;
  snapshot->state = commands::MemberState::kStartup;
  Publish(std::move(snapshot));
}

void ReplicaSetInfo::OnTopology(const repl::SnapshotPtr& s) {
  auto out = std::make_shared<commands::ReplicationSnapshot>();
  const commands::ReplicationSnapshotPtr before = Snapshot();
  out->replica_set = true;
  out->initiated = s->config != nullptr && s->self_index >= 0;
  out->state = static_cast<commands::MemberState>(s->state);
  out->term = s->term;
  out->accepts_writes = s->writable;
  out->readable = out->initiated && (s->state == election::MemberState::kPrimary ||
                                     s->state == election::MemberState::kSecondary);
  out->shutting_down = before->shutting_down;
  out->quiesce_until_micros = before->quiesce_until_micros;
  out->process_id = process_id_;
  out->topology_counter = std::max(s->topology_version, before->topology_counter + 1);
  out->set_name = set_name_;
  out->primary = s->primary_host;
  out->election_id = ElectionId(s->term);
  if (s->config != nullptr) {
    DescribeConfig(*s->config, s->self_index, out.get());
  }
  Publish(std::move(out));
}

bool ReplicaSetInfo::OwnJournalOnly(const WriteConcern& wc) {
  return wc.concern.kind == Kind::kNumber && wc.concern.w <= 1;
}

Status ReplicaSetInfo::CheckWriteConcern(const WriteConcern& wc) {
  return driver_->election()->CheckSatisfiable(wc.concern);
}

Status ReplicaSetInfo::ValidateWriteConcern(const WriteConcern&) { return OkStatus(); }

bool ReplicaSetInfo::IsSatisfied(const WriteConcern& wc, const repl::OpTime& optime) {
  if (OwnJournalOnly(wc)) {
    return wc.concern.journal != Journal::kYes || positions_->durable().optime >= optime;
  }
  return driver_->election()->IsSatisfied(wc.concern, optime) &&
         (wc.concern.kind != Kind::kMajority || positions_->HasCommittedSnapshot(optime));
}

commands::ReplicationInfo::WaiterId ReplicaSetInfo::WaitForWriteConcern(
    const WriteConcern& wc, const repl::OpTime& optime, std::function<void(Status)> done) {
  if (OwnJournalOnly(wc)) {
    const WaiterId id = positions_->WaitFor(repl::Positions::Which::kDurable, optime,
                                            [done = std::move(done)] { done(OkStatus()); });
    sequencer_->RequestSync();
    return id * 2 + 1;
  }
  if (wc.concern.kind == Kind::kMajority) {
    // Acknowledged by a majority means seen by every later majority read (S08-036), so the committed
    // snapshot must hold it too. It is asked for now, to be there when the entry is committed.
    positions_->WantCommittedSnapshot(optime);
    done = [positions = positions_, optime, done = std::move(done)](const Status& status) {
      if (!status.ok()) {
        done(status);
        return;
      }
      positions->WaitFor(repl::Positions::Which::kCommitted, optime, [done] { done(OkStatus()); });
    };
  }
  const WaiterId id =
      driver_->election()->WaitForWriteConcern(wc.concern, optime, std::move(done));
  sequencer_->RequestSync();
  return id * 2;
}

void ReplicaSetInfo::CancelWriteConcernWait(WaiterId id) {
  if (id % 2 == 1) {
    positions_->CancelWait(id / 2);
  } else {
    driver_->election()->CancelWait(id / 2);
  }
}

}  // namespace septet::server
