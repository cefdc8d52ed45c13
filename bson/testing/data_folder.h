// SPDX-License-Identifier: Apache-2.0
// Where tests find data that is not part of the repository. Test code only.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace septet::bson::testing {

// The folder `name` of test data: in the folder the environment variable names, else in ../shared of
// the working directory or of a folder above it. Empty if there is none: the test then skips.
inline std::filesystem::path DataFolder(const char* variable, const std::string& name) {
  namespace fs = std::filesystem;
  if (const char* root = std::getenv(variable); root != nullptr) {
    return fs::exists(fs::path(root)) ? fs::path(root) : fs::path();
  }
  for (fs::path at = fs::current_path(); at.has_relative_path(); at = at.parent_path()) {
    if (const fs::path found = at.parent_path() / "shared" / name; fs::exists(found)) {
      return found;
    }
  }
  return {};
}

}  // namespace septet::bson::testing
