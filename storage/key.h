// SPDX-License-Identifier: Apache-2.0
// BSON values <-> bytes whose memcmp order is the BSON order (bson/compare.h). On-disk format: see
// docs/FORMATS "Ordered keys"; version 1.
//
// Numbers of all four types share one encoding, so 1, 1.0, NumberLong(1) and NumberDecimal("1.0") have
// the same key bytes; what is needed to give the exact value back (type, decimal exponent, -0) goes
// into TypeBits beside the key. Descending fields are the complement of the ascending bytes.
// Thread rule: values; KeyBuilder is owned by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/view.h"

namespace septet::storage {

// Collections' records and indexes are told apart by a 4-byte big-endian ident in front of each key.
using Ident = uint32_t;
// Position of a document in insertion order; > 0.
using RecordId = int64_t;

std::string IdentPrefix(Ident ident);
std::string IdentPrefixEnd(Ident ident);  // first key after the ident's range
std::string RecordKey(Ident ident, RecordId rid);
RecordId RecordIdOfKey(std::string_view record_key);
void AppendRecordId(std::string* out, RecordId rid);  // 8 bytes big-endian

// Where a bound lies relative to all keys that start with the same fields. kBefore and kExact add no
// byte (a prefix sorts before what it starts), kAfter adds one above every field and RecordId.
enum class Discriminator : uint8_t { kBefore, kExact, kAfter };

class KeyBuilder {
 public:
  // Starts a key under `ident`. `descending` bit i set = field i is descending.
  explicit KeyBuilder(Ident ident, uint64_t descending = 0);
  // Appends field number `n` (0, 1, ...); a missing value is encoded as null. With a collator, strings
  // (nested ones too) are encoded by their sort key and cannot be decoded.
  void Append(bson::ValueView v, const bson::StringComparator* collator = nullptr);
  void Append(Discriminator d);  // ends a bound: before or after every key with this prefix
  void AppendRecordId(RecordId rid);

  const std::string& key() const { return key_; }
  const std::string& type_bits() const { return type_bits_; }
  std::string TakeKey() { return std::move(key_); }
  void Reset(Ident ident);

 private:
  std::string key_;
  std::string type_bits_;
  uint64_t descending_ = 0;
  int field_ = 0;
  // How many values that may need type bits came since the last one that did.
  uint32_t plain_values_ = 0;
};

// Rebuilds the values of `key` (with its ident prefix; a trailing RecordId is ignored) as a document
// with empty field names. Error InternalError if the bytes are no such key. Collated strings come back
// as their sort keys: do not use for those.
Status DecodeKey(std::string_view key, std::string_view type_bits, int field_count,
                 uint64_t descending, bson::DocBuilder* out);
// Splits a non-unique entry's key into the part before the RecordId and the RecordId.
RecordId TrailingRecordId(std::string_view key);

}  // namespace septet::storage
