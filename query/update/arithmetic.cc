// SPDX-License-Identifier: Apache-2.0
// $inc, $mul, $min, $max, $bit. A missing field becomes the argument ($inc, $min, $max), zero of
// its type
// ($mul), or the operation on 0 ($bit). Integers widen, a result beyond int64 is an error. Errors:
// TypeMismatch for operands that are no numbers, BadValue. Proved by recorded_update_test (S03-041,
// S03-042, S03-050).
#include <span>

#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/update/parser.h"

namespace septet::query {
namespace {

using bson::Type;

std::string Braced(bson::ElementView element) {
  return StrCat("{", element.name(), ": ", bson::ToShellText(element.value()), "}");
}

std::string_view NumberName(Type type) {
  switch (type) {
    case Type::kInt32:
      return "NumberInt";
    case Type::kInt64:
      return "NumberLong";
    case Type::kDouble:
      return "NumberDouble";
    default:
      return "NumberDecimal";
  }
}

std::string NumberText(ValueView v) {
  const auto exact =
      v.type() == Type::kInt32 || v.type() == Type::kInt64 ? bson::ExactInt64(v) : std::nullopt;
  return StrCat("(", NumberName(v.type()), ")",
                exact ? std::to_string(*exact) : bson::ToShellText(v));
}

class ArithmeticLeaf : public UpdateLeaf {
 public:
  ArithmeticLeaf(bool multiply, ValueView argument)
      : UpdateLeaf(Blocked::kCannotCreate), multiply_(multiply), argument_(argument) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    const ValueView current = frame.current;
    if (!current.is_number()) {
      return Error(ErrorCode::kTypeMismatch,
                   StrCat("Cannot apply ", name(), " to a value of non-numeric type. {",
                          run->IdText(), "} has the field '", frame.name, "' of non-numeric type ",
                          bson::TypeName(current.type())));
    }
    StatusOr<ValueView> result = Combine(current, run->arena);
    if (!result.ok()) {
      return Error(ErrorCode::kBadValue,
                   StrCat("Failed to apply ", name(), " operations to current value (",
                          NumberText(current), ") for document {", run->IdText(), "}"));
    }
    if (!bson::Identical(current, *result)) {
      edit->kind = Edit::Kind::kSet;
      edit->value = *result;
    }
    return OkStatus();
  }
  Status Create(UpdateRun* run, const PathFrame&, Edit* edit) const override {
    edit->kind = Edit::Kind::kSet;
    edit->value = argument_;
    if (multiply_) {
      ASSIGN_OR_RETURN(edit->value, Combine(run->arena->Int32(0), run->arena));
    }
    return OkStatus();
  }

 private:
  std::string_view name() const { return multiply_ ? "$mul" : "$inc"; }
  StatusOr<ValueView> Combine(ValueView current, bson::Arena* arena) const {
    return multiply_ ? bson::Multiply(current, argument_, bson::Overflow::kFail, arena)
                     : bson::Add(current, argument_, bson::Overflow::kFail, arena);
  }

  bool multiply_;
  ValueView argument_;
};

class ExtremeLeaf : public UpdateLeaf {
 public:
  ExtremeLeaf(bool max, ValueView argument, const bson::StringComparator* collator)
      : UpdateLeaf(Blocked::kCannotCreate), max_(max), argument_(argument), collator_(collator) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    const int order = bson::Compare(argument_, frame.current, collator_);
    if (max_ ? order > 0 : order < 0) {
      return Create(run, frame, edit);
    }
    return OkStatus();
  }
  Status Create(UpdateRun*, const PathFrame&, Edit* edit) const override {
    edit->kind = Edit::Kind::kSet;
    edit->value = argument_;
    return OkStatus();
  }

 private:
  bool max_;
  ValueView argument_;
  const bson::StringComparator* collator_;
};

struct BitOperation {
  enum class Kind { kAnd, kOr, kXor } kind;
  ValueView argument;
};

class BitLeaf : public UpdateLeaf {
 public:
  explicit BitLeaf(std::vector<BitOperation> operations)
      : UpdateLeaf(Blocked::kCannotCreate), operations_(std::move(operations)) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    const ValueView current = frame.current;
    if (current.type() != Type::kInt32 && current.type() != Type::kInt64) {
      return Error(ErrorCode::kBadValue,
                   StrCat("Cannot apply $bit to a value of non-integral type.", run->IdText(),
                          " has the field ", frame.name, " of non-integer type ",
                          bson::TypeName(current.type())));
    }
    const ValueView result = Combine(current, run->arena);
    if (!bson::Identical(current, result)) {
      edit->kind = Edit::Kind::kSet;
      edit->value = result;
    }
    return OkStatus();
  }
  Status Create(UpdateRun* run, const PathFrame&, Edit* edit) const override {
    edit->kind = Edit::Kind::kSet;
    edit->value = Combine(run->arena->Int32(0), run->arena);
    return OkStatus();
  }

 private:
  ValueView Combine(ValueView start, bson::Arena* arena) const {
    bool wide = start.type() == Type::kInt64;
    int64_t v = bson::ToInt64Clamped(start);
    for (const BitOperation& op : operations_) {
      wide = wide || op.argument.type() == Type::kInt64;
      const int64_t argument = bson::ToInt64Clamped(op.argument);
      switch (op.kind) {
        case BitOperation::Kind::kAnd:
          v &= argument;
          break;
        case BitOperation::Kind::kOr:
          v |= argument;
          break;
        case BitOperation::Kind::kXor:
          v ^= argument;
          break;
      }
    }
    return wide ? arena->Int64(v) : arena->Int32(static_cast<int32_t>(v));
  }

  std::vector<BitOperation> operations_;
};

Status ParseNumeric(bson::ElementView element, bool multiply, UpdateParser* parser) {
  if (!element.value().is_number()) {
    return Error(ErrorCode::kTypeMismatch, StrCat("Cannot ", multiply ? "multiply" : "increment",
                                                  " with non-numeric argument: ", Braced(element)));
  }
  return parser->AddLeaf(element.name(),
                         std::make_unique<ArithmeticLeaf>(multiply, element.value()));
}

Status ParseInc(bson::ElementView element, UpdateParser* parser) {
  return ParseNumeric(element, false, parser);
}
Status ParseMul(bson::ElementView element, UpdateParser* parser) {
  return ParseNumeric(element, true, parser);
}
Status ParseMin(bson::ElementView element, UpdateParser* parser) {
  return parser->AddLeaf(element.name(),
                         std::make_unique<ExtremeLeaf>(false, element.value(), parser->collator()));
}
Status ParseMax(bson::ElementView element, UpdateParser* parser) {
  return parser->AddLeaf(element.name(),
                         std::make_unique<ExtremeLeaf>(true, element.value(), parser->collator()));
}

Status ParseBit(bson::ElementView element, UpdateParser* parser) {
  if (!element.value().is_object()) {
    return Error(ErrorCode::kBadValue,
                 StrCat("The $bit modifier is not compatible with a ",
                        bson::TypeName(element.value().type()),
                        ". You must pass in an embedded document: {$bit: {field: {and/or/xor: "
                        "#}}"));
  }
  std::vector<BitOperation> operations;
  for (const bson::ElementView e : element.value().AsDoc()) {
    if (e.name() != "and" && e.name() != "or" && e.name() != "xor") {
      return Error(ErrorCode::kBadValue,
                   StrCat("The $bit modifier only supports 'and', 'or', and 'xor', not '", e.name(),
                          "' which is an unknown operator: ", Braced(e)));
    }
    if (e.type() != Type::kInt32 && e.type() != Type::kInt64) {
      return Error(ErrorCode::kBadValue,
                   StrCat("The $bit modifier field must be an Integer(32/64 bit); a '",
                          bson::TypeName(e.type()), "' is not supported here: ", Braced(e)));
    }
    operations.push_back({e.name() == "and"  ? BitOperation::Kind::kAnd
                          : e.name() == "or" ? BitOperation::Kind::kOr
                                             : BitOperation::Kind::kXor,
                          e.value()});
  }
  if (operations.empty()) {
    return Error(ErrorCode::kBadValue,
                 "You must pass in at least one bitwise operation. The format is: {$bit: {field: "
                 "{and/or/xor: #}}");
  }
  return parser->AddLeaf(element.name(), std::make_unique<BitLeaf>(std::move(operations)));
}

constexpr UpdateOperatorRow kRows[] = {
    {"$bit", ParseBit}, {"$inc", ParseInc}, {"$max", ParseMax},
    {"$min", ParseMin}, {"$mul", ParseMul},
};

}  // namespace

std::span<const UpdateOperatorRow> ArithmeticUpdates() {
  return kRows;
}

}  // namespace septet::query
