// SPDX-License-Identifier: Apache-2.0
// $pull, $pullAll, $pop. $pull with an object of operators or a regex tests each element as a
// value, with another object as a filter on elements that are objects, else by equality. Errors:
// BadValue, TypeMismatch, PathNotViable, FailedToParse. Proved by recorded_update_test (S03-047 to
// S03-049, S05-085).
#include <algorithm>
#include <span>

#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/update/parser.h"
#include "query/update/splice.h"

namespace septet::query {
namespace {

using bson::Type;

// Leaves that take elements out of an array; nothing to do where there is none.
class RemovingLeaf : public UpdateLeaf {
 public:
  RemovingLeaf() : UpdateLeaf(Blocked::kCannotTraverse) {}

 protected:
  virtual StatusOr<bool> Removes(ValueView item, UpdateRun* run) const = 0;

  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    if (!frame.current.is_array()) {
      return Error(ErrorCode::kBadValue, "Cannot apply $pull to a non-array value");
    }
    ArenaArray kept(run->arena);
    int64_t size = 0;
    for (const bson::ElementView e : frame.current.AsArray()) {
      ASSIGN_OR_RETURN(const bool removes, Removes(e.value(), run));
      ++size;
      if (!removes) {
        kept.Add(e.value());
      }
    }
    if (kept.size() != size) {
      edit->kind = Edit::Kind::kSet;
      edit->value = kept.Keep();
    }
    return OkStatus();
  }
  Status Create(UpdateRun*, const PathFrame&, Edit*) const override { return OkStatus(); }
};

class PullEqualLeaf : public RemovingLeaf {
 public:
  PullEqualLeaf(std::vector<ValueView> values, const bson::StringComparator* collator)
      : values_(std::move(values)), collator_(collator) {}

 protected:
  StatusOr<bool> Removes(ValueView item, UpdateRun*) const override {
    return std::any_of(values_.begin(), values_.end(), [this, item](ValueView v) {
      return bson::CanonicalClass(v.type()) == bson::CanonicalClass(item.type()) &&
             bson::Equal(v, item, collator_);
    });
  }

 private:
  std::vector<ValueView> values_;
  const bson::StringComparator* collator_;
};

class PullMatchingLeaf : public RemovingLeaf {
 public:
  PullMatchingLeaf(std::unique_ptr<const Matcher> matcher, bool wrapped)
      : matcher_(std::move(matcher)), wrapped_(wrapped) {}

 protected:
  StatusOr<bool> Removes(ValueView item, UpdateRun* run) const override {
    if (!wrapped_) {
      return item.is_object() ? matcher_->Matches(item.AsDoc(), run->ctx) : StatusOr<bool>(false);
    }
    ArenaDoc doc(run->arena);
    doc.builder().Append("", item);
    return matcher_->Matches(doc.Keep(), run->ctx);
  }

 private:
  std::unique_ptr<const Matcher> matcher_;
  bool wrapped_;  // the filter is on {"": element}
};

class PopLeaf : public UpdateLeaf {
 public:
  explicit PopLeaf(bool first) : UpdateLeaf(Blocked::kCannotTraverse), first_(first) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    if (!frame.current.is_array()) {
      return Error(ErrorCode::kTypeMismatch,
                   StrCat("Path '", frame.Text(), "' contains an element of non-array type '",
                          bson::TypeName(frame.current.type()), "'"));
    }
    const DocView array = frame.current.AsArray();
    const int64_t size = array.CountFields();
    if (size == 0) {
      return OkStatus();
    }
    ArenaArray kept(run->arena);
    int64_t i = 0;
    for (const bson::ElementView e : array) {
      if (i != (first_ ? 0 : size - 1)) {
        kept.Add(e.value());
      }
      ++i;
    }
    edit->kind = Edit::Kind::kSet;
    edit->value = kept.Keep();
    if (!first_) {
      ArenaDoc diff(run->arena);
      diff.builder().Append("a", true);
      diff.builder().Append("l", static_cast<int32_t>(size - 1));
      edit->kind = Edit::Kind::kModify;
      edit->diff = diff.Keep();
    }
    return OkStatus();
  }
  Status Create(UpdateRun*, const PathFrame&, Edit*) const override { return OkStatus(); }

 private:
  bool first_;
};

// Does an object stand for operators on the element itself ({$gt: 1}), not for a filter on its
// fields?
bool IsValueFilter(DocView condition) {
  if (condition.empty()) {
    return false;
  }
  const std::string_view name = condition.FirstElement().name();
  static constexpr std::string_view kFilterOperators[] = {
      "$and",        "$or",  "$nor", "$expr", "$where",      "$text",        "$comment",
      "$jsonSchema", "$ref", "$id",  "$db",   "$alwaysTrue", "$alwaysFalse", "$sampleRate"};
  return name.starts_with('$') &&
         std::find(std::begin(kFilterOperators), std::end(kFilterOperators), name) ==
             std::end(kFilterOperators);
}

// Operators the match language knows, for the error a wrong one gives.
StatusOr<std::unique_ptr<const Matcher>> ParseCondition(DocView filter, UpdateParser* parser) {
  MatchOptions options;
  options.collator = parser->collator();
  options.variables = parser->options().variables;
  options.allow_text = false;
  options.allow_geo_near = false;
  options.allow_where = false;
  options.allow_expr = false;
  return Matcher::Parse(filter, options);
}

Status ParsePull(bson::ElementView element, UpdateParser* parser) {
  const ValueView v = element.value();
  const bool wrapped = v.type() == Type::kRegex || (v.is_object() && IsValueFilter(v.AsDoc()));
  if (!wrapped && !v.is_object()) {
    return parser->AddLeaf(element.name(), std::make_unique<PullEqualLeaf>(
                                               std::vector<ValueView>{v}, parser->collator()));
  }
  bson::DocBuilder wrapper;
  wrapper.Append("", v);
  const std::string filter = wrapped ? wrapper.Finish() : v.AsDoc().ToBytes();
  StatusOr<std::unique_ptr<const Matcher>> matcher = ParseCondition(DocView(filter), parser);
  if (!matcher.ok()) {
    // An unknown operator is looked for among those of filters.
    const std::string_view text = TextOf(matcher.status());
    constexpr std::string_view kUnknown = "unknown operator: ";
    if (wrapped && text.starts_with(kUnknown) && v.is_object() &&
        text.substr(kUnknown.size()) == v.AsDoc().FirstElement().name()) {
      return Error(ErrorCode::kBadValue,
                   StrCat("unknown top level operator: ", text.substr(kUnknown.size())));
    }
    return std::move(matcher).status();
  }
  return parser->AddLeaf(element.name(),
                         std::make_unique<PullMatchingLeaf>(*std::move(matcher), wrapped));
}

Status ParsePullAll(bson::ElementView element, UpdateParser* parser) {
  if (!element.value().is_array()) {
    return Error(ErrorCode::kBadValue,
                 StrCat("$pullAll requires an array argument but was given a ",
                        bson::TypeName(element.value().type())));
  }
  std::vector<ValueView> values;
  for (const bson::ElementView e : element.value().AsArray()) {
    values.push_back(e.value());
  }
  return parser->AddLeaf(element.name(),
                         std::make_unique<PullEqualLeaf>(std::move(values), parser->collator()));
}

Status ParsePop(bson::ElementView element, UpdateParser* parser) {
  const ValueView v = element.value();
  const auto text = [&] { return StrCat(element.name(), ": ", bson::ToShellText(v)); };
  if (!v.is_number()) {
    return Error(ErrorCode::kFailedToParse, StrCat("Expected a number in: ", text()));
  }
  const auto end = bson::ExactInt64(v);
  if (!end.has_value()) {
    return Error(ErrorCode::kFailedToParse, StrCat("Expected an integer: ", text()));
  }
  if (*end != 1 && *end != -1) {
    return Error(ErrorCode::kFailedToParse, StrCat("$pop expects 1 or -1, found: ", *end));
  }
  return parser->AddLeaf(element.name(), std::make_unique<PopLeaf>(*end == -1));
}

constexpr UpdateOperatorRow kRows[] = {
    {"$pop", ParsePop}, {"$pull", ParsePull}, {"$pullAll", ParsePullAll}};

}  // namespace

std::span<const UpdateOperatorRow> PullUpdates() {
  return kRows;
}

}  // namespace septet::query
