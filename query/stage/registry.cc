// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include "query/stage/stage.h"

namespace septet::query {

#define P_STAGE(name, parse, flags) Status parse(bson::ElementView, const PipelineScope&, StageList*);
#include "query/stage/registry.def"
#undef P_STAGE

namespace {
constexpr StageSpec kStages[] = {
#define P_STAGE(name, parse, flags) {name, flags, parse},
#include "query/stage/registry.def"
#undef P_STAGE
};
}  // namespace

const StageSpec* FindStage(std::string_view name) {
  const auto* it = std::lower_bound(std::begin(kStages), std::end(kStages), name,
                                    [](const StageSpec& s, std::string_view n) { return s.name < n; });
  return it != std::end(kStages) && it->name == name ? it : nullptr;
}

std::vector<const StageSpec*> AllStages() {
  std::vector<const StageSpec*> out;
  for (const StageSpec& spec : kStages) {
    out.push_back(&spec);
  }
  return out;
}

}  // namespace septet::query
