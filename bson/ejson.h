// SPDX-License-Identifier: Apache-2.0
// Extended JSON v2 both ways. Source: the drivers' Extended JSON specification.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "bson/view.h"

namespace septet::bson {

// Canonical keeps every type; relaxed is for people (numbers and dates in plain form).
std::string ToCanonicalJson(DocView doc);
std::string ToRelaxedJson(DocView doc);
std::string ToRelaxedJson(ValueView v);
// One line as the shell prints values in error messages: { a: 1, b: "x" }.
std::string ToShellText(ValueView v);
std::string ToShellText(DocView doc);
// Parses a JSON object (extended forms recognised, single-quoted and unquoted names not).
StatusOr<std::string> FromJson(std::string_view json);

}  // namespace septet::bson
