// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks/rocks_options.h"

#include <algorithm>
#include <string>
#include <thread>

#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"

namespace septet::storage {
namespace {

// Less time than the library's default of 3, for somewhat more space.
constexpr int kZstdLevel = 1;
constexpr size_t kIdentBytes = 4;  // every key of kRecords and kIndexes starts with an ident

rocksdb::BlockBasedTableOptions TableOptions(Space space, const RocksTuning& tuning,
                                             const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = tuning.block_bytes;
  table.format_version = 5;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  if (tuning.partitioned_metadata) {
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
  }
  // Pinned for the life of the file: a point read looks into the cache only for the data block.
  table.metadata_cache_options.top_level_index_pinning = rocksdb::PinningTier::kAll;
  table.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
  table.metadata_cache_options.partition_pinning = rocksdb::PinningTier::kFlushedAndSimilar;
  if (tuning.hash_index_in_blocks && space == Space::kRecords) {
    table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    table.data_block_hash_table_util_ratio = 0.75;
  }
  if (space != Space::kOplog && space != Space::kUndo) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.whole_key_filtering = true;
  }
  return table;
}

rocksdb::ColumnFamilyOptions FamilyOptions(Space space, const EngineOptions& options,
                                           const RocksTuning& tuning,
                                           const std::shared_ptr<rocksdb::Cache>& cache,
                                           const std::shared_ptr<const HintPause>& pause) {
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(
      rocksdb::NewBlockBasedTableFactory(TableOptions(space, tuning, cache)));
  family.write_buffer_size =
      space == Space::kCatalog ? options.memtable_bytes / 8 : options.memtable_bytes;
  family.max_write_buffer_number = 3;
  family.target_file_size_base = 64 << 20;
  family.max_bytes_for_level_base = 256 << 20;
  family.level_compaction_dynamic_level_bytes = true;
  family.compression = rocksdb::kLZ4Compression;
  if (tuning.insert_hint) {
    // Keys under one prefix mostly ascend (record ids, OpTimes), so the place of the last insert is
    // near the place of the next.
    family.memtable_insert_with_hint_prefix_extractor =
        std::make_shared<InsertHintPrefix>(kIdentBytes, pause);
  }
  if (space == Space::kRecords || space == Space::kIndexes) {
    if (tuning.zstd_bottom) {
      family.bottommost_compression = rocksdb::kZSTD;
      family.bottommost_compression_opts.enabled = true;
      family.bottommost_compression_opts.level = kZstdLevel;
    }
    family.memtable_prefix_bloom_size_ratio = tuning.memtable_bloom_ratio;
    family.memtable_whole_key_filtering = tuning.memtable_bloom_ratio > 0;
  }
  if (space == Space::kRecords) {
    family.optimize_filters_for_hits = tuning.skip_last_level_filters;
  }
  return family;
}

}  // namespace

rocksdb::DBOptions MakeDbOptions(const EngineOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = options.create_if_missing;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.avoid_flush_during_recovery = true;  // 2.6 instead of 8.2 s per GB of live log
  db.max_total_wal_size = options.max_wal_bytes;
  db.manual_wal_flush = false;
  db.use_fsync = false;  // fdatasync carries the length of a grown file
  // One committer writes (replication/oplog's Sequencer): plain writes in order, which also lets the
  // insert hint work and keeps a snapshot an exact prefix.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  db.enable_pipelined_write = false;
  db.unordered_write = false;
  db.two_write_queues = false;
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  db.max_background_jobs = std::clamp(cores, 2, 8);
  db.max_subcompactions = static_cast<uint32_t>(std::clamp(cores / 4, 1, 4));
  db.bytes_per_sync = 1 << 20;
  db.avoid_unnecessary_blocking_io = true;  // obsolete files are deleted by the background
  db.max_open_files = -1;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.max_log_file_size = 16 << 20;
  db.keep_log_file_num = 4;
  return db;
}

std::shared_ptr<rocksdb::Cache> MakeBlockCache(const EngineOptions& options,
                                               const RocksTuning& tuning) {
  if (tuning.hyper_clock_cache) {
    return rocksdb::HyperClockCacheOptions(options.cache_bytes, tuning.block_bytes)
        .MakeSharedCache();
  }
  rocksdb::LRUCacheOptions lru;
  lru.capacity = options.cache_bytes;
  lru.high_pri_pool_ratio = 0.1;  // a long scan must not push out index and filter blocks
  return rocksdb::NewLRUCache(lru);
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    const EngineOptions& options, const RocksTuning& tuning,
    const std::shared_ptr<rocksdb::Cache>& cache, const std::shared_ptr<const HintPause>& pause) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (int i = 0; i < kSpaceCount; ++i) {
    const Space space = static_cast<Space>(i);
    const std::string name = space == Space::kCatalog ? rocksdb::kDefaultColumnFamilyName
                                                      : std::string(NameOf(space));
    families.emplace_back(name, FamilyOptions(space, options, tuning, cache, pause));
  }
  return families;
}

}  // namespace septet::storage
