// SPDX-License-Identifier: Apache-2.0
// What ElectionDriver does for each action of the Node.
#include "base/log.h"
#include "base/strings.h"
#include "replication/driver/election_driver.h"
#include "replication/oplog/entry.h"

namespace septet::repl {

using std::chrono::milliseconds;

std::shared_ptr<PeerLink> ElectionDriver::LinkTo(const std::string& host) {
  std::shared_ptr<PeerLink>& link = links_[host];
  if (link == nullptr) {
    link = std::make_shared<PeerLink>(host);
  }
  return link;
}

void ElectionDriver::Do(const election::SendHeartbeat& a) {
  const std::string host = a.host;
  const uint64_t sequence = a.sequence;
  LinkTo(a.host)->Send(
      PeerLink::Lane::kHeartbeat, a.request.ToBson(), a.timeout,
      [this, host, sequence](PeerLink::Answer answer) {
        if (answer.refused) {
          Post(election::ConnectionRefused{host});
        }
        election::HeartbeatReplyReceived event{sequence, answer.status, {}};
        if (answer.status.ok()) {
          StatusOr<election::HeartbeatReply> reply =
              election::HeartbeatReply::FromBson(bson::DocView(answer.reply));
          event.status = reply.status();
          if (reply.ok()) {
            event.reply = *std::move(reply);
            if (!event.reply.config_document.empty()) {
              const auto config =
                  election::ReplSetConfig::FromBson(bson::DocView(event.reply.config_document));
              if (config.ok()) {
                ResolveSelf(*config);
              }
            }
          }
        }
        Post(std::move(event));
      });
}

void ElectionDriver::Do(const election::SendHeartbeatReply& a) {
  HeartbeatDone done;
  {
    const std::lock_guard lock(replies_mutex_);
    const auto it = heartbeat_replies_.find(a.reply_id);
    if (it == heartbeat_replies_.end()) {
      return;
    }
    done = std::move(it->second);
    heartbeat_replies_.erase(it);
  }
  done(a.status, a.reply);
}

void ElectionDriver::Do(const election::SendVoteRequest& a) {
  const uint64_t round = a.round;
  const int member_id = a.member_id;
  LinkTo(a.host)->Send(PeerLink::Lane::kOther, a.request.ToBson(), a.timeout,
                       [this, round, member_id](PeerLink::Answer answer) {
                         election::VoteReplyReceived event{round, member_id, answer.status, {}};
                         if (answer.status.ok()) {
                           StatusOr<election::VoteReply> reply =
                               election::VoteReply::FromBson(bson::DocView(answer.reply));
                           event.status = reply.status();
                           if (reply.ok()) {
                             event.reply = *std::move(reply);
                           }
                         }
                         Post(std::move(event));
                       });
}

void ElectionDriver::Do(const election::SendVoteReply& a) {
  VoteDone done;
  {
    const std::lock_guard lock(replies_mutex_);
    const auto it = vote_replies_.find(a.reply_id);
    if (it == vote_replies_.end()) {
      return;
    }
    done = std::move(it->second);
    vote_replies_.erase(it);
  }
  done(a.status, a.reply);
}

void ElectionDriver::Do(const election::SendUpdatePosition& a) {
  const std::string host = a.host;
  constexpr milliseconds kTimeout{5000};
  LinkTo(a.host)->Send(PeerLink::Lane::kOther, a.request.ToBson(), kTimeout,
                       [this, host](const PeerLink::Answer& answer) {
                         Post(election::UpdatePositionReplyReceived{host, answer.status});
                       });
}

void ElectionDriver::Do(const election::SendUpdatePositionReply& a) {
  Do(election::SendAdminReply{
      a.reply_id, a.status,
      a.status.ok() ? std::string() : bson::MakeDoc("configVersion", a.config_version)});
}

void ElectionDriver::Do(const election::SendStepUp& a) {
  constexpr milliseconds kTimeout{10'000};
  LinkTo(a.host)->Send(PeerLink::Lane::kOther,
                       bson::MakeDoc("replSetStepUp", 1, "skipDryRun", true), kTimeout,
                       [](const PeerLink::Answer&) {});
}

void ElectionDriver::Do(const election::SendAdminReply& a) {
  AdminDone done;
  {
    const std::lock_guard lock(replies_mutex_);
    const auto it = admin_replies_.find(a.reply_id);
    if (it == admin_replies_.end()) {
      return;
    }
    done = std::move(it->second);
    admin_replies_.erase(it);
  }
  // Whoever asked must see the state that the command led to.
  PublishSnapshot();
  done(a.status, a.extra);
}

void ElectionDriver::Do(const election::PersistVote& a) {
  OnStorageThread([this, a] { Post(election::VoteDurable{a.token, store_->WriteLastVote(a.vote)}); });
}

void ElectionDriver::Do(const election::PersistConfig& a) {
  OnStorageThread([this, a] {
    const Status status =
        a.initiate ? StoreInitialConfig(a.config) : store_->WriteConfig(a.config);
    if (status.ok() && a.initiate) {
      hooks_.on_log_started();
      Post(CurrentProgress());
    }
    Post(election::ConfigDurable{a.token, status});
    if (status.ok() && a.initiate) {
      Post(election::FollowerModeChanged{election::MemberState::kSecondary, false});
    }
  });
}

void ElectionDriver::Do(const election::ConfigInstalled& a) {
  {
    const std::lock_guard lock(node_mutex_);
    queue_.Configure(a.config.settings.write_concern_modes,
                     a.config.write_concern_majority_journal_default);
  }
  P_LOG(kInfo, kReplication, 21392, "New replica set config in use", {"version", a.config.version},
        {"term", a.config.term}, {"members", a.config.members.size()});
  // Links to hosts that left are closed off this thread: their sockets may block for a while.
  std::vector<std::shared_ptr<PeerLink>> gone;
  for (auto it = links_.begin(); it != links_.end();) {
    if (a.config.IndexOfHost(it->first) < 0) {
      gone.push_back(std::move(it->second));
      it = links_.erase(it);
    } else {
      ++it;
    }
  }
  if (!gone.empty()) {
    auto kept = std::make_shared<std::vector<std::shared_ptr<PeerLink>>>(std::move(gone));
    OnStorageThread([kept] { kept->clear(); });
  }
  if (a.self_index >= 0 && a.config.members[static_cast<size_t>(a.self_index)].arbiter_only) {
    Post(election::FollowerModeChanged{election::MemberState::kSecondary, false});
  }
}

void ElectionDriver::Do(const election::SetSyncSource& a) { hooks_.set_sync_source(a.host); }

void ElectionDriver::Do(const election::StartDrain& a) { hooks_.start_drain(a.term); }

void ElectionDriver::Do(const election::BecomeWritable& a) {
  const int64_t term = a.term;
  OnStorageThread([this, term] {
    catalog_->sequencer()->SetMode(Sequencer::Mode::kPrimary, term);
    election::BecameWritable event{term, {}, OkStatus()};
    event.status = WriteNoop("new primary", 0, &event.first_entry);
    if (event.status.ok()) {
      catalog_->sequencer()->RequestSync();
      if (hooks_.on_writable) {
        hooks_.on_writable(term);
      }
    }
    Post(CurrentProgress());
    Post(std::move(event));
  });
}

void ElectionDriver::Do(const election::StopWrites& a) {
  catalog_->sequencer()->SetMode(Sequencer::Mode::kFollower, a.term);
  Post(CurrentProgress());
  Post(election::WritesStopped{a.term});
}

void ElectionDriver::Do(const election::ResumeWrites& a) {
  catalog_->sequencer()->SetMode(Sequencer::Mode::kPrimary, a.term);
}

void ElectionDriver::Do(const election::StepDown& a) {
  catalog_->sequencer()->SetMode(Sequencer::Mode::kFollower, a.term);
  catalog_->sequencer()->RequestSync();
  P_LOG(kInfo, kElection, 21402, "This member is no longer primary", {"term", a.term},
        {"reason", election::StepDownReasonName(a.reason)});
  hooks_.on_step_down();
  FailWaiters();
  Post(CurrentProgress());
}

void ElectionDriver::Do(const election::WriteReconfigNoop& a) {
  const int64_t version = a.version;
  OnStorageThread([this, version] {
    OpTimeAndWall written;
    const Status status = WriteNoop("Reconfig set", version, &written);
    if (!status.ok()) {
      P_LOG(kWarning, kReplication, 21403, "Could not log the reconfiguration",
            {"error", TextOf(status)});
    }
    catalog_->sequencer()->RequestSync();
    PostProgress();
  });
}

void ElectionDriver::Do(const election::CommitPointMoved& a) {
  catalog_->positions()->SetCommitPoint(a.commit_point);
}

void ElectionDriver::Do(const election::PublishTopology&) {
  PublishSnapshot();
  hooks_.on_topology(snapshot());
}

void ElectionDriver::Do(const election::WakeAt& a) { wake_at_ = a.when; }

namespace {

// A unit that only writes log entries.
class NoopUnit final : public CommitUnit {
 public:
  void OnSequenced(const std::vector<OpTime>&, int64_t, storage::WriteBatch*) override {}
};

}  // namespace

Status ElectionDriver::WriteNoop(std::string_view message, int64_t config_version,
                                 OpTimeAndWall* written) {
  bson::DocBuilder o;
  o.Append("msg", message);
  if (config_version > 0) {
    o.Append("version", config_version);
  }
  const std::string document = o.Finish();
  EntryFields fields;
  fields.op = 'n';
  fields.o = bson::DocView(document);
  NoopUnit unit;
  const std::unique_ptr<storage::WriteBatch> batch = catalog_->engine()->NewBatch();
  unit.batch = batch.get();
  unit.entries.emplace_back();
  BuildEntry(fields, &unit.entries.back().bytes);
  ASSIGN_OR_RETURN(const OpTime optime, catalog_->sequencer()->Commit(&unit));
  *written = catalog_->positions()->written();
  written->optime = optime;
  return OkStatus();
}

StatusOr<OpTime> ElectionDriver::AppendNoop(std::string_view message) {
  OpTimeAndWall written;
  RETURN_IF_ERROR(WriteNoop(message, 0, &written));
  return written.optime;
}

// replSetInitiate: the log's first entry and the config, durable together.
Status ElectionDriver::StoreInitialConfig(const election::ReplSetConfig& config) {
  const std::string document = bson::MakeDoc("msg", "initiating set");
  EntryFields fields;
  fields.op = 'n';
  fields.o = bson::DocView(document);
  std::string entry;
  BuildEntry(fields, &entry);
  const OpTime first{catalog_->positions()->Tick(), kInitialTerm};
  StampEntry(&entry, first,
             std::chrono::duration_cast<milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count());
  const std::unique_ptr<storage::WriteBatch> batch = catalog_->engine()->NewBatch();
  RETURN_IF_ERROR(catalog_->sequencer()->ApplyBatch(batch.get(), {entry}, {std::string()}));
  return store_->WriteConfig(config);
}

}  // namespace septet::repl
