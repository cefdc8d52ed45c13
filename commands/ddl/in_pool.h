// SPDX-License-Identifier: Apache-2.0
// Work that takes locks or reads much: it runs in the worker pool, where it may block.
#pragma once

#include <utility>

#include "commands/command.h"

namespace septet::commands {

// Runs `work` now if the operation may block, else suspends it into the pool first. `work` is called once
// and must own what it needs beyond the request.
template <typename Work>
Outcome RunInPool(catalog::Op* op, Work work) {
  if (op->may_block) {
    return work();
  }
  return {Suspend{WaitWorker{}, [work = std::move(work)](bool) mutable { return work(); }}};
}

}  // namespace septet::commands
