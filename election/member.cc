// SPDX-License-Identifier: Apache-2.0
#include "election/member.h"

#include <algorithm>

namespace septet::election {

std::string_view MemberStateName(MemberState state) {
  switch (state) {
    case MemberState::kStartup:
      return "STARTUP";
    case MemberState::kPrimary:
      return "PRIMARY";
    case MemberState::kSecondary:
      return "SECONDARY";
    case MemberState::kRecovering:
      return "RECOVERING";
    case MemberState::kStartup2:
      return "STARTUP2";
    case MemberState::kUnknown:
      return "UNKNOWN";
    case MemberState::kArbiter:
      return "ARBITER";
    case MemberState::kDown:
      return "DOWN";
    case MemberState::kRollback:
      return "ROLLBACK";
    case MemberState::kRemoved:
      return "REMOVED";
  }
  return "UNKNOWN";
}

std::optional<MemberState> MemberStateFromNumber(int64_t number) {
  if (number < 0 || number > 10 || number == 4) {
    return std::nullopt;
  }
  return static_cast<MemberState>(number);
}

void Peer::RecordPing(Millis round_trip) {
  const int64_t millis = std::max<int64_t>(0, round_trip.count());
  const int64_t smoothed = ping_millis < 0 ? millis : (ping_millis * 4 + millis) / 5;
  ping_millis = static_cast<int>(std::min<int64_t>(smoothed, INT32_MAX));
  ++pings;
}

void Peer::MarkDown(std::string why) {
  up = false;
  state = MemberState::kDown;
  last_message = std::move(why);
  syncing_to.clear();
  primary_id = -1;
  electable = false;
  election_time.reset();
}

}  // namespace septet::election
