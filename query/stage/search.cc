// SPDX-License-Identifier: Apache-2.0
// Stages of a search engine beside the server ($search, $searchMeta, $vectorSearch, $listSearchIndexes):
// there is none here. Error: SearchNotEnabled (31082), by which tools know to hide their search pages.
#include "query/stage/stage.h"

namespace septet::query {

Status ParseSearchStage(bson::ElementView, const PipelineScope&, StageList*);

Status ParseSearchStage(bson::ElementView, const PipelineScope&, StageList*) {
  return Error(ErrorCode::kSearchNotEnabled,
               "Using Atlas Search Database Commands and the $listSearchIndexes aggregation stage requires "
               "additional configuration. Please connect to Atlas or an AtlasCLI local deployment to enable.");
}

}  // namespace septet::query
