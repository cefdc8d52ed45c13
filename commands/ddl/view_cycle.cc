// SPDX-License-Identifier: Apache-2.0
#include "commands/ddl/view_cycle.h"

#include "base/strings.h"
#include "commands/crud/aggregate_run.h"

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

Status CheckViewPipeline(const Services& services, const catalog::Namespace& ns, std::string_view view_on,
                         bson::DocView pipeline) {
  AggregateArgs check;
  check.ns = catalog::Namespace(ns.db(), view_on);
  check.pipeline = pipeline;
  RETURN_IF_ERROR(PreparePipeline(services, &check).status());
  int location = 0;
  for (const bson::ElementView stage : pipeline) {
    const std::string_view name = stage.value().AsDoc().FirstElement().name();
    if (name == "$out" || name == "$merge") {
      return Error(ErrorCode::kOptionNotSupportedOnView,
                   StrCat("The aggregation stage ", name, " in location ", location,
                          " of the pipeline cannot be used in the view definition of ", ns.full(),
                          " because it writes to disk"));
    }
    ++location;
  }
  return OkStatus();
}

}  // namespace septet::commands
