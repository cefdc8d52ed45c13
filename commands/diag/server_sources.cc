// SPDX-License-Identifier: Apache-2.0
#include "commands/diag/server_sources.h"

#include "base/clock.h"
#include "base/strings.h"
#include "bson/number.h"
#include "commands/ddl/coll_stats.h"
#include "commands/operations.h"
#include "commands/parse.h"
#include "commands/server_control.h"
#include "commands/session_cache.h"
#include "commands/usage.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

using bson::DocView;

// SHA-256 of nothing: the uid of sessions without a user.
constexpr char kNobody[] =
    "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4"
    "\x95\x99\x1b\x78\x52\xb8\x55";

Status NamespaceMissing(std::string_view stage, const catalog::Namespace& ns) {
  return Error(ErrorCode::kNamespaceNotFound,
               StrCat("PlanExecutor error during aggregation :: caused by :: Unable to retrieve ", stage,
                      " :: caused by :: Collection [", ns.full(), "] not found."));
}

Status CurrentOp(const Services& services, const Request& request, DocView spec,
                 std::vector<std::string>* out) {
  CurrentOpOptions options;
  options.idle_connections = spec.Find("idleConnections").Truthy();
  options.idle_cursors = spec.Find("idleCursors").Truthy();
  options.truncate_ops = spec.Find("truncateOps").Truthy();
  options.own_connection_id = request.client != nullptr ? request.client->connection_id : 0;
  options.host = services.server->facts().host;
  *out = DescribeOperations(*services.operations, options);
  if (options.idle_cursors) {
    for (std::string& cursor : services.query->cursors.DescribeIdle()) {
      out->push_back(std::move(cursor));
    }
  }
  return OkStatus();
}

Status CollStats(const Services& services, const catalog::Namespace& ns, DocView spec,
                 std::vector<std::string>* out) {
  const catalog::CollectionPtr c = services.catalog->Find(ns.full());
  const bson::ValueView storage = spec.Find("storageStats");
  const bson::ValueView count = spec.Find("count");
  if (c == nullptr && (!storage.missing() || !count.missing())) {
    return Error(ErrorCode::kNamespaceNotFound,
                 StrCat("Unable to retrieve storageStats in $collStats stage :: caused by :: Collection [",
                        ns.full(), "] not found."));
  }
  if (c != nullptr && c->is_view && (!storage.missing() || !count.missing())) {
    return Error(ErrorCode::kCommandNotSupportedOnView,
                 StrCat("Namespace ", ns.full(), " is a view, not a collection"));
  }
  bson::DocBuilder b;
  b.Append("ns", ns.full());
  b.Append("host", services.server->facts().host);
  b.AppendDate("localTime", WallMillis());
  if (!spec.Find("latencyStats").missing()) {
    const auto latency = b.Object("latencyStats");
    const Usage usage = services.usage != nullptr ? services.usage->Of(ns.full()) : Usage();
    const auto append = [&b](std::string_view name, const Usage::Sum& sum) {
      const auto one = b.Object(name);
      b.Append("latency", sum.micros).Append("ops", sum.count);
    };
    append("reads", usage.reads);
    append("writes", usage.writes);
    append("commands", usage.other);
    append("transactions", Usage::Sum());
  }
  if (!storage.missing()) {
    int64_t scale = 1;
    if (storage.is_object() && storage.AsDoc().Has("scale")) {
      ASSIGN_OR_RETURN(scale, ToInt64("$collStats", "scale", storage.AsDoc().Find("scale")));
    }
    const auto stats = b.Object("storageStats");
    AppendCollStats(*services.catalog, c.get(), scale < 1 ? 1 : scale, &b);
  }
  if (!count.missing()) {
    b.Append("count", static_cast<int64_t>(catalog::RecordCount(*c)));
  }
  out->push_back(b.Finish());
  return OkStatus();
}

Status IndexStats(const Services& services, const catalog::Namespace& ns,
                  std::vector<std::string>* out) {
  const catalog::CollectionPtr c = services.catalog->Find(ns.full());
  if (c == nullptr) {
    return OkStatus();
  }
  const ProcessFacts& facts = services.server->facts();
  for (const auto& index : c->indexes) {
    bson::DocBuilder b;
    b.Append("name", index->spec.name);
    b.Append("key", DocView(index->spec.key_pattern));
    b.Append("host", facts.host);
    {
      const auto accesses = b.Object("accesses");
      b.Append("ops", index->accesses->load(std::memory_order_relaxed));
      b.AppendDate("since", facts.start_wall_millis);
    }
    b.Append("spec", DocView(index->spec.document));
    out->push_back(b.Finish());
  }
  return OkStatus();
}

// The plans that won a trial. What the entry does not keep (the query it was made for) is left out.
Status PlanCacheStats(const Services& services, const catalog::CollectionInfo& c,
                      std::vector<std::string>* out) {
  const std::string_view uuid(reinterpret_cast<const char*>(c.uuid.bytes), sizeof(c.uuid.bytes));
  for (const query::PlanCache::Entry& entry : services.query->plans.Of(uuid)) {
    bson::DocBuilder b;
    b.Append("isActive", true).Append("works", entry.works);
    {
      const auto plan = b.Object("cachedPlan");
      if (entry.index_name.starts_with('$')) {
        b.Append("stage", "OR");  // one index per branch
      } else {
        b.Append("stage", "IXSCAN").Append("indexName", entry.index_name);
      }
    }
    b.Append("indexFilterSet", false);
    b.Append("host", services.server->facts().host);
    out->push_back(b.Finish());
  }
  return OkStatus();
}

// Sessions in this member's memory. Without users only all of them together can be asked for.
Status LocalSessions(const Services& services, DocView spec, std::vector<std::string>* out) {
  if (!spec.Find("allUsers").Truthy()) {
    return OkStatus();
  }
  const int64_t now = MonotonicMicros() / 1000;
  for (const SessionCache::Session& session : services.sessions->All()) {
    bson::DocBuilder b;
    {
      const auto id = b.Object("_id");
      b.Append("id", bson::BinData{4, session.id});
      b.Append("uid", bson::BinData{0, std::string_view(kNobody, 32)});
    }
    b.AppendDate("lastUse", WallMillis() - (now - session.last_use_millis));
    out->push_back(b.Finish());
  }
  return OkStatus();
}

}  // namespace

ServerSource MakeServerSource(const Services& services, const Request& request,
                              const catalog::Namespace& ns) {
  const Services* all = &services;
  const Request* req = &request;
  return [all, req, ns](std::string_view stage, DocView spec, std::vector<std::string>* out) -> Status {
    if (stage == "$currentOp") {
      return CurrentOp(*all, *req, spec, out);
    }
    if (stage == "$collStats") {
      return CollStats(*all, ns, spec, out);
    }
    if (stage == "$indexStats") {
      return IndexStats(*all, ns, out);
    }
    if (stage == "$listLocalSessions") {
      return LocalSessions(*all, spec, out);
    }
    if (stage == "$planCacheStats") {
      const catalog::CollectionPtr c = all->catalog->Find(ns.full());
      return c == nullptr ? NamespaceMissing("plan cache", ns) : PlanCacheStats(*all, *c, out);
    }
    return Error(ErrorCode::kNotImplemented, StrCat(stage, " is not implemented yet"));
  };
}

}  // namespace septet::commands
