// SPDX-License-Identifier: Apache-2.0
#include "catalog/view_cycle.h"

#include "base/strings.h"

namespace septet::catalog {

Status CheckViewCycle(const std::function<CollectionPtr(std::string_view full)>& find,
                      const Namespace& ns, std::string_view view_on) {
  // A server names the view twice: as the one that fails, and as the start of the path.
  std::string path = StrCat(ns.full(), " => ", ns.full());
  Namespace at(ns.db(), view_on);
  constexpr int kMaxDepth = 100;  // longer chains fail when they are read
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    path = StrCat(path, " => ", at.full());
    if (at.full() == ns.full()) {
      return Error(ErrorCode::kGraphContainsCycle, StrCat("View cycle detected: ", path));
    }
    const CollectionPtr below = find(at.full());
    if (below == nullptr || !below->is_view) {
      return OkStatus();
    }
    at = Namespace(ns.db(), below->view_on);
  }
  return OkStatus();
}

}  // namespace septet::catalog
