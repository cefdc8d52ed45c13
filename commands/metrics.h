// SPDX-License-Identifier: Apache-2.0
// The counters that serverStatus shows. Everything under `metrics.` is in the registry by its dotted
// path; the rest has sections of its own. Owners of work add to the fields directly.
// Thread rule: thread-safe.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/metrics.h"
#include "commands/command.h"

namespace septet::commands {

struct CommandCounters {
  Counter total;
  Counter failed;
};

struct OpCounterSet {
  Counter insert;
  Counter query;
  Counter update;
  Counter remove;
  Counter getmore;
  Counter command;
};

struct ServerMetrics {
  ServerMetrics();

  CommandCounters* ForCommand(const CommandSpec* spec) { return commands.at(spec).get(); }

  OpCounterSet opcounters;        // asked by clients

  struct {
    Counter inserted, updated, deleted, returned;
  } document;
  struct {
    Counter scanned, scanned_objects, collection_scans, collection_scans_non_tailable;
  } query_executor;
  struct {
    Counter scan_and_order, write_conflicts, killed_disconnect, killed_max_time;
  } operation;
  struct {
    Counter wtimeouts, wtime_num, wtime_total_millis;
    Counter default_unsatisfiable, default_wtimeouts;
  } get_last_error;
  struct {
    Counter deleted_documents, passes;
  } ttl;
  // Queries by the read concern they asked for.
  struct {
    Counter none, local, available, majority, linearizable;
    Counter snapshot_with_time, snapshot_without_time;
  } read_concern;
  // Retryable writes that had been done before.
  struct {
    Counter commands, statements;
  } retried;
  struct {
    Counter count, micros;
  } oplog_truncation;
  struct {
    Counter regular, warning, msg, user, tripwire, rollovers;
  } asserts;
  // Microseconds.
  struct {
    Histogram reads, writes, commands, transactions;
  } latency;

  std::unordered_map<const CommandSpec*, std::unique_ptr<CommandCounters>> commands;
  MetricsRegistry registry;
};

}  // namespace septet::commands
