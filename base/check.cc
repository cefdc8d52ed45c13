// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace septet {

void CheckFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "***aborting after failed check: %s at %s:%d\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace septet
