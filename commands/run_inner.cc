// SPDX-License-Identifier: Apache-2.0
#include "commands/run_inner.h"

#include <thread>

#include "base/strings.h"

namespace septet::commands {

Status RunInner(catalog::Op* op, const Services& services, const Request& outer, std::string_view db,
                const std::string& body, std::string* reply) {
  const bson::DocView command(body);
  const std::string_view name = command.FirstElement().name();
  const CommandSpec* spec = FindCommand(name);
  if (spec == nullptr) {
    return Error(ErrorCode::kCommandNotFound, StrCat("no such command: '", name, "'"));
  }
  Request inner = outer;
  inner.db = db;
  inner.name = name;
  inner.body = command;
  inner.sequences.clear();
  bson::DocBuilder builder;
  Outcome outcome = spec->run(op, services, inner, &builder);
  while (Suspend* suspend = std::get_if<Suspend>(&outcome.v)) {
    if (const auto* backoff = std::get_if<WaitBackoff>(&suspend->wait)) {
      std::this_thread::sleep_for(backoff->delay);  // a worker's thread: it may block
    } else if (!std::holds_alternative<WaitWorker>(suspend->wait)) {
      return Error(ErrorCode::kIllegalOperation, StrCat("'", name, "' cannot run inside another command"));
    }
    const Resume resume = std::move(suspend->resume);
    outcome = resume(false);
  }
  *reply = builder.Finish();
  return std::get<Done>(outcome.v).status;
}

}  // namespace septet::commands
