// SPDX-License-Identifier: Apache-2.0
// Runs one command as a part of another, to its end, where the operation may block (applyOps).
// The inner command's write concern is not waited for: the outer one waits for all.
#pragma once

#include <string>

#include "bson/view.h"
#include "commands/command.h"

namespace septet::commands {

// `body` is the whole command without $db. The reply goes to `*reply`. Errors: the command's own;
// CommandNotFound; IllegalOperation for one that would wait for more than a worker or a conflict.
Status RunInner(catalog::Op* op, const Services& services, const Request& outer, std::string_view db,
                const std::string& body, std::string* reply);

}  // namespace septet::commands
