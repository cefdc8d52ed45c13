// SPDX-License-Identifier: Apache-2.0
// Ordered key-value storage under everything. Two implementations: rocks/ (the product) and memory/
// (tests and simulator, with crash semantics); both pass testing/engine_contract_test.cc.
//
// Keys and values are byte strings ordered by memcmp inside a Space. All spaces share one write-ahead
// log, so a WriteBatch is atomic across them and a crash keeps a prefix of the batches.
// Only replication/oplog's Sequencer calls Write while the server runs, so the order of batches is the
// order of OpTimes and every Snapshot is an exact prefix of history.
// Thread rule: Engine is thread-safe; Snapshot may be shared; Cursor and WriteBatch belong to one
// thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace septet::storage {

// Column families. See docs/FORMATS for the keys in each.
enum class Space : uint8_t {
  kCatalog = 0,  // collections, counters, node-local documents (last vote, identity)
  kRecords = 1,  // documents
  kIndexes = 2,
  kOplog = 3,    // keys ascend; truncated from the front
  kUndo = 4,     // inverse records up to the commit point
};
inline constexpr int kSpaceCount = 5;
// "catalog", "records", "indexes", "oplog", "undo".
std::string_view NameOf(Space space);

class WriteBatch {
 public:
  virtual ~WriteBatch() = default;
  virtual void Put(Space space, std::string_view key, std::string_view value) = 0;
  virtual void Delete(Space space, std::string_view key) = 0;
  // [from, to)
  virtual void DeleteRange(Space space, std::string_view from, std::string_view to) = 0;
  // Appends all operations of a batch of the same engine.
  virtual void Append(const WriteBatch& other) = 0;
  virtual void Clear() = 0;
  virtual size_t size_bytes() const = 0;
  virtual int count() const = 0;
};

// A frozen view of all spaces. Cheap (0.06 us); destroying it releases it.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  // Number of the last write it contains; grows with each Write.
  virtual uint64_t sequence() const = 0;
};

// A value kept alive without copying where the engine can (block cache pin).
class PinnedValue {
 public:
  PinnedValue();
  ~PinnedValue();
  PinnedValue(PinnedValue&&) noexcept;
  PinnedValue& operator=(PinnedValue&&) noexcept;
  std::string_view view() const { return view_; }
  // Empties the view and lets go of what is pinned; keeps the memory for the next use.
  void Reset();

  // For engines. Release() lets go of the bytes but keeps the object, so that the engine that made it
  // can use it again.
  struct Pin {
    virtual ~Pin() = default;
    virtual void Release() {}
  };
  std::string* mutable_buffer() { return &buffer_; }
  void SetOwned() { view_ = buffer_; }
  void SetPinned(std::string_view view, std::unique_ptr<Pin> pin);
  Pin* pin() { return pin_.get(); }  // reusable by the engine that made it
  void SetView(std::string_view view) { view_ = view; }

 private:
  std::string_view view_;
  std::string buffer_;
  std::unique_ptr<Pin> pin_;
};

// Walks one space inside [lower, upper). After every move: if valid(), key() and value() are good
// until the next move. An engine error shows in status() and makes the cursor invalid.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool valid() const = 0;
  virtual void Seek(std::string_view key) = 0;        // first key >= `key`
  virtual void SeekForPrev(std::string_view key) = 0; // last key <= `key`
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  virtual Status status() const = 0;
};

struct CursorOptions {
  std::string lower;  // inclusive; empty = no bound
  std::string upper;  // exclusive; empty = no bound
  bool fill_cache = true;
  bool long_scan = false;  // ask for read-ahead
};

struct EngineStats {
  uint64_t cache_bytes = 0;
  uint64_t cache_capacity_bytes = 0;
  uint64_t memtable_bytes = 0;
  uint64_t live_wal_bytes = 0;
  uint64_t space_bytes[kSpaceCount] = {};
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::unique_ptr<WriteBatch> NewBatch() = 0;
  // Applies the batch atomically. Not durable before the next Sync(). Errors: OutOfDiskSpace (14031),
  // DataCorruptionDetected (301), InternalError.
  virtual Status Write(WriteBatch* batch) = 0;
  // Makes everything written before the call durable (fsync of the log). May run beside writes.
  virtual Status Sync() = 0;

  virtual std::shared_ptr<const Snapshot> GetSnapshot() = 0;
  // Snapshot null = newest. Returns false if the key is absent.
  virtual StatusOr<bool> Get(Space space, std::string_view key, const Snapshot* snapshot,
                             PinnedValue* value) = 0;
  // Keys must be sorted. (*found)[i] tells which are present.
  virtual Status MultiGet(Space space, const std::vector<std::string_view>& sorted_keys,
                          const Snapshot* snapshot, std::vector<PinnedValue>* values,
                          std::vector<char>* found) = 0;
  // The cursor keeps `snapshot` alive. Null snapshot = state at creation.
  virtual std::unique_ptr<Cursor> NewCursor(Space space, std::shared_ptr<const Snapshot> snapshot,
                                            const CursorOptions& options) = 0;

  // Cheap removal of a whole range of old keys (dropped collection, oplog front): files inside it are
  // deleted at once. Runs outside the commit order; nobody may need the range any more.
  virtual Status DropRange(Space space, std::string_view from, std::string_view to) = 0;
  // Approximate bytes on disk of a range.
  virtual uint64_t ApproximateSize(Space space, std::string_view from, std::string_view to) = 0;
  virtual Status Flush() = 0;                                // memtables to files
  virtual Status Checkpoint(const std::string& directory) = 0;  // hard-linked copy
  virtual EngineStats Stats() = 0;
  // False after a disk error until writing works again (disk full).
  virtual Status Health() = 0;
};

struct EngineOptions {
  std::string path;
  uint64_t cache_bytes = 256ull << 20;
  uint64_t memtable_bytes = 64ull << 20;
  uint64_t max_wal_bytes = 256ull << 20;
  bool create_if_missing = true;
};

// Opens (or creates) a RocksDB directory. Errors: DBPathInUse (98), DataCorruptionDetected (301) naming
// the file, InternalError.
StatusOr<std::unique_ptr<Engine>> OpenRocksEngine(const EngineOptions& options);
// An engine in memory. MemoryEngine (memory/memory_engine.h) adds Crash().
std::unique_ptr<Engine> NewMemoryEngine();

}  // namespace septet::storage
