// SPDX-License-Identifier: Apache-2.0
// createSearchIndexes, updateSearchIndex, dropSearchIndex (S02-041): indexes of a search engine beside the
// server. There is none here. Error: SearchNotEnabled (31082).
#include "commands/command.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request&, bson::DocBuilder*) {
  return Outcome::Fail(
      Error(ErrorCode::kSearchNotEnabled,
            "Using Atlas Search Database Commands and the $listSearchIndexes aggregation stage requires "
            "additional configuration. Please connect to Atlas or an AtlasCLI local deployment to enable."));
}

constexpr std::string_view kHelp = "Needs a search engine, which this server does not have";

}  // namespace

extern const CommandSpec kCreateSearchIndexesCommand;
const CommandSpec kCreateSearchIndexesCommand{
    .name = "createSearchIndexes", .aliases = {}, .flags = kNoFlags, .help = kHelp, .run = Run};

extern const CommandSpec kUpdateSearchIndexCommand;
const CommandSpec kUpdateSearchIndexCommand{
    .name = "updateSearchIndex", .aliases = {}, .flags = kNoFlags, .help = kHelp, .run = Run};

extern const CommandSpec kDropSearchIndexCommand;
const CommandSpec kDropSearchIndexCommand{
    .name = "dropSearchIndex", .aliases = {}, .flags = kNoFlags, .help = kHelp, .run = Run};

}  // namespace septet::commands
