// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/write_reply.h"

#include "base/limits.h"
#include "base/strings.h"
#include "bson/number.h"
#include "commands/generic_args.h"
#include "commands/parse.h"

namespace septet::commands {

StatusOr<std::vector<bson::DocView>> StatementsOf(const Request& request, std::string_view field) {
  std::vector<bson::DocView> out;
  const DocumentSequence* sequence = request.Sequence(field);
  const bson::ValueView in_body = request.body.Find(field);
  if (sequence != nullptr) {
    if (!in_body.missing()) {
      return DuplicateField(request.body.FirstElement().name(), field);
    }
    out.reserve(static_cast<size_t>(sequence->count));
    for (const bson::DocView doc : *sequence) {
      out.push_back(doc);
    }
  } else {
    if (in_body.missing()) {
      return MissingField(request.body.FirstElement().name(), field);
    }
    if (!in_body.is_array()) {
      return WrongType(request.body.FirstElement().name(), field, in_body.type(), "array");
    }
    for (const bson::ElementView e : in_body.AsArray()) {
      if (!e.value().is_object()) {
        return WrongType(StrCat(request.body.FirstElement().name(), ".", field), e.name(), e.type(),
                         "object");
      }
      out.push_back(e.value().AsDoc());
    }
  }
  if (out.empty() || out.size() > static_cast<size_t>(limits::kMaxWriteBatchSize)) {
    return Error(ErrorCode::kInvalidLength,
                 StrCat("Write batch sizes must be between 1 and ", limits::kMaxWriteBatchSize, ". Got ",
                        out.size(), " operations."));
  }
  return out;
}

void AppendWriteErrors(const std::vector<WriteError>& errors, bson::DocBuilder* reply) {
  if (errors.empty()) {
    return;
  }
  const auto list = reply->Array("writeErrors");
  for (const WriteError& error : errors) {
    const auto one = reply->AddObject();
    reply->Append("index", error.index);
    reply->Append("code", static_cast<int32_t>(CodeOf(error.status)));
    const std::string info = InfoOf(error.status);
    if (!info.empty()) {
      reply->AppendAll(bson::DocView(info));
    }
    reply->Append("errmsg", TextOf(error.status));
  }
}

bool EndsCommand(const Status& status) {
  const ErrorCode code = CodeOf(status);
  const unsigned categories = CategoriesOf(code);
  return catalog::IsWouldBlock(status) ||
         (categories & (error_category::kNotPrimary | error_category::kShutdown |
                        error_category::kInterruption)) != 0;
}

Status CheckStatementIds(const Request& request, size_t statements) {
  const Generic* generic = request.generic;
  if (generic == nullptr || !generic->has_stmt_ids) {
    return OkStatus();
  }
  if (generic->stmt_id >= 0) {
    return Error(ErrorCode::kInvalidOptions,
                 "May not specify both stmtId and stmtIds in write command");
  }
  size_t ids = 0;
  for ([[maybe_unused]] const bson::ElementView e : generic->stmt_ids) {
    ++ids;
  }
  if (ids != statements) {
    return Error(ErrorCode::kInvalidLength,
                 "Number of statement ids must match the number of batch entries");
  }
  return OkStatus();
}

int StatementId(const Request& request, int index) {
  const Generic* generic = request.generic;
  if (generic == nullptr || !generic->IsRetryableWrite()) {
    return -1;
  }
  if (generic->has_stmt_ids) {
    const bson::ValueView id = generic->stmt_ids.Find(std::to_string(index));
    return id.is_number() ? static_cast<int>(bson::ToInt64Clamped(id)) : index;
  }
  return generic->stmt_id >= 0 ? generic->stmt_id + index : index;
}

}  // namespace septet::commands
