// SPDX-License-Identifier: Apache-2.0
// What insert, update and delete share: the batch of statements (array or document sequence), statement
// ids, errors of single statements and the reply's writeErrors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/view.h"
#include "commands/command.h"
#include "commands/services.h"

namespace septet::commands {

struct WriteError {
  int32_t index;
  Status status;
};

// The statements of `field`, from the document sequence or the array of the body. Errors: 40414 missing,
// 14 wrong type, InvalidLength (16) for none or more than 100,000.
StatusOr<std::vector<bson::DocView>> StatementsOf(const Request& request, std::string_view field);

// {index, code, errmsg, keyPattern, keyValue, errInfo} for each.
void AppendWriteErrors(const std::vector<WriteError>& errors, bson::DocBuilder* reply);

// Errors that end the whole command (not the statement): state changes, interruption, WouldBlock.
bool EndsCommand(const Status& status);

// Statement id of statement number `index`: stmtId(s) of the request, or the index; -1 without a
// retryable write.
int StatementId(const Request& request, int index);
// Errors: InvalidOptions (72) for stmtId and stmtIds at once, InvalidLength (16) unless there is one id per
// statement (recorded S08-004).
Status CheckStatementIds(const Request& request, size_t statements);

}  // namespace septet::commands
