// SPDX-License-Identifier: Apache-2.0
// The bare storage work of a request, for septet_floor --rocksdb: RocksDB with three column families
// (documents keyed by _id, index entries, oplog), no catalog, no locks, no plans, no sessions.
//
// It knows the shapes of requests septet_bench sends and no others:
//   insert           per document: document, one key per index, oplog entry; one WriteBatch
//   find             {_id: x}: one Get; {a: {$gte: x}} with limit: index range, one Get each
//   update           {_id: x}, {$inc: {<int32 field>: n}}: Get, Put, oplog entry
//   createIndexes    indexes on one top-level field of type int32 or string
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bson/view.h"

#include "base/status.h"
#include "base/strings.h"
#include "wire/codec/message.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace septet::tools {

class FloorStore {
 public:
  // Opens or creates the data in this folder.
  static StatusOr<std::unique_ptr<FloorStore>> Open(const std::string& folder);
  ~FloorStore();

  // The body of the reply to a command, {ok: 0} for one it does not know.
  std::string Run(const wire::OpMsg& msg);

 private:
  struct Index {
    uint32_t prefix;
    std::string field;
  };
  struct Collection {
    uint32_t prefix = 0;
    std::vector<Index> indexes;
  };

  FloorStore() = default;

  Collection* Find(std::string_view name);
  StatusOr<std::string> Insert(Collection* collection, const wire::OpMsg& msg);
  StatusOr<std::string> Update(Collection* collection, const wire::OpMsg& msg);
  StatusOr<std::string> Query(Collection* collection, const wire::OpMsg& msg);
  StatusOr<std::string> CreateIndexes(Collection* collection, const wire::OpMsg& msg);
  Status Scan(const Collection& collection, bson::ElementView condition, int64_t limit,
              std::vector<std::string>* documents);
  void AddOplogEntry(std::string_view op, bson::DocView object, bson::DocView id,
                     rocksdb::WriteBatch* batch);
  Status Write(rocksdb::WriteBatch* batch);

  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* records_ = nullptr;
  rocksdb::ColumnFamilyHandle* indexes_ = nullptr;
  rocksdb::ColumnFamilyHandle* oplog_ = nullptr;
  StringMap<Collection> collections_;
  uint32_t next_prefix_ = 1;
  uint64_t optime_ = 0;
};

}  // namespace septet::tools
