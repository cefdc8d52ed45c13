// SPDX-License-Identifier: Apache-2.0
// The documents of the workloads other than YCSB: 1 KB of BSON in 10 fields,
//
//   {_id, a: <random int, indexed>, b: <random text, indexed>, g: <one of 1,000 groups>, n: <counter>,
//    f0..f4: <text, a third of it random>}
//
// in the collection "docs" with _id 0..N-1, and in "inserts" with ObjectIds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/random.h"
#include "tools/bench/mongo.h"
#include "tools/bench/workload.h"

namespace septet::bench {

inline constexpr char kDocs[] = "docs";
inline constexpr char kInserts[] = "inserts";
inline constexpr int kGroups = 1000;
inline constexpr int kLoadBatch = 1000;
// Values of `a` are uniform in [0, kRangeOfA).
inline constexpr int32_t kRangeOfA = 1'000'000'000;

// `id` < 0: an ObjectId.
std::string MakeDocument(int64_t id, Random* random);

// Letters and digits that do not compress.
std::string RandomText(size_t size, Random* random);

// The two secondary indexes, on a and on b.
Status CreateIndexes(mongoc_client_t* client, const char* collection);

// Fills "docs" up to `documents`, unless it has them.
Status LoadDocs(mongoc_client_t* client, int64_t documents);

// Workers of `WorkerType` over the filled "docs".
template <typename WorkerType>
class DocsWorkload final : public Workload {
 public:
  explicit DocsWorkload(int64_t documents) : documents_(documents) {}
  Status Prepare(mongoc_client_t* client) override { return LoadDocs(client, documents_); }
  std::unique_ptr<Worker> MakeWorker(mongoc_client_t* client, uint64_t seed) override {
    return std::make_unique<WorkerType>(client, documents_, seed);
  }

 private:
  int64_t documents_;
};

}  // namespace septet::bench
