// SPDX-License-Identifier: Apache-2.0
// What the legacy opcodes need and no command of today offers; not for clients:
// {_killAnyCursors: 1, cursors: [ids]} (OP_KILL_CURSORS names no collection) and
// {_listAllIndexes: 1, filter} on a database (<db>.system.indexes) -> {cursor: {firstBatch: [{v, key, name,
// ns, ...}]}}.
#include "bson/number.h"
#include "catalog/catalog.h"
#include "commands/command.h"
#include "commands/services.h"
#include "query/match/matcher.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

Outcome KillAnyCursors(catalog::Op*, const Services& services, const Request& request,
                       bson::DocBuilder* reply) {
  --request.last_error->operations_since;  // the opcode is none of those that getLastError means
  int killed = 0;
  const bson::ValueView ids = request.body["cursors"];
  if (ids.is_array() && services.query != nullptr) {
    for (const bson::ElementView& e : ids.AsArray()) {
      if (e.value().is_number() &&
          services.query->cursors.Kill(bson::ToInt64Clamped(e.value())) ==
              query::CursorRegistry::KillResult::kKilled) {
        ++killed;
      }
    }
  }
  reply->Append("killed", killed);
  return Outcome::Ok();
}

Outcome ListAllIndexes(catalog::Op*, const Services& services, const Request& request,
                       bson::DocBuilder* reply) {
  const bson::ValueView filter = request.body["filter"];
  const auto matcher =
      query::Matcher::Parse(filter.is_object() ? filter.AsDoc() : bson::DocView(), {});
  if (!matcher.ok()) {
    return Outcome::Fail(matcher.status());
  }
  bson::Arena arena;
  query::EvalContext eval;
  eval.arena = &arena;
  const auto cursor = reply->Object("cursor");
  {
    const auto batch = reply->Array("firstBatch");
    for (const catalog::CollectionPtr& c : services.catalog->Snapshot().Collections(request.db)) {
      for (const auto& index : c->indexes) {
        bson::DocBuilder row;
        row.AppendAll(bson::DocView(index->spec.document));
        row.Append("ns", c->ns.full());
        const std::string bytes = row.Finish();
        const StatusOr<bool> matches = (*matcher)->Matches(bson::DocView(bytes), &eval);
        if (!matches.ok()) {
          return Outcome::Fail(matches.status());
        }
        if (*matches) {
          reply->Add(bson::DocView(bytes));
        }
      }
    }
  }
  reply->Append("id", int64_t{0}).Append("ns", std::string(request.db) + ".system.indexes");
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kKillAnyCursorsCommand;
const CommandSpec kKillAnyCursorsCommand = {
    .name = "_killAnyCursors",
    .flags = kMaintenanceOk | kInternal,
    .help = "internal: the opcode OP_KILL_CURSORS",
    .run = KillAnyCursors,
};

extern const CommandSpec kListAllIndexesCommand;
const CommandSpec kListAllIndexesCommand = {
    .name = "_listAllIndexes",
    .flags = kReadData | kInternal,
    .help = "internal: a query on <database>.system.indexes",
    .run = ListAllIndexes,
};

}  // namespace septet::commands
