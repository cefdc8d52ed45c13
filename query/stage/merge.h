// SPDX-License-Identifier: Apache-2.0
// The parsed form of {$merge: ...}.
// Thread rule: immutable after parsing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/stage/stage.h"
#include "query/update/update.h"

namespace septet::query {

enum class WhenMatched { kMerge, kReplace, kKeepExisting, kFail, kPipeline };
enum class WhenNotMatched { kInsert, kDiscard, kFail };

struct MergeSpec {
  struct Variable {
    std::string name;
    VariableId id;
    ExpressionPtr expression;
  };
  catalog::Namespace into;
  std::vector<std::string> on;
  bool on_id = false;  // _id is one of them
  WhenMatched when_matched = WhenMatched::kMerge;
  WhenNotMatched when_not_matched = WhenNotMatched::kInsert;
  std::string pipeline_text;               // whenMatched as an encoded array, or empty
  std::unique_ptr<const Update> pipeline;  // its stages
  std::vector<Variable> let;               // over the document to merge
  std::vector<VariableId> outer;
};

// Errors: 14, 40414, 40415, 51178, 51186, 51134, 51187, 31465, 51191, 2 for an unknown mode, 51181 for
// modes that do not go together, 51199, 51273, 73, 31319, 31320.
StatusOr<MergeSpec> ParseMergeSpec(ValueView v, const PipelineScope& scope);
void SerializeMerge(const MergeSpec& spec, bson::DocBuilder* out);

}  // namespace septet::query
