// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/script.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <vector>

#include "base/strings.h"
#include "tests/sim/cluster.h"

namespace septet::sim {
namespace {

using namespace election;  // NOLINT(google-build-using-namespace)

struct Words {
  std::string verb;
  std::vector<int> members;                  // n0 n1 ...
  std::map<std::string, std::string> options;  // name=value; a bare word has an empty value
  std::vector<std::string> bare;
};

Words Split(const std::string& line) {
  std::istringstream in(line);
  Words w;
  in >> w.verb;
  for (std::string word; in >> word;) {
    if (word.size() > 1 && word[0] == 'n' && word.find_first_not_of("0123456789", 1) == std::string::npos) {
      w.members.push_back(std::atoi(word.c_str() + 1));
    } else if (const size_t eq = word.find('='); eq != std::string::npos) {
      w.options[word.substr(0, eq)] = word.substr(eq + 1);
    } else {
      w.bare.push_back(word);
      w.options[word];
    }
  }
  return w;
}

Millis Duration(const std::string& text) {
  const int64_t n = std::atoll(text.c_str());
  return Millis(text.ends_with("ms") ? n : n * 1000);
}

class Script {
 public:
  // Returns lines beyond the trace (status).
  StatusOr<std::string> Command(const std::string& line) {
    const Words w = Split(line);
    if (w.verb == "members") {
      return Start(w);
    }
    if (cluster_ == nullptr) {
      return Error(ErrorCode::kBadValue, "the first command must be members");
    }
    if (w.verb == "run" && w.bare.size() == 1) {
      cluster_->RunFor(Duration(w.bare[0]));
      return std::string();
    }
    if (w.verb == "status") {
      return StatusLines();
    }
    if (w.verb == "heal") {
      cluster_->HealAll();
      return std::string();
    }
    if (w.members.empty() || w.members[0] >= cluster_->size()) {
      return Error(ErrorCode::kBadValue, StrCat("cannot read: ", line));
    }
    if (Fault(w) || Admin(w)) {
      return std::string();
    }
    return Error(ErrorCode::kBadValue, StrCat("cannot read: ", line));
  }

  std::vector<std::string> TakeLines() {
    return cluster_ == nullptr ? std::vector<std::string>() : cluster_->TakeLines();
  }
  std::string Breach() const { return cluster_ == nullptr ? "" : cluster_->checker().failure(); }

 private:
  // name=I:V pairs.
  static std::pair<int, double> Pair(const std::string& text) {
    const size_t colon = text.find(':');
    return {std::atoi(text.c_str()),
            colon == std::string::npos ? 0 : std::atof(text.c_str() + colon + 1)};
  }

  StatusOr<std::string> Start(const Words& w) {
    SimOptions options;
    options.faults = false;
    options.min_latency = options.max_latency = Millis(5);
    options.max_fsync = Millis(1);
    cluster_ = std::make_unique<Cluster>(options);
    ReplSetConfig c;
    c.set_name = "rs0";
    const int count = w.bare.empty() ? 3 : std::atoi(w.bare[0].c_str());
    for (int i = 0; i < count; ++i) {
      MemberConfig m;
      m.id = i;
      m.host = Cluster::HostOf(i);
      c.members.push_back(m);
    }
    for (const auto& [name, value] : w.options) {
      const auto [i, v] = Pair(value);
      const auto member = [&c, i = i]() -> MemberConfig& { return c.members[static_cast<size_t>(i)]; };
      if (name == "priority") {
        member().priority = v;
      } else if (name == "arbiter") {
        member().arbiter_only = true;
        member().priority = 0;
      } else if (name == "votes") {
        member().votes = static_cast<int>(v);
        member().priority = 0;
      } else if (name == "timeout") {
        c.settings.election_timeout_millis = Duration(value).count();
      } else if (name == "catchup-takeover") {
        c.settings.catch_up_takeover_delay_millis = Duration(value).count();
      }
    }
    cluster_->StartInitialised(c);
    return std::string();
  }

  std::string StatusLines() {
    std::string out;
    for (int i = 0; i < cluster_->size(); ++i) {
      Member& m = cluster_->member(i);
      if (!m.alive()) {
        StrAppend(&out, "n", i, " down\n");
        continue;
      }
      const Snapshot s = m.node().MakeSnapshot();
      const auto at = [](const OpTime& t) { return StrCat(t.term, "/", t.ts.inc); };
      StrAppend(&out, "n", i, " ", MemberStateName(s.state), s.writable ? " writable" : "", " term ",
                s.term, " primary ", s.primary_host.empty() ? "-" : s.primary_host, " top ",
                at(m.disk().log.Top()), " commit ", at(s.commit_point.optime), " source ",
                s.sync_source_host.empty() ? "-" : s.sync_source_host, " config ",
                s.config->config_version().ToString(), "\n");
    }
    return out;
  }

  bool Fault(const Words& w) {
    const int a = w.members[0];
    const int b = w.members.size() > 1 ? w.members[1] : a;
    if (w.verb == "crash" || w.verb == "machine-down") {
      cluster_->Crash(a, w.verb == "machine-down");
    } else if (w.verb == "restart") {
      cluster_->Restart(a);
    } else if (w.verb == "isolate") {
      cluster_->Partition({a});
    } else if (w.verb == "refuse") {
      cluster_->member(a).Feed(ConnectionRefused{Cluster::HostOf(b)});
    } else if (w.verb == "cut" || w.verb == "cut-one-way") {
      cluster_->SetLink(a, b, false);
      if (w.verb == "cut") {
        cluster_->SetLink(b, a, false);
      }
    } else {
      return false;
    }
    return true;
  }

  bool Admin(const Words& w) {
    const int a = w.members[0];
    Member& m = cluster_->member(a);
    const auto option = [&w](const char* name, const char* otherwise) {
      const auto it = w.options.find(name);
      return it == w.options.end() ? std::string(otherwise) : it->second;
    };
    if (w.verb == "write") {
      Write(a, option("w", "majority"));
      return true;
    }
    const ReplyId id = m.NextReplyId();
    const auto report = [this, a, verb = w.verb](const Status& s) {
      cluster_->Trace(a, StrCat(verb, ": ", s.ok() ? "ok" : CodeName(CodeOf(s)), s.ok() ? "" : ", ",
                                s.ok() ? "" : TextOf(s)));
    };
    if (w.verb == "stepdown") {
      StepDownRequested e{id};
      e.period = Duration(option("period", "60s"));
      e.catch_up = Duration(option("catchup", "10s"));
      e.force = w.options.count("force") != 0;
      e.wall_millis = cluster_->WallMillis(a);
      m.Admin(e, id, report);
    } else if (w.verb == "stepup") {
      m.Admin(StepUpRequested{id, false}, id, report);
    } else if (w.verb == "freeze") {
      m.Admin(FreezeRequested{id, Duration(w.bare.empty() ? "60s" : w.bare[0])}, id, report);
    } else if (w.verb == "reconfig") {
      Reconfig(w, id, report);
    } else {
      return false;
    }
    return true;
  }

  void Write(int a, const std::string& concern) {
    repl::WriteConcern wc;
    if (concern != "majority") {
      wc.kind = repl::WriteConcern::Kind::kNumber;
      wc.w = std::atoi(concern.c_str());
    }
    const uint64_t value = ++last_value_;
    const WriteResult r = cluster_->member(a).Write(value, wc, [this, a, value](bool ok) {
      cluster_->Trace(a, StrCat("write ", value, ok ? " acknowledged" : " of unknown outcome"));
    });
    cluster_->Trace(a, StrCat("write ", value, r.accepted ? " accepted" : " refused"));
  }

  void Reconfig(const Words& w, ReplyId id, const std::function<void(Status)>& report) {
    Member& m = cluster_->member(w.members[0]);
    ReplSetConfig c = *m.node().config();
    ++c.version;
    for (const auto& [name, value] : w.options) {
      const auto [i, v] = Pair(value);
      if (name == "remove") {
        c.members.erase(c.members.begin() + c.IndexOf(i));
      } else if (name == "add") {
        MemberConfig added;
        added.id = i;
        added.host = Cluster::HostOf(i);
        c.members.push_back(added);
      } else if (name == "priority") {
        c.members[static_cast<size_t>(c.IndexOf(i))].priority = v;
      } else if (name == "votes") {
        c.members[static_cast<size_t>(c.IndexOf(i))].votes = static_cast<int>(v);
        c.members[static_cast<size_t>(c.IndexOf(i))].priority = v;
      }
    }
    ReconfigRequested e{id, c};
    m.Admin(e, id, report);
  }

  std::unique_ptr<Cluster> cluster_;
  uint64_t last_value_ = 0;
};

}  // namespace

StatusOr<std::string> RunScript(const std::string& text) {
  Script script;
  std::string out;
  std::string results;
  std::istringstream in(text);
  bool expected = false;  // inside the old output of a block
  for (std::string line; std::getline(in, line);) {
    if (line == "----") {
      expected = true;
      StrAppend(&out, "----\n", results);
      for (const std::string& l : script.TakeLines()) {
        StrAppend(&out, l, "\n");
      }
      if (!script.Breach().empty()) {
        StrAppend(&out, "BROKEN: ", script.Breach(), "\n");
      }
      results.clear();
    } else if (expected && !line.empty()) {
      continue;
    } else {
      expected = false;
      StrAppend(&out, line, "\n");
      if (!line.empty() && line[0] != '#') {
        ASSIGN_OR_RETURN(const std::string more, script.Command(line));
        results += more;
      }
    }
  }
  return out;
}

}  // namespace septet::sim
