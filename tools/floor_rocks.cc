// SPDX-License-Identifier: Apache-2.0
#include "tools/floor_rocks.h"

#include <cstring>

#include "bson/builder.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"

#include "base/clock.h"

namespace septet::tools {
namespace {

using bson::DocBuilder;
using bson::DocView;
using bson::MakeDoc;
using bson::ValueView;

constexpr size_t kCacheBytes = size_t{4} << 30;
constexpr size_t kMemtableBytes = 64 << 20;
constexpr uint64_t kWalBytes = 512 << 20;
constexpr size_t kPrefixBytes = 4;

Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? OkStatus() : Error(ErrorCode::kInternalError, status.ToString());
}

void AppendPrefix(uint32_t prefix, std::string* key) {
  const uint32_t big = __builtin_bswap32(prefix);
  key->append(reinterpret_cast<const char*>(&big), sizeof(big));
}
// Bytes that order as the values do, for int32, string and ObjectId.
void AppendValue(ValueView value, std::string* key) {
  key->push_back(static_cast<char>(value.type()));
  if (value.type() == bson::Type::kInt32) {
    const uint32_t big = __builtin_bswap32(static_cast<uint32_t>(value.AsInt32()) ^ 0x80000000U);
    key->append(reinterpret_cast<const char*>(&big), sizeof(big));
  } else if (value.is_string()) {
    key->append(value.AsString());
    key->push_back('\0');
  } else {
    key->append(value.raw());
  }
}
std::string KeyOf(uint32_t prefix, ValueView value) {
  std::string key;
  key.reserve(64);
  AppendPrefix(prefix, &key);
  AppendValue(value, &key);
  return key;
}

rocksdb::ColumnFamilyOptions FamilyOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
  table.block_size = 16 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = kMemtableBytes;
  family.max_write_buffer_number = 3;
  family.compression = rocksdb::kLZ4Compression;
  family.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(kPrefixBytes));
  return family;
}

// {cursor: {id: 0, ns: "", firstBatch: [documents]}, ok: 1, operationTime}
std::string CursorReply(const std::vector<std::string>& documents, uint64_t optime) {
  DocBuilder reply;
  {
    const auto cursor = reply.Object("cursor");
    {
      const auto batch = reply.Array("firstBatch");
      for (const std::string& document : documents) {
        reply.Add(DocView(document));
      }
    }
    reply.Append("id", int64_t{0}).Append("ns", "bench.docs");
  }
  reply.Append("ok", 1.0).Append("operationTime", bson::Timestamp::FromU64(optime));
  return reply.Finish();
}

std::string WriteReply(int32_t n, uint64_t optime) {
  return MakeDoc("n", n, "ok", 1.0, "operationTime", bson::Timestamp::FromU64(optime));
}

// The documents of a command, wherever the client put them.
std::vector<DocView> DocumentsOf(const wire::OpMsg& msg, std::string_view field) {
  std::vector<DocView> documents;
  if (const wire::DocumentSequence* sequence = msg.Sequence(field)) {
    documents.assign(sequence->documents.begin(), sequence->documents.end());
  } else if (const ValueView array = msg.body.Find(field); array.is_array()) {
    for (const bson::ElementView& element : array.AsArray()) {
      documents.push_back(element.value().AsDoc());
    }
  }
  return documents;
}

}  // namespace

FloorStore::~FloorStore() {
  for (rocksdb::ColumnFamilyHandle* family : {records_, indexes_, oplog_}) {
    if (family != nullptr) {
      (void)db_->DestroyColumnFamilyHandle(family);
    }
  }
}

StatusOr<std::unique_ptr<FloorStore>> FloorStore::Open(const std::string& folder) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.allow_concurrent_memtable_write = false;
  options.max_total_wal_size = kWalBytes;
  const rocksdb::ColumnFamilyOptions family = FamilyOptions();
  rocksdb::ColumnFamilyOptions index_family = family;
  index_family.memtable_insert_with_hint_prefix_extractor = nullptr;  // their keys come at random
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, family}, {"indexes", index_family}, {"oplog", family}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(options, folder, families, &handles, &db)));
  std::unique_ptr<FloorStore> store(new FloorStore);
  store->db_.reset(db);
  store->records_ = handles[0];
  store->indexes_ = handles[1];
  store->oplog_ = handles[2];
  store->optime_ = static_cast<uint64_t>(WallMillis() / 1000) << 32;
  return store;
}

FloorStore::Collection* FloorStore::Find(std::string_view name) {
  const auto found = collections_.find(name);
  if (found != collections_.end()) {
    return &found->second;
  }
  Collection& collection = collections_[std::string(name)];
  collection.prefix = next_prefix_++;
  return &collection;
}

std::string FloorStore::Run(const wire::OpMsg& msg) {
  const std::string_view name = msg.command_name();
  const ValueView target = msg.body.FirstElement().value();
  StatusOr<std::string> reply = Error(ErrorCode::kCommandNotFound, "the floor does not know this");
  if (target.is_string()) {
    Collection* const collection = Find(target.AsString());
    if (name == "find") {
      reply = Query(collection, msg);
    } else if (name == "insert") {
      reply = Insert(collection, msg);
    } else if (name == "update") {
      reply = Update(collection, msg);
    } else if (name == "createIndexes") {
      reply = CreateIndexes(collection, msg);
    }
  }
  if (!reply.ok()) {
    return MakeDoc("ok", 0.0, "errmsg", TextOf(reply.status()), "code",
                   static_cast<int32_t>(CodeOf(reply.status())));
  }
  return *std::move(reply);
}

StatusOr<std::string> FloorStore::CreateIndexes(Collection* collection, const wire::OpMsg& msg) {
  for (const DocView index : DocumentsOf(msg, "indexes")) {
    const ValueView key = index.Find("key");
    if (!key.is_object()) {
      return Error(ErrorCode::kFailedToParse, "an index needs a key");
    }
    const std::string field(key.AsDoc().FirstElement().name());
    bool known = false;
    for (const Index& other : collection->indexes) {
      known |= other.field == field;
    }
    if (!known) {
      collection->indexes.push_back({next_prefix_++, field});
    }
  }
  return MakeDoc("ok", 1.0);
}

void FloorStore::AddOplogEntry(std::string_view op, DocView object, DocView id,
                               rocksdb::WriteBatch* batch) {
  ++optime_;
  std::string entry;
  entry.reserve(static_cast<size_t>(object.size_bytes()) + 160);
  DocBuilder builder(&entry);
  builder.Append("op", op).Append("ns", "bench.docs").Append("o", object).Append("o2", id);
  builder.Append("ts", bson::Timestamp::FromU64(optime_)).Append("t", int64_t{1});
  builder.Append("v", int64_t{2}).AppendDate("wall", WallMillis());
  builder.Finish();
  const uint64_t key = __builtin_bswap64(optime_);
  batch->Put(oplog_, {reinterpret_cast<const char*>(&key), sizeof(key)}, entry);
}

Status FloorStore::Write(rocksdb::WriteBatch* batch) {
  return FromRocks(db_->Write(rocksdb::WriteOptions(), batch));
}

StatusOr<std::string> FloorStore::Insert(Collection* collection, const wire::OpMsg& msg) {
  rocksdb::WriteBatch batch;
  int32_t n = 0;
  for (const DocView document : DocumentsOf(msg, "documents")) {
    const ValueView id = document.Find("_id");
    batch.Put(records_, KeyOf(collection->prefix, id), document.raw());
    for (const Index& index : collection->indexes) {
      std::string key = KeyOf(index.prefix, document.Find(index.field));
      AppendValue(id, &key);
      batch.Put(indexes_, key, id.raw());
    }
    AddOplogEntry("i", document, DocView(MakeDoc("_id", id)), &batch);
    ++n;
  }
  RETURN_IF_ERROR(Write(&batch));
  return WriteReply(n, optime_);
}

StatusOr<std::string> FloorStore::Update(Collection* collection, const wire::OpMsg& msg) {
  rocksdb::WriteBatch batch;
  int32_t n = 0;
  for (const DocView update : DocumentsOf(msg, "updates")) {
    const ValueView id = update.Find("q").AsDoc().Find("_id");
    const ValueView inc = update.Find("u").AsDoc().Find("$inc");
    if (id.missing() || !inc.is_object()) {
      return Error(ErrorCode::kFailedToParse, "the floor updates {_id: x} by {$inc: ...}");
    }
    const std::string key = KeyOf(collection->prefix, id);
    std::string document;
    const rocksdb::Status got = db_->Get(rocksdb::ReadOptions(), records_, key, &document);
    if (got.IsNotFound()) {
      continue;
    }
    RETURN_IF_ERROR(FromRocks(got));
    const bson::ElementView change = inc.AsDoc().FirstElement();
    const ValueView field = DocView(document).Find(change.name());
    if (field.type() != bson::Type::kInt32 || change.type() != bson::Type::kInt32) {
      return Error(ErrorCode::kTypeMismatch, "the floor adds int32 to int32");
    }
    const int32_t value = field.AsInt32() + change.value().AsInt32();
    std::memcpy(document.data() + (field.data() - document.data()), &value, sizeof(value));
    batch.Put(records_, key, document);
    const std::string fields = MakeDoc(change.name(), value);
    const std::string diff = MakeDoc("u", DocView(fields));
    AddOplogEntry("u", DocView(MakeDoc("$v", 2, "diff", DocView(diff))),
                  DocView(MakeDoc("_id", id)), &batch);
    ++n;
  }
  RETURN_IF_ERROR(Write(&batch));
  return MakeDoc("n", n, "nModified", n, "ok", 1.0, "operationTime",
                 bson::Timestamp::FromU64(optime_));
}

StatusOr<std::string> FloorStore::Query(Collection* collection, const wire::OpMsg& msg) {
  const ValueView filter = msg.body.Find("filter");
  if (!filter.is_object() || filter.AsDoc().empty()) {
    return Error(ErrorCode::kFailedToParse, "the floor finds by one field");
  }
  const bson::ElementView condition = filter.AsDoc().FirstElement();
  std::vector<std::string> documents;
  if (condition.name() != "_id") {
    const ValueView limit = msg.body.Find("limit");
    RETURN_IF_ERROR(Scan(*collection, condition,
                         limit.type() == bson::Type::kInt64 ? limit.AsInt64() : 1, &documents));
    return CursorReply(documents, optime_);
  }
  std::string document;
  const rocksdb::Status got = db_->Get(rocksdb::ReadOptions(), records_,
                                       KeyOf(collection->prefix, condition.value()), &document);
  if (got.ok()) {
    documents.push_back(std::move(document));
  } else if (!got.IsNotFound()) {
    return FromRocks(got);
  }
  return CursorReply(documents, optime_);
}

Status FloorStore::Scan(const Collection& collection, bson::ElementView condition, int64_t limit,
                        std::vector<std::string>* documents) {
  for (const Index& index : collection.indexes) {
    if (index.field != condition.name() || condition.type() != bson::Type::kObject) {
      continue;
    }
    const std::unique_ptr<rocksdb::Iterator> entries(
        db_->NewIterator(rocksdb::ReadOptions(), indexes_));
    std::string prefix;
    AppendPrefix(index.prefix, &prefix);
    const ValueView from = condition.value().AsDoc().FirstElement().value();
    for (entries->Seek(KeyOf(index.prefix, from));
         entries->Valid() && entries->key().starts_with(prefix) &&
         static_cast<int64_t>(documents->size()) < limit;
         entries->Next()) {
      std::string key;
      AppendPrefix(collection.prefix, &key);
      AppendValue(ValueView(bson::Type::kInt32, entries->value().data()), &key);
      std::string document;
      RETURN_IF_ERROR(FromRocks(db_->Get(rocksdb::ReadOptions(), records_, key, &document)));
      documents->push_back(std::move(document));
    }
    return FromRocks(entries->status());
  }
  return Error(ErrorCode::kIndexNotFound, "the floor has no index for this");
}

}  // namespace septet::tools
