// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/clock.h"
#include "base/os_cpu.h"
#include "base/os_memory.h"
#include "base/strings.h"
#include "catalog/catalog.h"
#include "commands/diag/server_status.h"
#include "commands/metrics.h"
#include "commands/operations.h"
#include "commands/parameters.h"
#include "commands/replication_info.h"
#include "commands/server_control.h"
#include "commands/session_cache.h"
#include "commands/version.h"
#include "commands/write_concern.h"
#include "query/runtime.h"
#include "replication/driver/replication_driver.h"

namespace septet::commands {
namespace {

using bson::DocBuilder;

void Asserts(std::string_view name, const Services& s, DocBuilder* out) {
  const auto object = out->Object(name);
  const auto& a = s.metrics->asserts;
  const auto append = [&](std::string_view field, const Counter& c) {
    out->Append(field, static_cast<int32_t>(c.value()));
  };
  append("regular", a.regular);
  append("warning", a.warning);
  append("msg", a.msg);
  append("user", a.user);
  append("tripwire", a.tripwire);
  append("rollovers", a.rollovers);
}

void Connections(std::string_view name, const Services& s, DocBuilder* out) {
  const ConnectionCounts c = s.server->Connections();
  const auto n = [](int64_t v) { return static_cast<int32_t>(std::min<int64_t>(v, INT32_MAX)); };
  const auto object = out->Object(name);
  out->Append("current", n(c.current));
  out->Append("available", n(std::max<int64_t>(0, s.server->facts().max_connections - c.current)));
  out->Append("totalCreated", n(c.total_created)).Append("rejected", n(c.rejected));
  out->Append("active", n(s.operations->Busy())).Append("threaded", n(c.current));
  out->Append("exhaustIsMaster", n(c.exhaust_is_master));
  out->Append("exhaustHello", n(c.exhaust_hello));
  out->Append("awaitingTopologyChanges", s.replication->TopologyWaiters());
  out->Append("loadBalanced", 0);
}

void DefaultRwConcern(std::string_view name, const Services& s, DocBuilder* out) {
  const ReplicationSnapshotPtr replication = s.replication->Snapshot();
  const auto object = out->Object(name);
  {
    const auto read = out->Object("defaultReadConcern");
    const std::string& level = replication->defaults.read_level;
    out->Append("level", level.empty() ? std::string_view("local") : std::string_view(level));
  }
  AppendWriteConcern("defaultWriteConcern", replication->default_write_concern, false, out);
}

void ExtraInfo(std::string_view name, const Services&, DocBuilder* out) {
  const ResourceUse use = ReadResourceUse();
  const auto object = out->Object(name);
  out->Append("note", "fields vary by platform");
  out->Append("user_time_us", use.user_micros).Append("system_time_us", use.system_micros);
  out->Append("maximum_resident_set_kb", use.max_resident_kb);
  out->Append("input_blocks", use.blocks_in).Append("output_blocks", use.blocks_out);
  out->Append("page_reclaims", use.minor_faults).Append("page_faults", use.major_faults);
  out->Append("voluntary_context_switches", use.voluntary_switches);
  out->Append("involuntary_context_switches", use.involuntary_switches);
}

void FeatureCompatibility(std::string_view name, const Services&, DocBuilder* out) {
  const auto object = out->Object(name);
  out->Append("major", 7).Append("minor", 0).Append("transitioning", 0);
}

void GlobalLock(std::string_view name, const Services& s, DocBuilder* out) {
  int32_t readers = 0;
  int32_t writers = 0;
  s.operations->ForEach([&](const RunningOperation& op, const ClientInfo*, std::string_view) {
    if (op.op_id != 0 && !op.waiting) {
      ++(op.is_write ? writers : readers);
    }
  });
  const auto object = out->Object(name);
  out->Append("totalTime", MonotonicMicros() - s.server->facts().start_monotonic_micros);
  {
    // Nothing queues for a lock here: writers lock records and conflicts are tried again.
    const auto queue = out->Object("currentQueue");
    out->Append("total", 0).Append("readers", 0).Append("writers", 0);
  }
  const auto active = out->Object("activeClients");
  out->Append("total", readers + writers).Append("readers", readers).Append("writers", writers);
}

void SessionRecords(std::string_view name, const Services& s, DocBuilder* out) {
  const auto object = out->Object(name);
  out->Append("activeSessionsCount", static_cast<int32_t>(s.sessions->size()));
  out->Append("sessionsCollectionJobCount", s.sessions->jobs().refresh_count.load());
  out->Append("transactionReaperJobCount", s.sessions->jobs().reap_count.load());
  out->Append("sessionCatalogSize", static_cast<int32_t>(s.sessions->size()));
}

void Network(std::string_view name, const Services& s, DocBuilder* out) {
  const NetworkTotals n = s.server->Network();
  const auto object = out->Object(name);
  out->Append("bytesIn", n.bytes_in).Append("bytesOut", n.bytes_out);
  out->Append("physicalBytesIn", n.physical_bytes_in);
  out->Append("physicalBytesOut", n.physical_bytes_out);
  out->Append("numSlowDNSOperations", int64_t{0}).Append("numSlowSSLOperations", int64_t{0});
  out->Append("numRequests", n.requests);
  const auto compression = out->Object("compression");
  for (const CompressionTotals& c : n.compression) {
    const auto one = out->Object(c.name);
    {
      const auto packed = out->Object("compressor");
      out->Append("bytesIn", c.packed_from).Append("bytesOut", c.packed_to);
    }
    const auto unpacked = out->Object("decompressor");
    out->Append("bytesIn", c.unpacked_from).Append("bytesOut", c.unpacked_to);
  }
}

void AppendLatency(std::string_view name, const Histogram& h, DocBuilder* out) {
  const auto object = out->Object(name);
  out->Append("latency", h.sum()).Append("ops", h.count());
}

void OpLatencies(std::string_view name, const Services& s, DocBuilder* out) {
  const auto object = out->Object(name);
  AppendLatency("reads", s.metrics->latency.reads, out);
  AppendLatency("writes", s.metrics->latency.writes, out);
  AppendLatency("commands", s.metrics->latency.commands, out);
  AppendLatency("transactions", s.metrics->latency.transactions, out);
}

void AppendOpCounters(std::string_view name, const OpCounterSet& c, DocBuilder* out) {
  const auto object = out->Object(name);
  out->Append("insert", c.insert.value()).Append("query", c.query.value());
  out->Append("update", c.update.value()).Append("delete", c.remove.value());
  out->Append("getmore", c.getmore.value()).Append("command", c.command.value());
}

void OpCountersSection(std::string_view name, const Services& s, DocBuilder* out) {
  AppendOpCounters(name, s.metrics->opcounters, out);
}

// What was applied from the log.
void OpCountersRepl(std::string_view name, const Services& s, DocBuilder* out) {
  const repl::AppliedOps ops = s.driver != nullptr ? s.driver->sync()->status().applied
                                                   : repl::AppliedOps();
  const auto object = out->Object(name);
  out->Append("insert", ops.inserts).Append("query", int64_t{0});
  out->Append("update", ops.updates).Append("delete", ops.removes);
  out->Append("getmore", int64_t{0}).Append("command", ops.commands);
}

void ReplicationSection(std::string_view name, const Services& s, DocBuilder* out) {
  const ReplicationSnapshotPtr r = s.replication->Snapshot();
  if (!r->replica_set) {
    return;
  }
  const auto object = out->Object(name);
  {
    const auto version = out->Object("topologyVersion");
    out->Append("processId", r->process_id).Append("counter", r->topology_counter);
  }
  if (!r->initiated) {
    out->Append("isWritablePrimary", false).Append("secondary", false);
    return;
  }
  const auto names = [&](std::string_view field, const std::vector<std::string>& list) {
    if (!list.empty()) {
      const auto array = out->Array(field);
      for (const std::string& n : list) {
        out->Add(n);
      }
    }
  };
  names("hosts", r->hosts);
  names("passives", r->passives);
  names("arbiters", r->arbiters);
  out->Append("setName", r->set_name);
  out->Append("setVersion", static_cast<int32_t>(r->config_version));
  out->Append("isWritablePrimary", r->accepts_writes);
  out->Append("secondary", r->state == MemberState::kSecondary);
  if (!r->primary.empty()) {
    out->Append("primary", r->primary);
  }
  out->Append("me", r->me);
  if (r->accepts_writes) {
    out->Append("electionId", r->election_id);
  }
  if (s.catalog != nullptr) {
    const auto last = s.catalog->positions()->written();
    const auto majority = s.catalog->positions()->commit_point();
    const auto write = out->Object("lastWrite");
    const auto optime = [&](std::string_view field, const repl::OpTime& t) {
      const auto o = out->Object(field);
      out->Append("ts", t.ts).Append("t", t.term);
    };
    optime("opTime", last.optime);
    out->AppendDate("lastWriteDate", int64_t{last.optime.ts.secs} * 1000);
    optime("majorityOpTime", majority.optime);
    out->AppendDate("majorityWriteDate", int64_t{majority.optime.ts.secs} * 1000);
  }
  if (s.driver != nullptr) {
    out->Append("rbid", s.driver->sync()->rollback_id());
  }
}

void StorageEngine(std::string_view name, const Services& s, DocBuilder* out) {
  const ProcessFacts& facts = s.server->facts();
  const auto object = out->Object(name);
  out->Append("name", facts.storage_engine);
  out->Append("supportsCommittedReads", true).Append("supportsPendingDrops", false);
  out->Append("supportsSnapshotReadConcern", true).Append("readOnly", false);
  out->Append("persistent", facts.persistent).Append("backupCursorOpen", false);
}

// The engine's own figures; no other engine's section is imitated.
void Rocks(std::string_view name, const Services& s, DocBuilder* out) {
  if (s.catalog == nullptr) {
    return;
  }
  const storage::EngineStats stats = s.catalog->engine()->Stats();
  const auto n = [](uint64_t v) { return static_cast<int64_t>(v); };
  const auto object = out->Object(name);
  {
    const auto cache = out->Object("cache");
    out->Append("bytesInCache", n(stats.cache_bytes));
    out->Append("bytesConfigured", n(stats.cache_capacity_bytes));
  }
  out->Append("memtableBytes", n(stats.memtable_bytes));
  out->Append("liveWalBytes", n(stats.live_wal_bytes));
  constexpr std::string_view kSpaces[] = {"catalog", "records", "indexes", "oplog", "undo"};
  const auto spaces = out->Object("spaceBytes");
  for (int i = 0; i < storage::kSpaceCount; ++i) {
    out->Append(kSpaces[i], n(stats.space_bytes[i]));
  }
}

void Memory(std::string_view name, const Services&, DocBuilder* out) {
  const MemoryUse use = ReadMemoryUse();
  const auto object = out->Object(name);
  out->Append("bits", 64).Append("resident", static_cast<int32_t>(use.resident_bytes >> 20));
  out->Append("virtual", static_cast<int32_t>(use.virtual_bytes >> 20)).Append("supported", true);
}

void Metrics(std::string_view name, const Services& s, DocBuilder* out) {
  const auto object = out->Object(name);
  AppendMetrics(s, out);
}

void OwnVersion(std::string_view name, const Services&, DocBuilder* out) {
  const auto object = out->Object(name);
  out->Append("version", kOwnVersion);
}

constexpr StatusSection kSections[] = {
    {"asserts", true, Asserts},
    {"connections", true, Connections},
    {"defaultRWConcern", true, DefaultRwConcern},
    {"electionMetrics", true, status_sections::ElectionMetrics},
    {"extra_info", true, ExtraInfo},
    {"featureCompatibilityVersion", true, FeatureCompatibility},
    {"flowControl", true, status_sections::FlowControl},
    {"globalLock", true, GlobalLock},
    {"logicalSessionRecordCache", true, SessionRecords},
    {"network", true, Network},
    {"opLatencies", true, OpLatencies},
    {"opcounters", true, OpCountersSection},
    {"opcountersRepl", true, OpCountersRepl},
    {"oplogTruncation", true, status_sections::OplogTruncation},
    {"readConcernCounters", true, status_sections::ReadConcerns},
    {"repl", true, ReplicationSection},
    {"rocksdb", true, Rocks},
    {"security", true, status_sections::Security},
    {"storageEngine", true, StorageEngine},
    {"trafficRecording", true, status_sections::TrafficRecording},
    {"transactions", true, status_sections::Transactions},
    {"twoPhaseCommitCoordinator", true, status_sections::TwoPhaseCommits},
    {"mem", true, Memory},
    {"metrics", true, Metrics},
    {"septet", true, OwnVersion},
};

}  // namespace

std::span<const StatusSection> StatusSections() { return kSections; }

void AppendMetrics(const Services& services, DocBuilder* out) {
  // Paths come sorted, so common prefixes stay open from one to the next. A path that is computed here
  // (cursors) is registered by its owner at start.
  std::vector<std::string> open;
  services.metrics->registry.ForEach([&](std::string_view path,
                                         const MetricsRegistry::Metric& metric) {
    std::vector<std::string_view> parts;
    for (size_t start = 0; start <= path.size();) {
      const size_t dot = std::min(path.find('.', start), path.size());
      parts.push_back(path.substr(start, dot - start));
      start = dot + 1;
    }
    size_t common = 0;
    while (common < open.size() && common + 1 < parts.size() && open[common] == parts[common]) {
      ++common;
    }
    while (open.size() > common) {
      out->Close();
      open.pop_back();
    }
    while (open.size() + 1 < parts.size()) {
      out->OpenObject(parts[open.size()]);
      open.emplace_back(parts[open.size()]);
    }
    out->Append(parts.back(), MetricsRegistry::ValueOf(metric));
  });
  for (size_t i = 0; i < open.size(); ++i) {
    out->Close();
  }
}

}  // namespace septet::commands
