// SPDX-License-Identifier: Apache-2.0
#include "election/config.h"

#include <algorithm>

#include "base/strings.h"
#include "bson/builder.h"

namespace septet::election {
namespace {

constexpr int kDefaultPort = 27017;

void AppendSmallest(bson::DocBuilder* b, std::string_view name, int64_t v) {
  if (v >= INT32_MIN && v <= INT32_MAX) {
    b->Append(name, static_cast<int32_t>(v));
  } else {
    b->Append(name, v);
  }
}

void AppendPairs(bson::DocBuilder* b, std::string_view name,
                 const std::vector<std::pair<std::string, std::string>>& pairs) {
  auto scope = b->Object(name);
  for (const auto& [k, v] : pairs) {
    b->Append(k, v);
  }
}

void AppendMember(bson::DocBuilder* b, const MemberConfig& m, ReplSetConfig::Form form) {
  auto scope = b->AddObject();
  b->Append("_id", m.id);
  b->Append("host", m.host);
  b->Append("arbiterOnly", m.arbiter_only);
  if (m.newly_added && form == ReplSetConfig::Form::kStored) {
    b->Append("newlyAdded", true);
  }
  b->Append("buildIndexes", m.build_indexes);
  b->Append("hidden", m.hidden);
  b->Append("priority", m.priority);
  AppendPairs(b, "tags", m.tags);
  if (!m.horizons.empty()) {
    AppendPairs(b, "horizons", m.horizons);
  }
  b->Append("secondaryDelaySecs", m.secondary_delay_secs);
  b->Append("votes", m.votes);
}

void AppendSettings(bson::DocBuilder* b, const ReplSetSettings& s) {
  auto scope = b->Object("settings");
  b->Append("chainingAllowed", s.chaining_allowed);
  AppendSmallest(b, "heartbeatIntervalMillis", s.heartbeat_interval_millis);
  AppendSmallest(b, "heartbeatTimeoutSecs", s.heartbeat_timeout_secs);
  AppendSmallest(b, "electionTimeoutMillis", s.election_timeout_millis);
  AppendSmallest(b, "catchUpTimeoutMillis", s.catch_up_timeout_millis);
  AppendSmallest(b, "catchUpTakeoverDelayMillis", s.catch_up_takeover_delay_millis);
  {
    auto modes = b->Object("getLastErrorModes");
    for (const repl::TagMode& mode : s.write_concern_modes) {
      auto pattern = b->Object(mode.name);
      for (const auto& [key, count] : mode.pattern) {
        b->Append(key, count);
      }
    }
  }
  {
    auto defaults = b->Object("getLastErrorDefaults");
    b->Append("w", 1);
    b->Append("wtimeout", 0);
  }
  if (s.replica_set_id) {
    b->Append("replicaSetId", *s.replica_set_id);
  }
}

}  // namespace

std::string ConfigVersion::ToString() const {
  return StrCat("{version: ", version, ", term: ", term, "}");
}

std::string ReplSetConfig::ToBson(Form form) const {
  bson::DocBuilder b;
  b.Append("_id", set_name);
  AppendSmallest(&b, "version", version);
  AppendSmallest(&b, "term", term);
  if (configsvr) {
    b.Append("configsvr", true);
  }
  {
    auto array = b.Array("members");
    for (const MemberConfig& m : members) {
      AppendMember(&b, m, form);
    }
  }
  b.Append("protocolVersion", protocol_version);
  b.Append("writeConcernMajorityJournalDefault", write_concern_majority_journal_default);
  AppendSettings(&b, settings);
  return b.Finish();
}

ReplSetConfig ReplSetConfig::DefaultFor(std::string_view set_name, std::string_view host) {
  ReplSetConfig config;
  config.set_name = set_name;
  MemberConfig m;
  m.host = host;
  config.members.push_back(std::move(m));
  return config;
}

int ReplSetConfig::IndexOf(int member_id) const {
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].id == member_id) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

int ReplSetConfig::IndexOfHost(std::string_view host) const {
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].host == host) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

const MemberConfig* ReplSetConfig::Find(int member_id) const {
  const int i = IndexOf(member_id);
  return i < 0 ? nullptr : &members[static_cast<size_t>(i)];
}

int ReplSetConfig::voters() const {
  return static_cast<int>(std::count_if(members.begin(), members.end(),
                                        [](const MemberConfig& m) { return m.is_voter(); }));
}

int ReplSetConfig::writable_voters() const {
  return static_cast<int>(std::count_if(members.begin(), members.end(), [](const MemberConfig& m) {
    return m.is_voter() && m.bears_data();
  }));
}

int ReplSetConfig::write_majority() const { return std::min(majority_votes(), writable_voters()); }

bool ReplSetConfig::implicit_default_is_majority() const {
  const bool has_arbiter = std::any_of(members.begin(), members.end(),
                                       [](const MemberConfig& m) { return m.arbiter_only; });
  return !has_arbiter || writable_voters() > majority_votes();
}

int ReplSetConfig::PriorityRank(int member_index) const {
  const double mine = members[static_cast<size_t>(member_index)].effective_priority();
  return static_cast<int>(
      std::count_if(members.begin(), members.end(),
                    [mine](const MemberConfig& m) { return m.effective_priority() > mine; }));
}

std::vector<repl::MemberSpec> ReplSetConfig::Specs() const {
  std::vector<repl::MemberSpec> specs;
  specs.reserve(members.size());
  for (const MemberConfig& m : members) {
    specs.push_back({m.id, m.host, m.is_voter(), m.bears_data(), m.tags});
  }
  return specs;
}

StatusOr<std::string> NormalizeHost(std::string_view host) {
  const auto bad = [&](std::string_view what) {
    return Error(ErrorCode::kFailedToParse, StrCat(what, " parsing HostAndPort from \"", host, "\""));
  };
  if (!host.empty() && host.front() == '/') {  // a Unix socket
    return std::string(host);
  }
  size_t colon = host.rfind(':');
  if (!host.empty() && host.front() == '[') {
    const size_t bracket = host.find(']');
    if (bracket == std::string_view::npos) {
      return bad("Unterminated IPv6 address");
    }
    colon = bracket + 1 < host.size() ? bracket + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && host[colon] != ':') {
      return bad("Extra characters after the IPv6 address");
    }
  } else if (colon != std::string_view::npos && host.find(':') != colon) {
    return StrCat("[", host, "]:", kDefaultPort);  // a bare IPv6 address
  }
  if (host.empty() || colon == 0) {
    return bad("Empty host component");
  }
  if (colon == std::string_view::npos) {
    return StrCat(host, ":", kDefaultPort);
  }
  const std::string_view port = host.substr(colon + 1);
  int number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9' || number > 65535) {
      return bad("Bad port number");
    }
    number = number * 10 + (c - '0');
  }
  if (port.empty() || number < 1 || number > 65535) {
    return bad("Port number out of range");
  }
  return std::string(host);
}

bool IsLoopbackHost(std::string_view host) {
  if (host.starts_with('/') || host.starts_with("127.") || host.starts_with("[::1]") ||
      host == "::1") {
    return true;
  }
  return host.substr(0, host.find(':')) == "localhost";
}

}  // namespace septet::election
