// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/workload.h"

namespace septet::bench {

std::unique_ptr<Workload> MakeWorkload(std::string_view name, int64_t documents) {
  if (name == "ping") {
    return MakePing();
  }
  if (name == "find") {
    return MakeFind(documents);
  }
  if (name == "update") {
    return MakeUpdate(documents);
  }
  if (name == "insert" || name == "bulk") {
    return MakeInsert(name == "bulk");
  }
  if (name == "range") {
    return MakeRange(documents);
  }
  if (name == "aggregate") {
    return MakeAggregate(documents);
  }
  if (name.size() == 1 && name[0] >= 'A' && name[0] <= 'F') {
    return MakeYcsb(name[0], documents);
  }
  return nullptr;
}

std::string_view WorkloadNames() {
  return "ping find insert bulk update range aggregate, YCSB A B C D E F";
}

}  // namespace septet::bench
