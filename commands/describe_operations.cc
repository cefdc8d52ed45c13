// SPDX-License-Identifier: Apache-2.0
// The documents of currentOp and $currentOp. Fields: S11-056.
#include "base/clock.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "commands/operations.h"
#include "commands/version.h"

namespace septet::commands {
namespace {

using bson::DocBuilder;

constexpr size_t kTruncatedBytes = 1000;

std::string_view TypeOf(const RunningOperation& op) {
  if (op.spec == nullptr) {
    return "none";
  }
  switch (op.spec->kind) {
    case OpKind::kInsert: return "insert";
    case OpKind::kQuery: return "query";
    case OpKind::kUpdate: return "update";
    case OpKind::kDelete: return "remove";
    case OpKind::kGetMore: return "getmore";
    case OpKind::kCommand: return "command";
  }
  return "command";
}

void AppendClient(const ClientInfo& client, DocBuilder* out) {
  out->Append("desc", StrCat("conn", client.connection_id));
  out->Append("connectionId", static_cast<int32_t>(client.connection_id));
  out->Append("client", client.remote);
  if (!client.app_name.empty()) {
    out->Append("appName", client.app_name);
  }
  if (!client.metadata.empty()) {
    out->Append("clientMetadata", bson::DocView(client.metadata));
  }
}

void AppendCommand(bson::DocView command, bool truncate, DocBuilder* out) {
  if (truncate && static_cast<size_t>(command.size_bytes()) > kTruncatedBytes) {
    const auto object = out->Object("command");
    out->Append("$truncated", bson::ToShellText(command).substr(0, kTruncatedBytes));
    return;
  }
  out->Append("command", command);
}

void AppendRunning(const RunningOperation& op, const CurrentOpOptions& options, DocBuilder* out) {
  const int64_t micros = MonotonicMicros() - op.start_micros;
  out->Append("opid", static_cast<int32_t>(op.op_id));
  if (op.interrupt != nullptr && op.interrupt->killed()) {
    out->Append("killPending", true);
  }
  if (!op.session_id.empty()) {
    const auto lsid = out->Object("lsid");
    out->Append("id", bson::BinData{4, op.session_id});
  }
  out->Append("secs_running", micros / 1'000'000).Append("microsecs_running", micros);
  out->Append("op", TypeOf(op));
  const bson::ValueView first =
      op.command.empty() ? bson::ValueView() : op.command.FirstElement().value();
  const bson::ValueView collection = op.command["collection"];
  if (op.spec->kind == OpKind::kGetMore && collection.is_string()) {
    out->Append("ns", StrCat(op.db, ".", collection.AsString()));
  } else {
    out->Append("ns", first.is_string() && (op.spec->flags & (kReadData | kWrite)) != 0
                          ? StrCat(op.db, ".", first.AsString())
                          : StrCat(op.db, ".$cmd"));
  }
  out->Append("redacted", false);
  AppendCommand(op.command, options.truncate_ops, out);
  if (!op.originating_command.empty()) {
    const auto cursor = out->Object("cursor");
    out->Append("originatingCommand", op.originating_command);
  }
  if (!op.plan_summary.empty()) {
    out->Append("planSummary", op.plan_summary);
  }
  out->Append("numYields", 0);
  {
    const auto locks = out->Object("locks");
  }
  out->Append("waitingForLock", false);
  {
    const auto stats = out->Object("lockStats");
  }
  out->Append("waitingForFlowControl", false);
  const auto flow = out->Object("flowControlStats");
}

}  // namespace

std::vector<std::string> DescribeOperations(const OperationRegistry& registry,
                                            const CurrentOpOptions& options) {
  std::vector<std::string> documents;
  registry.ForEach([&](const RunningOperation& op, const ClientInfo* client,
                       std::string_view description) {
    const bool active = op.op_id != 0;
    if (!active && !options.idle_connections) {
      return;
    }
    if (options.own_ops_only &&
        (client == nullptr || client->connection_id != options.own_connection_id)) {
      return;
    }
    DocBuilder out;
    out.Append("type", "op").Append("host", options.host);
    if (client != nullptr) {
      AppendClient(*client, &out);
    } else {
      out.Append("desc", description);
    }
    out.Append("active", active);
    out.Append("currentOpTime", FormatIso8601(WallMillis(), /*local=*/true));
    out.Append("isFromUserConnection", client != nullptr && !client->internal);
    out.Append("threaded", true);
    if (active && op.spec != nullptr) {
      AppendRunning(op, options, &out);
    }
    documents.push_back(out.Finish());
  });
  return documents;
}

}  // namespace septet::commands
