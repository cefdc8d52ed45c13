// SPDX-License-Identifier: Apache-2.0
// appendOplogNote (S02-085): {appendOplogNote: 1, data: {...}, maxClusterTime?: Timestamp}; reply {ok: 1}.
// Writes an entry that changes nothing and carries `data`; with maxClusterTime only if the cluster time is
// below it. Errors: 4, 14, 76, 209 (StaleClusterTime).
#include "base/strings.h"
#include "catalog/catalog.h"
#include "commands/ddl/in_pool.h"
#include "commands/repl/common.h"
#include "replication/oplog/entry.h"

namespace septet::commands {
namespace {

class NoteUnit final : public repl::CommitUnit {
 public:
  NoteUnit(catalog::Catalog* catalog, bson::DocView data) : owned_(catalog->engine()->NewBatch()) {
    batch = owned_.get();
    epoch = catalog->sequencer()->epoch();
    repl::EntryFields fields;
    fields.op = 'n';
    fields.o = data;
    repl::BuildEntry(fields, &entries.emplace_back().bytes);
  }
  void OnSequenced(const std::vector<repl::OpTime>&, int64_t, storage::WriteBatch*) override {}

 private:
  std::unique_ptr<storage::WriteBatch> owned_;
};

Outcome Run(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder*) {
  if (services.driver == nullptr) {
    return Outcome::Fail(Error(ErrorCode::kNoReplicationEnabled,
                               "Must have replication set up to run \"appendOplogNote\""));
  }
  const bson::ValueView data = request.body.Find("data");
  if (data.missing()) {
    return Outcome::Fail(Error(ErrorCode::kNoSuchKey, "Missing expected field \"data\""));
  }
  if (!data.is_object()) {
    return Outcome::Fail(
        Error(ErrorCode::kTypeMismatch, StrCat("\"data\" had the wrong type. Expected object, found ",
                                               bson::TypeName(data.type()))));
  }
  const bson::ValueView limit = request.body.Find("maxClusterTime");
  if (limit.type() == bson::Type::kTimestamp &&
      limit.AsTimestamp() < services.catalog->positions()->ClusterTime()) {
    return Outcome::Fail(Error(209,
                               "Cannot write an oplog note: maxClusterTime is less than lastAppliedOpTime"));
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, note = data.AsDoc()]() -> Outcome {
    NoteUnit unit(all->catalog, note);
    const StatusOr<repl::OpTime> written = all->catalog->sequencer()->Commit(&unit);
    if (!written.ok()) {
      return Outcome::Fail(written.status());
    }
    op->last_write = *written;
    return Outcome::Ok();
  });
}

}  // namespace

extern const CommandSpec kAppendOplogNoteCommand;
const CommandSpec kAppendOplogNoteCommand{
    .name = "appendOplogNote",
    .aliases = {},
    .flags = kAdminOnly | kWrite,
    .help = "Adds a no-op entry to the oplog",
    .fields = {"data", "maxClusterTime"},
    .api_version = "",
    .run = Run};

}  // namespace septet::commands
