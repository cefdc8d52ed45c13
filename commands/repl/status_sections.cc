// SPDX-License-Identifier: Apache-2.0
#include "commands/repl/status_sections.h"

#include <chrono>

#include "base/clock.h"

namespace septet::commands {
namespace {

int64_t DateOf(repl::TimePoint t) {
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now());
  return WallMillis() - (now - t).count();
}

void AppendCandidate(const election::CandidateMetrics& c, bson::DocBuilder* out) {
  const auto scope = out->Object("electionCandidateMetrics");
  out->Append("lastElectionReason", election::ElectionReasonName(c.reason));
  out->AppendDate("lastElectionDate", DateOf(c.elected_at));
  out->Append("electionTerm", c.term);
  repl::AppendOpTime(out, "lastCommittedOpTimeAtElection", c.commit_point_at_election);
  repl::AppendOpTime(out, "lastSeenOpTimeAtElection", c.last_seen_at_election);
  out->Append("numVotesNeeded", c.votes_needed);
  out->Append("priorityAtElection", c.priority);
  out->Append("electionTimeoutMillis", c.election_timeout_millis);
  if (c.prior_primary_id >= 0) {
    out->Append("priorPrimaryMemberId", c.prior_primary_id);
  }
  if (c.catch_up_target) {
    repl::AppendOpTime(out, "targetCatchupOpTime", *c.catch_up_target);
  }
  if (c.new_term_start) {
    out->AppendDate("newTermStartDate", DateOf(*c.new_term_start));
  }
  if (c.majority_write_available) {
    out->AppendDate("wMajorityWriteAvailabilityDate", DateOf(*c.majority_write_available));
  }
}

void AppendParticipant(const election::ParticipantMetrics& p, bson::DocBuilder* out) {
  const auto scope = out->Object("electionParticipantMetrics");
  out->Append("votedForCandidate", p.voted_for_candidate);
  out->Append("electionTerm", p.term);
  out->AppendDate("lastVoteDate", DateOf(p.voted_at));
  out->Append("electionCandidateMemberId", p.candidate_id);
  out->Append("voteReason", p.reason);
  repl::AppendOpTime(out, "lastAppliedOpTimeAtElection", p.last_written_at_election);
  repl::AppendOpTime(out, "maxAppliedOpTimeInSet", p.max_written_in_set);
  out->Append("priorityAtElection", p.priority);
}

}  // namespace

void AppendInitialSync(const repl::InitialSyncStatus& s, bool asked, bson::DocBuilder* out) {
  if (!s.running && !(asked && s.ever_ran)) {
    return;
  }
  const auto scope = out->Object("initialSyncStatus");
  out->Append("failedInitialSyncAttempts", s.failed_attempts);
  out->Append("maxFailedInitialSyncAttempts", s.max_attempts);
  out->AppendDate("initialSyncStart", s.start_wall_millis);
  const int64_t end = s.running ? WallMillis() : s.end_wall_millis;
  if (!s.running) {
    out->AppendDate("initialSyncEnd", s.end_wall_millis);
  }
  const int64_t elapsed = end - s.start_wall_millis;
  out->Append("totalInitialSyncElapsedMillis", elapsed);
  if (s.running && s.copied_bytes > 0 && s.total_bytes > s.copied_bytes) {
    out->Append("remainingInitialSyncEstimatedMillis",
                static_cast<int64_t>(static_cast<double>(elapsed) *
                                     static_cast<double>(s.total_bytes - s.copied_bytes) /
                                     static_cast<double>(s.copied_bytes)));
  }
  out->Append("approxTotalDataSize", s.total_bytes);
  out->Append("approxTotalBytesCopied", s.copied_bytes);
  out->Append("appliedOps", s.applied_ops);
  out->Append("syncSource", s.source);
  if (s.running) {
    out->Append("currentCollection", s.current);
  }
  const auto databases = out->Object("databases");
  for (const auto& db : s.databases) {
    const auto one = out->Object(db.name);
    out->Append("collections", db.collections);
    out->Append("clonedCollections", db.cloned);
  }
}

void AppendElectionMetrics(const election::Snapshot& s, bson::DocBuilder* out) {
  if (s.candidate) {
    AppendCandidate(*s.candidate, out);
  }
  if (s.participant) {
    AppendParticipant(*s.participant, out);
  }
}

}  // namespace septet::commands
