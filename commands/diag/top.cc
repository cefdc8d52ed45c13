// SPDX-License-Identifier: Apache-2.0
// {top: 1} -> {totals: {note, "<ns>": {total, readLock, writeLock, queries, getmore, insert, update, remove,
// commands}}} with {time: microseconds, count} each. S02-098; mongotop reads it.
#include "commands/command.h"
#include "commands/services.h"
#include "commands/usage.h"

namespace septet::commands {
namespace {

void Append(std::string_view name, const Usage::Sum& sum, bson::DocBuilder* reply) {
  const auto object = reply->Object(name);
  reply->Append("time", sum.micros).Append("count", sum.count);
}

Outcome Run(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  const auto totals = reply->Object("totals");
  reply->Append("note", "all times in microseconds");
  for (const auto& [ns, usage] : services.usage->All()) {
    const auto object = reply->Object(ns);
    Append("total", usage.total, reply);
    Append("readLock", usage.read_lock, reply);
    Append("writeLock", usage.write_lock, reply);
    Append("queries", usage.queries, reply);
    Append("getmore", usage.getmore, reply);
    Append("insert", usage.insert, reply);
    Append("update", usage.update, reply);
    Append("remove", usage.remove, reply);
    Append("commands", usage.commands, reply);
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kTopCommand;
const CommandSpec kTopCommand = {
    .name = "top",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "usage by collection, in micros ",
    .run = Run,
};

}  // namespace septet::commands
