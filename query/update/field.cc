// SPDX-License-Identifier: Apache-2.0
// $set, $setOnInsert, $unset, $currentDate, $rename. An unset element of an array becomes null.
// $rename is two leaves: the destination reads the source, the source goes away; neither may be
// inside an array. Errors: BadValue, PathNotViable, EmptyFieldName. Proved by recorded_update_test
// (S03-040, S03-043, S03-044).
#include <span>

#include "bson/compare.h"
#include "bson/ejson.h"

#include "base/strings.h"
#include "query/update/forms.h"

namespace septet::query {
namespace {

using bson::Type;

void SetTo(ValueView v, Edit* edit) {
  edit->kind = Edit::Kind::kSet;
  edit->value = v;
}

// Sets unless the value is already the same, bytes and type.
void SetIfDifferent(const PathFrame& frame, ValueView v, Edit* edit) {
  if (!bson::Identical(frame.current, v)) {
    SetTo(v, edit);
  }
}

class SetLeaf : public UpdateLeaf {
 public:
  SetLeaf(ValueView value, bool on_insert)
      : UpdateLeaf(Blocked::kCannotCreate), value_(value), on_insert_(on_insert) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    if (!on_insert_ || run->is_insert) {
      SetIfDifferent(frame, value_, edit);
    }
    return OkStatus();
  }
  Status Create(UpdateRun* run, const PathFrame&, Edit* edit) const override {
    if (!on_insert_ || run->is_insert) {
      SetTo(value_, edit);
    }
    return OkStatus();
  }

 private:
  ValueView value_;
  bool on_insert_;
};

class UnsetLeaf : public UpdateLeaf {
 public:
  UnsetLeaf() : UpdateLeaf(Blocked::kIgnore) {}

 protected:
  Status Change(UpdateRun*, const PathFrame& frame, Edit* edit) const override {
    if (frame.in_array) {
      SetIfDifferent(frame, ValueView(Type::kNull, ""), edit);
    } else {
      edit->kind = Edit::Kind::kRemove;
    }
    return OkStatus();
  }
  Status Create(UpdateRun*, const PathFrame&, Edit*) const override { return OkStatus(); }
};

class CurrentDateLeaf : public UpdateLeaf {
 public:
  explicit CurrentDateLeaf(bool timestamp)
      : UpdateLeaf(Blocked::kCannotCreate), timestamp_(timestamp) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    return Create(run, frame, edit);
  }
  Status Create(UpdateRun* run, const PathFrame&, Edit* edit) const override {
    SetTo(timestamp_ ? run->arena->Time(run->ctx->cluster_time)
                     : run->arena->Date(run->ctx->now_millis),
          edit);
    return OkStatus();
  }

 private:
  bool timestamp_;
};

// The source of $rename: goes away.
class RenamedAwayLeaf : public UpdateLeaf {
 public:
  RenamedAwayLeaf() : UpdateLeaf(Blocked::kIgnore) {}

 protected:
  Status Change(UpdateRun*, const PathFrame&, Edit* edit) const override {
    edit->kind = Edit::Kind::kRemove;
    return OkStatus();
  }
  Status Create(UpdateRun*, const PathFrame&, Edit*) const override { return OkStatus(); }
};

// The destination of $rename.
class RenameLeaf : public UpdateLeaf {
 public:
  explicit RenameLeaf(std::string_view source)
      : UpdateLeaf(Blocked::kCannotCreate), source_(source) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    ASSIGN_OR_RETURN(const ValueView v, Source(*run));
    if (v.missing()) {
      return OkStatus();
    }
    RETURN_IF_ERROR(CheckDestination(*run, frame));
    SetIfDifferent(frame, v, edit);
    return OkStatus();
  }
  Status Create(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    ASSIGN_OR_RETURN(const ValueView v, Source(*run));
    if (v.missing()) {
      return OkStatus();
    }
    RETURN_IF_ERROR(CheckDestination(*run, frame));
    SetTo(v, edit);
    return OkStatus();
  }
  Status OnBlocked(const UpdateRun& run, bool* ignore) const override {
    ASSIGN_OR_RETURN(const ValueView v, Source(run));
    *ignore = v.missing();
    return OkStatus();
  }

 private:
  static Status InArray(const UpdateRun& run, std::string_view what, std::string_view path,
                        std::string_view array) {
    return Error(ErrorCode::kBadValue, StrCat("The ", what, " field cannot be an array element, '",
                                              path, "' in doc with ", run.IdText(),
                                              " has an array field called '", array, "'"));
  }
  // The value before the update; missing if there is none.
  StatusOr<ValueView> Source(const UpdateRun& run) const {
    ValueView v(Type::kObject, run.doc.data());
    for (size_t i = 0; i < source_.size(); ++i) {
      if (v.is_array()) {
        return InArray(run, "source", source_.text(), source_.part(i - 1));
      }
      if (!v.is_object()) {
        return Error(ErrorCode::kPathNotViable,
                     StrCat("cannot use the part (", source_.part(i - 1), " of ", source_.text(),
                            ") to traverse the element ({", source_.part(i - 1), ": ",
                            bson::ToShellText(v), "})"));
      }
      v = v.AsDoc().Find(source_.part(i));
      if (v.missing()) {
        return v;
      }
    }
    return v;
  }
  static Status CheckDestination(const UpdateRun& run, const PathFrame& frame) {
    for (const PathFrame* f = &frame; f != nullptr; f = f->parent) {
      if (f->in_array) {
        return InArray(run, "destination", frame.Text(), f->parent->name);
      }
    }
    return OkStatus();
  }

  bson::FieldPath source_;
};

Status ParseSet(bson::ElementView element, UpdateParser* parser) {
  return parser->AddLeaf(element.name(), std::make_unique<SetLeaf>(element.value(), false));
}

Status ParseSetOnInsert(bson::ElementView element, UpdateParser* parser) {
  return parser->AddLeaf(element.name(), std::make_unique<SetLeaf>(element.value(), true));
}

Status ParseUnset(bson::ElementView element, UpdateParser* parser) {
  return parser->AddLeaf(element.name(), std::make_unique<UnsetLeaf>());
}

Status ParseCurrentDate(bson::ElementView element, UpdateParser* parser) {
  const ValueView v = element.value();
  if (v.type() == Type::kBool) {
    return parser->AddLeaf(element.name(), std::make_unique<CurrentDateLeaf>(false));
  }
  if (!v.is_object()) {
    return Error(ErrorCode::kBadValue,
                 StrCat(bson::TypeName(v.type()),
                        " is not valid type for $currentDate. Please use a boolean ('true') or a "
                        "$type expression ({$type: 'timestamp/date'})."));
  }
  ValueView type;
  for (const bson::ElementView option : v.AsDoc()) {
    if (option.name() != "$type") {
      return Error(ErrorCode::kBadValue,
                   StrCat("Unrecognized $currentDate option: ", option.name()));
    }
    type = option.value();
  }
  if (!type.is_string() || (type.AsString() != "date" && type.AsString() != "timestamp")) {
    return Error(ErrorCode::kBadValue,
                 "The '$type' string field is required to be 'date' or 'timestamp': "
                 "{$currentDate: {field : {$type: 'date'}}}");
  }
  return parser->AddLeaf(element.name(),
                         std::make_unique<CurrentDateLeaf>(type.AsString() == "timestamp"));
}

Status ParseRename(bson::ElementView element, UpdateParser* parser) {
  const std::string_view from = element.name();
  if (!element.value().is_string()) {
    return Error(ErrorCode::kBadValue, StrCat("The 'to' field for $rename must be a string: ", from,
                                              ": ", bson::ToShellText(element.value())));
  }
  const std::string_view to = element.value().AsString();
  if (to.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::kBadValue,
                 "The 'to' field for $rename cannot contain an embedded null byte");
  }
  if (from == to) {
    return Error(
        ErrorCode::kBadValue,
        StrCat("The source and target field for $rename must differ: ", from, ": \"", to, "\""));
  }
  const auto nested = [](std::string_view outer, std::string_view inner) {
    return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '.';
  };
  if (nested(from, to) || nested(to, from)) {
    return Error(ErrorCode::kBadValue,
                 StrCat("The source and target field for $rename must not be on the same path: ",
                        from, ": \"", to, "\""));
  }
  if (UpdateParser::IsDynamic(from)) {
    return Error(ErrorCode::kBadValue,
                 StrCat("The source field for $rename may not be dynamic: ", from));
  }
  if (UpdateParser::IsDynamic(to)) {
    return Error(ErrorCode::kBadValue,
                 StrCat("The destination field for $rename may not be dynamic: ", to));
  }
  RETURN_IF_ERROR(parser->AddLeaf(to, std::make_unique<RenameLeaf>(from)));
  return parser->AddLeaf(from, std::make_unique<RenamedAwayLeaf>());
}

constexpr UpdateOperatorRow kRows[] = {
    {"$currentDate", ParseCurrentDate}, {"$rename", ParseRename}, {"$set", ParseSet},
    {"$setOnInsert", ParseSetOnInsert}, {"$unset", ParseUnset},
};

}  // namespace

std::unique_ptr<UpdateLeaf> MakeSetLeaf(ValueView v) {
  return std::make_unique<SetLeaf>(v, false);
}

std::span<const UpdateOperatorRow> FieldUpdates() {
  return kRows;
}

}  // namespace septet::query
