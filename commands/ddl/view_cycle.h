// SPDX-License-Identifier: Apache-2.0
// What a view may be: it may stand on other views, but never, over any number of them, on itself; and its
// pipeline reads only.
#pragma once

#include <string_view>

#include "base/status.h"
#include "catalog/catalog.h"
#include "commands/services.h"

namespace septet::commands {

// Would a view `ns` on `view_on` (a name in the same database) see itself? Error GraphContainsCycle (5).
Status CheckViewCycle(const catalog::Catalog& catalog, const catalog::Namespace& ns,
                      std::string_view view_on);

// May `pipeline` define the view `ns` on `view_on`? Errors: those of the pipeline, OptionNotSupportedOnView
// (167) for a stage that writes.
Status CheckViewPipeline(const Services& services, const catalog::Namespace& ns, std::string_view view_on,
                         bson::DocView pipeline);

}  // namespace septet::commands
