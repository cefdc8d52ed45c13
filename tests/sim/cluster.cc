// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/cluster.h"

#include <cstdio>

#include "base/strings.h"

namespace septet::sim {

using election::MemberState;
using election::ReplSetConfig;

std::string_view MutationName(Mutation mutation) {
  switch (mutation) {
    case Mutation::kNone:
      return "none";
    case Mutation::kVoteNotDurable:
      return "vote-not-durable";
    case Mutation::kCommitOlderTerm:
      return "commit-older-term";
    case Mutation::kCountWritten:
      return "count-written";
  }
  return "";
}

SimOptions OptionsFor(uint64_t seed) {
  Random r(seed ^ 0x51b0ULL);
  SimOptions o;
  o.seed = seed;
  const int sizes[] = {1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7};
  o.members = sizes[r.Uniform(12)];
  o.max_latency = Millis(r.Between(2, 30));
  o.loss = r.OneIn(0.5) ? 0 : r.NextDouble() * 0.1;
  o.duplicate = r.OneIn(0.5) ? 0 : r.NextDouble() * 0.05;
  o.slow = r.OneIn(0.5) ? 0 : r.NextDouble() * 0.05;
  o.max_fsync = Millis(r.OneIn(0.3) ? r.Between(50, 400) : r.Between(2, 20));
  o.through_bson = r.OneIn(0.1);
  o.fetch_batch = r.OneIn(0.5) ? 20 : static_cast<int>(r.Between(1, 5));
  o.reconfig_percent = r.OneIn(0.6) ? 10 : 40;
  o.max_pause = Millis(r.OneIn(0.5) ? 3'000 : 800);
  return o;
}

Cluster::Cluster(const SimOptions& options)
    : options_(options), random_(options.seed), start_(scheduler_.now()) {}

Cluster::~Cluster() = default;

std::string Cluster::HostOf(int i) { return StrCat("n", i, ":27017"); }

int Cluster::IndexOfHost(const std::string& host) const {
  for (int i = 0; i < size(); ++i) {
    if (members_[static_cast<size_t>(i)]->host() == host) {
      return i;
    }
  }
  return -1;
}

void Cluster::MakeMembers(int count) {
  for (int i = 0; i < count; ++i) {
    members_.push_back(std::make_unique<Member>(this, i, HostOf(i)));
    clock_skew_.push_back(options_.faults ? random_.Between(-1'500, 1'500) : 0);
  }
  silent_.assign(static_cast<size_t>(count), false);
  paused_until_.assign(static_cast<size_t>(count), TimePoint());
  link_down_.assign(static_cast<size_t>(count), std::vector<bool>(static_cast<size_t>(count), false));
}

ReplSetConfig Cluster::RandomConfig(int count) {
  ReplSetConfig c;
  c.set_name = "rs0";
  c.settings.election_timeout_millis = random_.Between(800, 2'500);
  c.settings.heartbeat_interval_millis = c.settings.election_timeout_millis / random_.Between(3, 8);
  c.settings.heartbeat_timeout_secs = 1;
  c.settings.catch_up_takeover_delay_millis = random_.OneIn(0.3) ? 2'000 : 30'000;
  c.settings.catch_up_timeout_millis = random_.OneIn(0.2) ? random_.Between(0, 3'000) : -1;
  c.settings.chaining_allowed = !random_.OneIn(0.2);
  const bool equal_priorities = random_.OneIn(0.5);
  for (int i = 0; i < count; ++i) {
    election::MemberConfig m;
    m.id = i;
    m.host = HostOf(i);
    m.priority = equal_priorities ? 1 : static_cast<double>(random_.Between(1, 4));
    if (i > 0 && count >= 3 && i == count - 1 && random_.OneIn(0.25)) {
      m.arbiter_only = true;
      m.priority = 0;
    } else if (i > 0 && count >= 4 && random_.OneIn(0.15)) {
      m.priority = 0;
      m.votes = random_.OneIn(0.5) ? 0 : 1;
    }
    c.members.push_back(std::move(m));
  }
  return c;
}

void Cluster::StartInitialised(const ReplSetConfig& config) {
  MakeMembers(static_cast<int>(config.members.size()));
  ReplSetConfig stored = config;
  stored.version = 1;
  stored.term = 0;
  for (const auto& m : members_) {
    m->disk().config = stored;
    const election::MemberConfig* mine = stored.Find(m->index());
    if (mine != nullptr && mine->bears_data()) {
      m->disk().log.Append({{static_cast<uint32_t>(WallMillis(-1) / 1000), 1}, 0}, WallMillis(-1), 0);
      m->disk().log.SyncUpTo(1);
      checker_.OnAppend(m->index(), m->disk().log, /*as_leader=*/false, 0);
      checker_.OnDurable(m->index(), m->disk().log, 0);
    }
  }
  for (const auto& m : members_) {
    m->Boot();
  }
}

void Cluster::StartByInitiate(const ReplSetConfig& config) {
  MakeMembers(static_cast<int>(config.members.size()));
  for (const auto& m : members_) {
    m->Boot();
  }
  TryInitiate(config);
}

// Again until it works: probes may be lost, the member may crash.
void Cluster::TryInitiate(const ReplSetConfig& config) {
  if (member(0).alive() && member(0).node().config() != nullptr) {
    return;
  }
  if (member(0).alive()) {
    const election::ReplyId id = member(0).NextReplyId();
    member(0).Admin(election::InitiateRequested{id, config}, id, [this](const Status& s) {
      Trace(0, StrCat("initiate: ", s.ok() ? "ok" : TextOf(s)));
    });
  }
  scheduler_.After(Millis(300), [this, config] { TryInitiate(config); });
}

int Cluster::Leader() const {
  int best = -1;
  int64_t best_term = -1;
  for (const auto& m : members_) {
    if (m->writable() && m->node().term() > best_term) {
      best = m->index();
      best_term = m->node().term();
    }
  }
  return best;
}

int64_t Cluster::WallMillis(int member) const {
  const int64_t skew = member < 0 ? 0 : clock_skew_[static_cast<size_t>(member)];
  return 1'700'000'000'000 + (scheduler_.now() - start_).count() + skew;
}

// --- network ---

void Cluster::SetLink(int from, int to, bool up) {
  link_down_[static_cast<size_t>(from)][static_cast<size_t>(to)] = !up;
}

bool Cluster::LinkUp(int from, int to) const {
  return !link_down_[static_cast<size_t>(from)][static_cast<size_t>(to)];
}

void Cluster::HealAll() {
  for (auto& row : link_down_) {
    row.assign(row.size(), false);
  }
}

void Cluster::Partition(const std::vector<int>& group) {
  const auto inside = [&](int i) { return std::find(group.begin(), group.end(), i) != group.end(); };
  for (int a = 0; a < size(); ++a) {
    for (int b = 0; b < size(); ++b) {
      if (inside(a) != inside(b)) {
        SetLink(a, b, false);
      }
    }
  }
}

Millis Cluster::Latency() {
  Millis d(random_.Between(options_.min_latency.count(), options_.max_latency.count()));
  if (options_.slow > 0 && random_.OneIn(options_.slow)) {
    d *= 10;
  }
  return d;
}

void Cluster::Deliver(int from, int to, std::function<void()> at_target, std::function<void()> lost) {
  if (to < 0 || !LinkUp(from, to)) {
    return;
  }
  if (options_.loss > 0 && random_.OneIn(options_.loss)) {
    lost();
    return;
  }
  scheduler_.After(Latency(), [this, from, to, at_target = std::move(at_target)] {
    if (LinkUp(from, to)) {
      RunAt(to, at_target);
    }
  });
}

void Cluster::Crash(int i, bool machine) {
  if (!member(i).alive()) {
    return;
  }
  Trace(i, machine ? "machine down" : "crash");
  ++totals_.crashes;
  silent_[static_cast<size_t>(i)] = machine;
  paused_until_[static_cast<size_t>(i)] = TimePoint();
  const std::string source_of_others = member(i).host();
  member(i).Crash();
  if (machine) {
    return;
  }
  // Open connections break at once; who tries again is refused.
  for (const auto& m : members_) {
    if (m->alive() && m->index() != i && LinkUp(i, m->index()) && LinkUp(m->index(), i)) {
      const int to = m->index();
      scheduler_.After(Latency(), [this, i, to] {
        if (member(to).alive() && !member(i).alive()) {
          member(to).Feed(election::ConnectionRefused{HostOf(i)});
        }
      });
    }
  }
}

void Cluster::Pause(int i, Millis duration) {
  Trace(i, StrCat("paused for ", duration.count(), " ms"));
  paused_until_[static_cast<size_t>(i)] = scheduler_.now() + duration;
}

void Cluster::RunAt(int i, std::function<void()> what) {
  const TimePoint until = paused_until_[static_cast<size_t>(i)];
  if (scheduler_.now() >= until || !member(i).alive()) {
    what();
    return;
  }
  scheduler_.After(until - scheduler_.now(), [this, i, what = std::move(what)] { RunAt(i, what); });
}

void Cluster::Wipe(int i) {
  Trace(i, "wiped");
  if (member(i).alive()) {
    member(i).Crash();
  }
  member(i).disk() = Disk();
  checker_.OnWipe(i);
  member(i).Boot();
}

void Cluster::Restart(int i) {
  if (member(i).alive()) {
    return;
  }
  Trace(i, "restart");
  silent_[static_cast<size_t>(i)] = false;
  member(i).Boot();
}

// --- running ---

void Cluster::Trace(int member, std::string_view what) {
  std::string line = StrCat((scheduler_.now() - start_).count(), " n", member, " ", what);
  for (const char c : line) {
    trace_hash_ = Mix(trace_hash_, static_cast<uint8_t>(c));
  }
  if (options_.verbose) {
    std::printf("%s\n", line.c_str());
  }
  lines_.push_back(std::move(line));
}

void Cluster::CountStep(int member, size_t event_index, size_t actions) {
  if (++totals_.steps > options_.max_steps) {
    checker_.Fail(StrCat("(27) more than ", options_.max_steps, " steps: members keep each other busy"));
  }
  trace_hash_ = Mix(trace_hash_, static_cast<uint64_t>((scheduler_.now() - start_).count()));
  trace_hash_ = Mix(trace_hash_, static_cast<uint64_t>(member) << 32 | event_index << 16 | actions);
}

void Cluster::RunFor(Millis duration) {
  const TimePoint until = scheduler_.now() + duration;
  while (!checker_.failed() && scheduler_.RunNext(until)) {
  }
}

bool Cluster::RunUntil(Millis limit, const std::function<bool()>& condition) {
  const TimePoint until = scheduler_.now() + limit;
  while (!checker_.failed() && scheduler_.now() < until) {
    if (condition()) {
      return true;
    }
    RunFor(Millis(50));
  }
  return condition();
}

std::string Cluster::Run() {
  const ReplSetConfig config = RandomConfig(options_.members > 0 ? options_.members : 3);
  if (random_.OneIn(0.2)) {
    StartByInitiate(config);
  } else {
    StartInitialised(config);
  }
  chaos_ = options_.faults;
  const int clients = static_cast<int>(random_.Between(1, 3));
  for (int c = 0; c < clients; ++c) {
    scheduler_.After(Millis(random_.Between(1, 500)), [this, c] { ClientTick(c); });
  }
  if (options_.faults) {
    scheduler_.After(Millis(random_.Between(200, 2'000)), [this] { NemesisTick(); });
  }
  RunFor(options_.chaos);
  if (!checker_.failed()) {
    Settle();
  }
  return checker_.failure();
}

// (27) Liveness: all faults end; the set must come to rest, with a primary and equal logs.
void Cluster::Settle() {
  chaos_ = false;
  options_.loss = options_.duplicate = options_.slow = 0;
  HealAll();
  paused_until_.assign(paused_until_.size(), TimePoint());
  for (int i = 0; i < size(); ++i) {
    Restart(i);
  }
  const TimePoint calm = scheduler_.now();
  const bool settled = RunUntil(options_.calm, [this] { return Settled(); });
  totals_.calm_millis = (scheduler_.now() - calm).count();
  if (!settled) {
    if (!checker_.failed()) {
      checker_.Fail(StrCat("(27) not at rest after ", options_.calm.count(), " ms of calm: ", Summary()));
    }
    return;
  }
  for (const auto& m : members_) {
    if (m->node().state() == MemberState::kPrimary ||
        m->node().state() == MemberState::kSecondary) {
      checker_.CheckAcknowledged(m->index(), m->disk().log);
    }
  }
}

bool Cluster::Settled() {
  const int leader = Leader();
  if (leader < 0) {
    return false;
  }
  const OpTime top = member(leader).disk().log.Top();
  for (const auto& m : members_) {
    const bool member_of_set = member(leader).node().config()->Find(m->index()) != nullptr;
    const bool outside = m->alive() && (m->node().state() == MemberState::kRemoved ||
                                        m->node().state() == MemberState::kStartup);
    if (member_of_set ? !m->IsSettled(top) : !outside) {
      return false;
    }
  }
  return true;
}

void Cluster::Totals::Add(const Totals& t) {
  steps += t.steps;
  writes += t.writes;
  acknowledged += t.acknowledged;
  elections += t.elections;
  crashes += t.crashes;
  rollbacks += t.rollbacks;
  reconfigs += t.reconfigs;
  calm_millis += t.calm_millis;
}

std::string Cluster::Totals::ToString() const {
  return StrCat(steps, " steps, ", writes, " writes, ", acknowledged, " acknowledged by a majority, ",
                elections, " elections, ", crashes, " crashes, ", rollbacks, " rollbacks, ", reconfigs,
                " reconfigs, ", calm_millis, " ms to rest");
}

Cluster::Totals Cluster::totals() const {
  Totals t = totals_;
  t.acknowledged = checker_.acknowledged();
  t.elections = checker_.elections();
  return t;
}

std::string Cluster::Summary() const {
  std::string s = StrCat(size(), " members, ", totals().ToString(), ";");
  for (const auto& m : members_) {
    if (!m->alive()) {
      StrAppend(&s, " n", m->index(), " down");
      continue;
    }
    StrAppend(&s, " n", m->index(), " ", MemberStateName(m->node().state()), " term ",
              m->node().term(), " top ", m->disk().log.Top().ts.inc, " of ", m->disk().log.Top().term,
              " commit ", m->node().commit_point().optime.ts.inc, " of ",
              m->node().commit_point().optime.term, " source '", m->node().sync_source(), "';");
  }
  return s;
}

}  // namespace septet::sim
