// SPDX-License-Identifier: Apache-2.0
// killCursors (S02-003): {killCursors: coll, cursors: [NumberLong, ...]}
// Reply: {cursorsKilled, cursorsNotFound, cursorsAlive, cursorsUnknown}. Errors: 14, 40414.
#include "base/strings.h"
#include "commands/operations.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

void AppendIds(std::string_view name, const std::vector<int64_t>& ids, bson::DocBuilder* reply) {
  const auto list = reply->Array(name);
  for (const int64_t id : ids) {
    reply->Add(id);
  }
}

// One that runs or waits is told CursorKilled.
void InterruptGetMore(const Services& services, int64_t id) {
  services.operations->KillIf(ErrorCode::kCursorKilled, [id](const RunningOperation& op) {
    if (op.spec == nullptr || op.spec->kind != OpKind::kGetMore || op.command.empty()) {
      return false;
    }
    const bson::ValueView asked = op.command.FirstElement().value();
    return asked.type() == bson::Type::kInt64 && asked.AsInt64() == id;
  });
}

Outcome Run(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  ArrayView cursors;
  const Status status =
      ParseFields("killCursors", request.body, {FieldBinding("cursors", &cursors, true)});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  std::vector<int64_t> killed;
  std::vector<int64_t> not_found;
  for (const bson::ElementView e : cursors.doc) {
    if (e.value().type() != bson::Type::kInt64) {
      return Outcome::Fail(WrongType("killCursors", StrCat("cursors.", e.name()), e.type(), "long"));
    }
    const int64_t id = e.value().AsInt64();
    const bool found =
        services.query->cursors.Kill(id) == query::CursorRegistry::KillResult::kKilled;
    if (found) {
      InterruptGetMore(services, id);
    }
    (found ? killed : not_found).push_back(id);
  }
  AppendIds("cursorsKilled", killed, reply);
  AppendIds("cursorsNotFound", not_found, reply);
  AppendIds("cursorsAlive", {}, reply);
  AppendIds("cursorsUnknown", {}, reply);
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kKillCursorsCommand;
const CommandSpec kKillCursorsCommand{
    .name = "killCursors",
    .aliases = {},
    .flags = kTransactionOk,
    .help = "Closes cursors",
    .fields = {"cursors"},
    .api_version = "1",
    .run = Run,
};

}  // namespace septet::commands
