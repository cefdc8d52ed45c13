// SPDX-License-Identifier: Apache-2.0
// Which operations of a fetched batch may be computed in parallel.
//
// A batch is cut into steps, applied one after the other. A step is one operation alone (commands), or
// lanes: all operations on one document are in one lane, in log order; within a lane operations on one
// collection stand together, in log order. Source: replication.md 4.3.
// Thread rule: a pure function.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace septet::repl {

struct ApplyOp {
  enum class Kind {
    kDocument,    // insert, update, delete of the document (collection, id_key)
    kSerial,      // order within the collection matters (capped): one lane per collection
    kAlone,       // a command or anything else that must see all before it and be seen by all after it
  };
  Kind kind = Kind::kAlone;
  std::string_view collection;  // uuid bytes, or the namespace
  std::string_view id_key;      // equal ids have equal bytes: the key encoding, not the BSON bytes
};

struct ApplyStep {
  // Indexes into the batch. kAlone: one lane of one operation. Lanes are never empty.
  std::vector<std::vector<uint32_t>> lanes;
  bool alone = false;
};

// At most `lanes` lanes per step; requires lanes > 0.
std::vector<ApplyStep> MakeApplyPlan(std::span<const ApplyOp> batch, int lanes);

}  // namespace septet::repl
