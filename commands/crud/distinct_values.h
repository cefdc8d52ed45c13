// SPDX-License-Identifier: Apache-2.0
// The values of distinct: arrays unwound, equal values (across numeric types) once, in order of
// appearance, as a server without an index gives them.
// Thread rule: owned by one operation.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/path.h"
#include "bson/value.h"
#include "query/expression/collation.h"

namespace septet::commands {

class DistinctValues {
 public:
  DistinctValues(std::string_view key, std::shared_ptr<const query::Collation> collation)
      : path_(key), collation_(std::move(collation)) {}
  // Error: 17217 if the values outgrow one reply.
  Status Add(bson::DocView doc);
  // The values in ascending order (recorded S02-010).
  void AppendTo(std::string_view name, bson::DocBuilder* reply) const;

 private:
  Status AddValue(bson::ValueView v);

  bson::FieldPath path_;
  std::shared_ptr<const query::Collation> collation_;
  std::vector<bson::Value> values_;
  std::unordered_multimap<uint64_t, size_t> by_hash_;
  size_t bytes_ = 0;
};

}  // namespace septet::commands
