// SPDX-License-Identifier: Apache-2.0
// A fresh directory under TEST_TMPDIR, TMPDIR or /tmp that is removed with its contents.
// Thread rule: owned by one thread. For tests and benchmarks only.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/check.h"

namespace septet::storage {

class TempDirectory {
 public:
  TempDirectory() {
    const char* root = std::getenv("TEST_TMPDIR");
    std::string name =
        (root != nullptr ? std::string(root) : std::filesystem::temp_directory_path().string()) +
        "/septet-XXXXXX";
    P_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace septet::storage
