// SPDX-License-Identifier: Apache-2.0
// Copies of collections: with a size limit (S02-026, S02-034), and into another database (S02-021).
// Errors: NamespaceNotFound (26),
// NamespaceExists (48), CommandNotSupportedOnView (166), those of creating and inserting.
// Thread rule: may block; called where the operation may (Op::may_block).
#pragma once

#include <cstdint>

#include "catalog/catalog.h"

namespace septet::catalog {

// Makes `to` a capped collection of `size` bytes with the newest documents of `from` that fit. `from`
// may be written to meanwhile: what comes late is not copied.
Status CloneAsCapped(Catalog* catalog, Op* op, const Namespace& from, const Namespace& to,
                     int64_t size);
// Puts such a copy in the place of the collection. Writers wait; indexes but the one on _id are gone.
Status ConvertToCapped(Catalog* catalog, Op* op, const Namespace& ns, int64_t size);

// renameCollection to another database: copies everything with its indexes, then drops the source, whose
// writers wait meanwhile. If the process ends before that, the source is still there.
Status MoveToDatabase(Catalog* catalog, Op* op, const Namespace& from, const Namespace& to,
                      bool drop_target);

}  // namespace septet::catalog
