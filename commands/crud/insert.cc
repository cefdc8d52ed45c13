// SPDX-License-Identifier: Apache-2.0
// insert (S02-004): {insert: coll, documents: [...], ordered: true, bypassDocumentValidation, ...}
// Reply: {n, writeErrors}. Errors of documents: 11000, 2, 15, 52, 53, 121, 171; of the command: 16, 40414, 73.
//
// Documents are written in groups, one atomic unit each; a group that meets an error is written again one
// by one, so that the error is told of the right document and the others stand.
#include "base/limits.h"
#include "base/strings.h"
#include "catalog/write_unit.h"
#include "commands/crud/cursor_reply.h"
#include "commands/crud/insert_document.h"
#include "commands/crud/retry.h"
#include "commands/crud/validator.h"
#include "commands/crud/write_reply.h"
#include "commands/parse.h"

namespace septet::commands {
namespace {

constexpr size_t kGroupDocuments = 512;
constexpr size_t kGroupBytes = 1 << 20;

struct InsertRun {
  catalog::Op* op;
  const Services* services;
  const Request* request;
  catalog::Namespace ns;
  catalog::CollectionPtr collection;
  std::shared_ptr<const DocumentValidator> validator;
  std::vector<bson::DocView> documents;
  bool ordered = true;
  size_t at = 0;
  int32_t inserted = 0;
  std::vector<WriteError> errors;
  RetriedStatements retried;
  std::string buffer;  // the documents of a group as stored
};

// Opens the collection, creating it if it is not there.
Status Open(InsertRun* run) {
  catalog::Catalog* catalog = run->services->catalog;
  run->collection = catalog->Find(run->ns.full());
  if (run->collection == nullptr) {
    const StatusOr<catalog::CollectionPtr> created =
        catalog->CreateCollection(run->op, run->ns, catalog::CreateOptions());
    if (!created.ok() && CodeOf(created.status()) != ErrorCode::kNamespaceExists) {
      return created.status();
    }
    run->collection = catalog->Find(run->ns.full());
    if (run->collection == nullptr) {
      return Error(ErrorCode::kNamespaceNotFound, StrCat("collection ", run->ns.full(), " was dropped"));
    }
  }
  if (run->collection->is_view) {
    return Error(ErrorCode::kCommandNotSupportedOnView,
                 StrCat("Namespace ", run->ns.full(), " is a view, not a collection"));
  }
  ASSIGN_OR_RETURN(run->validator, DocumentValidator::For(*run->collection, *run->request));
  return OkStatus();
}

// Inserts documents [from, to) as one unit.
Status InsertUnit(InsertRun* run, size_t from, size_t to) {
  return catalog::RetryOnConflict(run->op, [&]() -> Status {
    catalog::WriteUnit unit(run->services->catalog, run->op, run->collection);
    for (size_t i = from; i < to; ++i) {
      run->buffer.clear();
      RETURN_IF_ERROR(PrepareDocument(run->documents[i], *run->services->catalog, &run->buffer));
      if (run->validator != nullptr) {
        RETURN_IF_ERROR(run->validator->Check(bson::DocView(run->buffer)));
      }
      RETURN_IF_ERROR(unit.Insert(bson::DocView(run->buffer),
                                  StatementId(*run->request, static_cast<int>(i)))
                          .status());
    }
    return unit.Commit();
  });
}

// The same; a collection that was dropped or replaced meanwhile is opened again.
Status InsertGroup(InsertRun* run, size_t from, size_t to) {
  for (;;) {
    Status status = InsertUnit(run, from, to);
    if (CodeOf(status) != ErrorCode::kQueryPlanKilled) {
      return status;
    }
    RETURN_IF_ERROR(run->op->interrupt.CheckNow());
    RETURN_IF_ERROR(Open(run));
  }
}

size_t GroupEnd(const InsertRun& run) {
  size_t end = run.at;
  size_t bytes = 0;
  while (end < run.documents.size() && end - run.at < kGroupDocuments && bytes < kGroupBytes) {
    bytes += static_cast<size_t>(run.documents[end].size_bytes());
    ++end;
  }
  return end;
}

// Inserts one group. Error: only what ends the command.
Status Step(InsertRun* run, bool* stop) {
  if (run->retried.Executed(StatementId(*run->request, static_cast<int>(run->at)))) {
    ++run->inserted;
    ++run->at;
    return OkStatus();
  }
  size_t end = run->retried.any() ? run->at + 1 : GroupEnd(*run);
  Status status = InsertGroup(run, run->at, end);
  if (!status.ok() && end - run->at > 1 && !EndsCommand(status)) {
    end = run->at + 1;
    status = InsertGroup(run, run->at, end);
    // The rest of the group follows one by one until the bad document is passed.
  }
  if (!status.ok()) {
    if (EndsCommand(status)) {
      return status;
    }
    run->errors.push_back({static_cast<int32_t>(run->at), status});
    ++run->at;
    *stop = run->ordered;
    return OkStatus();
  }
  run->inserted += static_cast<int32_t>(end - run->at);
  run->at = end;
  return OkStatus();
}

Outcome Continue(const std::shared_ptr<InsertRun>& run, bson::DocBuilder* reply) {
  const auto move_to_pool = [&run, reply]() -> Outcome {
    return {Suspend{WaitWorker{}, [run, reply](bool) {
                      run->op->interrupt.EndSlice();
                      return Continue(run, reply);
                    }}};
  };
  if (run->collection == nullptr) {
    const Status opened = Open(run.get());
    if (catalog::IsWouldBlock(opened)) {
      return move_to_pool();
    }
    if (!opened.ok() && EndsCommand(opened)) {
      return Outcome::Fail(opened);
    }
    if (!opened.ok()) {
      run->errors.push_back({0, opened});
      run->at = run->documents.size();
    }
  }
  bool stop = false;
  while (run->at < run->documents.size() && !stop) {
    const Status status = run->op->interrupt.CheckNow();
    const Status stepped = status.ok() ? Step(run.get(), &stop) : status;
    if (catalog::IsWouldBlock(stepped)) {
      return move_to_pool();
    }
    if (!stepped.ok()) {
      return Outcome::Fail(stepped);
    }
    if (run->op->interrupt.SliceExpired() && run->at < run->documents.size() && !stop) {
      return move_to_pool();
    }
  }
  reply->Append("n", run->inserted);
  run->op->counters.n_inserted = run->inserted;
  AppendWriteErrors(run->errors, reply);
  run->retried.AppendTo(reply);
  return Outcome::Ok();
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = WritableCollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  auto run = std::make_shared<InsertRun>();
  run->op = op;
  run->services = &services;
  run->request = &request;
  run->ns = *ns;
  LooseBool bypass;
  Status status = ParseFields("insert", request.body,
                              {{"ordered", &run->ordered}, {"bypassDocumentValidation", &bypass}});
  if (status.ok()) {
    StatusOr<std::vector<bson::DocView>> documents = StatementsOf(request, "documents");
    status = documents.status();
    if (status.ok()) {
      run->documents = *std::move(documents);
      status = CheckStatementIds(request, run->documents.size());
    }
    if (status.ok()) {
      status = run->retried.Load(op, services, request);
    }
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  if (!op->may_block) {
    op->interrupt.StartSlice(kSlice * 4);
  }
  return Continue(run, reply);
}

}  // namespace

extern const CommandSpec kInsertCommand;
const CommandSpec kInsertCommand{
    .name = "insert",
    .aliases = {},
    .flags = kWrite | kRetryable | kTransactionOk,
    .help = "Inserts documents",
    .fields = {"documents", "ordered", "bypassDocumentValidation"},
    .api_version = "1",
    .kind = OpKind::kInsert,
    .run = Run,
};

}  // namespace septet::commands
