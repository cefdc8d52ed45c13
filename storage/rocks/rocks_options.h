// SPDX-License-Identifier: Apache-2.0
// How each Space is laid out in RocksDB. The reasons and the figures behind the choices are in
// docs/PERFORMANCE "Storage floor".
// Private to storage/rocks and its tests and benchmarks.
#pragma once

#include <memory>
#include <vector>

#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/file_system.h"
#include "rocksdb/options.h"

#include "storage/engine.h"
#include "storage/rocks/insert_hint.h"

namespace septet::storage {

// Knobs that only tests and benchmarks turn; the defaults are the product.
struct RocksTuning {
  std::shared_ptr<rocksdb::FileSystem> file_system;  // null = the system's
  int space_pause_ms = 50;                // between looks at a full disk
  size_t block_bytes = 16 << 10;
  bool hash_index_in_blocks = true;
  bool partitioned_metadata = false;      // index and filters in cached partitions instead of pinned
  bool insert_hint = true;
  bool zstd_bottom = true;
  double memtable_bloom_ratio = 0.0;      // of the memtable's size, for whole keys
  bool hyper_clock_cache = false;
  bool skip_last_level_filters = true;    // kRecords: its point reads nearly always hit
};

rocksdb::DBOptions MakeDbOptions(const EngineOptions& options);
std::shared_ptr<rocksdb::Cache> MakeBlockCache(const EngineOptions& options,
                                               const RocksTuning& tuning);
// One descriptor per Space, in the order of the enumeration; kCatalog is RocksDB's "default".
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    const EngineOptions& options, const RocksTuning& tuning,
    const std::shared_ptr<rocksdb::Cache>& cache, const std::shared_ptr<const HintPause>& pause);

}  // namespace septet::storage
