// SPDX-License-Identifier: Apache-2.0
// Member states, and what this member knows of another one from heartbeats. Positions in the log are
// kept in repl::Progress. Source: replication.md 1.1, 1.8.
// Thread rule: values, owned by the Node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "election/config.h"

namespace septet::election {

// Numbers are wire-stable; 4 is unused.
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
std::string_view MemberStateName(MemberState state);  // "PRIMARY"
std::optional<MemberState> MemberStateFromNumber(int64_t number);

struct Peer {
  int id = -1;
  std::string host;

  // From its last heartbeat reply.
  bool up = false;                    // the last heartbeat round succeeded
  bool heard_ever = false;
  MemberState state = MemberState::kUnknown;
  int64_t term = repl::kUninitializedTerm;
  ConfigVersion config;
  std::string syncing_to;
  int primary_id = -1;
  bool electable = false;
  std::optional<bson::Timestamp> election_time;
  OpTime commit_point;
  std::string last_message;           // why the last heartbeat failed
  bool auth_error = false;

  std::optional<TimePoint> last_heartbeat;           // its last good reply
  std::optional<TimePoint> last_heartbeat_received;  // its last request
  int ping_millis = -1;               // 80 % old, 20 % new; -1: none yet
  int64_t pings = 0;
  // Its port refused a connection, and nothing good was heard since.
  bool refused = false;

  // The heartbeat exchange with it.
  TimePoint next_heartbeat;           // when to start the next round; meaningless while in flight
  uint64_t in_flight = 0;             // sequence number of the request out; 0 = none
  TimePoint sent_at;
  TimePoint round_started;
  TimePoint give_up;                  // when the request out counts as failed
  int retries_left = 0;
  // Since RestartHeartbeats: it answered, or it answered or failed (catch-up target).
  bool answered_since_restart = false;
  bool settled_since_restart = false;

  void RecordPing(Millis round_trip);
  void MarkDown(std::string why);
};

}  // namespace septet::election
