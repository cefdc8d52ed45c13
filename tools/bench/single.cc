// SPDX-License-Identifier: Apache-2.0
// Workloads of one document per operation: ping, find and update by _id, and inserting.
#include <vector>

#include "bson/builder.h"

#include "tools/bench/documents.h"
#include "tools/bench/workload.h"

namespace septet::bench {
namespace {

constexpr int kBulkDocuments = 1000;

class PingWorker final : public Worker {
 public:
  explicit PingWorker(mongoc_client_t* client) : client_(client) {}
  StatusOr<int64_t> Step() override {
    RETURN_IF_ERROR(Run(client_, ping_));
    return 1;
  }

 private:
  mongoc_client_t* client_;
  const std::string ping_ = bson::MakeDoc("ping", 1);
};

class Ping final : public Workload {
 public:
  Status Prepare(mongoc_client_t*) override { return OkStatus(); }
  std::unique_ptr<Worker> MakeWorker(mongoc_client_t* client, uint64_t) override {
    return std::make_unique<PingWorker>(client);
  }
};

// What find and update share: a collection and uniform ids.
class DocsWorker : public Worker {
 public:
  DocsWorker(mongoc_client_t* client, int64_t documents, uint64_t seed)
      : docs_(Open(client, kDocs)), documents_(documents), random_(seed) {}

 protected:
  mongoc_collection_t* docs() const { return docs_.get(); }
  std::string RandomId() {
    return bson::MakeDoc(
        "_id", static_cast<int32_t>(random_.Uniform(static_cast<uint64_t>(documents_))));
  }

 private:
  CollectionPtr docs_;
  int64_t documents_;
  Random random_;
};

class FindWorker final : public DocsWorker {
 public:
  using DocsWorker::DocsWorker;
  StatusOr<int64_t> Step() override {
    const std::string filter = RandomId();
    ASSIGN_OR_RETURN(const int64_t found,
                     Drain(CursorPtr(mongoc_collection_find_with_opts(
                         docs(), Bson(filter).get(), Bson(one_).get(), nullptr))));
    if (found != 1) {
      return Error(ErrorCode::kNoSuchKey, "find: a document is missing");
    }
    return 1;
  }

 private:
  // As drivers send findOne.
  const std::string one_ = bson::MakeDoc("limit", int64_t{1}, "singleBatch", true);
};

class UpdateWorker final : public DocsWorker {
 public:
  using DocsWorker::DocsWorker;
  StatusOr<int64_t> Step() override {
    const std::string filter = RandomId();
    bson_error_t error{};
    if (!mongoc_collection_update_one(docs(), Bson(filter).get(), Bson(update_).get(), nullptr,
                                      nullptr, &error)) {
      return ToStatus(error);
    }
    return 1;
  }

 private:
  const std::string add_ = bson::MakeDoc("n", 1);
  const std::string update_ = bson::MakeDoc("$inc", bson::DocView(add_));
};

class InsertWorker final : public Worker {
 public:
  InsertWorker(mongoc_client_t* client, bool bulk, uint64_t seed)
      : inserts_(Open(client, kInserts)), bulk_(bulk), random_(seed) {}
  StatusOr<int64_t> Step() override {
    if (bulk_) {
      std::vector<std::string> documents;
      for (int i = 0; i < kBulkDocuments; ++i) {
        documents.push_back(MakeDocument(-1, &random_));
      }
      RETURN_IF_ERROR(InsertMany(inserts_.get(), documents));
      return kBulkDocuments;
    }
    const std::string document = MakeDocument(-1, &random_);
    bson_error_t error{};
    if (!mongoc_collection_insert_one(inserts_.get(), Bson(document).get(), nullptr, nullptr,
                                      &error)) {
      return ToStatus(error);
    }
    return 1;
  }

 private:
  CollectionPtr inserts_;
  bool bulk_;
  Random random_;
};

class Insert final : public Workload {
 public:
  explicit Insert(bool bulk) : bulk_(bulk) {}
  Status Prepare(mongoc_client_t* client) override { return CreateIndexes(client, kInserts); }
  std::unique_ptr<Worker> MakeWorker(mongoc_client_t* client, uint64_t seed) override {
    return std::make_unique<InsertWorker>(client, bulk_, seed);
  }

 private:
  bool bulk_;
};

}  // namespace

std::unique_ptr<Workload> MakePing() { return std::make_unique<Ping>(); }
std::unique_ptr<Workload> MakeFind(int64_t documents) {
  return std::make_unique<DocsWorkload<FindWorker>>(documents);
}
std::unique_ptr<Workload> MakeUpdate(int64_t documents) {
  return std::make_unique<DocsWorkload<UpdateWorker>>(documents);
}
std::unique_ptr<Workload> MakeInsert(bool bulk) { return std::make_unique<Insert>(bulk); }

}  // namespace septet::bench
