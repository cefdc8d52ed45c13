// SPDX-License-Identifier: Apache-2.0
// Two members without a network: what one has logged is applied to the other, and rolled back. Everything
// must be equal afterwards: documents, counts, indexes, session records, catalog.
#include <gtest/gtest.h>

#include <set>

#include "catalog/apply.h"
#include "catalog/catalog_impl.h"
#include "catalog/rollback_undo.h"
#include "catalog/testing/node.h"
#include "catalog/validate.h"
#include "storage/testing/temp_directory.h"
#include "txn/session_apply.h"
#include "txn/session_catalog.h"

namespace septet::txn {
namespace {

using bson::DocView;
using catalog::Op;
using catalog::WriteUnit;
using catalog::testing::Node;

StatusOr<std::string> NoDiff(DocView, DocView) {
  return Error(ErrorCode::kInternalError, "these tests log whole documents");
}

std::vector<std::string> EntriesBehind(Node* node, const repl::OpTime& last) {
  std::vector<std::string> out;
  catalog::RecordCursor cursor(node->engine(), *node->Find("local.oplog.rs"), nullptr, true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    if (last.IsNull() || repl::EntryOpTime(cursor.doc()) > last) {
      out.emplace_back(cursor.bytes());
    }
  }
  return out;
}

// Applies in batches of up to five documents; commands alone.
Status ApplyAll(Node* node, const std::vector<std::string>& entries, bool tolerant = false) {
  catalog::ApplyOptions options;
  options.apply_diff = NoDiff;
  options.tolerant = tolerant;
  size_t i = 0;
  while (i < entries.size()) {
    std::vector<std::string> batch;
    std::vector<std::string> undo;
    std::vector<std::unique_ptr<catalog::ApplyLane>> lanes;
    lanes.push_back(std::make_unique<catalog::ApplyLane>(node->catalog(), options));
    SessionApply sessions(node->catalog(), tolerant);
    while (i < entries.size() && batch.size() < 5) {
      ASSIGN_OR_RETURN(const repl::EntryView entry, repl::ParseEntry(DocView(entries[i])));
      if (entry.op == 'c') {
        break;
      }
      std::string image;
      undo.emplace_back();
      RETURN_IF_ERROR(lanes[0]->Apply(entry, &undo.back(), &image));
      RETURN_IF_ERROR(sessions.Add(entry, image, &undo.back()));
      batch.push_back(entries[i++]);
    }
    if (!batch.empty()) {
      RETURN_IF_ERROR(CommitLanes(node->catalog(), lanes, batch, undo, &sessions));
      continue;
    }
    ASSIGN_OR_RETURN(const repl::EntryView entry, repl::ParseEntry(DocView(entries[i])));
    RETURN_IF_ERROR(node->catalog()->ApplyCommand(entry, entries[i], tolerant, nullptr));
    ++i;
  }
  return OkStatus();
}

// Everything replicated, as text: collections with options and indexes, documents by _id, sessions.
std::string Dump(Node* node) {
  std::string out;
  for (const catalog::CollectionPtr& c : node->catalog()->Snapshot().impl->sorted) {
    if (c->ns.is_local()) {
      continue;
    }
    out += c->ns.full() + " " + c->uuid.ToString() + " " + bson::ToRelaxedJson(DocView(c->options));
    if (c->is_view) {
      out += " view\n";
      continue;
    }
    out += " " + std::to_string(catalog::RecordCount(*c)) + " " +
           std::to_string(catalog::DataBytes(*c));
    for (const auto& index : c->indexes) {
      out += " " + bson::ToRelaxedJson(DocView(index->spec.document));
    }
    out += "\n";
    catalog::IndexCursor cursor(node->engine(), *c->IdIndex(), nullptr, true);
    for (cursor.Seek(storage::IdentPrefix(c->IdIndex()->ident)); cursor.valid(); cursor.Next()) {
      storage::PinnedValue value;
      EXPECT_TRUE(*catalog::GetRecord(node->engine(), *c, cursor.rid(), nullptr, &value));
      out += "  " + bson::ToRelaxedJson(DocView(value.view())) + "\n";
    }
  }
  return out;
}

void ExpectValid(Node* node) {
  for (const catalog::CollectionPtr& c : node->catalog()->Snapshot().impl->sorted) {
    if (c->is_view) {
      continue;
    }
    Interrupt interrupt;
    const auto report = catalog::ValidateCollection(node->engine(), *c, &interrupt);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->valid) << c->ns.full() << ": "
                               << (report->errors.empty() ? "" : report->errors[0]);
  }
}

// Random changes through write units and DDL, sessions included.
class Workload {
 public:
  Workload(Node* node, uint64_t seed)
      : node_(node), sessions_(node->catalog()), random_(seed) {
    Op op;
    EXPECT_TRUE(sessions_.OnStepUp(&op).ok());
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const uint64_t dice = random_.Uniform(100);
      if (dice < 85) {
        Write();
      } else {
        Ddl();
      }
    }
  }

 private:
  std::string Name() { return "db.c" + std::to_string(random_.Uniform(3)); }

  std::string Document(int id) {
    bson::DocBuilder b;
    b.Append("_id", id);
    b.Append("u", static_cast<int>(random_.Uniform(200)));
    if (random_.OneIn(0.3)) {
      auto array = b.Array("a");
      for (uint64_t n = random_.Uniform(4); n > 0; --n) {
        b.Add(static_cast<int>(random_.Uniform(5)));
      }
    } else if (random_.OneIn(0.8)) {
      b.Append("a", static_cast<int>(random_.Uniform(10)));
    }
    b.Append("pad", std::string(random_.Uniform(40), 'x'));
    return b.Finish();
  }

  void Write() {
    const std::string name = Name();
    catalog::CollectionPtr c = node_->Find(name);
    if (c == nullptr) {
      node_->Create(name);
      c = node_->Find(name);
    }
    if (c->is_view) {
      return;
    }
    Op op;
    const bool retryable = random_.OneIn(0.6);
    if (retryable) {
      // Sometimes the same number again, with further statements.
      number_ += random_.OneIn(0.5) ? 1 : 0;
      op.session = catalog::WriteSession{
          bson::MakeDoc("id", static_cast<int>(random_.Uniform(2))), number_, nullptr};
      const auto begun = sessions_.BeginRetryableWrite(&op);
      if (!begun.ok()) {
        return;
      }
    }
    {
      WriteUnit unit(node_->catalog(), &op, c);
      const uint64_t changes = 1 + random_.Uniform(3);
      std::set<int> used;
      for (uint64_t i = 0; i < changes; ++i) {
        const int id = static_cast<int>(random_.Uniform(60));
        if (used.insert(id).second) {
          One(&unit, *c, id, retryable ? statement_++ : -1);
        }
      }
      EXPECT_TRUE(unit.Commit().ok());
    }
    if (retryable) {
      sessions_.EndRetryableWrite(&op);
    }
  }

  void One(WriteUnit* unit, const catalog::CollectionInfo& c, int id, int stmt) {
    const std::string key = bson::MakeDoc("_id", id);
    const auto rid = catalog::FindById(node_->engine(), c, DocView(key).Find("_id"), nullptr);
    ASSERT_TRUE(rid.ok());
    const std::string doc = Document(id);
    if (*rid == 0) {
      unit->Insert(DocView(doc), stmt, random_.OneIn(0.2)).IgnoreError();
      return;
    }
    ASSERT_TRUE(unit->Lock(*rid).ok());
    storage::PinnedValue value;
    ASSERT_TRUE(*catalog::GetRecord(node_->engine(), c, *rid, nullptr, &value));
    const std::string before(value.view());
    Status status;
    if (random_.OneIn(0.3) && !c.capped) {
      status = unit->Remove(*rid, DocView(before), stmt);
    } else {
      status = unit->Update(*rid, DocView(before), DocView(doc), DocView(doc), stmt);
    }
    if (status.ok() && random_.OneIn(0.3)) {
      unit->KeepImage(DocView(before), false);
    }
  }

  void Ddl() {
    Op op;
    const std::string name = Name();
    const catalog::Namespace ns = catalog::Namespace::Parse(name);
    catalog::Catalog* const catalog = node_->catalog();
    switch (random_.Uniform(6)) {
      case 0:
        catalog->DropCollection(&op, ns, nullptr).IgnoreError();
        return;
      case 1:
        catalog->RenameCollection(&op, ns, catalog::Namespace::Parse(Name()), true).IgnoreError();
        return;
      case 2: {
        const bool unique = random_.OneIn(0.3);
        const std::string key = bson::MakeDoc(unique ? "u" : "a", 1);
        const std::string spec = bson::MakeDoc("key", DocView(key), "name", unique ? "u_1" : "a_1",
                                               "unique", unique);
        catalog->CreateIndexes(&op, ns, {DocView(spec)}).status().IgnoreError();
        return;
      }
      case 3: {
        const std::string index = bson::MakeDoc("index", random_.OneIn(0.5) ? "a_1" : "u_1");
        catalog->DropIndexes(&op, ns, DocView(index).Find("index"), nullptr).IgnoreError();
        return;
      }
      case 4: {
        const std::string mod = bson::MakeDoc("collMod", ns.collection(), "validationLevel",
                                              random_.OneIn(0.5) ? "off" : "moderate");
        bson::DocBuilder reply;
        catalog->CollMod(&op, ns, DocView(mod), &reply).IgnoreError();
        return;
      }
      default: {
        const std::string pipeline = bson::MakeDoc();
        catalog
            ->CreateView(&op, catalog::Namespace("db", "v" + std::to_string(random_.Uniform(3))),
                         "c0", DocView(pipeline), DocView())
            .status()
            .IgnoreError();
        return;
      }
    }
  }

  Node* const node_;
  SessionCatalog sessions_;
  Random random_;
  int64_t number_ = 1;
  int statement_ = 0;
};

TEST(ReplayTest, SecondaryBecomesEqual) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    Node primary;
    Node secondary(Node::Mode::kFollower);
    Workload workload(&primary, seed);
    workload.Run(120);
    ExpectValid(&primary);
    const Status applied = ApplyAll(&secondary, EntriesBehind(&primary, repl::OpTime()));
    ASSERT_TRUE(applied.ok()) << seed << applied;
    EXPECT_EQ(Dump(&secondary), Dump(&primary)) << seed;
    ExpectValid(&secondary);
    EXPECT_EQ(secondary.positions()->written().optime, primary.positions()->written().optime);
  }
}

// The same on the product's engine, with a restart in between.
TEST(ReplayTest, OnRocks) {
  storage::TempDirectory primary_directory;
  storage::TempDirectory secondary_directory;
  const auto open = [](const storage::TempDirectory& directory) {
    storage::EngineOptions options;
    options.path = directory.path();
    return *storage::OpenRocksEngine(options);
  };
  Node primary(Node::Mode::kPrimary, open(primary_directory));
  Node secondary(Node::Mode::kFollower, open(secondary_directory));
  Workload workload(&primary, 99);
  workload.Run(100);
  const std::string before = Dump(&primary);
  const repl::OpTime common = primary.positions()->written().optime;
  ASSERT_TRUE(ApplyAll(&secondary, EntriesBehind(&primary, repl::OpTime())).ok());
  EXPECT_EQ(Dump(&secondary), before);
  workload.Run(60);
  const Status applied = ApplyAll(&secondary, EntriesBehind(&primary, common));
  ASSERT_TRUE(applied.ok()) << applied;
  secondary.Restart();
  EXPECT_EQ(Dump(&secondary), Dump(&primary));
  ExpectValid(&secondary);
  SessionUndo sessions(secondary.catalog());
  catalog::RollbackOptions options;
  options.side = &sessions;
  ASSERT_TRUE(catalog::RollBackTo(secondary.catalog(), common, options).ok());
  EXPECT_EQ(Dump(&secondary), before);
  ExpectValid(&secondary);
}

TEST(ReplayTest, RollbackRestoresTheStateAtTheCommonPoint) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    Node primary;
    Workload workload(&primary, seed);
    workload.Run(60);
    const std::string before = Dump(&primary);
    const repl::OpTime common = primary.positions()->written().optime;
    workload.Run(80);
    const int64_t behind = static_cast<int64_t>(EntriesBehind(&primary, common).size());
    primary.sequencer()->SetMode(Node::Mode::kFollower, 2);
    SessionUndo sessions(primary.catalog());
    catalog::RollbackOptions options;
    options.side = &sessions;
    options.max_step_entries = 7;
    const auto counts = catalog::RollBackTo(primary.catalog(), common, options);
    ASSERT_TRUE(counts.ok()) << seed << counts.status();
    EXPECT_EQ(counts->entries, behind);
    EXPECT_EQ(Dump(&primary), before) << seed;
    EXPECT_EQ(primary.positions()->written().optime, common);
    ExpectValid(&primary);
    EXPECT_EQ(catalog::RecordCount(*primary.Find("local.oplog.rs")),
              static_cast<int64_t>(EntriesBehind(&primary, repl::OpTime()).size()));
    // The same after a restart.
    primary.Restart();
    EXPECT_EQ(Dump(&primary), before) << seed;
    ExpectValid(&primary);
  }
}

TEST(ReplayTest, SecondaryRollsBackWhatItApplied) {
  for (uint64_t seed = 21; seed <= 30; ++seed) {
    Node primary;
    Node secondary(Node::Mode::kFollower);
    Workload workload(&primary, seed);
    workload.Run(50);
    const std::string before = Dump(&primary);
    const repl::OpTime common = primary.positions()->written().optime;
    workload.Run(60);
    const Status applied = ApplyAll(&secondary, EntriesBehind(&primary, repl::OpTime()));
    ASSERT_TRUE(applied.ok()) << applied;
    SessionUndo sessions(secondary.catalog());
    catalog::RollbackOptions options;
    options.side = &sessions;
    const auto counts = catalog::RollBackTo(secondary.catalog(), common, options);
    ASSERT_TRUE(counts.ok()) << seed << counts.status();
    EXPECT_EQ(Dump(&secondary), before) << seed;
    ExpectValid(&secondary);
  }
}

TEST(ReplayTest, CrashAtAnyMomentLeavesAPrefix) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    Random random(seed);
    Node primary;
    {
      Workload workload(&primary, seed);
      workload.Run(static_cast<int>(random.Between(5, 90)));
    }
    if (random.OneIn(0.5)) {
      ASSERT_TRUE(primary.engine()->Sync().ok());
    }
    primary.CrashAndRestart(&random);
    ExpectValid(&primary);
    // What is left in the log makes another member equal.
    Node secondary(Node::Mode::kFollower);
    const Status applied = ApplyAll(&secondary, EntriesBehind(&primary, repl::OpTime()));
    ASSERT_TRUE(applied.ok()) << seed << applied;
    EXPECT_EQ(Dump(&secondary), Dump(&primary)) << seed;
  }
}

}  // namespace
}  // namespace septet::txn
