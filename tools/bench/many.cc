// SPDX-License-Identifier: Apache-2.0
// Workloads that read many documents per operation: an indexed range, and $match with $group.
#include <algorithm>

#include "bson/builder.h"

#include "tools/bench/documents.h"
#include "tools/bench/workload.h"

namespace septet::bench {
namespace {

constexpr int64_t kRangeDocuments = 100;

// {a: {$gte: x}} limit 100: an index range of 100 entries whose documents lie scattered.
class RangeWorker final : public Worker {
 public:
  RangeWorker(mongoc_client_t* client, int64_t documents, uint64_t seed)
      : docs_(Open(client, kDocs)), random_(seed) {
    // Ranges that begin further up might hold fewer than 100.
    const int64_t room = kRangeOfA / std::max<int64_t>(documents, 1) * 2 * kRangeDocuments;
    last_start_ = std::max<int64_t>(kRangeOfA - room, 1);
  }
  StatusOr<int64_t> Step() override {
    const std::string from = bson::MakeDoc(
        "$gte", static_cast<int32_t>(random_.Uniform(static_cast<uint64_t>(last_start_))));
    const std::string filter = bson::MakeDoc("a", bson::DocView(from));
    RETURN_IF_ERROR(Drain(CursorPtr(mongoc_collection_find_with_opts(
                              docs_.get(), Bson(filter).get(), Bson(options_).get(), nullptr)))
                        .status());
    return 1;
  }

 private:
  CollectionPtr docs_;
  Random random_;
  int64_t last_start_ = 1;
  const std::string options_ = bson::MakeDoc("limit", kRangeDocuments, "singleBatch", true);
};

// Half of the collection grouped by g: count and sum.
class AggregateWorker final : public Worker {
 public:
  AggregateWorker(mongoc_client_t* client, int64_t, uint64_t)
      : docs_(Open(client, kDocs)), pipeline_(MakePipeline()) {}
  StatusOr<int64_t> Step() override {
    RETURN_IF_ERROR(Drain(CursorPtr(mongoc_collection_aggregate(docs_.get(), MONGOC_QUERY_NONE,
                                                                Bson(pipeline_).get(), nullptr,
                                                                nullptr)))
                        .status());
    return 1;
  }

 private:
  static std::string MakePipeline() {
    const std::string below = bson::MakeDoc("$lt", kGroups / 2);
    const std::string match = bson::MakeDoc("g", bson::DocView(below));
    const std::string one = bson::MakeDoc("$sum", 1);
    const std::string sum = bson::MakeDoc("$sum", "$n");
    const std::string group = bson::MakeDoc("_id", "$g", "count", bson::DocView(one), "sum",
                                            bson::DocView(sum));
    bson::DocBuilder pipeline;
    {
      const auto stages = pipeline.Array("pipeline");
      pipeline.Add(bson::DocView(bson::MakeDoc("$match", bson::DocView(match))));
      pipeline.Add(bson::DocView(bson::MakeDoc("$group", bson::DocView(group))));
    }
    return pipeline.Finish();
  }

  CollectionPtr docs_;
  const std::string pipeline_;
};

}  // namespace

std::unique_ptr<Workload> MakeRange(int64_t documents) {
  return std::make_unique<DocsWorkload<RangeWorker>>(documents);
}
std::unique_ptr<Workload> MakeAggregate(int64_t documents) {
  return std::make_unique<DocsWorkload<AggregateWorker>>(documents);
}

}  // namespace septet::bench
