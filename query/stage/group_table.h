// SPDX-License-Identifier: Apache-2.0
// The executor of $group: a hash table of groups; beyond the memory limit rows of groups not yet in the
// table go to partition files by hash and are grouped afterwards, so memory stays bounded.
// Thread rule: see query/exec/node.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/exec/node.h"
#include "query/expression/accumulator.h"

namespace septet::query {

struct GroupField {
  std::string name;
  std::unique_ptr<AccumulatorSpec> accumulator;
};
struct GroupSpec {
  ExpressionPtr id;
  std::vector<GroupField> fields;
};

// `spec` outlives the node.
NodePtr MakeGroupNode(NodePtr input, const GroupSpec* spec);

}  // namespace septet::query
