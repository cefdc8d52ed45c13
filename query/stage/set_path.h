// SPDX-License-Identifier: Apache-2.0
// Writing one dotted field into a copy of a document ($unwind, $lookup, includeArrayIndex).
#pragma once

#include <string>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/path.h"
#include "bson/view.h"

namespace septet::query {

// `*out` = `doc` with `path` set to `value` (a missing value removes the field). Objects on the way are
// made where absent; anything else on the way is replaced by an object.
Status SetPath(bson::DocView doc, const bson::FieldPath& path, bson::ValueView value, std::string* out);

}  // namespace septet::query
