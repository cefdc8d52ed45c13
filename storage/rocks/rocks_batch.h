// SPDX-License-Identifier: Apache-2.0
// WriteBatch over rocksdb::WriteBatch.
// Thread rule: owned by one thread.
#pragma once

#include <array>

#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

#include "storage/engine.h"

namespace septet::storage {

using FamilyHandles = std::array<rocksdb::ColumnFamilyHandle*, kSpaceCount>;

class RocksBatch final : public WriteBatch {
 public:
  // `families` belongs to the engine and must outlive the batch.
  explicit RocksBatch(const FamilyHandles* families) : families_(families) {}

  void Put(Space space, std::string_view key, std::string_view value) override;
  void Delete(Space space, std::string_view key) override;
  void DeleteRange(Space space, std::string_view from, std::string_view to) override;
  void Append(const WriteBatch& other) override;
  void Clear() override;
  size_t size_bytes() const override { return batch_.GetDataSize(); }
  int count() const override { return static_cast<int>(batch_.Count()); }

  // First refusal of an operation (a key or value of 4 GiB and more); Write returns it.
  const rocksdb::Status& refusal() const { return refusal_; }
  bool has_range_deletion() const { return batch_.HasDeleteRange(); }
  rocksdb::WriteBatch* raw() { return &batch_; }

 private:
  rocksdb::ColumnFamilyHandle* family(Space space) const {
    return (*families_)[static_cast<size_t>(space)];
  }
  void Note(const rocksdb::Status& status);

  const FamilyHandles* families_;
  rocksdb::WriteBatch batch_;
  rocksdb::Status refusal_;
};

}  // namespace septet::storage
