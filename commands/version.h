// SPDX-License-Identifier: Apache-2.0
// What this server says it is. `kCompatibleVersion` is a statement of compatibility, used everywhere a
// client expects a mongod's version; `kOwnVersion` is ours and stands beside it (S00-001..S00-005).
#pragma once

#include <cstdint>
#include <string_view>

namespace septet::commands {

inline constexpr std::string_view kCompatibleVersion = "7.0.14";
inline constexpr int32_t kCompatibleVersionArray[] = {7, 0, 14, 0};
inline constexpr std::string_view kFeatureCompatibilityVersion = "7.0";
inline constexpr std::string_view kOwnVersion = SEPTET_VERSION;
inline constexpr int32_t kMinWireVersion = 0;
inline constexpr int32_t kMaxWireVersion = 21;

}  // namespace septet::commands
