// SPDX-License-Identifier: Apache-2.0
// Server parameters: one table (parameters.def) of names, types, defaults, bounds and owners; the values
// are atomics that the owners read where they need them, or hear of by OnChange.
// Parameters that are not one plain value (logComponentVerbosity, featureCompatibilityVersion) are added
// with AddSpecial by whoever owns them.
// Thread rule: reads and writes thread-safe; AddSpecial and OnChange before the server takes requests.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "bson/builder.h"
#include "bson/view.h"

namespace septet::commands {

enum class ParameterName : size_t {
#define P_PARAMETER(name, kind, default_value, min, max, when, owner) k_##name,
#include "commands/parameters.def"
#undef P_PARAMETER
  kCount,
};

class Parameters {
 public:
  static constexpr size_t kCount = static_cast<size_t>(ParameterName::kCount);
  enum class When { kAny, kStart, kFixed, kIgnored };
  enum class Kind { kBool, kInt32, kInt64, kDouble, kString };

  Parameters();

  bool GetBool(ParameterName p) const { return Load(p) != 0; }
  int64_t GetInt(ParameterName p) const { return Load(p); }
  double GetDouble(ParameterName p) const { return std::bit_cast<double>(Load(p)); }
  std::string GetString(ParameterName p) const;

  // setParameter at run time: appends the old value as `was`. Errors: InvalidOptions (72) for an unknown
  // name, IllegalOperation (20) for one that is only set at start, BadValue for type and bounds.
  Status Set(std::string_view name, bson::ValueView value, bson::DocBuilder* was);
  // --setParameter name=value and the YAML form.
  Status SetAtStart(std::string_view name, std::string_view text);
  // Appends the value under the parameter's name; false if there is no such parameter.
  bool Append(std::string_view name, bson::DocBuilder* out) const;
  struct Settable {
    bool at_start;
    bool at_run_time;
  };
  Settable SettableOf(std::string_view name) const;
  std::vector<std::string_view> Names() const;  // sorted

  void OnChange(ParameterName p, std::function<void()> observer);

  struct Special {
    std::string name;
    // Appends the value under `name`.
    std::function<void(std::string_view name, bson::DocBuilder* out)> get;
    std::function<Status(bson::ValueView value)> set;  // null: read only
  };
  void AddSpecial(Special special);

 private:
  int64_t Load(ParameterName p) const {
    return values_[static_cast<size_t>(p)].load(std::memory_order_relaxed);
  }
  void AppendRow(size_t row, std::string_view name, bson::DocBuilder* out) const;
  Status Assign(size_t row, bson::ValueView value);
  Status AssignNumber(size_t row, double number, int64_t integer);
  void Changed(size_t row);
  const Special* FindSpecial(std::string_view name) const;

  std::array<std::atomic<int64_t>, kCount> values_;
  mutable absl::Mutex mutex_;
  std::array<std::string, kCount> strings_ ABSL_GUARDED_BY(mutex_);
  std::array<std::function<void()>, kCount> observers_;
  std::vector<Special> specials_;
};

}  // namespace septet::commands
