// SPDX-License-Identifier: Apache-2.0
#include "query/expression/accumulator.h"

#include "base/limits.h"
#include "base/strings.h"
#include "query/expression/accumulator_row.h"

namespace septet::query {

Status CheckAccumulatorMemory(std::string_view name, size_t bytes) {
  if (bytes <= static_cast<size_t>(limits::kBlockingStageMemoryBytes)) {
    return OkStatus();
  }
  return Error(ErrorCode::kExceededMemoryLimit,
               StrCat(name, " used too much memory and cannot spill to disk. Memory limit: ",
                      limits::kBlockingStageMemoryBytes, " bytes"));
}

StatusOr<std::unique_ptr<AccumulatorSpec>> ParseAccumulator(std::string_view field, ValueView value,
                                                            ParseContext* ctx) {
  if (!value.is_object() || value.AsDoc().empty() ||
      !value.AsDoc().FirstElement().name().starts_with('$')) {
    return Error(40234, StrCat("The field '", field, "' must be an accumulator object"));
  }
  if (value.AsDoc().CountFields() != 1) {
    return Error(40238, StrCat("The field '", field, "' must specify one accumulator"));
  }
  const bson::ElementView only = value.AsDoc().FirstElement();
  if (only.value().is_array()) {
    return Error(40237, StrCat("The ", only.name(), " accumulator is a unary operator"));
  }
  for (const auto family : {BasicAccumulators(), ListAccumulators(), NAccumulators(),
                            PercentileAccumulators(), TopAccumulators()}) {
    for (const AccumulatorRow& row : family) {
      if (row.name == only.name()) {
        return row.parse(row.name, only.value(), ctx);
      }
    }
  }
  return Error(15952, StrCat("unknown group operator '", only.name(), "'"));
}

}  // namespace septet::query
