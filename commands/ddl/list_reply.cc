// SPDX-License-Identifier: Apache-2.0
#include "commands/ddl/list_reply.h"

#include "bson/number.h"
#include "commands/parse.h"
#include "query/stage/pipeline.h"

namespace septet::commands {

StatusOr<int64_t> ListingBatchSize(const Request& request) {
  bson::DocView cursor;
  std::optional<int64_t> batch_size;
  const std::string_view command = request.body.FirstElement().name();
  RETURN_IF_ERROR(ParseFields(command, request.body, {{"cursor", &cursor}}));
  RETURN_IF_ERROR(ParseFields("cursor", cursor, {{"batchSize", &batch_size}}));
  if (batch_size && *batch_size < 0) {
    return Error(51024, "BSON field 'batchSize' value must be >= 0, actual value '" +
                            std::to_string(*batch_size) + "'");
  }
  return batch_size.value_or(-1);
}

Outcome ReplyListing(catalog::Op* op, const Services& services, const Request& request,
                     std::string ns, std::vector<std::string> documents, bson::DocBuilder* reply) {
  const StatusOr<int64_t> batch_size = ListingBatchSize(request);
  if (!batch_size.ok()) {
    return Outcome::Fail(batch_size.status());
  }
  auto cursor = std::make_unique<query::Cursor>();
  cursor->ns = std::move(ns);
  cursor->plan.context = std::make_unique<query::ExecContext>();
  cursor->plan.context->catalog = services.catalog;
  cursor->plan.root = query::MakeOwnedSource(std::move(documents), "QUEUED_DATA");
  cursor->plan.summary = "QUEUED_DATA";
  cursor->command = request.body.ToBytes();
  cursor->session_id = SessionIdOf(request);
  BatchRequest batch;
  batch.limits.max_documents = *batch_size;
  return RunBatch(op, services, std::move(cursor), batch, reply);
}

}  // namespace septet::commands
