// SPDX-License-Identifier: Apache-2.0
// getMore (S02-002): {getMore: NumberLong(id), collection, batchSize, maxTimeMS, term, ...}
// Reply: {cursor: {nextBatch: [...], id, ns}}. Errors: 43, 143, 13, 2, 14, 73.
#include "base/strings.h"
#include "commands/crud/cursor_reply.h"
#include "commands/generic_args.h"
#include "commands/parse.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

// 8-4-4-4-12 hexadecimal digits.
std::string UuidText(std::string_view id) {
  std::string text = ToHex(id);
  for (const size_t at : {size_t{8}, size_t{13}, size_t{18}, size_t{23}}) {
    if (at < text.size()) {
      text.insert(at, 1, '-');
    }
  }
  return text;
}

// A cursor belongs to the session that opened it, or to none.
Status CheckSession(const query::Cursor& cursor, std::string_view session) {
  if (cursor.session_id == session) {
    return OkStatus();
  }
  const std::string head = StrCat("Cannot run getMore on cursor ", cursor.id, ", which was ");
  if (cursor.session_id.empty()) {
    return Error(50736, StrCat(head, "not created in a session, in session ", UuidText(session)));
  }
  const std::string created = StrCat(head, "created in session ", UuidText(cursor.session_id));
  if (session.empty()) {
    return Error(50737, StrCat(created, ", without an lsid"));
  }
  return Error(50738, StrCat(created, ", in session ", UuidText(session)));
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const bson::ValueView id = request.body.FirstElement().value();
  if (id.type() != bson::Type::kInt64) {
    return Outcome::Fail(WrongType("getMore", "getMore", id.type(), "long"));
  }
  std::string_view collection;
  std::optional<int64_t> batch_size;
  bson::ValueView term;
  bson::ValueView last_known;
  const Status status =
      ParseFields("getMore", request.body,
                  {FieldBinding("collection", &collection, true), {"batchSize", &batch_size},
                   {"term", &term}, {"lastKnownCommittedOpTime", &last_known}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  if (id.AsInt64() == 0) {
    return Outcome::Fail(Error(ErrorCode::kBadValue, "Cursor id for getMore must be non-zero"));
  }
  if (collection.empty()) {
    return Outcome::Fail(Error(ErrorCode::kInvalidNamespace,
                               StrCat("Invalid namespace for getMore: ", request.db, ".")));
  }
  if (batch_size && *batch_size < 0) {
    return Outcome::Fail(Error(51024, StrCat("BSON field 'batchSize' value must be >= 0, actual value '",
                                             *batch_size, "'")));
  }
  const catalog::Namespace ns(request.db, collection);
  StatusOr<std::unique_ptr<query::Cursor>> cursor =
      services.query->cursors.Checkout(id.AsInt64(), ns.full());
  if (!cursor.ok()) {
    return Outcome::Fail(cursor.status());
  }
  const Status owned = CheckSession(**cursor, SessionIdOf(request));
  if (!owned.ok()) {
    services.query->cursors.Return(*std::move(cursor));
    return Outcome::Fail(owned);
  }
  const Generic* generic = request.generic;
  if (generic != nullptr && generic->max_time_ms > 0 &&
      !((*cursor)->tailable && (*cursor)->await_data)) {
    services.query->cursors.Return(*std::move(cursor));
    return Outcome::Fail(
        Error(ErrorCode::kBadValue, "cannot set maxTimeMS on getMore command for a non-awaitData cursor"));
  }
  if ((*cursor)->tailable) {
    (*cursor)->plan.context->snapshot = catalog::ReadSnapshot(services.catalog, op);
  }
  BatchRequest batch;
  batch.field = "nextBatch";
  batch.command = (*cursor)->error_prefix_aggregate ? "aggregate" : "getMore";
  batch.limits.max_documents = batch_size && *batch_size > 0 ? *batch_size : -1;
  return RunBatch(op, services, *std::move(cursor), batch, reply);
}

}  // namespace

extern const CommandSpec kGetMoreCommand;
const CommandSpec kGetMoreCommand{
    .name = "getMore",
    .aliases = {},
    .flags = kReadData | kTransactionOk,
    .help = "Returns the next batch of a cursor",
    .fields = {"collection", "batchSize", "term", "lastKnownCommittedOpTime"},
    .api_version = "1",
    .kind = OpKind::kGetMore,
    .run = Run,
};

}  // namespace septet::commands
