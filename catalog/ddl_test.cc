// SPDX-License-Identifier: Apache-2.0
// Surface S02-018..S02-036, S06-022..S06-024, S07-007, S07-029, S07-030; texts as recorded.
#include <gtest/gtest.h>

#include "catalog/catalog_keys.h"
#include "catalog/testing/node.h"
#include "catalog/validate.h"

namespace septet::catalog {
namespace {

using bson::DocView;
using storage::Space;
using testing::Node;

class DdlTest : public ::testing::Test {
 protected:
  Status CreateIndex(std::string_view full, std::string_view json) {
    Op op;
    const std::string spec = *bson::FromJson(json);
    return node_.catalog()
        ->CreateIndexes(&op, Namespace::Parse(full), {DocView(spec)})
        .status();
  }
  Status DropIndex(std::string_view full, std::string_view json) {
    Op op;
    const std::string index = *bson::FromJson(json);
    return node_.catalog()->DropIndexes(&op, Namespace::Parse(full), DocView(index).Find("index"),
                                        &indexes_was_);
  }
  Status Drop(std::string_view full) {
    Op op;
    return node_.catalog()->DropCollection(&op, Namespace::Parse(full), &indexes_was_);
  }
  Status Rename(std::string_view from, std::string_view to, bool drop_target = false) {
    Op op;
    return node_.catalog()->RenameCollection(&op, Namespace::Parse(from), Namespace::Parse(to),
                                             drop_target);
  }
  std::string Indexes(std::string_view full) {
    std::string out;
    for (const auto& index : node_.Find(full)->indexes) {
      out += (out.empty() ? "" : ",") + index->spec.name;
    }
    return out;
  }
  void ExpectValid(std::string_view full) {
    Interrupt interrupt;
    const auto report = ValidateCollection(node_.engine(), *node_.Find(full), &interrupt);
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->valid) << (report->errors.empty() ? "" : report->errors[0]);
  }
  int KeysIn(Space space) {
    auto cursor = node_.engine()->NewCursor(space, nullptr, {});
    int n = 0;
    for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
      ++n;
    }
    return n;
  }
  void Commit() { node_.positions()->SetCommitPoint(node_.positions()->written()); }

  Node node_;
  int indexes_was_ = -1;
};

TEST_F(DdlTest, S02_018_CreateTwice) {
  node_.Create("db.c");
  Op op;
  const Status again =
      node_.catalog()->CreateCollection(&op, Namespace::Parse("db.c"), {}).status();
  EXPECT_EQ(CodeOf(again), ErrorCode::kNamespaceExists);
  EXPECT_EQ(CodeOf(node_.catalog()->CreateCollection(&op, Namespace("DB", "c"), {}).status()),
            ErrorCode::kDatabaseDifferCase);
}

TEST_F(DdlTest, S07_030_Names) {
  const auto check = [](std::string_view collection) {
    return std::string(TextOf(ValidateCollectionName(Namespace("recorded", collection))));
  };
  EXPECT_EQ(check("a$b"), "Invalid collection name: a$b");
  EXPECT_EQ(check(".a"), "Collection names cannot start with '.': .a");
  EXPECT_EQ(check("system.foo"), "Invalid system namespace: recorded.system.foo");
  EXPECT_EQ(check(""), "Invalid namespace specified 'recorded.'");
  EXPECT_TRUE(check(std::string(300, 'x')).starts_with("Fully qualified namespace is too long."));
  for (const char* good : {"a..b", "a b", "*", "a/b", "system.js", "system.buckets.x", "system.views"}) {
    EXPECT_EQ(check(good), "") << good;
  }
  EXPECT_FALSE(ValidateDatabaseName("a.b").ok());
  EXPECT_FALSE(ValidateDatabaseName(std::string(64, 'a')).ok());
  EXPECT_TRUE(ValidateDatabaseName("admin").ok());
  const Namespace ns = Namespace::Parse("db.a.b");
  EXPECT_EQ(ns.db(), "db");
  EXPECT_EQ(ns.collection(), "a.b");
}

TEST_F(DdlTest, S06_023_IndexClashes) {
  node_.Create("recorded.c");
  ASSERT_TRUE(CreateIndex("recorded.c", R"({"key":{"a":1},"name":"a_1"})").ok());
  ASSERT_TRUE(CreateIndex("recorded.c", R"({"key":{"a":1.0},"name":"a_1","hidden":true})").ok());
  EXPECT_EQ(Indexes("recorded.c"), "_id_,a_1");
  Status clash = CreateIndex("recorded.c", R"({"key":{"a":1},"name":"o"})");
  EXPECT_EQ(CodeOf(clash), ErrorCode::kIndexOptionsConflict);
  EXPECT_EQ(TextOf(clash), "Index already exists with a different name: a_1");
  clash = CreateIndex("recorded.c", R"({"key":{"b":1},"name":"a_1"})");
  EXPECT_EQ(CodeOf(clash), ErrorCode::kIndexKeySpecsConflict);
  EXPECT_EQ(TextOf(clash),
            "An existing index has the same name as the requested index. Requested index: { v: 2, "
            "key: { b: 1 }, name: \"a_1\" }, existing index: { v: 2, key: { a: 1 }, name: \"a_1\" }");
  clash = CreateIndex("recorded.c", R"({"key":{"a":1},"name":"u","unique":true})");
  EXPECT_EQ(TextOf(clash),
            "An equivalent index already exists with a different name and options. Requested index: "
            "{ v: 2, unique: true, key: { a: 1 }, name: \"u\" }, existing index: { v: 2, key: { a: 1 "
            "}, name: \"a_1\" }");
  clash = CreateIndex("recorded.c", R"({"key":{"a":1},"name":"a_1","sparse":true})");
  EXPECT_EQ(CodeOf(clash), ErrorCode::kIndexOptionsConflict);
  EXPECT_TRUE(CreateIndex("recorded.c", R"({"key":{"_id":1},"name":"x"})").ok());
  EXPECT_TRUE(CreateIndex("recorded.c", R"({"key":{"a":-1},"name":"a_-1"})").ok());
  EXPECT_EQ(Indexes("recorded.c"), "_id_,a_1,a_-1");
}

TEST_F(DdlTest, S02_036_DropIndexes) {
  node_.Create("recorded.c");
  for (const char* f : {"a", "b", "c"}) {
    ASSERT_TRUE(CreateIndex("recorded.c", std::string(R"({"key":{")") + f + R"(":1},"name":")" + f +
                                              R"(_1"})")
                    .ok());
  }
  const auto text = [&](std::string_view json) {
    return std::string(TextOf(DropIndex("recorded.c", json)));
  };
  EXPECT_EQ(text(R"({"index":"nope"})"), "index not found with name [nope]");
  EXPECT_EQ(text(R"({"index":{"zz":1}})"), "can't find index with key: { zz: 1 }");
  EXPECT_EQ(text(R"({"index":{"_id":1}})"), "cannot drop _id index");
  EXPECT_EQ(text(R"({"index":["_id_"]})"), "cannot drop _id index");
  EXPECT_EQ(text(R"({"index":{"a":1.0}})"), "");
  EXPECT_EQ(indexes_was_, 4);
  EXPECT_EQ(Indexes("recorded.c"), "_id_,b_1,c_1");
  EXPECT_EQ(text(R"({"index":"*"})"), "");
  EXPECT_EQ(Indexes("recorded.c"), "_id_");
  EXPECT_EQ(CodeOf(DropIndex("recorded.none", R"({"index":"a_1"})")),
            ErrorCode::kNamespaceNotFound);
}

TEST_F(DdlTest, S02_021_Rename) {
  node_.Create("db.c");
  node_.Create("db.d");
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 1, "from": "c"})").ok());
  ASSERT_TRUE(node_.Insert("db.d", R"({"_id": 1, "from": "d"})").ok());
  EXPECT_EQ(TextOf(Rename("db.none", "db.z")), "Source collection db.none does not exist");
  EXPECT_EQ(TextOf(Rename("db.c", "db.d")), "target namespace exists");
  const Uuid uuid = node_.Find("db.c")->uuid;
  ASSERT_TRUE(Rename("db.c", "db.d", true).ok());
  EXPECT_EQ(node_.Find("db.c"), nullptr);
  EXPECT_EQ(node_.Get("db.d", "1"), R"({"_id":1,"from":"c"})");
  EXPECT_TRUE(node_.Find("db.d")->uuid == uuid);
  node_.Restart();
  EXPECT_EQ(node_.Get("db.d", "1"), R"({"_id":1,"from":"c"})");
}

TEST_F(DdlTest, DropDestroysOnlyWhatIsCommitted) {
  node_.Create("db.c");
  ASSERT_TRUE(CreateIndex("db.c", R"({"key":{"a":1},"name":"a_1"})").ok());
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(node_.Insert("db.c", "{\"_id\":" + std::to_string(i) + "}").ok());
  }
  const CollectionPtr c = node_.Find("db.c");
  ASSERT_TRUE(Drop("db.c").ok());
  EXPECT_EQ(indexes_was_, 2);
  EXPECT_FALSE(Exists(*c));
  EXPECT_EQ(node_.Find("db.c"), nullptr);
  EXPECT_EQ(KeysIn(Space::kRecords), 10);
  node_.Restart();
  ASSERT_TRUE(node_.catalog()->ReapDropped().ok());
  EXPECT_EQ(KeysIn(Space::kRecords), 10);
  Commit();
  ASSERT_TRUE(node_.catalog()->ReapDropped().ok());
  EXPECT_EQ(KeysIn(Space::kRecords), 0);
  EXPECT_EQ(KeysIn(Space::kIndexes), 0);
  // A collection of that name starts empty.
  node_.Create("db.c");
  EXPECT_EQ(RecordCount(*node_.Find("db.c")), 0);
  EXPECT_EQ(CodeOf(Drop("db.none")), ErrorCode::kNamespaceNotFound);
}

TEST_F(DdlTest, LocalCollectionsAreNotLogged) {
  const int64_t before = RecordCount(*node_.Find("local.oplog.rs"));
  node_.Create("local.x");
  ASSERT_TRUE(node_.Insert("local.x", R"({"_id": 1})").ok());
  ASSERT_TRUE(Drop("local.x").ok());
  EXPECT_EQ(RecordCount(*node_.Find("local.oplog.rs")), before);
  EXPECT_EQ(KeysIn(Space::kRecords), 0);  // nothing to wait for
  EXPECT_EQ(CodeOf(Drop("local.oplog.rs")), ErrorCode::kIllegalOperation);
  EXPECT_EQ(CodeOf(node_.Insert("local.oplog.rs", R"({"_id": 1})")),
            ErrorCode::kInvalidNamespace);
}

TEST_F(DdlTest, S02_020_DropDatabase) {
  node_.Create("db.a");
  node_.Create("db.b");
  node_.Create("other.a");
  Op op;
  ASSERT_TRUE(node_.catalog()->DropDatabase(&op, "db").ok());
  EXPECT_EQ(node_.catalog()->Snapshot().Databases(),
            (std::vector<std::string>{"local", "other"}));
  EXPECT_TRUE(node_.catalog()->DropDatabase(&op, "db").ok());
}

TEST_F(DdlTest, S06_024_BuildOverDocuments) {
  node_.Create("db.c");
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_TRUE(node_.Insert("db.c", "{\"_id\":" + n + ",\"a\":[" + n + "," +
                                         std::to_string(i % 7) + "],\"u\":" + n + "}")
                    .ok());
  }
  ASSERT_TRUE(CreateIndex("db.c", R"({"key":{"a":1},"name":"a_1"})").ok());
  ASSERT_TRUE(CreateIndex("db.c", R"({"key":{"u":-1},"name":"u_-1","unique":true})").ok());
  ExpectValid("db.c");
  EXPECT_EQ(node_.Find("db.c")->FindIndexByName("a_1")->multikey->load(), 1u);
  EXPECT_EQ(node_.Find("db.c")->FindIndexByName("u_-1")->multikey->load(), 0u);
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": "x", "a": 5, "u": 1000})").ok());
  const Status dup = CreateIndex("db.c", R"({"key":{"missing":1},"name":"m","unique":true})");
  EXPECT_EQ(CodeOf(dup), ErrorCode::kDuplicateKey);
  EXPECT_TRUE(TextOf(dup).starts_with("Index build failed: "));
  EXPECT_TRUE(TextOf(dup).ends_with(
      "E11000 duplicate key error collection: db.c index: m dup key: { missing: null }"));
  EXPECT_NE(InfoOf(dup), "");
  node_.Restart();
  EXPECT_EQ(Indexes("db.c"), "_id_,a_1,u_-1");
  EXPECT_EQ(node_.Find("db.c")->FindIndexByName("a_1")->multikey->load(), 1u);
  ExpectValid("db.c");
}

TEST_F(DdlTest, DataOfAnotherFormatAreRefused) {
  node_.Create("db.c");
  auto batch = node_.engine()->NewBatch();
  batch->Put(Space::kCatalog, keys::kMeta, bson::MakeDoc("version", 2, "nextIdent", 9));
  ASSERT_TRUE(node_.engine()->Write(batch.get()).ok());
  Catalog later(node_.engine(), node_.sequencer(), node_.positions());
  const Status loaded = later.Load();
  EXPECT_EQ(CodeOf(loaded), ErrorCode::kUnsupportedFormat);
  EXPECT_TRUE(TextOf(loaded).starts_with("the data files have format version 2"));
}

TEST_F(DdlTest, UnfinishedBuildIsCleanedAtStart) {
  node_.Create("db.c");
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 1})").ok());
  const int before = KeysIn(Space::kIndexes);
  // As a crash in the middle of a build leaves it.
  auto batch = node_.engine()->NewBatch();
  batch->Put(Space::kCatalog, keys::IdentKey(keys::kBuilding, 77), "");
  batch->Put(Space::kIndexes, storage::IdentPrefix(77) + "abc", "");
  ASSERT_TRUE(node_.engine()->Write(batch.get()).ok());
  node_.Restart();
  EXPECT_EQ(KeysIn(Space::kIndexes), before);
  // Its ident is not used again.
  ASSERT_TRUE(CreateIndex("db.c", R"({"key":{"a":1},"name":"a_1"})").ok());
  EXPECT_GT(node_.Find("db.c")->FindIndexByName("a_1")->ident, 77u);
}

TEST_F(DdlTest, S02_022_CollMod) {
  node_.Create("db.c");
  ASSERT_TRUE(
      CreateIndex("db.c", R"({"key":{"t":1},"name":"t_1","expireAfterSeconds":10})").ok());
  const auto mod = [&](std::string_view json) {
    Op op;
    bson::DocBuilder reply;
    const std::string changes = *bson::FromJson(json);
    const Status status =
        node_.catalog()->CollMod(&op, Namespace::Parse("db.c"), DocView(changes), &reply);
    const std::string bytes = reply.Finish();
    return status.ok() ? bson::ToRelaxedJson(DocView(bytes)) : std::string(TextOf(status));
  };
  EXPECT_EQ(mod(R"({"collMod":"c","validationLevel":"moderate"})"), "{}");
  EXPECT_EQ(mod(R"({"collMod":"c","foo":1})"), "unknown option to collMod: foo");
  EXPECT_EQ(mod(R"({"collMod":"c","validationLevel":"x"})"), "invalid validation level: x");
  EXPECT_EQ(mod(R"({"collMod":"c","viewOn":"x","pipeline":[]})"),
            "'viewOn' option only supported on a view");
  EXPECT_EQ(mod(R"({"collMod":"c","index":{"name":"t_1","foo":1}})"),
            "Unrecognized field 'foo' in 'index' option");
  EXPECT_EQ(mod(R"({"collMod":"c","index":{"name":"t_1","expireAfterSeconds":20}})"),
            R"({"expireAfterSeconds_old":10,"expireAfterSeconds_new":20})");
  EXPECT_EQ(mod(R"({"collMod":"c","index":{"keyPattern":{"t":1},"hidden":true}})"),
            R"({"hidden_old":false,"hidden_new":true})");
  const IndexEntry* index = node_.Find("db.c")->FindIndexByName("t_1");
  EXPECT_TRUE(index->spec.hidden);
  EXPECT_EQ(index->spec.expire_after_secs, 20);
  EXPECT_EQ(bson::ToRelaxedJson(DocView(node_.Find("db.c")->options)),
            R"({"validationLevel":"moderate","validationAction":"error"})");
}

TEST_F(DdlTest, S07_007_Views) {
  node_.Create("db.c");
  Op op;
  const std::string pipeline = *bson::FromJson(R"({"0":{"$match":{"a":1}}})");
  const Namespace name("db", "v");
  const auto view =
      node_.catalog()->CreateView(&op, name, "c", DocView(pipeline), DocView());
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_TRUE((*view)->is_view);
  EXPECT_EQ((*view)->view_on, "c");
  EXPECT_EQ(RecordCount(*node_.Find("db.system.views")), 1);
  EXPECT_EQ(CodeOf(node_.Insert("db.v", R"({"_id": 1})")),
            ErrorCode::kCommandNotSupportedOnView);
  EXPECT_EQ(TextOf(CreateIndex("db.v", R"({"key":{"a":1},"name":"a_1"})")),
            "Namespace db.v is a view, not a collection");
  EXPECT_EQ(TextOf(Rename("db.v", "db.w")), "cannot rename view: db.v");
  EXPECT_EQ(TextOf(Rename("db.c", "db.v", true)), "a view already exists with that name: db.v");
  node_.Restart();
  ASSERT_NE(node_.Find("db.v"), nullptr);
  const std::string mod = bson::MakeDoc("collMod", "v", "viewOn", "other");
  bson::DocBuilder reply;
  ASSERT_TRUE(node_.catalog()->CollMod(&op, name, DocView(mod), &reply).ok());
  EXPECT_EQ(node_.Find("db.v")->view_on, "other");
  // A view may not stand on itself (recorded S07-008).
  const std::string loop = bson::MakeDoc("collMod", "v", "viewOn", "v");
  EXPECT_EQ(TextOf(node_.catalog()->CollMod(&op, name, DocView(loop), &reply)),
            "View cycle detected: db.v => db.v => db.v");
  ASSERT_TRUE(node_.catalog()
                  ->CreateView(&op, Namespace::Parse("db.v2"), "v", DocView(), DocView())
                  .ok());
  const std::string round = bson::MakeDoc("collMod", "v", "viewOn", "v2");
  EXPECT_EQ(TextOf(node_.catalog()->CollMod(&op, name, DocView(round), &reply)),
            "View cycle detected: db.v => db.v => db.v2 => db.v");
  ASSERT_TRUE(Drop("db.v2").ok());
  ASSERT_TRUE(Drop("db.v").ok());
  EXPECT_EQ(node_.Find("db.v"), nullptr);
  // dropDatabase takes the views with it.
  ASSERT_TRUE(node_.catalog()->CreateView(&op, name, "c", DocView(pipeline), DocView()).ok());
  ASSERT_TRUE(node_.catalog()->DropDatabase(&op, "db").ok());
  EXPECT_TRUE(node_.catalog()->Snapshot().Collections("db").empty());
}

TEST_F(DdlTest, OplogIsReadableFromBothEnds) {
  node_.Create("db.c");
  ASSERT_TRUE(node_.Insert("db.c", R"({"_id": 1})").ok());
  const CollectionPtr oplog = node_.Find("local.oplog.rs");
  RecordCursor forward(node_.engine(), *oplog, nullptr, true);
  forward.SeekFirst();
  ASSERT_TRUE(forward.valid());
  EXPECT_EQ(forward.doc().Find("op").AsString(), "c");
  RecordCursor backward(node_.engine(), *oplog, nullptr, false);
  backward.SeekFirst();
  ASSERT_TRUE(backward.valid());
  EXPECT_EQ(backward.doc().Find("op").AsString(), "i");
  const RecordId last = backward.rid();
  EXPECT_EQ(bson::Timestamp::FromU64(static_cast<uint64_t>(last)),
            backward.doc().Find("ts").AsTimestamp());
  storage::PinnedValue value;
  EXPECT_TRUE(*GetRecord(node_.engine(), *oplog, last, nullptr, &value));
  forward.Seek(last);
  EXPECT_EQ(forward.rid(), last);
  EXPECT_GT(DataBytes(*oplog), 0);
  EXPECT_TRUE(oplog->capped && oplog->indexes.empty());
}

TEST(ValidateTest, NamesWhatIsWrong) {
  Node node;
  Op op;
  node.Create("db.c");
  const std::string spec = *bson::FromJson(R"({"key":{"a":1},"name":"a_1"})");
  ASSERT_TRUE(
      node.catalog()->CreateIndexes(&op, Namespace::Parse("db.c"), {DocView(spec)}).ok());
  for (int i = 1; i <= 3; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_TRUE(node.Insert("db.c", "{\"_id\":" + n + ",\"a\":" + n + "}").ok());
  }
  const CollectionPtr c = node.Find("db.c");
  Interrupt interrupt;
  EXPECT_TRUE(ValidateCollection(node.engine(), *c, &interrupt)->valid);
  // An entry too few, one too many.
  auto cursor = node.engine()->NewCursor(Space::kIndexes, nullptr, {});
  cursor->SeekToLast();
  auto batch = node.engine()->NewBatch();
  batch->Delete(Space::kIndexes, cursor->key());
  storage::KeyBuilder key(c->indexes[1]->ident);
  const std::string value = bson::MakeDoc("v", 99);
  key.Append(DocView(value).Find("v"));
  key.AppendRecordId(2);
  batch->Put(Space::kIndexes, key.key(), key.type_bits());
  ASSERT_TRUE(node.engine()->Write(batch.get()).ok());
  const auto report = ValidateCollection(node.engine(), *c, &interrupt);
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->valid);
  ASSERT_EQ(report->missing_index_entries.size(), 1u);
  ASSERT_EQ(report->extra_index_entries.size(), 1u);
  EXPECT_EQ(bson::ToRelaxedJson(DocView(report->missing_index_entries[0])),
            R"({"indexName":"a_1","recordId":3,"indexKey":{"a":3}})");
  EXPECT_EQ(bson::ToRelaxedJson(DocView(report->extra_index_entries[0])),
            R"({"indexName":"a_1","recordId":2,"indexKey":{"a":99}})");
  // A record that is no document, and totals that do not fit.
  batch->Clear();
  batch->Put(Space::kRecords, storage::RecordKey(c->ident, 9), "garbage");
  ASSERT_TRUE(node.engine()->Write(batch.get()).ok());
  EXPECT_EQ(ValidateCollection(node.engine(), *c, &interrupt)->corrupt_records,
            std::vector<RecordId>{9});
}

}  // namespace
}  // namespace septet::catalog
