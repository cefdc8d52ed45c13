// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/header.h"

namespace septet::wire {

bool LooksLikeHttp(const char* first_bytes) {
  const std::string_view start(first_bytes, 4);
  for (const std::string_view method :
       {"GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "CONN", "TRAC", "PATC"}) {
    if (start == method) {
      return true;
    }
  }
  return false;
}

}  // namespace septet::wire
