// SPDX-License-Identifier: Apache-2.0
#include "commands/ddl/view_cycle.h"

#include "base/strings.h"

namespace septet::commands {

Status CheckViewCycle(const catalog::Catalog& catalog, const catalog::Namespace& ns,
                      std::string_view view_on) {
  constexpr int kMaxDepth = 20;  // deeper ones fail when they are read
  std::string path = StrCat(ns.full(), " => ", ns.full());
  std::string at(view_on);
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const std::string full = catalog::Namespace(ns.db(), at).full();
    StrAppend(&path, " => ", full);
    if (full == ns.full()) {
      return Error(ErrorCode::kGraphContainsCycle, StrCat("View cycle detected: ", path));
    }
    const catalog::CollectionPtr below = catalog.Find(full);
    if (below == nullptr || !below->is_view) {
      break;
    }
    at = below->view_on;
  }
  return OkStatus();
}

}  // namespace septet::commands
