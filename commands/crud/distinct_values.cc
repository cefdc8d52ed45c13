// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/distinct_values.h"

#include <algorithm>

#include "base/limits.h"

namespace septet::commands {

Status DistinctValues::AddValue(bson::ValueView v) {
  const uint64_t hash = bson::Hash(v, collation_.get());
  const auto [from, to] = by_hash_.equal_range(hash);
  for (auto it = from; it != to; ++it) {
    if (bson::Equal(values_[it->second].view(), v, collation_.get())) {
      return OkStatus();
    }
  }
  bytes_ += static_cast<size_t>(v.size_bytes()) + 8;
  if (bytes_ > static_cast<size_t>(limits::kMaxBsonObjectSize)) {
    return Error(17217, "distinct too big, 16mb cap");
  }
  by_hash_.emplace(hash, values_.size());
  values_.emplace_back(v);
  return OkStatus();
}

Status DistinctValues::Add(bson::DocView doc) {
  Status status = OkStatus();
  bson::VisitPath(doc, path_, 0, [&](bson::ValueView v) {
    if (v.is_array()) {
      for (const bson::ElementView e : v.AsArray()) {
        status = AddValue(e.value());
        if (!status.ok()) {
          return true;
        }
      }
    } else if (!v.missing()) {
      status = AddValue(v);
    }
    return !status.ok();
  });
  return status;
}

void DistinctValues::AppendTo(std::string_view name, bson::DocBuilder* reply) const {
  std::vector<bson::ValueView> sorted;
  sorted.reserve(values_.size());
  for (const bson::Value& v : values_) {
    sorted.push_back(v.view());
  }
  std::stable_sort(sorted.begin(), sorted.end(), [this](bson::ValueView a, bson::ValueView b) {
    return bson::Compare(a, b, collation_.get()) < 0;
  });
  const auto list = reply->Array(name);
  for (const bson::ValueView v : sorted) {
    reply->Add(v);
  }
}

}  // namespace septet::commands
