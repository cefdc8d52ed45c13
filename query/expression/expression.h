// SPDX-License-Identifier: Apache-2.0
// Aggregation expressions: parsed once into a tree, evaluated per document without allocation
// (results are views into the input document or into the context's arena).
//
// A family of operators is one file in this folder with a constexpr table of ExpressionRow;
// registry.def lists the families. Source of behaviour: manual, "Aggregation operators". Thread
// rule: an Expression is immutable after Parse and may be shared; EvalContext belongs to one
// running operation.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/path.h"
#include "bson/value.h"
#include "bson/view.h"

#include "base/interrupt.h"
#include "base/random.h"
#include "base/status.h"

namespace septet::query {

using bson::DocView;
using bson::ValueView;

using VariableId = int;
// Variables every expression may use without declaration.
enum : VariableId {
  kVarRoot = -1,
  kVarRemove = -2,
  kVarNow = -3,
  kVarClusterTime = -4,
  kVarUserRoles = -5,
  kVarJsScope = -6,  // known names without a value here: error 4631100 when evaluated
  kVarIsMapReduce = -7,
};

// Kinds of metadata that {$meta: ...} asks for.
enum MetaUse : unsigned {
  kMetaSortKey = 1u << 0,
  kMetaIndexKey = 1u << 1,
  kMetaTextScore = 1u << 2,
  kMetaGeoNear = 1u << 3,
};

// What is known while parsing: which variables are in scope and how strings compare.
class ParseContext {
 public:
  const bson::StringComparator* collator = nullptr;

  // Declares a variable (user names start with a lower-case letter; checked by
  // ValidateVariableName) and returns its id; the newest declaration of a name wins until EndScope.
  VariableId Declare(std::string_view name);
  size_t BeginScope() const { return scope_.size(); }
  void EndScope(size_t mark) { scope_.resize(mark); }
  // Id of a variable in scope, or of ROOT, CURRENT, NOW, CLUSTER_TIME, REMOVE...; error 17276.
  StatusOr<VariableId> Lookup(std::string_view name) const;
  int variable_count() const { return next_id_; }
  // Every variable a stage written here could name: those of the command and of outer stages.
  std::vector<VariableId> InScope() const;

  // What the {$meta: ...} parsed so far ask for (MetaUse).
  unsigned meta_uses() const { return meta_uses_; }
  void NoteMeta(unsigned use) { meta_uses_ |= use; }
  // Error 40218 if something asks for what no row of this server has.
  Status CheckMetaAvailable() const;

  // Constant sub-expressions are evaluated once while parsing. A failure there is no parse error (a
  // server finds it when it optimizes the pipeline): the first one is kept here, the expression
  // stays as it is. The caller of a whole pipeline answers it after parsing, if no parse error came
  // first.
  const Status& fold_status() const { return fold_status_; }
  void NoteFoldError(Status status) {
    if (fold_status_.ok()) {
      fold_status_ = std::move(status);
    }
  }

 private:
  struct Entry {
    std::string name;
    VariableId id;
  };
  std::vector<Entry> scope_;
  VariableId next_id_ = 0;
  unsigned meta_uses_ = 0;
  Status fold_status_;
};

// User variable names: 16866..16871 as a server answers.
Status ValidateVariableName(std::string_view name);

// Values of $meta that the executor knows about a row.
struct RowMetadata {
  int64_t record_id = 0;
  ValueView sort_key;   // array
  ValueView index_key;  // object
  double text_score = 0;
  bool has_text_score = false;
};

class TimeZoneCache;  // time_zone.h

// What an evaluation needs besides the document. One per running operation; `arena` is reset by the
// executor between rows.
class EvalContext {
 public:
  bson::Arena* arena = nullptr;
  Interrupt* interrupt = nullptr;
  const bson::StringComparator* collator = nullptr;
  Random* random = nullptr;
  int64_t now_millis = 0;                 // $$NOW
  bson::Timestamp cluster_time;           // $$CLUSTER_TIME
  DocView user_roles;                     // $$USER_ROLES: the elements of an array
  DocView root;                           // $$ROOT / $$CURRENT of the row being evaluated
  const RowMetadata* metadata = nullptr;  // what {$meta: ...} reads; null: nothing is known

  // The time zones met so far; made by the first date operator that needs one.
  std::unique_ptr<TimeZoneCache, void (*)(TimeZoneCache*)> time_zones{nullptr, nullptr};

  // Variables by id; a slot holds a view valid as long as its scope runs ($map's $$this) or as long
  // as the operation (let variables: their bytes are kept by `kept`).
  ValueView Get(VariableId id) const {
    return static_cast<size_t>(id) < slots_.size() ? slots_[static_cast<size_t>(id)] : ValueView();
  }
  void Set(VariableId id, ValueView v) {
    if (static_cast<size_t>(id) >= slots_.size()) {
      slots_.resize(static_cast<size_t>(id) + 1);
    }
    slots_[static_cast<size_t>(id)] = v;
  }
  // Sets a variable to a copy that lives as long as this context.
  void SetKept(VariableId id, ValueView v) {
    kept_.push_back(std::make_unique<bson::Value>(v));
    Set(id, kept_.back()->view());
  }

 private:
  std::vector<ValueView> slots_;
  std::vector<std::unique_ptr<bson::Value>> kept_;
};

class Expression {
 public:
  virtual ~Expression() = default;
  // Missing type = "no value". Errors carry the operator's code.
  virtual StatusOr<ValueView> Evaluate(EvalContext* ctx) const = 0;
  // The expression as explain prints it (operators normalised to their array forms).
  virtual void Serialize(std::string_view name, bson::DocBuilder* out) const = 0;
  // The constant's value if the expression is constant, else missing.
  virtual ValueView Constant() const { return {}; }
  // "a.b" if the expression is exactly the field path $a.b, else empty.
  virtual std::string_view FieldPathText() const { return {}; }
  // Adds the top-level field paths read, or sets *whole_document ($$ROOT).
  virtual void Dependencies(std::vector<std::string>* paths, bool* whole_document) const = 0;
};
using ExpressionPtr = std::unique_ptr<const Expression>;

// Parses any expression value: "$path", "$$var.path", {$op: ...}, {a: expr, ...}, [expr, ...],
// literal. Constant sub-expressions are folded. Errors: 168 unknown operator, 15983 two operators,
// 16020 arity ...
StatusOr<ExpressionPtr> ParseExpression(ValueView v, ParseContext* ctx);
// For an object that must be {$op: operand} with a known operator.
StatusOr<ExpressionPtr> ParseOperator(DocView object, ParseContext* ctx);
bool IsExpressionOperator(std::string_view name);

// One row of a family's table.
struct ExpressionRow {
  std::string_view name;  // "$add"
  StatusOr<ExpressionPtr> (*parse)(std::string_view name, ValueView operand, ParseContext* ctx);
};

}  // namespace septet::query
