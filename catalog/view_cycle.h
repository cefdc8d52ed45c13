// SPDX-License-Identifier: Apache-2.0
// Refuses views that stand on themselves.
#pragma once

#include <functional>
#include <string_view>

#include "catalog/collection.h"

namespace septet::catalog {

// Follows viewOn from a view `ns` that is to stand on `view_on`. Error: GraphContainsCycle (5).
Status CheckViewCycle(const std::function<CollectionPtr(std::string_view full)>& find,
                      const Namespace& ns, std::string_view view_on);

}  // namespace septet::catalog
