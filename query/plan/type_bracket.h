// SPDX-License-Identifier: Apache-2.0
// The interval of all values of a type's class, as a comparison with a value of that type sees it.
#pragma once

#include "query/exec/interval.h"

namespace septet::query {

// Numbers: [-inf, inf]; strings: ["", {}); objects: [{}, []); and so on.
Interval TypeBracket(bson::Type type);

}  // namespace septet::query
