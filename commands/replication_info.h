// SPDX-License-Identifier: Apache-2.0
// What commands and the dispatcher know of replication: an immutable snapshot that the replication
// driver publishes on every change, and the waits for a topology change and for a write concern.
//
// The snapshot and the topology waiters live here; a subclass (server/ for a replica set,
// standalone_replication.h without one) answers for write concerns. Publish() bumps nothing itself: the
// publisher sets topology_counter, generation() only tells holders of an old snapshot to fetch again.
// Thread rule: thread-safe. Callbacks run on the thread that caused them, outside locks; they must only
// hand work over.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "bson/view.h"
#include "commands/write_concern.h"
#include "replication/core/optime.h"

namespace septet::commands {

// Numbers of replSetGetStatus.
enum class MemberState : int {
  kStartup = 0,
  kPrimary = 1,
  kSecondary = 2,
  kRecovering = 3,
  kStartup2 = 5,
  kUnknown = 6,
  kArbiter = 7,
  kDown = 8,
  kRollback = 9,
  kRemoved = 10,
};
std::string_view NameOf(MemberState state);  // "PRIMARY", ...

// What setDefaultRWConcern has set (rw_concern_defaults.h).
struct RwConcernDefaults {
  std::string read_level;              // "local", "available" or "majority"; empty: not set
  std::optional<WriteConcern> write;   // with provenance customDefault
  bson::Timestamp update_op_time;      // null: nothing was ever set
  int64_t update_wall_millis = 0;
};

struct ReplicationSnapshot {
  bool replica_set = false;     // started with a set name
  bool initiated = false;       // has a configuration that names this node
  MemberState state = MemberState::kStartup;
  int64_t term = repl::kUninitializedTerm;
  // May accept writes now (primary after its catch-up, or standalone).
  bool accepts_writes = true;
  // May serve reads of clients that asked for a secondary (primary and secondary).
  bool readable = true;
  bool shutting_down = false;   // quiesce mode: hello answers ShutdownInProgress
  int64_t quiesce_until_micros = 0;  // its end, of MonotonicMicros()

  bson::ObjectId process_id{};  // of this run of the process
  int64_t topology_counter = 0;

  // hello's description of the set.
  std::string set_name;
  int64_t config_version = 0;
  std::vector<std::string> hosts;
  std::vector<std::string> passives;
  std::vector<std::string> arbiters;
  std::string primary;          // "host:port" if known
  std::string me;
  bson::ObjectId election_id{}; // only meaningful while primary
  bool passive = false;
  bool hidden = false;
  bool build_indexes = true;
  int64_t secondary_delay_secs = 0;
  std::vector<std::pair<std::string, std::string>> tags;

  // The write concern of a request that has none, after config and setDefaultRWConcern.
  WriteConcern default_write_concern;
  RwConcernDefaults defaults;   // filled in by Publish
};
using ReplicationSnapshotPtr = std::shared_ptr<const ReplicationSnapshot>;

class ReplicationInfo {
 public:
  ReplicationInfo();
  virtual ~ReplicationInfo() = default;

  // Changes with every Publish; a holder compares it (one relaxed load) before fetching again.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  ReplicationSnapshotPtr Snapshot() const;
  // The defaults that are set go into the snapshot.
  void Publish(ReplicationSnapshotPtr snapshot);
  // Publishes the current snapshot anew if these are others than before.
  void SetDefaults(const RwConcernDefaults& defaults);

  using WaiterId = uint64_t;
  // Calls `done` once the counter is greater than `known_counter` (at once, inline, if it is).
  WaiterId WaitForTopologyChange(int64_t known_counter, std::function<void()> done);
  void CancelTopologyWait(WaiterId id);
  int TopologyWaiters() const;

  // Error now if the set can never satisfy `wc`: UnsatisfiableWriteConcern (100),
  // UnknownReplWriteConcern (79). It becomes the reply's writeConcernError.
  virtual Status CheckWriteConcern(const WriteConcern& wc) = 0;
  // Refuses a concern before the command runs (standalone: w > 1 is BadValue).
  virtual Status ValidateWriteConcern(const WriteConcern& wc) = 0;
  // True if `optime` is known to satisfy `wc` already: the fast way that needs no waiter.
  virtual bool IsSatisfied(const WriteConcern& wc, const repl::OpTime& optime) = 0;
  // Calls `done` once: ok when satisfied, or the error that ends the wait (PrimarySteppedDown ...).
  // It may still come after CancelWriteConcernWait.
  virtual WaiterId WaitForWriteConcern(const WriteConcern& wc, const repl::OpTime& optime,
                                       std::function<void(Status)> done) = 0;
  virtual void CancelWriteConcernWait(WaiterId id) = 0;

 private:
  struct TopologyWaiter {
    int64_t known_counter;
    std::function<void()> done;
  };

  std::atomic<uint64_t> generation_{0};
  mutable absl::Mutex mutex_;
  ReplicationSnapshotPtr snapshot_ ABSL_GUARDED_BY(mutex_);
  // As published, without the defaults that are set.
  ReplicationSnapshotPtr plain_ ABSL_GUARDED_BY(mutex_);
  RwConcernDefaults defaults_ ABSL_GUARDED_BY(mutex_);
  std::map<WaiterId, TopologyWaiter> waiters_ ABSL_GUARDED_BY(mutex_);
  WaiterId next_waiter_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace septet::commands
