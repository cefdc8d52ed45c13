// SPDX-License-Identifier: Apache-2.0
// Both forms of the configuration file: YAML, and the lines "key = value" of before 2.6 (S11-016: a file
// from 2011 starts the server).
// Thread rule: before threads start.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "server/option_table.h"

namespace septet::server {

struct Setting {
  const OptionRow* row;
  std::string value;
};

// Errors: BadValue with the line or the path that is wrong.
StatusOr<std::vector<Setting>> ReadConfigFile(const std::string& path);
StatusOr<std::vector<Setting>> ParseConfigText(const std::string& text);

}  // namespace septet::server
