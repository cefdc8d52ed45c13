// SPDX-License-Identifier: Apache-2.0
// The rows of stages that the server makes: $currentOp, $collStats, $indexStats, $planCacheStats,
// $listLocalSessions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/namespace.h"
#include "commands/command.h"
#include "commands/services.h"

namespace septet::commands {

using ServerSource = std::function<Status(std::string_view stage, bson::DocView spec,
                                          std::vector<std::string>* out)>;
// The returned function lives as long as the request.
ServerSource MakeServerSource(const Services& services, const Request& request,
                              const catalog::Namespace& ns);

}  // namespace septet::commands
