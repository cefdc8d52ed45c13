// SPDX-License-Identifier: Apache-2.0
#include "bson/view.h"

#include <atomic>
#include <ctime>

#include "base/random.h"
#include "base/strings.h"
#include "bson/number.h"

namespace septet::bson {
namespace {

// What is drawn once per process for ObjectIds: 5 random bytes and the counter's start.
struct ObjectIdSource {
  ObjectIdSource() {
    const uint64_t seed = RandomSeedFromSystem();
    std::memcpy(process, &seed, sizeof(process));
    counter = static_cast<uint32_t>(seed >> 40);
  }
  uint8_t process[5];
  std::atomic<uint32_t> counter;
};

}  // namespace

namespace view_internal {
int32_t RegexSize(const char* data) {
  const size_t pattern = std::strlen(data) + 1;
  return static_cast<int32_t>(pattern + std::strlen(data + pattern) + 1);
}
}  // namespace view_internal

const char DocView::kEmpty[5] = {5, 0, 0, 0, 0};

std::string_view TypeName(Type type) {
  static constexpr std::string_view kNames[20] = {
      "missing",   "double", "string",     "object", "array",  "binData",   "undefined",
      "objectId",  "bool",   "date",       "null",   "regex",  "dbPointer", "javascript",
      "symbol",    "javascriptWithScope",  "int",    "timestamp", "long",   "decimal"};
  switch (type) {
    case Type::kMinKey:
      return "minKey";
    case Type::kMaxKey:
      return "maxKey";
    default:
      return static_cast<uint8_t>(type) < 20 ? kNames[static_cast<uint8_t>(type)] : "unknown";
  }
}

ObjectId ObjectId::Generate() {
  static ObjectIdSource source;
  const auto secs = static_cast<uint32_t>(std::time(nullptr));
  const uint32_t count = source.counter.fetch_add(1, std::memory_order_relaxed);
  ObjectId id;
  for (int i = 0; i < 4; ++i) {
    id.bytes[i] = static_cast<uint8_t>(secs >> (24 - 8 * i));
  }
  std::memcpy(id.bytes + 4, source.process, sizeof(source.process));
  for (int i = 0; i < 3; ++i) {
    id.bytes[9 + i] = static_cast<uint8_t>(count >> (16 - 8 * i));
  }
  return id;
}

std::string ObjectId::ToHex() const {
  return septet::ToHex({reinterpret_cast<const char*>(bytes), sizeof(bytes)});
}

BinData ValueView::AsBinData() const {
  return {static_cast<uint8_t>(data_[4]),
          {data_ + 5, static_cast<size_t>(view_internal::Load<int32_t>(data_))}};
}

Regex ValueView::AsRegex() const {
  const std::string_view pattern(data_);
  return {pattern, std::string_view(data_ + pattern.size() + 1)};
}

ValueView::CodeScope ValueView::AsCodeWScope() const {
  const int32_t size = view_internal::Load<int32_t>(data_ + 4);
  return {{data_ + 8, static_cast<size_t>(size - 1)}, DocView(data_ + 8 + size)};
}

ValueView::Pointer ValueView::AsDBPointer() const {
  const int32_t size = view_internal::Load<int32_t>(data_);
  return {{data_ + 4, static_cast<size_t>(size - 1)},
          view_internal::Load<ObjectId>(data_ + 4 + size)};
}

bool ValueView::Truthy() const {
  switch (type_) {
    case Type::kMissing:
    case Type::kNull:
    case Type::kUndefined:
      return false;
    case Type::kBool:
      return AsBool();
    case Type::kInt32:
      return AsInt32() != 0;
    case Type::kInt64:
      return AsInt64() != 0;
    case Type::kDouble:
      return AsDouble() != 0;
    case Type::kDecimal128:
      return !DecimalIsZero(AsDecimal());
    default:
      return true;
  }
}

ValueView DocView::Find(std::string_view name) const {
  const char* const limit = data_ + size_bytes();
  for (const char* p = data_ + 4; p != limit - 1;) {
    const ElementView e(p, limit);
    const ValueView v = e.value();
    if (e.name().size() == name.size() && std::memcmp(p + 1, name.data(), name.size()) == 0) {
      return v;
    }
    p = v.data() + v.size_bytes();
  }
  return {};
}

int DocView::CountFields() const {
  int count = 0;
  for (auto it = begin(); it != end(); ++it) {
    ++count;
  }
  return count;
}

}  // namespace septet::bson
