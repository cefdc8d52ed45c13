// SPDX-License-Identifier: Apache-2.0
// $addToSet $push: arrays of what came. Missing values are left out. $addToSet keeps the first of
// equal values and answers in the order of first appearance. Both fail (146) beyond 100 MB. Source:
// manual, "$addToSet", "$push".
#include <charconv>
#include <cstring>
#include <string>
#include <unordered_map>

#include "query/expression/accumulator_row.h"

namespace septet::query {

namespace {

// The bytes of a BSON array that grows.
class GrowingArray {
 public:
  // Offset of the element's type byte.
  size_t Add(ValueView v) {
    const size_t start = bytes_.size();
    char text[12];
    const auto end = std::to_chars(text, text + sizeof(text), count_++);
    bytes_.push_back(static_cast<char>(v.type()));
    bytes_.append(text, static_cast<size_t>(end.ptr - text));
    bytes_.push_back('\0');
    bytes_.append(v.raw());
    return start;
  }
  ValueView At(size_t offset) const { return bson::ElementView(bytes_.data() + offset).value(); }
  // Valid until the next Add. The end byte stands only for the time of the view.
  ValueView View() {
    bytes_.push_back('\0');
    const auto size = static_cast<int32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, sizeof(size));
    bytes_.pop_back();  // its '\0' stays in place as the string's terminator
    return {bson::Type::kArray, bytes_.data()};
  }
  size_t memory_bytes() const { return bytes_.capacity(); }

 private:
  std::string bytes_ = std::string(4, '\0');
  uint32_t count_ = 0;
};

class PushAccumulator final : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext*) override {
    if (input.missing()) {
      return OkStatus();
    }
    items_.Add(input);
    return CheckAccumulatorMemory("$push", items_.memory_bytes());
  }
  StatusOr<ValueView> Result(EvalContext*) override { return items_.View(); }
  size_t memory_bytes() const override { return sizeof(*this) + items_.memory_bytes(); }

 private:
  GrowingArray items_;
};

class AddToSetAccumulator final : public Accumulator {
 public:
  Status Add(ValueView input, EvalContext* ctx) override {
    if (input.missing()) {
      return OkStatus();
    }
    const uint64_t hash = bson::Hash(input, ctx->collator);
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto at = begin; at != end; ++at) {
      if (bson::Equal(items_.At(at->second), input, ctx->collator)) {
        return OkStatus();
      }
    }
    by_hash_.emplace(hash, items_.Add(input));
    return CheckAccumulatorMemory("$addToSet", memory_bytes());
  }
  StatusOr<ValueView> Result(EvalContext*) override { return items_.View(); }
  size_t memory_bytes() const override {
    return sizeof(*this) + items_.memory_bytes() + by_hash_.size() * 40;
  }

 private:
  GrowingArray items_;
  std::unordered_multimap<uint64_t, size_t> by_hash_;
};

constexpr AccumulatorRow kRows[] = {
    {"$addToSet", ParseUnaryAccumulator<AddToSetAccumulator>},
    {"$push", ParseUnaryAccumulator<PushAccumulator>},
};

}  // namespace

std::span<const AccumulatorRow> ListAccumulators() {
  return kRows;
}

}  // namespace septet::query
