// SPDX-License-Identifier: Apache-2.0
// Runs election::Node: one thread owns it, turns events into Steps and carries out the actions
// (node.h states the contract). Everything slow (disk, sockets) goes to other threads and comes back as
// an event.
// Thread rule: thread-safe; callbacks run on the driver's threads and must only hand work over.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "catalog/catalog.h"
#include "election/node.h"
#include "replication/core/write_concern.h"
#include "replication/driver/local_store.h"
#include "replication/driver/peer_link.h"
#include "replication/driver/self_hosts.h"

namespace septet::repl {

using SnapshotPtr = std::shared_ptr<const election::Snapshot>;

// What the rest of the server does when the part of this member changes.
struct ElectionHooks {
  // hello shows something new. On the election thread.
  std::function<void(SnapshotPtr)> on_topology;
  // No longer primary: interrupt user operations. On the election thread; must be quick.
  std::function<void()> on_step_down;
  // Became writable (after the first entry of the term). On the storage thread.
  std::function<void(int64_t term)> on_writable;
  // Whom to copy the log from (empty: stop) and when to drain. On the election thread.
  std::function<void(std::string host)> set_sync_source;
  std::function<void(int64_t term)> start_drain;
  // replSetInitiate has written the log's first entry. On the storage thread.
  std::function<void()> on_log_started;
  // This process holds user databases (initiate's check).
  std::function<bool()> has_data;
};

class ElectionDriver {
 public:
  struct Options {
    election::NodeOptions node;   // self_hosts are filled in from `self`
    SelfAddresses self;
    uint64_t seed = 0;
  };
  ElectionDriver(const Options& options, catalog::Catalog* catalog, LocalStore* store,
                 ElectionHooks hooks);
  ~ElectionDriver();

  // Reads the stored state and starts the threads.
  Status Start();
  // Joins the threads; what is pending, and what is asked later, is answered with ShutdownInProgress.
  void Stop();

  // Feeds an event.
  void Post(election::Event event);
  // The newest positions of this member's log have moved: tell the Node now.
  void PostProgress();
  // During initial sync the log is no evidence of anything: the Node is not told of positions.
  void SetVouching(bool vouching) { vouching_ = vouching; }

  using HeartbeatDone = std::function<void(Status, election::HeartbeatReply)>;
  using VoteDone = std::function<void(Status, election::VoteReply)>;
  using AdminDone = std::function<void(Status, std::string extra)>;
  void HandleHeartbeat(election::HeartbeatRequest request, HeartbeatDone done);
  void HandleVoteRequest(election::VoteRequest request, VoteDone done);
  // `extra` of the answer: {configVersion} of an error reply.
  void HandleUpdatePosition(election::UpdatePositionRequest request, AdminDone done);
  // Any command event; its reply_id is filled in.
  template <typename E>
  void HandleAdmin(E event, AdminDone done) {
    if (const std::optional<election::ReplyId> id = NewAdminReply(std::move(done))) {
      event.reply_id = *id;
      Post(election::Event(std::move(event)));
    }
  }
  // Commands that bring hosts: those of this process are made known first. Blocks on name resolution.
  void ResolveSelf(const election::ReplSetConfig& config);

  SnapshotPtr snapshot() const;

  // Appends a no-op entry: its commit proves that this member was still primary after now (linearizable
  // reads, majority writes that changed nothing). Errors: NotWritablePrimary. Thread-safe.
  StatusOr<OpTime> AppendNoop(std::string_view message);

  // Write concerns. `done` is called once, unless cancelled.
  Status CheckSatisfiable(const WriteConcern& concern) const;
  bool IsSatisfied(const WriteConcern& concern, const OpTime& optime) const;
  WriteConcernQueue::WaiterId WaitForWriteConcern(const WriteConcern& concern, const OpTime& optime,
                                                  std::function<void(Status)> done);
  void CancelWait(WriteConcernQueue::WaiterId id);

 private:
  struct Waiting {
    std::function<void(Status)> done;
  };

  // Keeps `done` for the answer; none, and `done` is called at once, if the driver has stopped.
  template <typename Replies, typename Done>
  std::optional<election::ReplyId> NewReply(Replies* replies, Done done);
  std::optional<election::ReplyId> NewAdminReply(AdminDone done);
  void Run();
  void StepOne(const election::Event& event);
  void Execute(election::Actions actions);
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

  std::shared_ptr<PeerLink> LinkTo(const std::string& host);
  void OnStorageThread(std::function<void()> work);
  void RunStorage();
  Status WriteNoop(std::string_view message, int64_t config_version, OpTimeAndWall* written);
  Status StoreInitialConfig(const election::ReplSetConfig& config);
  election::LocalProgress CurrentProgress() const;
  void ReleaseSatisfied();
  void FailWaiters();
  void PublishSnapshot();

  const Options options_;
  catalog::Catalog* const catalog_;
  LocalStore* const store_;
  const ElectionHooks hooks_;

  // The event queue.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<election::Event> events_;
  bool progress_dirty_ = false;
  std::atomic<bool> vouching_{true};
  bool stop_ = false;
  std::thread thread_;

  // The Node; Step runs under node_mutex_ so that write concerns can look at its progress.
  mutable std::mutex node_mutex_;
  std::unique_ptr<election::Node> node_;
  WriteConcernQueue queue_;                                         // under node_mutex_
  std::unordered_map<WriteConcernQueue::WaiterId, Waiting> waiting_;  // under node_mutex_
  WriteConcernQueue::WaiterId next_waiter_ = 1;                     // under node_mutex_

  std::optional<TimePoint> wake_at_;                                // the election thread's own
  std::map<std::string, std::shared_ptr<PeerLink>> links_;          // the election thread's own

  mutable std::mutex snapshot_mutex_;
  SnapshotPtr snapshot_;

  std::mutex replies_mutex_;
  bool closed_ = false;                                             // under replies_mutex_, as these
  election::ReplyId next_reply_ = 1;
  std::unordered_map<election::ReplyId, AdminDone> admin_replies_;
  std::unordered_map<election::ReplyId, HeartbeatDone> heartbeat_replies_;
  std::unordered_map<election::ReplyId, VoteDone> vote_replies_;

  // The thread that waits for the disk.
  std::mutex storage_mutex_;
  std::condition_variable storage_wake_;
  std::deque<std::function<void()>> storage_jobs_;
  bool storage_stop_ = false;
  std::thread storage_thread_;
};

}  // namespace septet::repl
