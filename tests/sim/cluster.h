// SPDX-License-Identifier: Apache-2.0
// The simulated set: members, the network between them, clients, faults and the checker, all on virtual
// time and all chosen by one seed. The same seed gives the same run, event by event: see trace_hash().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/sim/checker.h"
#include "tests/sim/member.h"
#include "tests/sim/scheduler.h"

namespace septet::sim {

// Rules broken on purpose; each must be noticed.
enum class Mutation { kNone, kVoteNotDurable, kCommitOlderTerm, kCountWritten };
std::string_view MutationName(Mutation mutation);

struct SimOptions {
  uint64_t seed = 1;
  Mutation mutation = Mutation::kNone;
  bool verbose = false;              // print the trace
  // Fault rates; the seed scales them.
  bool faults = true;
  int64_t max_steps = 1'000'000;
  int members = 0;                   // 0: by the seed, 1-7
  Millis chaos{20'000};              // virtual time with faults and clients
  Millis calm{40'000};               // at most, until everything must have settled
  // Network.
  Millis min_latency{1};
  Millis max_latency{10};
  double loss = 0;                   // a call breaks: the caller learns soon
  double duplicate = 0;              // delivered twice
  double slow = 0;                   // takes ten times as long
  Millis max_fsync{10};
  int fetch_batch = 20;              // entries
  int reconfig_percent = 10;         // of all that happens
  Millis max_pause{3'000};           // between two mishaps
  bool through_bson = false;         // all messages go through their documents
};

// Options with rates drawn from the seed.
SimOptions OptionsFor(uint64_t seed);

class Cluster {
 public:
  explicit Cluster(const SimOptions& options);
  ~Cluster();

  // A set of `config` that starts initialised, with one common entry in every data member's log.
  void StartInitialised(const election::ReplSetConfig& config);
  // Members without a config; replSetInitiate goes to member 0.
  void StartByInitiate(const election::ReplSetConfig& config);
  election::ReplSetConfig RandomConfig(int members);

  // Chaos with clients, then calm; everything checked. Empty: fine, else the breach.
  std::string Run();
  // Advances virtual time; stops early when an invariant is broken.
  void RunFor(Millis duration);
  bool RunUntil(Millis limit, const std::function<bool()>& condition);

  Scheduler& scheduler() { return scheduler_; }
  Random& random() { return random_; }
  Checker& checker() { return checker_; }
  const SimOptions& options() const { return options_; }
  Member& member(int i) { return *members_[static_cast<size_t>(i)]; }
  int size() const { return static_cast<int>(members_.size()); }
  int IndexOfHost(const std::string& host) const;
  static std::string HostOf(int i);
  int Leader() const;                 // a member that may write, -1 if none; the newest term wins

  // The network. A reply or an error comes back unless the link is cut; then the time-out does.
  void SetLink(int from, int to, bool up);
  void HealAll();
  void Partition(const std::vector<int>& group);
  bool LinkUp(int from, int to) const;
  template <typename Reply>
  void Call(int from, int to, Millis timeout,
            std::function<void(Member&, std::function<void(StatusOr<Reply>)>)> serve,
            std::function<void(StatusOr<Reply>)> done);

  // A paused process (SIGSTOP) does nothing until then; what is for it waits.
  void Pause(int i, Millis duration);
  bool paused(int i) const { return scheduler_.now() < paused_until_[static_cast<size_t>(i)]; }
  // Runs it now, or when the member goes on.
  void RunAt(int i, std::function<void()> what);
  // The removed member comes back with an empty disk.
  void Wipe(int i);
  // A crashed process refuses connections; a crashed machine says nothing.
  void Crash(int i, bool machine = false);
  void Restart(int i);

  void Trace(int member, std::string_view what);
  uint64_t trace_hash() const { return trace_hash_; }
  void CountStep(int member, size_t event_index, size_t actions);
  // Lines since the last call (scripts).
  std::vector<std::string> TakeLines() { return std::exchange(lines_, {}); }
  int64_t WallMillis(int member) const;  // clocks differ a little
  TimePoint start_time() const { return start_; }

  // What happened so far; a run in which little happens proves little.
  struct Totals {
    int64_t steps = 0;
    int64_t writes = 0;
    int64_t acknowledged = 0;
    int64_t elections = 0;
    int64_t crashes = 0;
    int64_t rollbacks = 0;
    int64_t reconfigs = 0;
    int64_t calm_millis = 0;   // virtual time from the last fault to rest

    void Add(const Totals& t);
    std::string ToString() const;
  };
  Totals totals() const;
  std::string Summary() const;

 private:
  friend class Member;
  void MakeMembers(int count);
  void TryInitiate(const election::ReplSetConfig& config);
  void NemesisTick();
  void NemesisNetwork();
  void NemesisProcess();
  void NemesisAdmin();
  void NemesisReconfig();
  void ClientTick(int client);
  bool Settled();
  void Settle();
  // One way; false: cut. Loss is told by `lost`.
  void Deliver(int from, int to, std::function<void()> at_target, std::function<void()> lost);
  Millis Latency();

  SimOptions options_;
  Random random_;
  Scheduler scheduler_;
  TimePoint start_;
  Checker checker_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::vector<bool>> link_down_;
  std::vector<TimePoint> paused_until_;
  std::vector<bool> silent_;           // machine down: no refusals
  std::vector<int64_t> clock_skew_;
  bool chaos_ = false;
  uint64_t last_value_ = 0;
  uint64_t trace_hash_ = 0x5e97e7;
  Totals totals_;
  std::vector<std::string> lines_;
};

template <typename Reply>
void Cluster::Call(int from, int to, Millis timeout,
                   std::function<void(Member&, std::function<void(StatusOr<Reply>)>)> serve,
                   std::function<void(StatusOr<Reply>)> done) {
  Member& caller = member(from);
  const uint64_t life = caller.incarnation_;
  auto open = std::make_shared<int>(1 + (random_.OneIn(options_.duplicate) ? 1 : 0));
  auto finish = [this, from, life, open, done](const StatusOr<Reply>& r) {
    RunAt(from, [this, from, life, open, done, r] {
      if (*open > 0 && member(from).alive() && member(from).incarnation_ == life) {
        --*open;
        done(r);
      }
    });
  };
  auto broken = [this, finish] {
    scheduler_.After(Latency(), [finish] {
      finish(Error(ErrorCode::kHostUnreachable, "connection broke"));
    });
  };
  scheduler_.After(timeout, [finish] { finish(Error(ErrorCode::kNetworkTimeout, "timed out")); });
  Deliver(
      from, to,
      [this, from, to, serve, finish, broken] {
        Member& target = member(to);
        if (!target.alive()) {
          if (!silent_[static_cast<size_t>(to)]) {
            Deliver(to, from,
                    [this, from, to, finish] {
                      finish(Error(ErrorCode::kHostUnreachable, "Connection refused"));
                      if (member(from).alive()) {
                        member(from).Feed(election::ConnectionRefused{HostOf(to)});
                      }
                    },
                    broken);
          }
          return;
        }
        const uint64_t target_life = target.incarnation_;
        serve(target, [this, from, to, target_life, finish, broken](StatusOr<Reply> r) {
          if (member(to).incarnation_ == target_life) {
            Deliver(to, from, [finish, r] { finish(r); }, broken);
          }
        });
      },
      broken);
  if (*open > 1) {  // the request arrives twice
    Deliver(from, to,
            [this, to, serve, finish] {
              if (member(to).alive()) {
                serve(member(to), [](const StatusOr<Reply>&) {});
              }
            },
            [] {});
  }
}

}  // namespace septet::sim
