// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks/rocks_batch.h"

#include "base/check.h"

namespace septet::storage {
namespace {

// Replays one batch onto the end of another; RocksDB has no public call for it.
class Appender final : public rocksdb::WriteBatch::Handler {
 public:
  Appender(const FamilyHandles& families, rocksdb::WriteBatch* to)
      : families_(families), to_(to) {}

  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    return to_->Put(handle(family), key, value);
  }
  rocksdb::Status DeleteCF(uint32_t family, const rocksdb::Slice& key) override {
    return to_->Delete(handle(family), key);
  }
  rocksdb::Status DeleteRangeCF(uint32_t family, const rocksdb::Slice& from,
                                const rocksdb::Slice& to) override {
    return to_->DeleteRange(handle(family), from, to);
  }

 private:
  rocksdb::ColumnFamilyHandle* handle(uint32_t family) const {
    for (rocksdb::ColumnFamilyHandle* candidate : families_) {
      if (candidate->GetID() == family) {
        return candidate;
      }
    }
    P_CHECK(false && "batch of another engine");
    return nullptr;
  }

  const FamilyHandles& families_;
  rocksdb::WriteBatch* to_;
};

}  // namespace

void RocksBatch::Note(const rocksdb::Status& status) {
  if (!status.ok() && refusal_.ok()) {
    refusal_ = status;
  }
}

void RocksBatch::Put(Space space, std::string_view key, std::string_view value) {
  Note(batch_.Put(family(space), key, value));
}

void RocksBatch::Delete(Space space, std::string_view key) {
  Note(batch_.Delete(family(space), key));
}

void RocksBatch::DeleteRange(Space space, std::string_view from, std::string_view to) {
  if (from < to) {
    Note(batch_.DeleteRange(family(space), from, to));
  }
}

void RocksBatch::Append(const WriteBatch& other) {
  const auto& source = static_cast<const RocksBatch&>(other);
  P_CHECK(&source != this);
  Appender appender(*families_, &batch_);
  Note(source.batch_.Iterate(&appender));
  Note(source.refusal_);
}

void RocksBatch::Clear() {
  batch_.Clear();
  refusal_ = rocksdb::Status::OK();
}

}  // namespace septet::storage
