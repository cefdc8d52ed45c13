// SPDX-License-Identifier: Apache-2.0
// Reading a config document, strictly: what is not known is an error, as a typing mistake in a config
// must not pass silently.
#include <algorithm>

#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "election/config.h"

namespace septet::election {
namespace {

using bson::Type;
using bson::ValueView;

// Reads typed fields of one struct; the first error stays.
class FieldReader {
 public:
  explicit FieldReader(std::string_view struct_name) : struct_name_(struct_name) {}

  void WrongType(std::string_view name, ValueView v, std::string_view expected) {
    Fail(Error(ErrorCode::kTypeMismatch,
               StrCat("BSON field '", struct_name_, ".", name, "' is the wrong type '",
                      bson::TypeName(v.type()), "', expected type", expected)));
  }
  void Int(std::string_view name, ValueView v, int64_t* out) {
    if (!v.is_number()) {
      WrongType(name, v, "s '[long, int, decimal, double]'");
      return;
    }
    *out = bson::ToInt64Clamped(v);
  }
  void SmallInt(std::string_view name, ValueView v, int* out) {
    int64_t wide = *out;
    Int(name, v, &wide);
    *out = static_cast<int>(std::min<int64_t>(std::max<int64_t>(wide, INT32_MIN), INT32_MAX));
  }
  void Double(std::string_view name, ValueView v, double* out) {
    if (!v.is_number()) {
      WrongType(name, v, "s '[long, int, decimal, double]'");
      return;
    }
    *out = bson::ToDouble(v);
  }
  void Bool(std::string_view name, ValueView v, bool* out) {
    if (v.type() != Type::kBool && !v.is_number()) {
      WrongType(name, v, "s '[bool, long, int, decimal, double]'");
      return;
    }
    *out = v.Truthy();
  }
  void String(std::string_view name, ValueView v, std::string* out) {
    if (!v.is_string()) {
      WrongType(name, v, " 'string'");
      return;
    }
    *out = v.AsString();
  }
  void StringPairs(std::string_view name, ValueView v,
                   std::vector<std::pair<std::string, std::string>>* out) {
    if (!v.is_object()) {
      WrongType(name, v, " 'object'");
      return;
    }
    for (const bson::ElementView& e : v.AsDoc()) {
      if (!e.value().is_string()) {
        WrongType(StrCat(name, ".", e.name()), e.value(), " 'string'");
        return;
      }
      out->emplace_back(e.name(), e.value().AsString());
    }
  }
  void Unknown(std::string_view name) {
    Fail(Error(ErrorCode::kIDLUnknownField,
               StrCat("BSON field '", struct_name_, ".", name, "' is an unknown field.")));
  }
  void Missing(std::string_view name) {
    Fail(Error(ErrorCode::kIDLFailedToParse, StrCat("BSON field '", struct_name_, ".", name,
                                                    "' is missing but a required field")));
  }
  void Fail(Status s) {
    if (status_.ok()) {
      status_ = std::move(s);
    }
  }
  const Status& status() const { return status_; }

 private:
  std::string_view struct_name_;
  Status status_;
};

void ReadMemberField(std::string_view name, ValueView v, FieldReader* r, MemberConfig* m) {
  if (name == "_id") {
    r->SmallInt(name, v, &m->id);
  } else if (name == "host") {
    r->String(name, v, &m->host);
  } else if (name == "arbiterOnly") {
    r->Bool(name, v, &m->arbiter_only);
  } else if (name == "buildIndexes") {
    r->Bool(name, v, &m->build_indexes);
  } else if (name == "hidden") {
    r->Bool(name, v, &m->hidden);
  } else if (name == "priority") {
    r->Double(name, v, &m->priority);
  } else if (name == "tags") {
    r->StringPairs(name, v, &m->tags);
  } else if (name == "horizons") {
    r->StringPairs(name, v, &m->horizons);
  } else if (name == "secondaryDelaySecs") {
    r->Int(name, v, &m->secondary_delay_secs);
  } else if (name == "votes") {
    r->SmallInt(name, v, &m->votes);
  } else if (name == "newlyAdded") {
    r->Bool(name, v, &m->newly_added);
  } else {
    r->Unknown(name);
  }
}

StatusOr<MemberConfig> ReadMember(bson::DocView doc) {
  FieldReader r("MemberConfig");
  MemberConfig m;
  for (const bson::ElementView& e : doc) {
    ReadMemberField(e.name(), e.value(), &r, &m);
  }
  for (const std::string_view required : {"_id", "host"}) {
    if (!doc.Has(required)) {
      r.Missing(required);
    }
  }
  RETURN_IF_ERROR(r.status());
  StatusOr<std::string> host = NormalizeHost(m.host);
  if (!host.ok()) {
    return Error(ErrorCode::kFailedToParse, StrCat("FailedToParse: ", TextOf(host.status()),
                                                   " for member:", bson::ToShellText(doc)));
  }
  m.host = *std::move(host);
  if (m.arbiter_only && (!doc.Has("priority") || m.priority == 1.0)) {
    m.priority = 0;  // an arbiter never stands for election
  }
  return m;
}

void ReadModes(ValueView v, FieldReader* r, std::vector<repl::TagMode>* modes) {
  if (!v.is_object()) {
    r->WrongType("getLastErrorModes", v, " 'object'");
    return;
  }
  for (const bson::ElementView& e : v.AsDoc()) {
    repl::TagMode mode;
    mode.name = e.name();
    if (!e.value().is_object()) {
      r->WrongType(StrCat("getLastErrorModes.", e.name()), e.value(), " 'object'");
      return;
    }
    for (const bson::ElementView& c : e.value().AsDoc()) {
      int count = 0;
      r->SmallInt(StrCat("getLastErrorModes.", e.name(), ".", c.name()), c.value(), &count);
      mode.pattern.emplace_back(c.name(), count);
    }
    modes->push_back(std::move(mode));
  }
}

// Customised defaults are refused since 5.0 (S08-049); setDefaultRWConcern replaces them.
void ReadDefaults(ValueView v, FieldReader* r) {
  if (!v.is_object()) {
    r->WrongType("getLastErrorDefaults", v, " 'object'");
    return;
  }
  for (const bson::ElementView& e : v.AsDoc()) {
    const ValueView value = e.value();
    const bool usual = (e.name() == "w" && value.is_number() && bson::ToDouble(value) == 1) ||
                       (e.name() == "wtimeout" && value.is_number() && bson::ToDouble(value) == 0);
    if (!usual) {
      r->Fail(Error(ErrorCode::kIllegalOperation,
                    "settings.getLastErrorDefaults can only be {w: 1, wtimeout: 0}; use the "
                    "setDefaultRWConcern command to set a default write concern"));
    }
  }
}

void ReadSettings(ValueView v, FieldReader* outer, ReplSetSettings* s) {
  if (!v.is_object()) {
    outer->WrongType("settings", v, " 'object'");
    return;
  }
  FieldReader r("ReplSetConfigSettings");
  for (const bson::ElementView& e : v.AsDoc()) {
    const std::string_view name = e.name();
    if (name == "chainingAllowed") {
      r.Bool(name, e.value(), &s->chaining_allowed);
    } else if (name == "heartbeatIntervalMillis") {
      r.Int(name, e.value(), &s->heartbeat_interval_millis);
    } else if (name == "heartbeatTimeoutSecs") {
      r.Int(name, e.value(), &s->heartbeat_timeout_secs);
    } else if (name == "electionTimeoutMillis") {
      r.Int(name, e.value(), &s->election_timeout_millis);
    } else if (name == "catchUpTimeoutMillis") {
      r.Int(name, e.value(), &s->catch_up_timeout_millis);
    } else if (name == "catchUpTakeoverDelayMillis") {
      r.Int(name, e.value(), &s->catch_up_takeover_delay_millis);
    } else if (name == "getLastErrorModes") {
      ReadModes(e.value(), &r, &s->write_concern_modes);
    } else if (name == "getLastErrorDefaults") {
      ReadDefaults(e.value(), &r);
    } else if (name == "replicaSetId" && e.type() == Type::kObjectId) {
      s->replica_set_id = e.value().AsObjectId();
    } else if (name == "replicaSetId") {
      r.WrongType(name, e.value(), " 'objectId'");
    } else {
      r.Unknown(name);
    }
  }
  if (!r.status().ok()) {
    outer->Fail(r.status());
  }
}

Status ReadMembers(ValueView v, FieldReader* r, std::vector<MemberConfig>* members) {
  if (!v.is_array()) {
    r->WrongType("members", v, " 'array'");
    return r->status();
  }
  for (const bson::ElementView& e : v.AsArray()) {
    if (!e.value().is_object()) {
      r->WrongType(StrCat("members.", e.name()), e.value(), " 'object'");
      return r->status();
    }
    ASSIGN_OR_RETURN(MemberConfig m, ReadMember(e.value().AsDoc()));
    members->push_back(std::move(m));
  }
  return OkStatus();
}

}  // namespace

StatusOr<ReplSetConfig> ReplSetConfig::FromBson(bson::DocView doc) {
  FieldReader r("ReplSetConfig");
  ReplSetConfig c;
  for (const bson::ElementView& e : doc) {
    const std::string_view name = e.name();
    if (name == "_id") {
      r.String(name, e.value(), &c.set_name);
    } else if (name == "version") {
      r.Int(name, e.value(), &c.version);
    } else if (name == "term") {
      r.Int(name, e.value(), &c.term);
    } else if (name == "members") {
      RETURN_IF_ERROR(ReadMembers(e.value(), &r, &c.members));
    } else if (name == "configsvr") {
      r.Bool(name, e.value(), &c.configsvr);
    } else if (name == "protocolVersion") {
      r.Int(name, e.value(), &c.protocol_version);
    } else if (name == "writeConcernMajorityJournalDefault") {
      r.Bool(name, e.value(), &c.write_concern_majority_journal_default);
    } else if (name == "settings") {
      ReadSettings(e.value(), &r, &c.settings);
    } else if (name == "repaired") {
      r.Fail(Error(ErrorCode::kInvalidReplicaSetConfig,
                   "this replica set configuration was written by a repair and cannot be used"));
    } else {
      r.Unknown(name);
    }
  }
  for (const std::string_view required : {"_id", "members"}) {
    if (!doc.Has(required)) {
      r.Missing(required);
    }
  }
  RETURN_IF_ERROR(r.status());
  return c;
}

}  // namespace septet::election
