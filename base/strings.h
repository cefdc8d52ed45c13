// SPDX-License-Identifier: Apache-2.0
// The few string helpers of the tree over std::string_view. Debian's abseil has its own string_view
// type; this is the only header that hides the difference.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>

namespace septet {

namespace strings_internal {
inline void Append(std::string* out, std::string_view s) { out->append(s); }
inline void Append(std::string* out, char c) { out->push_back(c); }
void Append(std::string* out, double d);  // shortest form that reads back equal
template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, char>)
void Append(std::string* out, T n) {
  out->append(std::to_string(n));
}
}  // namespace strings_internal

// Concatenates strings, characters and numbers.
template <typename... Args>
std::string StrCat(const Args&... args) {
  std::string out;
  (strings_internal::Append(&out, args), ...);
  return out;
}
template <typename... Args>
void StrAppend(std::string* out, const Args&... args) {
  (strings_internal::Append(out, args), ...);
}

// Hash for heterogenous look-up by std::string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
// Maps and sets whose find() takes a std::string_view without making a string.
template <typename V>
using StringMap = std::unordered_map<std::string, V, StringHash, std::equal_to<>>;
using StringSet = std::unordered_set<std::string, StringHash, std::equal_to<>>;

// Lower-case hexadecimal.
std::string ToHex(std::string_view bytes);
// ASCII only.
std::string ToLower(std::string_view s);
// The candidate nearest to `word` by edit distance, or empty if none is within `max_distance`.
std::string_view NearestName(std::string_view word, const std::string_view* names, size_t count,
                             size_t max_distance = 3);

}  // namespace septet
