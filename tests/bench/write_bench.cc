// SPDX-License-Identifier: Apache-2.0
// What a write unit costs above its engine batch. 1 KB documents, RocksDB in a temporary directory.
//   bare    the same puts straight into one WriteBatch, no catalog: the floor
//   unit    through WriteUnit and the sequencer as primary (oplog entry, undo, totals)
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/random.h"
#include "bson/builder.h"
#include "catalog/apply.h"
#include "catalog/testing/node.h"
#include "replication/oplog/entry.h"
#include "storage/testing/temp_directory.h"

namespace septet {
namespace {

using bson::DocView;
using catalog::Op;
using catalog::WriteUnit;
using catalog::testing::Node;
using storage::Space;

std::string MakeDocument(int64_t id) {
  bson::DocBuilder b;
  b.Append("_id", id);
  b.Append("a", (id * 7919) % 100003);
  b.Append("b", "user" + std::to_string((id * 104729) % 1000003));
  b.Append("pad", std::string(920, 'x'));
  return b.Finish();
}

struct Fixture {
  storage::TempDirectory directory;
  std::unique_ptr<Node> node;
  catalog::CollectionPtr c;

  explicit Fixture(Node::Mode mode = Node::Mode::kPrimary, int secondary_indexes = 2) {
    storage::EngineOptions options;
    options.path = directory.path();
    node = std::make_unique<Node>(mode, *storage::OpenRocksEngine(options));
    node->Create("db.c");
    const char* const fields[] = {"a", "b"};
    for (int i = 0; i < secondary_indexes; ++i) {
      Op op;
      const std::string key = bson::MakeDoc(fields[i], 1);
      const std::string spec =
          bson::MakeDoc("key", DocView(key), "name", std::string(fields[i]) + "_1");
      P_CHECK(node->catalog()
                  ->CreateIndexes(&op, catalog::Namespace::Parse("db.c"), {DocView(spec)})
                  .ok());
    }
    c = node->Find("db.c");
  }
};

void BM_BareInsert(benchmark::State& state) {
  storage::TempDirectory directory;
  storage::EngineOptions options;
  options.path = directory.path();
  auto engine = *storage::OpenRocksEngine(options);
  auto batch = engine->NewBatch();
  int64_t id = 0;
  for (auto _ : state) {
    ++id;
    const std::string doc = MakeDocument(id);
    const DocView view(doc);
    batch->Clear();
    batch->Put(Space::kRecords, storage::RecordKey(1, id), doc);
    int ident = 2;
    for (const char* field : {"_id", "a", "b"}) {
      storage::KeyBuilder key(static_cast<storage::Ident>(ident++));
      key.Append(view.Find(field));
      batch->Put(Space::kIndexes, key.key(), "12345678");
    }
    batch->Put(Space::kOplog,
               repl::OplogKey(bson::Timestamp::FromU64(static_cast<uint64_t>(id))), doc);
    benchmark::DoNotOptimize(engine->Write(batch.get()));
  }
  state.SetItemsProcessed(id);
}
BENCHMARK(BM_BareInsert);

void BM_UnitInsert(benchmark::State& state) {
  Fixture f(state.range(1) != 0 ? Node::Mode::kPrimary : Node::Mode::kStandalone);
  const int64_t per_unit = state.range(0);
  int64_t id = 0;
  for (auto _ : state) {
    Op op;
    WriteUnit unit(f.node->catalog(), &op, f.c);
    for (int64_t i = 0; i < per_unit; ++i) {
      const std::string doc = MakeDocument(++id);
      P_CHECK(unit.Insert(DocView(doc)).ok());
    }
    P_CHECK(unit.Commit().ok());
  }
  state.SetItemsProcessed(id);
}
BENCHMARK(BM_UnitInsert)->ArgNames({"docs", "replicated"})->Args({1, 1})->Args({1, 0})->Args({100, 1});

void BM_MakeDocument(benchmark::State& state) {
  int64_t id = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(MakeDocument(++id));
  }
}
BENCHMARK(BM_MakeDocument);

void BM_UnitUpdate(benchmark::State& state) {
  Fixture f;
  constexpr int64_t kDocs = 20'000;
  for (int64_t id = 1; id <= kDocs; ++id) {
    Op op;
    WriteUnit unit(f.node->catalog(), &op, f.c);
    P_CHECK(unit.Insert(DocView(MakeDocument(id))).ok());
    P_CHECK(unit.Commit().ok());
  }
  Random random(1);
  for (auto _ : state) {
    Op op;
    const int64_t id = random.Between(1, kDocs);
    const std::string key = bson::MakeDoc("_id", id);
    WriteUnit unit(f.node->catalog(), &op, f.c);
    const auto rid =
        catalog::FindById(f.node->engine(), *f.c, DocView(key).Find("_id"), nullptr);
    P_CHECK(rid.ok() && *rid != 0 && unit.Lock(*rid).ok());
    storage::PinnedValue value;
    P_CHECK(*catalog::GetRecord(f.node->engine(), *f.c, *rid, nullptr, &value));
    const std::string before(value.view());
    bson::DocBuilder b;
    for (const bson::ElementView e : DocView(before)) {
      if (e.name() == "a") {
        b.Append("a", e.value().AsInt64() + 1);
      } else {
        b.Append(e);
      }
    }
    const std::string after = b.Finish();
    const std::string diff = bson::MakeDoc("$v", 2);
    P_CHECK(unit.Update(*rid, DocView(before), DocView(after), DocView(diff)).ok());
    P_CHECK(unit.Commit().ok());
  }
}
BENCHMARK(BM_UnitUpdate);

StatusOr<std::string> NoDiff(DocView, DocView) {
  return Error(ErrorCode::kInternalError, "no diffs here");
}

// What a secondary needs per inserted document, in batches.
void BM_ApplyInserts(benchmark::State& state) {
  Fixture f;
  f.node->sequencer()->SetMode(Node::Mode::kFollower, 1);
  const int64_t per_batch = state.range(0);
  catalog::ApplyOptions options;
  options.apply_diff = NoDiff;
  int64_t id = 0;
  const uint32_t secs = f.node->positions()->ClusterTime().secs + 10;
  for (auto _ : state) {
    std::vector<std::string> entries;
    std::vector<std::string> undo(static_cast<size_t>(per_batch));
    std::vector<std::unique_ptr<catalog::ApplyLane>> lanes;
    lanes.push_back(std::make_unique<catalog::ApplyLane>(f.node->catalog(), options));
    for (int64_t i = 0; i < per_batch; ++i) {
      const std::string doc = MakeDocument(++id);
      repl::EntryFields fields;
      fields.op = 'i';
      fields.ns = "db.c";
      fields.uuid = f.c->uuid.bytes;
      fields.o = DocView(doc);
      repl::BuildEntry(fields, &entries.emplace_back());
      repl::StampEntry(&entries.back(), {{secs, static_cast<uint32_t>(id)}, 1}, 1);
      const auto entry = repl::ParseEntry(DocView(entries.back()));
      std::string image;
      P_CHECK(lanes[0]->Apply(*entry, &undo[static_cast<size_t>(i)], &image).ok());
    }
    P_CHECK(CommitLanes(f.node->catalog(), lanes, entries, undo, nullptr).ok());
  }
  state.SetItemsProcessed(id);
}
BENCHMARK(BM_ApplyInserts)->Arg(100);

}  // namespace
}  // namespace septet
