// SPDX-License-Identifier: Apache-2.0
// The batches of find, aggregate and getMore: {cursor: {firstBatch | nextBatch, id, ns}}. The executor
// starts on the I/O thread; when its slice is used up it goes on in the worker pool, the open batch kept.
#pragma once

#include <memory>
#include <string_view>

#include "commands/command.h"
#include "commands/services.h"
#include "query/cursor.h"

namespace septet::commands {

struct BatchRequest {
  std::string_view field = "firstBatch";
  query::BatchLimits limits;
  bool single_batch = false;       // close after this batch
  std::string_view command = "find";  // for error texts
};

// Fills one batch of `cursor` into `reply`, then parks the cursor or lets it go. `op` and `reply` outlive
// the operation.
Outcome RunBatch(catalog::Op* op, const Services& services, std::unique_ptr<query::Cursor> cursor,
                 const BatchRequest& request, bson::DocBuilder* reply);

// Time an operation may use on its I/O thread before it moves to the pool.
inline constexpr std::chrono::microseconds kSlice{500};

// "session id" bytes of the request, or empty.
std::string SessionIdOf(const Request& request);

}  // namespace septet::commands
