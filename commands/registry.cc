// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "commands/command.h"

namespace septet::commands {

#define P_COMMAND(symbol) extern const CommandSpec symbol;
#include "commands/registry.def"
#undef P_COMMAND

namespace {

constexpr const CommandSpec* kCommands[] = {
#define P_COMMAND(symbol) &symbol,
#include "commands/registry.def"
#undef P_COMMAND
};

using Table = std::unordered_map<std::string_view, const CommandSpec*>;

// Names and aliases. Built on first use and never destroyed.
const Table& NameTable() {
  static const Table* const table = [] {
    auto* t = new Table;
    for (const CommandSpec* spec : kCommands) {
      P_CHECK(spec->run != nullptr && t->emplace(spec->name, spec).second);
      for (const std::string_view alias : spec->aliases) {
        P_CHECK(t->emplace(alias, spec).second);
      }
    }
    return t;
  }();
  return *table;
}

}  // namespace

const CommandSpec* FindCommand(std::string_view name) {
  const Table& table = NameTable();
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

std::vector<const CommandSpec*> AllCommands() {
  std::vector<const CommandSpec*> all(std::begin(kCommands), std::end(kCommands));
  std::sort(all.begin(), all.end(),
            [](const CommandSpec* a, const CommandSpec* b) { return a->name < b->name; });
  return all;
}

}  // namespace septet::commands
