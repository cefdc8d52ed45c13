// SPDX-License-Identifier: Apache-2.0
// Freeing space on demand (the compact command). Apart from engine.h because one caller needs it.
// Thread rule: thread-safe.
#pragma once

#include <string_view>

#include "storage/engine.h"

namespace septet::storage {

// Rewrites the files of a range without what is obsolete. May take long; runs beside everything else. An
// engine in memory has nothing to rewrite.
Status CompactRange(Engine* engine, Space space, std::string_view from, std::string_view to);

}  // namespace septet::storage
