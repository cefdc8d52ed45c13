// SPDX-License-Identifier: Apache-2.0
#include "commands/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/log.h"
#include "base/strings.h"
#include "bson/number.h"

namespace septet::commands {
namespace {

using Kind = Parameters::Kind;
using When = Parameters::When;

struct Default {
  constexpr Default(int64_t n) : number(static_cast<double>(n)), integer(n) {}  // NOLINT
  constexpr Default(int n) : Default(int64_t{n}) {}                             // NOLINT
  constexpr Default(double d) : number(d), integer(0) {}                        // NOLINT
  constexpr Default(const char* s) : text(s) {}                                 // NOLINT
  double number = 0;
  int64_t integer = 0;
  std::string_view text;
};

struct Row {
  std::string_view name;
  Kind kind;
  Default value;
  double min;
  double max;
  When when;
  std::string_view owner;
};

constexpr Row kRows[] = {
#define P_PARAMETER(name, kind, default_value, min, max, when, owner) \
  {#name, Kind::k##kind, default_value, static_cast<double>(min), static_cast<double>(max), \
   When::when, owner},
#include "commands/parameters.def"
#undef P_PARAMETER
};
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const Row& a, const Row& b) { return a.name < b.name; }));

const Row* FindRow(std::string_view name) {
  const auto* it = std::lower_bound(std::begin(kRows), std::end(kRows), name,
                                    [](const Row& r, std::string_view n) { return r.name < n; });
  return it != std::end(kRows) && it->name == name ? it : nullptr;
}

Status NoCoercion(std::string_view name, std::string_view what) {
  return Error(ErrorCode::kBadValue,
               StrCat("Failed setting ", name, ": Unable to coerce value to ", what, " type"));
}

}  // namespace

Parameters::Parameters() {
  absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < kCount; ++i) {
    const Row& row = kRows[i];
    values_[i].store(row.kind == Kind::kDouble ? std::bit_cast<int64_t>(row.value.number)
                                               : row.value.integer,
                     std::memory_order_relaxed);
    strings_[i] = row.value.text;
  }
}

std::string Parameters::GetString(ParameterName p) const {
  absl::MutexLock lock(&mutex_);
  return strings_[static_cast<size_t>(p)];
}

const Parameters::Special* Parameters::FindSpecial(std::string_view name) const {
  const auto it = std::find_if(specials_.begin(), specials_.end(),
                               [&](const Special& s) { return s.name == name; });
  return it == specials_.end() ? nullptr : &*it;
}

void Parameters::AddSpecial(Special special) { specials_.push_back(std::move(special)); }

void Parameters::OnChange(ParameterName p, std::function<void()> observer) {
  observers_[static_cast<size_t>(p)] = std::move(observer);
}

void Parameters::Changed(size_t row) {
  if (kRows[row].when == When::kIgnored) {
    P_LOG(kWarning, kControl, 7300001, "This parameter is accepted but has no effect on this server",
          {"parameter", kRows[row].name});
  }
  if (observers_[row]) {
    observers_[row]();
  }
}

void Parameters::AppendRow(size_t row, std::string_view name, bson::DocBuilder* out) const {
  const int64_t raw = values_[row].load(std::memory_order_relaxed);
  switch (kRows[row].kind) {
    case Kind::kBool: out->Append(name, raw != 0); return;
    case Kind::kInt32: out->Append(name, static_cast<int32_t>(raw)); return;
    case Kind::kInt64: out->Append(name, raw); return;
    case Kind::kDouble: out->Append(name, std::bit_cast<double>(raw)); return;
    case Kind::kString: break;
  }
  const std::string text = GetString(static_cast<ParameterName>(row));
  if (static_cast<ParameterName>(row) != ParameterName::k_authenticationMechanisms) {
    out->Append(name, text);
    return;
  }
  const auto array = out->Array(name);
  for (size_t start = 0; start < text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    out->Add(std::string_view(text).substr(start, comma - start));
    start = comma + 1;
  }
}

bool Parameters::Append(std::string_view name, bson::DocBuilder* out) const {
  if (const Row* row = FindRow(name)) {
    AppendRow(static_cast<size_t>(row - kRows), name, out);
    return true;
  }
  if (const Special* special = FindSpecial(name)) {
    special->get(name, out);
    return true;
  }
  return false;
}

Parameters::Settable Parameters::SettableOf(std::string_view name) const {
  if (const Row* row = FindRow(name)) {
    return {row->when != When::kFixed, row->when == When::kAny || row->when == When::kIgnored};
  }
  const Special* special = FindSpecial(name);
  const bool settable = special != nullptr && special->set != nullptr;
  return {settable, settable};
}

std::vector<std::string_view> Parameters::Names() const {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) {
    names.push_back(row.name);
  }
  for (const Special& special : specials_) {
    names.push_back(special.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status Parameters::AssignNumber(size_t index, double number, int64_t integer) {
  const Row& row = kRows[index];
  if (!(number >= row.min) || !(number <= row.max)) {
    const bool low = !(number >= row.min);
    return Error(ErrorCode::kBadValue,
                 StrCat("Invalid value for parameter ", row.name, ": ", number, " is not ",
                        low ? "greater than or equal to " : "less than or equal to ",
                        low ? row.min : row.max));
  }
  values_[index].store(row.kind == Kind::kDouble ? std::bit_cast<int64_t>(number) : integer,
                       std::memory_order_relaxed);
  return OkStatus();
}

Status Parameters::Assign(size_t index, bson::ValueView value) {
  const Row& row = kRows[index];
  switch (row.kind) {
    case Kind::kString: {
      if (!value.is_string()) {
        return NoCoercion(row.name, "string");
      }
      absl::MutexLock lock(&mutex_);
      strings_[index] = value.AsString();
      return OkStatus();
    }
    case Kind::kBool:
      if (!value.is_number() && value.type() != bson::Type::kBool) {
        return NoCoercion(row.name, "bool");
      }
      values_[index].store(value.Truthy() ? 1 : 0, std::memory_order_relaxed);
      return OkStatus();
    case Kind::kDouble:
      if (!value.is_number()) {
        return NoCoercion(row.name, "double");
      }
      return AssignNumber(index, bson::ToDouble(value), 0);
    case Kind::kInt32:
    case Kind::kInt64:
      break;
  }
  if (!value.is_number() && value.type() != bson::Type::kBool) {
    return NoCoercion(row.name, "integral");
  }
  const int64_t n = value.is_number() ? bson::ToInt64Clamped(value) : (value.AsBool() ? 1 : 0);
  return AssignNumber(index, static_cast<double>(n), n);
}

Status Parameters::Set(std::string_view name, bson::ValueView value, bson::DocBuilder* was) {
  const Row* row = FindRow(name);
  const Special* special = row == nullptr ? FindSpecial(name) : nullptr;
  if (row == nullptr && special == nullptr) {
    return Error(ErrorCode::kInvalidOptions,
                 StrCat("attempted to set unrecognized parameter [", name,
                        "], use help:true to see options "));
  }
  if (!SettableOf(name).at_run_time) {
    return Error(ErrorCode::kIllegalOperation,
                 StrCat("not allowed to change [", name, "] at runtime"));
  }
  if (special != nullptr) {
    bson::DocBuilder before;
    special->get("was", &before);
    const std::string old_value = before.Finish();
    RETURN_IF_ERROR(special->set(value));
    was->AppendAll(bson::DocView(old_value));
    return OkStatus();
  }
  const size_t index = static_cast<size_t>(row - kRows);
  bson::DocBuilder before;
  AppendRow(index, "was", &before);
  const std::string old_value = before.Finish();
  RETURN_IF_ERROR(Assign(index, value));
  was->AppendAll(bson::DocView(old_value));
  Changed(index);
  return OkStatus();
}

Status Parameters::SetAtStart(std::string_view name, std::string_view text) {
  const Row* row = FindRow(name);
  if (row == nullptr) {
    const std::vector<std::string_view> names = Names();
    const std::string_view nearest = NearestName(name, names.data(), names.size());
    return Error(ErrorCode::kBadValue,
                 StrCat("Unknown --setParameter '", name, "'",
                        nearest.empty() ? std::string() : StrCat("; did you mean '", nearest, "'?")));
  }
  if (row->when == When::kFixed) {
    return Error(ErrorCode::kBadValue, StrCat("Cannot use --setParameter to set '", name,
                                              "' at startup"));
  }
  const size_t index = static_cast<size_t>(row - kRows);
  bson::DocBuilder value;
  if (row->kind == Kind::kString) {
    value.Append("v", text);
  } else if (text == "true" || text == "false") {
    value.Append("v", text == "true");
  } else {
    const std::string copy(text);
    char* end = nullptr;
    const double number = std::strtod(copy.c_str(), &end);
    if (copy.empty() || *end != '\0') {
      return Error(ErrorCode::kBadValue,
                   StrCat("Bad value for parameter \"", name, "\": ", text));
    }
    if (row->kind == Kind::kInt64) {
      value.Append("v", static_cast<int64_t>(std::strtoll(copy.c_str(), nullptr, 10)));
    } else {
      value.Append("v", number);
    }
  }
  const std::string doc = value.Finish();
  RETURN_IF_ERROR(Assign(index, bson::DocView(doc)["v"]));
  Changed(index);
  return OkStatus();
}

}  // namespace septet::commands
