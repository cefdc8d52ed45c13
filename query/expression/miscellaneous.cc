// SPDX-License-Identifier: Apache-2.0
// $meta: <what>; $rand: {}; $toHashedIndexKey; $tsIncrement $tsSecond.
// Source: manual, "$meta", "$rand", "Timestamp expression operators".
#include <memory>

#include "base/strings.h"
#include "index/spec.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::Type;
using bson::TypeName;

namespace {

class RandExpression final : public Expression {
 public:
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    if (ctx->random == nullptr) {
      return Error(ErrorCode::kInternalError, "no random numbers here");
    }
    return ctx->arena->Double(ctx->random->NextDouble());
  }
  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    auto outer = out->Object(name);
    auto inner = out->Object("$rand");
  }
  void Dependencies(std::vector<std::string>*, bool*) const override {}
};

StatusOr<ExpressionPtr> ParseRand(std::string_view, ValueView operand, ParseContext*) {
  if (!operand.is_object() && !operand.is_array()) {
    return Error(10065, "invalid parameter: expected an object ($rand)");
  }
  if (!operand.AsAnyDoc().empty()) {
    return Error(3040501, "$rand does not currently accept arguments");
  }
  return ExpressionPtr(std::make_unique<RandExpression>());
}

// ---- $meta ----

enum class Meta { kRecordId, kSortKey, kIndexKey, kTextScore, kOther };
struct MetaName {
  std::string_view name;
  Meta what;
  unsigned use = 0;
};
constexpr MetaName kMetaNames[] = {
    {"geoNearDistance", Meta::kOther, kMetaGeoNear}, {"geoNearPoint", Meta::kOther, kMetaGeoNear},
    {"indexKey", Meta::kIndexKey, kMetaIndexKey},         {"randVal", Meta::kOther},
    {"recordId", Meta::kRecordId},         {"searchHighlights", Meta::kOther},
    {"searchScore", Meta::kOther},         {"searchScoreDetails", Meta::kOther},
    {"searchSequenceToken", Meta::kOther}, {"sortKey", Meta::kSortKey, kMetaSortKey},
    {"textScore", Meta::kTextScore, kMetaTextScore},       {"vectorSearchScore", Meta::kOther},
};

class MetaExpression final : public Expression {
 public:
  explicit MetaExpression(const MetaName* name) : name_(name) {}
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    const RowMetadata* row = ctx->metadata;
    if (row == nullptr) {
      return ValueView();
    }
    switch (name_->what) {
      case Meta::kRecordId:
        return ctx->arena->Int64(row->record_id);
      case Meta::kSortKey:
        return row->sort_key;
      case Meta::kIndexKey:
        return row->index_key;
      case Meta::kTextScore:
        return row->has_text_score ? ctx->arena->Double(row->text_score) : ValueView();
      case Meta::kOther:
        break;
    }
    return ValueView();
  }
  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    auto outer = out->Object(name);
    out->Append("$meta", name_->name);
  }
  void Dependencies(std::vector<std::string>*, bool*) const override {}

 private:
  const MetaName* const name_;
};

StatusOr<ExpressionPtr> ParseMeta(std::string_view, ValueView operand, ParseContext* ctx) {
  if (!operand.is_string()) {
    return Error(17307, "$meta only supports string arguments");
  }
  for (const MetaName& name : kMetaNames) {
    if (name.name == operand.AsString()) {
      ctx->NoteMeta(name.use);
      return ExpressionPtr(std::make_unique<MetaExpression>(&name));
    }
  }
  return Error(17308, StrCat("Unsupported argument to $meta: ", operand.AsString()));
}

// ---- timestamps ----

template <bool kSecond>
StatusOr<ValueView> TimestampPart(const Call& call) {
  const ValueView v = call[0];
  if (v.nullish()) {
    return NullValue();
  }
  if (v.type() != Type::kTimestamp) {
    return Error(
        kSecond ? 5687301 : 5687302,
        StrCat(" Argument to ", call.name, " must be a timestamp, but is ", TypeName(v.type())));
  }
  return call.Int64(kSecond ? v.AsTimestamp().secs : v.AsTimestamp().inc);
}

StatusOr<ValueView> ToHashedIndexKey(const Call& call) {
  return call.Int64(index::HashedValue(call[0].missing() ? NullValue() : call[0]));
}

constexpr ExpressionRow kRows[] = {
    {"$meta", ParseMeta},
    {"$rand", ParseRand},
    {"$toHashedIndexKey", ParsePositional<ToHashedIndexKey, 1>},
    {"$tsIncrement", ParsePositional<TimestampPart<false>, 1>},
    {"$tsSecond", ParsePositional<TimestampPart<true>, 1>},
};

}  // namespace

std::span<const ExpressionRow> MiscellaneousExpressions() {
  return kRows;
}

}  // namespace septet::query
