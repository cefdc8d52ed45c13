// SPDX-License-Identifier: Apache-2.0
// A view may stand on other views, but never, over any number of them, on itself.
#pragma once

#include <string_view>

#include "base/status.h"
#include "catalog/catalog.h"

namespace septet::commands {

// Would a view `ns` on `view_on` (a name in the same database) see itself? Error GraphContainsCycle (5).
Status CheckViewCycle(const catalog::Catalog& catalog, const catalog::Namespace& ns,
                      std::string_view view_on);

}  // namespace septet::commands
