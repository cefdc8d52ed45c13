// SPDX-License-Identifier: Apache-2.0
// The rules of field paths in aggregation, projection and sort: the one place for their error
// codes.
#pragma once

#include <string_view>

#include "base/status.h"

namespace septet::query {

// Errors: 40352 empty path, 40353 ends with '.', 15998 empty component, 16410 component starts with
// '$', 16411 null byte; texts as a server answers.
Status ValidateFieldPath(std::string_view dotted);
// One name, e.g. of an object literal: 15998 empty, 16410 leading '$', 16411 null byte, 16412 a
// dot.
Status ValidateFieldName(std::string_view name);

}  // namespace septet::query
