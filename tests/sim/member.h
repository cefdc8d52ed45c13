// SPDX-License-Identifier: Apache-2.0
// One simulated member: the real election::Node, a log in memory, a disk that loses what was not synced,
// a fetcher, a rollback, and the write concern waiters of its clients. It is to the simulator what
// replication/driver is to the server.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "election/node.h"
#include "replication/core/write_concern.h"
#include "tests/sim/log.h"

namespace septet::sim {

class Cluster;

// What survives a crash.
struct Disk {
  Log log;
  std::optional<election::ReplSetConfig> config;
  election::LastVote vote;
};

struct WriteResult {
  bool accepted = false;
  repl::OpTime optime;
};

class Member {
 public:
  Member(Cluster* cluster, int index, std::string host);

  int index() const { return index_; }
  const std::string& host() const { return host_; }
  bool alive() const { return node_ != nullptr; }
  election::Node& node() { return *node_; }
  const Disk& disk() const { return disk_; }
  Disk& disk() { return disk_; }

  void Boot();
  void Crash();
  void Feed(const election::Event& event);

  // Writes as a client of this member. `done` is called once: true when the write concern holds, false
  // when the member stepped down first.
  WriteResult Write(uint64_t value, const repl::WriteConcern& concern, std::function<void(bool)> done);
  // Runs a command; `done` gets its answer unless the member dies first.
  void Admin(election::Event event, election::ReplyId reply_id, std::function<void(Status)> done);
  election::ReplyId NextReplyId() { return ++last_reply_id_; }
  bool writable() const;

  // For the final check: whether everything is as it should be in a quiet set.
  bool IsSettled(const repl::OpTime& top) const;

 private:
  friend class Cluster;
  using Responder = std::function<void(const election::Action&)>;

  void Execute(const election::Action& action);
  void Do(const election::SendHeartbeat& a);
  void Do(const election::SendHeartbeatReply& a);
  void Do(const election::SendVoteRequest& a);
  void Do(const election::SendVoteReply& a);
  void Do(const election::SendUpdatePosition& a);
  void Do(const election::SendUpdatePositionReply& a);
  void Do(const election::SendStepUp& a);
  void Do(const election::SendAdminReply& a);
  void Do(const election::PersistVote& a);
  void Do(const election::PersistConfig& a);
  void Do(const election::ConfigInstalled& a);
  void Do(const election::SetSyncSource& a);
  void Do(const election::StartDrain& a);
  void Do(const election::BecomeWritable& a);
  void Do(const election::StopWrites& a);
  void Do(const election::ResumeWrites& a);
  void Do(const election::StepDown& a);
  void Do(const election::WriteReconfigNoop& a);
  void Do(const election::CommitPointMoved& a);
  void Do(const election::PublishTopology& a);
  void Do(const election::WakeAt& a);

  // Feeds an event later in virtual time, unless the member died meanwhile.
  void FeedAfter(repl::Millis delay, election::Event event);
  void After(repl::Millis delay, std::function<void()> what);
  void TellProgress();
  repl::OpTime AppendAsLeader(uint64_t value);
  void ScheduleSync();
  // The disk finishes writes in the order in which they began.
  void AfterDiskWrite(std::function<void()> what);
  void Respond(election::ReplyId id, const election::Action& action);
  void ResolveWaiters();

  // The fetcher.
  struct Batch {
    std::vector<Entry> entries;
    election::FetchMetadata metadata;
    bool start_missing = false;   // the position asked for is not in the source's log
  };
  void Fetch();
  void ServeFetch(const repl::OpTime& after, std::function<void(StatusOr<Batch>)> respond);
  StatusOr<Batch> MakeBatch(const repl::OpTime& after);
  void FlushAwaiting(bool timed_out);
  void OnBatch(const std::string& host, const StatusOr<Batch>& batch);
  void SourceFailed();
  void StartRollback();
  void FinishRollback(const std::vector<Entry>& theirs);
  void InitialSync(const Batch& batch);
  election::FetchMetadata Metadata() const;

  Cluster* cluster_;
  int index_;
  std::string host_;
  Disk disk_;
  std::unique_ptr<election::Node> node_;
  uint64_t incarnation_ = 0;

  int64_t writable_term_ = -1;
  bool accepts_writes_ = false;
  bool sync_scheduled_ = false;
  uint64_t log_version_ = 0;       // changes when the log is cut
  uint64_t wake_version_ = 0;
  repl::TimePoint disk_busy_until_;
  std::string source_;
  int source_index_ = -1;
  uint64_t fetch_epoch_ = 0;
  bool rolling_back_ = false;
  struct Awaiting {
    repl::OpTime after;
    repl::OpTime commit_known;
    repl::TimePoint until;
    std::function<void(StatusOr<Batch>)> respond;
  };
  std::vector<Awaiting> awaiting_;
  std::map<election::ReplyId, Responder> responders_;
  election::ReplyId last_reply_id_ = 0;
  repl::WriteConcernQueue waiters_;
  struct Waiter {
    repl::OpTime optime;
    repl::WriteConcern concern;
    std::function<void(bool)> done;
  };
  std::map<uint64_t, Waiter> waiting_;
  uint64_t last_waiter_ = 0;
  std::string last_state_;
  uint64_t last_round_ = 0;
};

}  // namespace septet::sim
