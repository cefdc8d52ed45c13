// SPDX-License-Identifier: Apache-2.0
// What goes wrong, and what people do, in a simulated run: cut links, crashes, commands, clients.
#include <algorithm>

#include "base/strings.h"
#include "tests/sim/cluster.h"

namespace septet::sim {

using namespace election;  // NOLINT(google-build-using-namespace)

void Cluster::NemesisTick() {
  if (!chaos_) {
    return;
  }
  const uint64_t dice = random_.Uniform(100);
  if (static_cast<int>(random_.Uniform(100)) < options_.reconfig_percent) {
    NemesisReconfig();
  } else if (dice < 40) {
    NemesisNetwork();
  } else if (dice < 80) {
    NemesisProcess();
  } else {
    NemesisAdmin();
  }
  scheduler_.After(Millis(random_.Between(100, options_.max_pause.count())), [this] { NemesisTick(); });
}

void Cluster::NemesisNetwork() {
  const int n = size();
  switch (random_.Uniform(6)) {
    case 0: {  // one alone
      const int i = static_cast<int>(random_.Uniform(static_cast<uint64_t>(n)));
      Trace(i, "isolated");
      Partition({i});
      break;
    }
    case 1: {  // the primary alone
      const int i = Leader();
      if (i >= 0) {
        Trace(i, "primary isolated");
        Partition({i});
      }
      break;
    }
    case 2: {  // random halves
      std::vector<int> group;
      for (int i = 0; i < n; ++i) {
        if (random_.OneIn(0.5)) {
          group.push_back(i);
        }
      }
      Trace(0, StrCat("partition of ", group.size()));
      Partition(group);
      break;
    }
    case 3: {  // some links, one way
      for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
          if (i != j && random_.OneIn(0.2)) {
            SetLink(i, j, false);
          }
        }
      }
      Trace(0, "one-way cuts");
      break;
    }
    default:
      Trace(0, "heal");
      HealAll();
  }
}

void Cluster::NemesisProcess() {
  const int n = size();
  if (random_.OneIn(0.2)) {
    const int i = random_.OneIn(0.6) ? Leader() : static_cast<int>(random_.Uniform(static_cast<uint64_t>(n)));
    if (i >= 0 && member(i).alive()) {
      Pause(i, Millis(random_.Between(100, 5'000)));
    }
    return;
  }
  const bool all = random_.OneIn(0.05);
  std::vector<int> victims;
  for (int i = 0; i < n; ++i) {
    if (all || random_.OneIn(1.2 / n) || (i == Leader() && random_.OneIn(0.4))) {
      victims.push_back(i);
    }
  }
  const bool machine = random_.OneIn(0.3);
  for (const int i : victims) {
    Crash(i, machine);
    scheduler_.After(Millis(random_.Between(1, 4'000)), [this, i] { Restart(i); });
  }
}

void Cluster::NemesisAdmin() {
  const int leader = Leader();
  const int any = static_cast<int>(random_.Uniform(static_cast<uint64_t>(size())));
  const auto report = [this](int who, std::string what) {
    return [this, who, what](const Status& s) {
      Trace(who, StrCat(what, ": ", s.ok() ? "ok" : CodeName(CodeOf(s))));
    };
  };
  switch (random_.Uniform(3)) {
    case 0:
      if (leader >= 0) {
        const ReplyId id = member(leader).NextReplyId();
        StepDownRequested e{id};
        e.period = Millis(random_.Between(1'000, 5'000));
        e.catch_up = Millis(random_.Between(0, 1'000));
        e.force = random_.OneIn(0.3);
        member(leader).Admin(e, id, report(leader, "stepDown"));
      }
      break;
    case 1:
      if (member(any).alive()) {
        const ReplyId id = member(any).NextReplyId();
        member(any).Admin(StepUpRequested{id, random_.OneIn(0.5)}, id, report(any, "stepUp"));
      }
      break;
    default:
      if (member(any).alive()) {
        const ReplyId id = member(any).NextReplyId();
        member(any).Admin(FreezeRequested{id, Millis(random_.Between(0, 3'000))}, id,
                          report(any, "freeze"));
      }
  }
}

void Cluster::NemesisReconfig() {
  const int leader = Leader();
  if (leader < 0) {
    return;
  }
  ReplSetConfig c = *member(leader).node().config();
  ++c.version;
  std::vector<int> removed;
  for (int i = 0; i < size(); ++i) {
    if (c.Find(i) == nullptr) {
      removed.push_back(i);
    }
  }
  const size_t k = random_.Uniform(c.members.size());
  MemberConfig& m = c.members[k];
  std::string what = "priority";
  if (!removed.empty() && random_.OneIn(0.6)) {
    what = "add";
    MemberConfig back;
    back.id = removed[random_.Uniform(removed.size())];
    back.host = HostOf(back.id);
    // Only what the whole set has let go may lose its disk.
    if (member(leader).node().MakeSnapshot().config_committed && random_.OneIn(0.5)) {
      Wipe(back.id);
    }
    c.members.push_back(std::move(back));
  } else if (m.id != leader && !m.arbiter_only && c.members.size() > 3 && random_.OneIn(0.3)) {
    what = "remove";
    c.members.erase(c.members.begin() + static_cast<std::ptrdiff_t>(k));
  } else if (m.id != leader && !m.arbiter_only && random_.OneIn(0.5)) {
    what = "votes";
    m.votes = 1 - m.votes;
    m.priority = m.votes;
  } else if (!m.arbiter_only && m.votes == 1) {
    m.priority = static_cast<double>(random_.Between(1, 5));
  }
  const ReplyId id = member(leader).NextReplyId();
  ReconfigRequested e{id, c};
  e.default_write_concern_set = true;
  e.max_time = Millis(3'000);
  member(leader).Admin(e, id, [this, leader, what](const Status& s) {
    Trace(leader, StrCat("reconfig ", what, ": ", s.ok() ? "ok" : CodeName(CodeOf(s))));
    totals_.reconfigs += s.ok() ? 1 : 0;
  });
}

void Cluster::ClientTick(int client) {
  if (!chaos_ && options_.faults) {
    return;
  }
  // Mostly the newest primary; sometimes whoever still believes to be one.
  int target = Leader();
  if (random_.OneIn(0.3)) {
    std::vector<int> claimants;
    for (const auto& m : members_) {
      if (m->writable()) {
        claimants.push_back(m->index());
      }
    }
    target = claimants.empty() ? -1 : claimants[random_.Uniform(claimants.size())];
  }
  const Millis pause(random_.OneIn(0.1) ? random_.Between(100, 1'000) : random_.Between(2, 60));
  if (target < 0) {
    scheduler_.After(Millis(random_.Between(50, 200)), [this, client] { ClientTick(client); });
    return;
  }
  repl::WriteConcern concern;
  if (random_.OneIn(0.25)) {
    concern.kind = repl::WriteConcern::Kind::kNumber;
    concern.w = static_cast<int>(random_.Between(1, std::min(3, size())));
    concern.journal = random_.OneIn(0.5) ? repl::WriteConcern::Journal::kYes
                                         : repl::WriteConcern::Journal::kNo;
  }
  auto answered = std::make_shared<bool>(false);
  const auto next = [this, client, pause, answered] {
    if (!*answered) {
      *answered = true;
      scheduler_.After(pause, [this, client] { ClientTick(client); });
    }
  };
  const WriteResult r =
      member(target).Write(++last_value_, concern, [next](bool) { next(); });
  if (!r.accepted) {
    next();
    return;
  }
  ++totals_.writes;
  scheduler_.After(Millis(random_.Between(200, 2'000)), next);  // the client's patience
}

}  // namespace septet::sim
