// SPDX-License-Identifier: Apache-2.0
// Specifications of the index types that this server does not build yet: text, 2dsphere, 2d, wildcard.
#pragma once

#include "base/status.h"
#include "bson/view.h"
#include "index/spec.h"

namespace septet::index {

// Does the key pattern ask for one of these types?
bool IsSpecialKey(bson::DocView key);
// What is wrong with the specification, as a server says it; if nothing is: CannotCreateIndex, since the
// type is not built. Never OK.
Status RefuseSpecialSpec(bson::DocView spec, const Extensions* extensions);

}  // namespace septet::index
