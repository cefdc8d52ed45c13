// SPDX-License-Identifier: Apache-2.0
#include "commands/write_concern.h"

#include "base/limits.h"
#include "base/strings.h"
#include "bson/number.h"

namespace septet::commands {
namespace {

using bson::ValueView;
using Kind = repl::WriteConcern::Kind;
using Journal = repl::WriteConcern::Journal;

Status ParseW(ValueView v, WriteConcern* wc) {
  if (v.is_number()) {
    const int64_t w = bson::ToInt64Clamped(v);
    if (w < 0 || w > limits::kMaxMembers) {
      return Error(ErrorCode::kFailedToParse,
                   "w has to be a non-negative number and not greater than 50");
    }
    wc->concern.kind = Kind::kNumber;
    wc->concern.w = static_cast<int>(w);
    return OkStatus();
  }
  if (v.is_string() && v.AsString() == "majority") {
    wc->concern.kind = Kind::kMajority;
    return OkStatus();
  }
  if (v.is_string()) {
    wc->concern.kind = Kind::kMode;
    wc->concern.mode = v.AsString();
    return OkStatus();
  }
  return Error(ErrorCode::kFailedToParse, "w has to be a number or a string");
}

Status ParseProvenance(ValueView v, WriteConcern* wc) {
  const std::string_view name = v.is_string() ? v.AsString() : std::string_view();
  for (const auto p :
       {WriteConcern::Provenance::kClientSupplied, WriteConcern::Provenance::kImplicitDefault,
        WriteConcern::Provenance::kCustomDefault, WriteConcern::Provenance::kInternal}) {
    if (name == NameOf(p)) {
      wc->provenance = p;
      return OkStatus();
    }
  }
  return Error(ErrorCode::kBadValue,
               StrCat("Enumeration value '", name, "' for field 'provenance' is not a valid value."));
}

Status ParseFlag(std::string_view name, ValueView v, bool* out) {
  if (!v.is_number() && v.type() != bson::Type::kBool) {
    return Error(ErrorCode::kFailedToParse, StrCat(name, " must be numeric or a boolean value"));
  }
  *out = v.Truthy();
  return OkStatus();
}

}  // namespace

std::string_view NameOf(WriteConcern::Provenance provenance) {
  switch (provenance) {
    case WriteConcern::Provenance::kClientSupplied: return "clientSupplied";
    case WriteConcern::Provenance::kImplicitDefault: return "implicitDefault";
    case WriteConcern::Provenance::kCustomDefault: return "customDefault";
    case WriteConcern::Provenance::kInternal: return "internalWriteDefault";
  }
  return "";
}

StatusOr<WriteConcern> ParseWriteConcernFields(bson::DocView doc) {
  WriteConcern wc;
  wc.provenance = WriteConcern::Provenance::kClientSupplied;
  wc.concern.kind = Kind::kNumber;  // a document without w asks for w: 1
  bool fsync = false;
  for (const bson::ElementView& e : doc) {
    const std::string_view name = e.name();
    const ValueView v = e.value();
    if (name == "w") {
      RETURN_IF_ERROR(ParseW(v, &wc));
    } else if (name == "j") {
      bool j = false;
      RETURN_IF_ERROR(ParseFlag(name, v, &j));
      wc.concern.journal = j ? Journal::kYes : Journal::kNo;
    } else if (name == "fsync") {
      RETURN_IF_ERROR(ParseFlag(name, v, &fsync));
    } else if (name == "wtimeout") {
      wc.wtimeout_millis = v.is_number() ? std::max<int64_t>(0, bson::ToInt64Clamped(v)) : 0;
    } else if (name == "provenance") {
      RETURN_IF_ERROR(ParseProvenance(v, &wc));
    } else if (name != "wElectionId" && name != "wOpTime" && name != "getLastError") {
      return Error(ErrorCode::kFailedToParse, StrCat("unrecognized write concern field: ", name));
    }
  }
  if (fsync) {
    if (wc.concern.journal == Journal::kYes) {
      return Error(ErrorCode::kFailedToParse, "fsync and j options cannot be used together");
    }
    wc.concern.journal = Journal::kYes;
  }
  return wc;
}

StatusOr<WriteConcern> ParseWriteConcern(ValueView v) {
  if (!v.is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("\"writeConcern\" had the wrong type. Expected object, found ",
                        bson::TypeName(v.type())));
  }
  return ParseWriteConcernFields(v.AsDoc());
}

void AppendWriteConcern(std::string_view name, const WriteConcern& wc, bool with_provenance,
                        bson::DocBuilder* out) {
  const auto scope = out->Object(name);
  switch (wc.concern.kind) {
    case Kind::kNumber: out->Append("w", wc.concern.w); break;
    case Kind::kMajority: out->Append("w", "majority"); break;
    case Kind::kMode: out->Append("w", wc.concern.mode); break;
  }
  if (wc.concern.journal != Journal::kUnset) {
    out->Append("j", wc.concern.journal == Journal::kYes);
  }
  out->Append("wtimeout", wc.wtimeout_millis <= INT32_MAX
                              ? static_cast<int32_t>(wc.wtimeout_millis)
                              : INT32_MAX);
  if (with_provenance) {
    out->Append("provenance", NameOf(wc.provenance));
  }
}

}  // namespace septet::commands
