// SPDX-License-Identifier: Apache-2.0
// The sections of serverStatus about the set, read concerns, sessions and security (S11-080, S11-085,
// S11-086). What this server does not do at all (two-phase commits, recording traffic) is told as not done.
#include "commands/diag/server_status.h"
#include "commands/metrics.h"
#include "replication/driver/replication_driver.h"

namespace septet::commands::status_sections {
namespace {

using bson::DocBuilder;

void Count(std::string_view name, int64_t value, DocBuilder* out) { out->Append(name, value); }

}  // namespace

void ElectionMetrics(std::string_view name, const Services& s, DocBuilder* out) {
  if (s.driver == nullptr) {
    return;
  }
  const auto snapshot = s.driver->election()->snapshot();
  const election::ElectionCounters& c = snapshot->counters;
  const auto object = out->Object(name);
  const auto reason = [out](std::string_view field,
                            const election::ElectionCounters::PerReason& counts) {
    const auto one = out->Object(field);
    Count("called", counts.called, out);
    Count("successful", counts.successful, out);
  };
  reason("stepUpCmd", c.step_up_cmd);
  reason("priorityTakeover", c.priority_takeover);
  reason("catchUpTakeover", c.catch_up_takeover);
  reason("electionTimeout", c.election_timeout);
  reason("freezeTimeout", c.freeze_timeout);
  Count("numStepDownsCausedByHigherTerm", c.step_downs_by_higher_term, out);
  Count("numCatchUps", c.catch_ups, out);
  Count("numCatchUpsSucceeded", c.catch_ups_succeeded, out);
  Count("numCatchUpsAlreadyCaughtUp", c.catch_ups_already_caught_up, out);
  Count("numCatchUpsSkipped", c.catch_ups_skipped, out);
  Count("numCatchUpsTimedOut", c.catch_ups_timed_out, out);
  Count("numCatchUpsFailedWithError", c.catch_ups_failed_with_error, out);
  Count("numCatchUpsFailedWithNewTerm", c.catch_ups_failed_with_new_term, out);
  Count("numCatchUpsFailedWithReplSetAbortPrimaryCatchUpCmd", c.catch_ups_aborted_by_command, out);
}

// Writers are not slowed down when a majority lags.
void FlowControl(std::string_view name, const Services&, DocBuilder* out) {
  const auto object = out->Object(name);
  out->Append("enabled", false).Append("isLagged", false);
  out->Append("isLaggedCount", 0).Append("isLaggedTimeMicros", int64_t{0});
}

void OplogTruncation(std::string_view name, const Services& s, DocBuilder* out) {
  if (s.driver == nullptr) {
    return;
  }
  const auto object = out->Object(name);
  out->Append("totalTimeTruncatingMicros", s.metrics->oplog_truncation.micros.value());
  out->Append("truncateCount", s.metrics->oplog_truncation.count.value());
}

void ReadConcerns(std::string_view name, const Services& s, DocBuilder* out) {
  const auto& c = s.metrics->read_concern;
  const auto object = out->Object(name);
  const auto plain = out->Object("nonTransactionOps");
  Count("none", c.none.value(), out);
  Count("local", c.local.value(), out);
  Count("available", c.available.value(), out);
  Count("majority", c.majority.value(), out);
  {
    const auto snapshot = out->Object("snapshot");
    Count("withClusterTime", c.snapshot_with_time.value(), out);
    Count("withoutClusterTime", c.snapshot_without_time.value(), out);
  }
  Count("linearizable", c.linearizable.value(), out);
}

// Clients cannot log in, so there is no mechanism to count by.
void Security(std::string_view name, const Services&, DocBuilder* out) {
  const auto object = out->Object(name);
  const auto authentication = out->Object("authentication");
  const auto mechanisms = out->Object("mechanisms");
}

void TrafficRecording(std::string_view name, const Services&, DocBuilder* out) {
  const auto object = out->Object(name);
  out->Append("running", false);
}

void Transactions(std::string_view name, const Services& s, DocBuilder* out) {
  const auto object = out->Object(name);
  Count("retriedCommandsCount", s.metrics->retried.commands.value(), out);
  Count("retriedStatementsCount", s.metrics->retried.statements.value(), out);
  for (const std::string_view field :
       {"currentActive", "currentInactive", "currentOpen", "totalAborted", "totalCommitted",
        "totalStarted", "totalPrepared", "totalPreparedThenCommitted", "totalPreparedThenAborted",
        "currentPrepared"}) {
    Count(field, 0, out);  // multi-document transactions are refused
  }
}

void TwoPhaseCommits(std::string_view name, const Services&, DocBuilder* out) {
  const auto object = out->Object(name);
  for (const std::string_view field :
       {"totalCreated", "totalStartedTwoPhaseCommit", "totalAbortedTwoPhaseCommit",
        "totalCommittedTwoPhaseCommit"}) {
    Count(field, 0, out);
  }
}

}  // namespace septet::commands::status_sections
