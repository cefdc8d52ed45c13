// SPDX-License-Identifier: Apache-2.0
// A whole pipeline: parsed and checked (order and frame of stages), then made into an executor whose
// leading $match, $sort, $skip and $limit run inside the scan.
// Thread rule: Pipeline is immutable after Parse.
#pragma once

#include <memory>
#include <vector>

#include "query/stage/stage.h"

namespace septet::query {

class Pipeline {
 public:
  // `stages` is the encoded array. Errors: 14, 40323, 40324, 40600..40602, 73, 7749501, 232 and those of
  // the stages.
  static StatusOr<std::unique_ptr<const Pipeline>> Parse(DocView stages, const PipelineScope& scope);

  const StageList& stages() const { return stages_; }
  const PipelineScope& scope() const { return scope_; }
  bool writes() const { return writes_; }          // $out, $merge
  bool starts_with_source() const { return source_; }
  void Serialize(bson::DocBuilder* array) const;   // into an open array

  // The executor over the scope's collection. `let_values`: variables set for the whole run. `hint`:
  // {name or key pattern}. *pushed: how many leading stages run inside the scan (for explain).
  struct Source {
    std::vector<std::pair<VariableId, std::string>> let_values;
    std::string hint_name;
    std::string hint_key;
  };
  StatusOr<Plan> MakePlan(const PipelineRun& run, const Source& source, size_t* pushed = nullptr) const;
  // Puts the stages from number `from` on top of `input`.
  StatusOr<NodePtr> Attach(NodePtr input, const PipelineRun& run, size_t from = 0) const;

 private:
  Pipeline() = default;
  StageList stages_;
  PipelineScope scope_;
  bool writes_ = false;
  bool source_ = false;
};

// Rows from documents kept elsewhere (they must outlive the node).
NodePtr MakeVectorSource(const std::vector<std::string>* documents);
// Rows from documents the node keeps.
NodePtr MakeOwnedSource(std::vector<std::string> documents, std::string name);

}  // namespace septet::query
