// SPDX-License-Identifier: Apache-2.0
// {killOp: 1, op: <opid>} -> {info: "attempting to kill op"}, also if there is no such operation. S02-091.
// Errors: NoSuchKey, TypeMismatch, BadValue, 26823 (texts recorded).
#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "commands/command.h"
#include "commands/operations.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

StatusOr<int64_t> ParseOpId(bson::ValueView v) {
  if (v.missing()) {
    return Error(ErrorCode::kNoSuchKey, "Missing expected field \"op\"");
  }
  if (!v.is_number()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("Expected field \"op\" to have numeric type, but found ",
                        bson::TypeName(v.type())));
  }
  const auto exact = bson::ExactInt64(v);
  if (!exact.has_value()) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Expected field \"op\" to have a value exactly representable as a 64-bit "
                        "integer, but found op: ",
                        bson::ToShellText(v)));
  }
  if (*exact < INT32_MIN || *exact > INT32_MAX) {
    return Error(26823, StrCat("invalid op : ", *exact,
                               ". Op ID cannot be represented with 32 bits"));
  }
  return *exact;
}

Outcome Run(catalog::Op*, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const StatusOr<int64_t> op_id = ParseOpId(request.body["op"]);
  if (!op_id.ok()) {
    return Outcome::Fail(op_id.status());
  }
  services.operations->Kill(static_cast<uint64_t>(*op_id), ErrorCode::kInterrupted);
  reply->Append("info", "attempting to kill op");
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kKillOpCommand;
const CommandSpec kKillOpCommand = {
    .name = "killOp",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "",
    .run = Run,
};

}  // namespace septet::commands
