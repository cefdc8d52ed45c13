// SPDX-License-Identifier: Apache-2.0
// Structural check of BSON from strangers: lengths, terminators, known types, depth, UTF-8.
#pragma once

#include <string_view>

#include "base/limits.h"
#include "base/status.h"

namespace septet::bson {

struct ValidateOptions {
  int max_depth = limits::kMaxBsonDepth;
  bool check_utf8 = false;
  // Names of nested arrays must be "0", "1", ...: not required by servers, off by default.
  bool check_array_names = false;
};

// `bytes` must be exactly one document. Errors: InvalidBSON (22), Overflow (15) for depth.
Status Validate(std::string_view bytes, const ValidateOptions& options = {});
// The same for a document at the start of `bytes`; returns its size.
StatusOr<int32_t> ValidatePrefix(std::string_view bytes, const ValidateOptions& options = {});
bool IsValidUtf8(std::string_view text);

}  // namespace septet::bson
