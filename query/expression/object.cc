// SPDX-License-Identifier: Apache-2.0
// $arrayToObject $bsonSize $binarySize $getField $mergeObjects $objectToArray $setField
// $unsetField. Source: manual, "Object expression operators", "Data size operators".
#include <memory>
#include <vector>

#include "base/strings.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::Type;
using bson::TypeName;

namespace {

// Fields in order; a later value of a name takes the place of the first.
class FieldList {
 public:
  void Put(std::string_view name, ValueView v) {
    for (auto& [have, value] : fields_) {
      if (have == name) {
        value = v;
        return;
      }
    }
    fields_.emplace_back(name, v);
  }
  void PutAll(DocView doc) {
    for (const bson::ElementView e : doc) {
      Put(e.name(), e.value());
    }
  }
  ValueView ToObject(EvalContext* ctx) const {
    ObjectWriter out(ctx);
    for (const auto& [name, value] : fields_) {
      out.Add(name, value);
    }
    return out.Finish();
  }

 private:
  std::vector<std::pair<std::string_view, ValueView>> fields_;
};

Status Merge(ValueView v, FieldList* fields) {
  if (v.nullish()) {
    return OkStatus();
  }
  if (!v.is_object()) {
    return Error(40400, StrCat("$mergeObjects requires object inputs, but input ", ValueText(v),
                               " is of type ", TypeName(v.type())));
  }
  fields->PutAll(v.AsDoc());
  return OkStatus();
}

StatusOr<ValueView> MergeObjects(const Call& call) {
  FieldList fields;
  if (call.size() == 1 && call[0].is_array()) {
    for (const bson::ElementView e : call[0].AsArray()) {
      RETURN_IF_ERROR(Merge(e.value(), &fields));
    }
  } else {
    for (const ValueView v : call.args) {
      RETURN_IF_ERROR(Merge(v, &fields));
    }
  }
  return fields.ToObject(call.ctx);
}

StatusOr<ValueView> ObjectToArray(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  if (!call[0].is_object()) {
    return Error(40390, StrCat("$objectToArray requires a document input, found: ",
                               TypeName(call[0].type())));
  }
  ArrayWriter out(call.ctx);
  for (const bson::ElementView e : call[0].AsDoc()) {
    ObjectWriter pair(call.ctx);
    pair.Add("k", call.String(e.name()));
    pair.Add("v", e.value());
    out.Add(pair.Finish());
  }
  return out.Finish();
}

Status AddPair(DocView pair, FieldList* fields) {
  const int size = pair.CountFields();
  if (size != 2) {
    return Error(40397, StrCat("$arrayToObject requires an array of size 2 arrays,found array of "
                               "size: ",
                               size));
  }
  auto at = pair.begin();
  const ValueView key = at->value();
  if (!key.is_string()) {
    return Error(40395, StrCat("$arrayToObject requires an array of key-value pairs, where the key "
                               "must be of type string. Found key type: ",
                               TypeName(key.type())));
  }
  ++at;
  if (key.AsString().find('\0') != std::string_view::npos) {
    return Error(4940400, "Key field cannot contain an embedded null byte");
  }
  fields->Put(key.AsString(), at->value());
  return OkStatus();
}

Status AddKeyValue(DocView object, FieldList* fields) {
  const int size = object.CountFields();
  if (size != 2) {
    return Error(40392, StrCat("$arrayToObject requires an object keys of 'k' and 'v'. Found "
                               "incorrect number of keys:",
                               size));
  }
  const ValueView key = object.Find("k");
  const ValueView value = object.Find("v");
  if (key.missing() || value.missing()) {
    return Error(40393, StrCat("$arrayToObject requires an object with keys 'k' and 'v'. Missing "
                               "either or both keys from: ",
                               ValueText({Type::kObject, object.data()})));
  }
  if (!key.is_string()) {
    return Error(40394, StrCat("$arrayToObject requires an object with keys 'k' and 'v', where the "
                               "value of 'k' must be of type string. Found type: ",
                               TypeName(key.type())));
  }
  if (key.AsString().find('\0') != std::string_view::npos) {
    return Error(4940401, "Key field cannot contain an embedded null byte");
  }
  fields->Put(key.AsString(), value);
  return OkStatus();
}

StatusOr<ValueView> ArrayToObject(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  if (!call[0].is_array()) {
    return Error(
        40386, StrCat("$arrayToObject requires an array input, found: ", TypeName(call[0].type())));
  }
  FieldList fields;
  Type first = Type::kMissing;
  for (const bson::ElementView e : call[0].AsArray()) {
    if (first == Type::kMissing) {
      first = e.type();
      if (first != Type::kArray && first != Type::kObject) {
        return Error(
            40398, StrCat("Unrecognised input type format for $arrayToObject: ", TypeName(first)));
      }
    } else if (e.type() != first) {
      const bool arrays = first == Type::kArray;
      return Error(
          arrays ? 40396 : 40391,
          StrCat("$arrayToObject requires a consistent input format. Elements mustall be "
                 "arrays or all be objects. ",
                 arrays ? "Array" : "Object", " was detected, now found: ", TypeName(e.type())));
    }
    RETURN_IF_ERROR(first == Type::kArray ? AddPair(e.value().AsArray(), &fields)
                                          : AddKeyValue(e.value().AsDoc(), &fields));
  }
  return fields.ToObject(call.ctx);
}

StatusOr<ValueView> BsonSize(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  if (!call[0].is_object()) {
    return Error(31393,
                 StrCat("$bsonSize requires a document input, found: ", TypeName(call[0].type())));
  }
  return call.Int32(call[0].AsDoc().size_bytes());
}

StatusOr<ValueView> BinarySize(const Call& call) {
  const ValueView v = call[0];
  if (v.nullish()) {
    return NullValue();
  }
  if (v.is_string()) {
    return call.Int32(static_cast<int32_t>(v.AsString().size()));
  }
  if (v.type() == Type::kBinData) {
    return call.Int32(static_cast<int32_t>(v.AsBinData().bytes.size()));
  }
  return Error(51276, StrCat("$binarySize requires a string or BinData argument, found: ",
                             TypeName(v.type())));
}

// ---- $getField, $setField, $unsetField ----

StatusOr<ValueView> GetField(const Call& call) {
  const ValueView name = call[0];
  const ValueView input = call[1];
  if (!name.is_string()) {
    return Error(3041704, StrCat("$getField requires 'field' to evaluate to type String, but got ",
                                 TypeName(name.type())));
  }
  if (input.nullish()) {
    return input.missing() ? ValueView() : NullValue();
  }
  return input.is_object() ? input.AsDoc().Find(name.AsString()) : ValueView();
}

constexpr std::string_view kGetFieldNames[] = {"field", "input"};

// The field's name must be a constant: "$a.b" and the like are not taken for paths by a server.
StatusOr<ExpressionPtr> ParseFieldName(std::string_view name, ValueView v, int path_code,
                                       int not_constant_code, int not_string_code,
                                       ParseContext* ctx) {
  if (v.is_string() && v.AsString().starts_with('$')) {
    return Error(path_code,
                 StrCat("A field path reference which is not allowed in this context. Did "
                        "you mean {$literal: '",
                        v.AsString(), "'}?"));
  }
  ASSIGN_OR_RETURN(ExpressionPtr field, ParseExpression(v, ctx));
  const ValueView constant = field->Constant();
  if (constant.missing()) {
    return Error(not_constant_code, StrCat(name,
                                           " requires 'field' to evaluate to a constant, but got a "
                                           "non-constant argument"));
  }
  if (!constant.is_string()) {
    return Error(not_string_code,
                 StrCat(name, " requires 'field' to evaluate to type String, but got ",
                        TypeName(constant.type())));
  }
  return field;
}

StatusOr<ExpressionPtr> RootPath(ParseContext* ctx) {
  constexpr std::string_view kCurrent = "$$CURRENT";
  return ParseExpression(bson::Value::String(kCurrent).view(), ctx);
}

StatusOr<ExpressionPtr> ParseGetField(std::string_view name, ValueView operand, ParseContext* ctx) {
  ValueView field = operand;
  ValueView input;
  if (operand.is_object() && !operand.AsDoc().empty() &&
      !operand.AsDoc().FirstElement().name().starts_with('$')) {
    field = {};
    for (const bson::ElementView e : operand.AsDoc()) {
      if (e.name() == "field") {
        field = e.value();
      } else if (e.name() == "input") {
        input = e.value();
      } else {
        return Error(3041701, StrCat("$getField found an unknown argument: ", e.name()));
      }
    }
    if (input.missing()) {
      return Error(3041703, "$getField requires 'input' to be specified");
    }
    if (field.missing()) {
      return Error(3041702, "$getField requires 'field' to be specified");
    }
  }
  std::vector<ExpressionPtr> operands(2);
  ASSIGN_OR_RETURN(operands[0], ParseFieldName(name, field, 5654600, 5654601, 5654602, ctx));
  ASSIGN_OR_RETURN(operands[1], input.missing() ? RootPath(ctx) : ParseExpression(input, ctx));
  return FinishEager(GetField, name, kGetFieldNames, std::move(operands), ctx);
}

StatusOr<ValueView> SetField(const Call& call) {
  const ValueView input = call[1];
  if (input.nullish()) {
    return NullValue();
  }
  if (!input.is_object()) {
    return Error(4161105, StrCat(call.name, " requires 'input' to evaluate to type Object"));
  }
  const std::string_view name = call[0].AsString();
  const ValueView value = call.size() > 2 ? call[2] : ValueView();
  ObjectWriter out(call.ctx);
  bool done = value.missing();
  for (const bson::ElementView e : input.AsDoc()) {
    if (e.name() != name) {
      out.Add(e.name(), e.value());
    } else if (!value.missing()) {
      out.Add(name, value);
      done = true;
    }
  }
  if (!done) {
    out.Add(name, value);
  }
  return out.Finish();
}

constexpr std::string_view kSetFieldNames[] = {"field", "input", "value"};

template <size_t kCount>
StatusOr<ExpressionPtr> ParseSetField(std::string_view name, ValueView operand, ParseContext* ctx) {
  constexpr std::span<const std::string_view> kNames(kSetFieldNames, kCount);
  if (!operand.is_object()) {
    return Error(4161100, StrCat(name, " only supports an object as its argument"));
  }
  std::vector<ExpressionPtr> operands(kCount);
  for (const bson::ElementView e : operand.AsDoc()) {
    size_t at = 0;
    while (at < kCount && kNames[at] != e.name()) {
      ++at;
    }
    if (at == kCount) {
      return Error(4161101, StrCat(name, " found an unknown argument: ", e.name()));
    }
    ASSIGN_OR_RETURN(operands[at],
                     at == 0 ? ParseFieldName(name, e.value(), 4161108, 4161106, 4161107, ctx)
                             : ParseExpression(e.value(), ctx));
  }
  constexpr int kMissing[] = {4161102, 4161109, 4161103};
  for (const size_t at : {size_t{0}, kCount - 1, size_t{1}}) {
    if (operands[at] == nullptr) {
      return Error(kMissing[at], StrCat(name, " requires '", kNames[at], "' to be specified"));
    }
  }
  return FinishEager(SetField, name, kNames, std::move(operands), ctx);
}

constexpr ExpressionRow kRows[] = {
    {"$arrayToObject", ParsePositional<ArrayToObject, 1>},
    {"$binarySize", ParsePositional<BinarySize, 1>},
    {"$bsonSize", ParsePositional<BsonSize, 1>},
    {"$getField", ParseGetField},
    {"$mergeObjects", ParsePositional<MergeObjects, 0, -1>},
    {"$objectToArray", ParsePositional<ObjectToArray, 1>},
    {"$setField", ParseSetField<3>},
    {"$unsetField", ParseSetField<2>},
};

}  // namespace

std::span<const ExpressionRow> ObjectExpressions() {
  return kRows;
}

}  // namespace septet::query
