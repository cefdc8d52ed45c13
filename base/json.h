// SPDX-License-Identifier: Apache-2.0
// Writing JSON scalars, for the log and for extended JSON. Source: RFC 8259.
#pragma once

#include <string>
#include <string_view>

namespace septet {

// Appends `s` with quotes. Control characters, quotes and backslashes are escaped; bytes that are not
// UTF-8 become U+FFFD so that the line always parses.
void AppendJsonString(std::string* out, std::string_view s);
// Shortest form that reads back equal; infinities and NaN as {"$numberDouble":"..."}.
void AppendJsonNumber(std::string* out, double d);

}  // namespace septet
