// SPDX-License-Identifier: Apache-2.0
// Aggregation stages. One file per stage in this folder defines a parse function; its row in registry.def
// makes it known. A parsed stage is immutable; MakeNode puts its executor on top of the input's.
// Source: manual "Aggregation stages". Thread rule: Stage is immutable; nodes belong to one operation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "query/exec/node.h"
#include "query/expression/collation.h"
#include "query/plan/planner.h"

namespace septet::query {

enum StageFlags : unsigned {
  kStageAnywhere = 0,
  kStageFirst = 1u << 0,           // error 40602 elsewhere
  kStageLast = 1u << 1,            // error 40601 elsewhere
  kStageNotInFacet = 1u << 2,      // error 40600
  kStageCollectionless = 1u << 3,  // {aggregate: 1}; error 73 otherwise
  kStageWrites = 1u << 4,
  kStageNotInTransaction = 1u << 5,
  kStageSource = 1u << 6,          // makes its own rows
};

// Where a pipeline runs; shared by its stages while parsing.
struct PipelineScope {
  catalog::Namespace ns;
  bool collectionless = false;
  ParseContext* variables = nullptr;
  std::shared_ptr<const Collation> collation;
  bool in_facet = false;
  int depth = 0;                   // of sub-pipelines; limit 20 (232)
  std::string_view sub_pipeline_of;  // "$unionWith", "$lookup": for error texts
  const catalog::Catalog* catalog = nullptr;  // where other collections are looked up; may be null
};

// Judges a document before it is written: what was there (empty: nothing) and what comes.
using WriteCheck = std::function<Status(DocView before, DocView after)>;

// What executors need beside their ExecContext.
struct PipelineRun {
  catalog::Catalog* catalog = nullptr;
  catalog::Op* op = nullptr;
  PlanCache* cache = nullptr;
  PlannerOptions options;
  std::shared_ptr<const Collation> collation;
  // Documents of a stage that the server knows ($currentOp, $collStats, ...): name, its spec, out.
  std::function<Status(std::string_view stage, DocView spec, std::vector<std::string>* out)> source;
  // What documents written by $out and $merge must satisfy; null where nothing is asked of them.
  std::function<StatusOr<WriteCheck>(const catalog::CollectionInfo& target)> validator;
};

class Stage {
 public:
  virtual ~Stage() = default;
  virtual std::string_view name() const = 0;  // "$match"
  // `input` is null for a source stage. `next` is the following stage or null ($sort + $limit).
  virtual StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run,
                                     const Stage* next) const = 0;
  // {$match: {...}}: appends the one field.
  virtual void Serialize(bson::DocBuilder* out) const = 0;
  // Field paths read from the input if nothing else of the document reaches the output; false: all of it.
  virtual bool Dependencies(std::vector<std::string>*) const { return false; }

  // For pushing leading stages into the scan: the encoded $match filter, $sort pattern, $limit, $skip.
  virtual const std::string* match_filter() const { return nullptr; }
  virtual const std::string* sort_pattern() const { return nullptr; }
  virtual int64_t limit() const { return 0; }
  virtual int64_t skip() const { return -1; }
  // Collections a stage reads or writes beside the pipeline's own.
  virtual void Namespaces(std::vector<catalog::Namespace>*) const {}
};
using StageList = std::vector<std::unique_ptr<const Stage>>;

struct StageSpec {
  std::string_view name;
  unsigned flags;
  // Appends one or more stages ($sortByCount is two). `spec` is the element {$name: ...}.
  Status (*parse)(bson::ElementView spec, const PipelineScope& scope, StageList* out);
};
const StageSpec* FindStage(std::string_view name);
std::vector<const StageSpec*> AllStages();

// "int", "string", ... for error texts.
inline std::string_view TypeText(ValueView v) { return bson::TypeName(v.type()); }

}  // namespace septet::query
