// SPDX-License-Identifier: Apache-2.0
#include "server/legacy.h"

#include <algorithm>
#include <cstdlib>

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/number.h"
#include "server/dispatcher.h"
#include "server/legacy_query.h"
#include "server/operation.h"

namespace septet::server {
namespace {

using bson::DocBuilder;
using bson::DocView;
using bson::ValueView;

using ConnectionPtr = std::shared_ptr<wire::Connection>;

void SendQueryFailure(wire::Connection* connection, DocView error) {
  DocBuilder out;
  out.Append("$err", error["errmsg"]).Append("code", error["code"]).Append("ok", 0.0);
  connection->SendReply({.body = out.Finish(), .reply_flags = wire::kQueryFailure});
}

// A cursor's batch as OP_REPLY wants it: the documents back to back.
wire::Reply BatchReply(DocView reply, std::string_view batch_field, int64_t position) {
  const DocView cursor = reply["cursor"].AsDoc();
  std::string documents;
  int32_t count = 0;
  for (const bson::ElementView& e : cursor[batch_field].AsArray()) {
    documents.append(e.value().raw());
    ++count;
  }
  return {.body = std::move(documents),
          .cursor_id = bson::ToInt64Clamped(cursor["id"]),
          .starting_from = static_cast<int32_t>(position),
          .count = count};
}

// What the batches of one cursor go by.
struct Batches {
  std::string ns;
  int32_t number_to_return = 0;
  bool exhaust = false;  // the next batch follows without being asked for
};

void GetMore(const ConnectionPtr& connection, Client* client, wire::Request&& request,
             const Batches& batches, int64_t cursor_id);

void SendBatch(const ConnectionPtr& connection, Client* client, wire::Reply&& reply,
               const Batches& batches) {
  const int64_t cursor_id = reply.cursor_id;
  if (!batches.exhaust || cursor_id == 0) {
    connection->SendReply(std::move(reply));
    return;
  }
  reply.more_to_come = true;
  connection->SendReply(std::move(reply), [connection, client, batches, cursor_id] {
    GetMore(connection, client, {}, batches, cursor_id);
  });
}

void HandleQuery(const ConnectionPtr& connection, Client* client, wire::Request&& request) {
  const wire::OpQuery& asked = *request.query();
  LegacyQuery query = TranslateQuery(asked);
  const Batches batches = {.ns = query.ns,
                           .number_to_return = asked.number_to_return,
                           .exhaust = (asked.flags & wire::kExhaust) != 0};
  const auto sink = [connection = connection.get(), client, kind = query.kind, batches](
                        std::string reply, bool failed, int64_t) {
    const DocView doc(reply);
    if (failed) {
      SendQueryFailure(connection, doc);
      return;
    }
    switch (kind) {
      case LegacyQuery::Kind::kFind:
        SendBatch(connection->shared_from_this(), client, BatchReply(doc, "firstBatch", 0), batches);
        return;
      case LegacyQuery::Kind::kCommand:
        connection->SendReply({.body = std::move(reply)});
        return;
      case LegacyQuery::Kind::kNamespaces: {
        int32_t count = 0;
        std::string documents = NamespaceDocuments(doc, batches.ns, &count);
        connection->SendReply({.body = std::move(documents), .count = count});
        return;
      }
    }
  };
  client->operation().StartTranslated(std::move(request), std::move(query.command), {}, sink);
}

void GetMore(const ConnectionPtr& connection, Client* client, wire::Request&& request,
             const Batches& batches, int64_t cursor_id) {
  const std::string_view ns = batches.ns;
  const size_t dot = ns.find('.');
  DocBuilder command;
  command.Append("getMore", cursor_id);
  command.Append("collection", dot == std::string_view::npos ? std::string_view() : ns.substr(dot + 1));
  if (batches.number_to_return != 0) {
    command.Append("batchSize", std::abs(static_cast<int64_t>(batches.number_to_return)));
  }
  command.Append("$db", ns.substr(0, dot));
  const auto sink = [connection = connection.get(), client, batches](
                        const std::string& reply, bool failed, int64_t position) {
    const DocView doc(reply);
    if (!failed) {
      SendBatch(connection->shared_from_this(), client, BatchReply(doc, "nextBatch", position),
                batches);
      return;
    }
    if (bson::ToInt64Clamped(doc["code"]) == static_cast<int>(ErrorCode::kCursorNotFound)) {
      connection->SendReply({.body = {}, .reply_flags = wire::kCursorNotFound, .count = 0});
      return;
    }
    SendQueryFailure(connection, doc);
  };
  client->operation().StartTranslated(std::move(request), command.Finish(), {}, sink);
}

void HandleGetMore(const ConnectionPtr& connection, Client* client, wire::Request&& request) {
  const auto& asked = std::get<wire::OpGetMore>(request.message);
  const Batches batches = {.ns = std::string(asked.ns), .number_to_return = asked.number_to_return};
  const int64_t cursor_id = asked.cursor_id;
  GetMore(connection, client, std::move(request), batches, cursor_id);
}

void HandleKillCursors(const ConnectionPtr& connection, Client* client, wire::Request&& request) {
  DocBuilder command;
  command.Append("_killAnyCursors", 1);
  {
    const auto array = command.Array("cursors");
    for (const int64_t id : std::get<wire::OpKillCursors>(request.message).cursor_ids) {
      command.Add(id);
    }
  }
  command.Append("$db", "admin");
  client->operation().StartTranslated(
      std::move(request), command.Finish(), {},
      [connection = connection.get()](const std::string&, bool, int64_t) { connection->Done(); });
}

// Keeps what getLastError will tell.
void RememberWrite(commands::LastError* last, DocView reply, bool failed, bool is_update) {
  const repl::OpTime newest = last->optime;  // of the connection, also if this one wrote nothing
  *last = {};
  last->optime = newest;
  last->valid = true;
  last->is_update = is_update;
  if (failed) {
    last->code = static_cast<int>(bson::ToInt64Clamped(reply["code"]));
    last->err = reply["errmsg"].is_string() ? reply["errmsg"].AsString() : "";
    return;
  }
  if (const ValueView n = reply["n"]; n.is_number()) {
    last->n = bson::ToInt64Clamped(n);
  }
  if (const ValueView optime = reply["opTime"]; optime.is_object()) {
    last->optime = {optime.AsDoc()["ts"].AsTimestamp(),
                    bson::ToInt64Clamped(optime.AsDoc()["t"])};
  }
  const ValueView upserted = reply["upserted"];
  last->updated_existing = is_update && last->n > 0 && upserted.missing();
  if (upserted.is_array() && !upserted.AsArray().empty()) {
    DocBuilder id;
    id.Append("upserted", upserted.AsArray().FirstElement().value().AsDoc()["_id"]);
    last->upserted = id.Finish();
  }
  const ValueView errors = reply["writeErrors"];
  if (errors.is_array() && !errors.AsArray().empty()) {
    const DocView first = errors.AsArray().FirstElement().value().AsDoc();
    last->code = static_cast<int>(bson::ToInt64Clamped(first["code"]));
    last->err = first["errmsg"].AsString();
  }
}

void RunWrite(const ConnectionPtr& connection, Client* client, wire::Request&& request,
              std::string command, std::vector<commands::DocumentSequence> sequences,
              bool is_update, bool is_insert) {
  const auto sink = [connection = connection.get(), client, is_update, is_insert](
                        const std::string& reply, bool failed, int64_t) {
    RememberWrite(&client->last_error, DocView(reply), failed, is_update);
    if (is_insert) {
      client->last_error.n = 0;  // an insert reported n: 0
    }
    connection->Done();
  };
  client->operation().StartTranslated(std::move(request), std::move(command),
                                      std::move(sequences), sink);
}

// Starts a write command on `ns`; the caller adds its statements.
void BeginWrite(std::string_view name, std::string_view ns, DocBuilder* command) {
  const size_t dot = ns.find('.');
  command->Append(name, dot == std::string_view::npos ? std::string_view() : ns.substr(dot + 1));
  command->Append("$db", ns.substr(0, dot));
  const auto concern = command->Object("writeConcern");
  command->Append("w", 1);  // getLastError waits for more
}

void HandleInsert(const ConnectionPtr& connection, Client* client, wire::Request&& request) {
  const auto& insert = std::get<wire::OpInsert>(request.message);
  DocBuilder command;
  if (insert.ns.ends_with(".system.indexes")) {
    std::string create = TranslateIndexInsert(insert);
    RunWrite(connection, client, std::move(request), std::move(create), {}, false, true);
    return;
  }
  BeginWrite("insert", insert.ns, &command);
  command.Append("ordered", !insert.continue_on_error);
  std::vector<commands::DocumentSequence> sequences = {
      {"documents", insert.documents.bytes(), insert.documents.count()}};
  RunWrite(connection, client, std::move(request), command.Finish(), std::move(sequences), false,
           true);
}

void HandleUpdate(const ConnectionPtr& connection, Client* client, wire::Request&& request) {
  const auto& update = std::get<wire::OpUpdate>(request.message);
  DocBuilder command;
  BeginWrite("update", update.ns, &command);
  {
    const auto updates = command.Array("updates");
    const auto statement = command.AddObject();
    command.Append("q", update.selector).Append("u", update.update);
    command.Append("multi", update.multi).Append("upsert", update.upsert);
  }
  RunWrite(connection, client, std::move(request), command.Finish(), {}, true, false);
}

void HandleDelete(const ConnectionPtr& connection, Client* client, wire::Request&& request) {
  const auto& remove = std::get<wire::OpDelete>(request.message);
  DocBuilder command;
  BeginWrite("delete", remove.ns, &command);
  {
    const auto deletes = command.Array("deletes");
    const auto statement = command.AddObject();
    command.Append("q", remove.selector).Append("limit", remove.single_remove ? 1 : 0);
  }
  RunWrite(connection, client, std::move(request), command.Finish(), {}, false, false);
}

}  // namespace

void HandleLegacy(Dispatcher*, const ConnectionPtr& connection, Client* client,
                  wire::Request&& request) {
  if (std::holds_alternative<wire::OpQuery>(request.message)) {
    HandleQuery(connection, client, std::move(request));
  } else if (std::holds_alternative<wire::OpGetMore>(request.message)) {
    HandleGetMore(connection, client, std::move(request));
  } else if (std::holds_alternative<wire::OpKillCursors>(request.message)) {
    HandleKillCursors(connection, client, std::move(request));
  } else if (std::holds_alternative<wire::OpInsert>(request.message)) {
    HandleInsert(connection, client, std::move(request));
  } else if (std::holds_alternative<wire::OpUpdate>(request.message)) {
    HandleUpdate(connection, client, std::move(request));
  } else if (std::holds_alternative<wire::OpDelete>(request.message)) {
    HandleDelete(connection, client, std::move(request));
  } else {
    connection->Close();
  }
}

}  // namespace septet::server
