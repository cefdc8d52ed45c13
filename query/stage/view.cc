// SPDX-License-Identifier: Apache-2.0
#include "query/stage/view.h"

#include "base/limits.h"
#include "base/strings.h"
#include "bson/builder.h"

namespace septet::query {
namespace {

constexpr int kMaxViewDepth = 20;

}  // namespace

std::string JoinPipelines(DocView first, DocView second) {
  bson::DocBuilder out;
  int index = 0;
  for (const DocView part : {first, second}) {
    for (const bson::ElementView e : part) {
      out.Append(std::to_string(index++), e.value());
    }
  }
  return out.Finish();
}

StatusOr<ResolvedView> ResolveView(const catalog::Catalog& catalog,
                                   const catalog::CollectionInfo& view) {
  ResolvedView out;
  out.ns = catalog::Namespace(view.ns.db(), view.view_on);
  out.pipeline = view.view_pipeline;
  const ValueView collation = DocView(view.options).Find("collation");
  if (collation.is_object()) {
    out.collation = collation.AsDoc().ToBytes();
  }
  for (int depth = 1;; ++depth) {
    const catalog::CollectionPtr below = catalog.Find(out.ns.full());
    if (below == nullptr || !below->is_view) {
      return out;
    }
    if (depth >= kMaxViewDepth) {
      return Error(ErrorCode::kViewDepthLimitExceeded,
                   StrCat("View depth too deep or view cycle detected; maximum depth is ", kMaxViewDepth));
    }
    out.pipeline = JoinPipelines(DocView(below->view_pipeline), DocView(out.pipeline));
    if (out.pipeline.size() > static_cast<size_t>(limits::kMaxBsonObjectSize)) {
      return Error(ErrorCode::kViewPipelineMaxSizeExceeded,
                   "View pipeline exceeds the maximum size of 16 MB");
    }
    out.ns = catalog::Namespace(view.ns.db(), below->view_on);
  }
}

}  // namespace septet::query
