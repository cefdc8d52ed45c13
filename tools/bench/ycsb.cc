// SPDX-License-Identifier: Apache-2.0
// YCSB's core workloads (Cooper et al., "Benchmarking Cloud Serving Systems with YCSB", 2010):
//
//   A half reads, half updates        D 95 % reads of the latest, 5 % inserts
//   B 95 % reads, 5 % updates         E 95 % short scans, 5 % inserts
//   C reads                           F half reads, half read-modify-writes
//
// Documents {_id: "user<hash>", field0..field9: 100 characters}; an update sets one field; a scan
// reads up to 100 documents in _id order. Keys are Zipfian, spread by hashing, except for D, where
// the newest are the most popular.
#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "bson/builder.h"

#include "base/strings.h"
#include "tools/bench/documents.h"
#include "tools/bench/workload.h"
#include "tools/bench/zipfian.h"

namespace septet::bench {
namespace {

constexpr char kCollection[] = "usertable";
constexpr size_t kFields = 10;
constexpr size_t kFieldBytes = 100;
constexpr uint64_t kScanLengthMax = 100;

struct Mix {
  char letter;
  double read;
  double update;
  double insert;
  double scan;
  double modify;
  bool latest;
};
constexpr std::array<Mix, 6> kMixes = {{{'A', 0.5, 0.5, 0, 0, 0, false},
                                        {'B', 0.95, 0.05, 0, 0, 0, false},
                                        {'C', 1, 0, 0, 0, 0, false},
                                        {'D', 0.95, 0, 0.05, 0, 0, true},
                                        {'E', 0, 0, 0.05, 0.95, 0, false},
                                        {'F', 0.5, 0, 0, 0, 0.5, false}}};

std::string FieldName(uint64_t i) { return StrCat("field", i); }
std::string KeyOf(int64_t number) {
  return StrCat("user", FnvHash(static_cast<uint64_t>(number)));
}

std::string MakeRecord(int64_t number, Random* random) {
  bson::DocBuilder doc;
  doc.Append("_id", KeyOf(number));
  for (size_t i = 0; i < kFields; ++i) {
    doc.Append(FieldName(i), RandomText(kFieldBytes, random));
  }
  return doc.Finish();
}

// What the workers share: how many records there are, counting those being inserted.
struct Table {
  int64_t loaded;
  std::atomic<int64_t> next;       // number of the next record to insert
  std::atomic<int64_t> completed;  // records below are (nearly all) there
};

class YcsbWorker final : public Worker {
 public:
  YcsbWorker(mongoc_client_t* client, const Mix& mix, Table* table, const Zipfian& zipfian,
             uint64_t seed)
      : users_(Open(client, kCollection)),
        mix_(mix),
        table_(table),
        zipfian_(zipfian),
        random_(seed) {}

  StatusOr<int64_t> Step() override {
    const double choice = random_.NextDouble();
    Status status;
    if (choice < mix_.read) {
      status = Read(KeyOf(Choose()));
    } else if (choice < mix_.read + mix_.update) {
      status = Update(KeyOf(Choose()));
    } else if (choice < mix_.read + mix_.update + mix_.insert) {
      status = Insert();
    } else if (choice < mix_.read + mix_.update + mix_.insert + mix_.scan) {
      status = Scan(KeyOf(Choose()));
    } else {
      const std::string key = KeyOf(Choose());
      status = Read(key);
      if (status.ok()) {
        status = Update(key);
      }
    }
    RETURN_IF_ERROR(status);
    return 1;
  }

 private:
  int64_t Choose() {
    const int64_t count = table_->completed.load(std::memory_order_relaxed);
    if (mix_.latest) {
      zipfian_.Grow(count);
      return count - 1 - zipfian_.Next(&random_);
    }
    const auto rank = static_cast<uint64_t>(zipfian_.Next(&random_));
    return static_cast<int64_t>(FnvHash(rank) % static_cast<uint64_t>(table_->loaded));
  }
  Status Read(const std::string& key) {
    const std::string filter = bson::MakeDoc("_id", key);
    return Drain(CursorPtr(mongoc_collection_find_with_opts(users_.get(), Bson(filter).get(),
                                                            Bson(one_).get(), nullptr)))
        .status();
  }
  Status Update(const std::string& key) {
    const std::string filter = bson::MakeDoc("_id", key);
    const std::string fields =
        bson::MakeDoc(FieldName(random_.Uniform(kFields)), RandomText(kFieldBytes, &random_));
    const std::string update = bson::MakeDoc("$set", bson::DocView(fields));
    bson_error_t error{};
    return mongoc_collection_update_one(users_.get(), Bson(filter).get(), Bson(update).get(),
                                        nullptr, nullptr, &error)
               ? OkStatus()
               : ToStatus(error);
  }
  Status Insert() {
    const std::string record = MakeRecord(table_->next.fetch_add(1), &random_);
    bson_error_t error{};
    if (!mongoc_collection_insert_one(users_.get(), Bson(record).get(), nullptr, nullptr,
                                      &error)) {
      return ToStatus(error);
    }
    table_->completed.fetch_add(1);
    return OkStatus();
  }
  Status Scan(const std::string& key) {
    const std::string from = bson::MakeDoc("$gte", key);
    const std::string filter = bson::MakeDoc("_id", bson::DocView(from));
    const std::string order = bson::MakeDoc("_id", 1);
    const auto length = static_cast<int64_t>(1 + random_.Uniform(kScanLengthMax));
    const std::string options = bson::MakeDoc("sort", bson::DocView(order), "limit", length);
    return Drain(CursorPtr(mongoc_collection_find_with_opts(users_.get(), Bson(filter).get(),
                                                            Bson(options).get(), nullptr)))
        .status();
  }

  CollectionPtr users_;
  const Mix& mix_;
  Table* table_;
  Zipfian zipfian_;
  Random random_;
  const std::string one_ = bson::MakeDoc("limit", int64_t{1}, "singleBatch", true);
};

class Ycsb final : public Workload {
 public:
  Ycsb(const Mix& mix, int64_t documents)
      : mix_(mix), table_{documents, {documents}, {documents}}, zipfian_(documents) {}

  Status Prepare(mongoc_client_t* client) override {
    const CollectionPtr users = Open(client, kCollection);
    ASSIGN_OR_RETURN(const int64_t count, Count(users.get()));
    if (count < table_.loaded) {
      RETURN_IF_ERROR(Load(users.get()));
    } else {
      // An earlier run may have inserted: number on from there.
      table_.next = count;
      table_.completed = count;
    }
    return OkStatus();
  }
  std::unique_ptr<Worker> MakeWorker(mongoc_client_t* client, uint64_t seed) override {
    return std::make_unique<YcsbWorker>(client, mix_, &table_, zipfian_, seed);
  }

 private:
  static StatusOr<int64_t> Count(mongoc_collection_t* users) {
    bson_error_t error{};
    const int64_t count = mongoc_collection_estimated_document_count(users, nullptr, nullptr,
                                                                     nullptr, &error);
    if (count < 0) {
      return ToStatus(error);
    }
    return count;
  }
  Status Load(mongoc_collection_t* users) const {
    Random random(1);
    for (int64_t number = 0; number < table_.loaded;) {
      std::vector<std::string> batch;
      for (const int64_t end = std::min(table_.loaded, number + kLoadBatch); number < end;
           ++number) {
        batch.push_back(MakeRecord(number, &random));
      }
      RETURN_IF_ERROR(InsertMany(users, batch));
    }
    return OkStatus();
  }

  const Mix& mix_;
  Table table_;
  Zipfian zipfian_;
};

}  // namespace

std::unique_ptr<Workload> MakeYcsb(char letter, int64_t documents) {
  return std::make_unique<Ycsb>(kMixes[static_cast<size_t>(letter - 'A')], documents);
}

}  // namespace septet::bench
