// SPDX-License-Identifier: Apache-2.0
// A document as it is stored: _id first (made if absent), null timestamps filled, names and depth checked.
#pragma once

#include <string>

#include "base/status.h"
#include "bson/view.h"
#include "catalog/catalog.h"

namespace septet::commands {

// Appends the stored form to `*out`. Errors: BadValue for a bad _id or a document over 16 MB, Overflow
// (15) beyond 180 levels, DollarPrefixedFieldName (52) inside _id.
Status PrepareDocument(bson::DocView doc, const catalog::Catalog& catalog, std::string* out);

}  // namespace septet::commands
