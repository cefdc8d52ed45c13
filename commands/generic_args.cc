// SPDX-License-Identifier: Apache-2.0
#include "commands/generic_args.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "commands/parse.h"
#include "commands/write_concern.h"

namespace septet::commands {
namespace {

using bson::Type;
using bson::ValueView;

constexpr std::string_view kSession = "OperationSessionInfo";
constexpr std::string_view kApi = "APIParametersFromClient";

Status ParseLsid(ValueView v, Generic* g) {
  if (!v.is_object()) {
    return WrongType(kSession, "lsid", v.type(), "object");
  }
  for (const bson::ElementView& e : v.AsDoc()) {
    const ValueView field = e.value();
    if (e.name() == "id") {
      if (field.type() != Type::kBinData) {
        return WrongType("OperationSessionInfo.lsid", "id", field.type(), "binData");
      }
      const bson::BinData id = field.AsBinData();
      if (id.subtype != 4) {
        return Error(ErrorCode::kTypeMismatch,
                     StrCat("BSON field 'OperationSessionInfo.lsid.id' is the wrong binData type '",
                            id.subtype == 3 ? "UUID (deprecated)" : "general",
                            "', expected type 'UUID'"));
      }
      if (id.bytes.size() != 16) {
        return Error(ErrorCode::kInvalidUUID, "uuid must be a 16-byte binary field with UUID (4) subtype");
      }
      g->session_id = id.bytes;
    } else if (e.name() == "uid") {
      if (field.type() != Type::kBinData) {
        return WrongType("OperationSessionInfo.lsid", "uid", field.type(), "binData");
      }
    } else if (e.name() != "txnNumber" && e.name() != "txnUUID") {
      return UnknownField("OperationSessionInfo.lsid", e.name());
    }
  }
  if (g->session_id.empty()) {
    return MissingField("OperationSessionInfo.lsid", "id");
  }
  g->lsid = v.AsDoc();
  g->has_lsid = true;
  return OkStatus();
}

Status ParseTxnNumber(ValueView v, Generic* g) {
  if (v.type() != Type::kInt64) {
    return WrongType(kSession, "txnNumber", v.type(), "long");
  }
  g->txn_number = v.AsInt64();
  return OkStatus();
}

Status ParseAutocommit(ValueView v, Generic* g) {
  if (v.type() != Type::kBool) {
    return WrongType(kSession, "autocommit", v.type(), "bool");
  }
  g->autocommit = v.AsBool();
  return OkStatus();
}

Status ParseStartTransaction(ValueView v, Generic* g) {
  if (v.type() != Type::kBool) {
    return WrongType(kSession, "startTransaction", v.type(), "bool");
  }
  if (!v.AsBool()) {
    return Error(ErrorCode::kInvalidOptions, "Specifying startTransaction=false is not allowed.");
  }
  g->start_transaction = true;
  return OkStatus();
}

Status ParseReadConcernArg(ValueView v, Generic* g) {
  ASSIGN_OR_RETURN(g->read_concern, ParseReadConcern(v));
  return OkStatus();
}

Status ParseWriteConcernArg(ValueView v, Generic* g) {
  if (v.is_object() && v.AsDoc().empty()) {
    return OkStatus();  // {} asks for the default
  }
  ASSIGN_OR_RETURN(g->write_concern, ParseWriteConcern(v));
  return OkStatus();
}

Status ParseReadPreferenceArg(ValueView v, Generic* g) {
  if (!v.is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("$readPreference has incorrect type: expected object but got ",
                        bson::TypeName(v.type())));
  }
  ASSIGN_OR_RETURN(g->read_mode, ParseReadPreference(v.AsDoc()));
  return OkStatus();
}

Status ParseQueryOptions(ValueView v, Generic* g) {
  if (v.is_object() && v.AsDoc().Has("$readPreference")) {
    return ParseReadPreferenceArg(v.AsDoc().Find("$readPreference"), g);
  }
  return OkStatus();
}

Status ParseMaxTime(ValueView v, Generic* g) {
  if (!v.is_number()) {
    return Error(ErrorCode::kTypeMismatch, "maxTimeMS must be a number");
  }
  const auto exact = bson::ExactInt64(v);
  if (!exact.has_value()) {
    return Error(ErrorCode::kBadValue, "maxTimeMS has non-integral value");
  }
  if (*exact < 0) {
    return Error(51024, StrCat("BSON field 'maxTimeMS' value must be >= 0, actual value '", *exact,
                               "'"));
  }
  if (*exact > INT32_MAX) {
    return Error(ErrorCode::kBadValue, StrCat(*exact, " value for maxTimeMS is out of range"));
  }
  g->max_time_ms = *exact;
  return OkStatus();
}

Status ParseClusterTime(ValueView v, Generic* g) {
  if (!v.is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("\"$clusterTime\" had the wrong type. Expected object, found ",
                        bson::TypeName(v.type())));
  }
  const ValueView time = v.AsDoc().Find("clusterTime");
  if (time.missing()) {
    return Error(ErrorCode::kNoSuchKey, "Missing expected field \"clusterTime\"");
  }
  if (time.type() != Type::kTimestamp) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("\"clusterTime\" had the wrong type. Expected timestamp, found ",
                        bson::TypeName(time.type())));
  }
  g->cluster_time = time.AsTimestamp();
  g->cluster_time_signature = v.AsDoc().Find("signature");
  return OkStatus();
}

Status ParseApiVersion(ValueView v, Generic* g) {
  if (!v.is_string()) {
    return WrongType(kApi, "apiVersion", v.type(), "string");
  }
  g->api_version = v.AsString();
  return OkStatus();
}

Status ParseApiStrict(ValueView v, Generic* g) {
  if (v.type() != Type::kBool) {
    return WrongType(kApi, "apiStrict", v.type(), "bool");
  }
  g->api_strict = v.AsBool();
  return OkStatus();
}

Status ParseApiDeprecationErrors(ValueView v, Generic* g) {
  if (v.type() != Type::kBool) {
    return WrongType(kApi, "apiDeprecationErrors", v.type(), "bool");
  }
  g->api_deprecation_errors = v.AsBool();
  return OkStatus();
}

Status ParseComment(ValueView v, Generic* g) {
  g->comment = v;
  return OkStatus();
}

Status ParseHelp(ValueView v, Generic* g) {
  g->help = v.Truthy();
  return OkStatus();
}

Status ParseStmtIds(ValueView v, Generic* g) {
  if (!v.is_array()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("BSON field 'stmtIds' is the wrong type '", bson::TypeName(v.type()),
                        "', expected type 'array'"));
  }
  g->stmt_ids = v.AsArray();
  g->has_stmt_ids = true;
  return OkStatus();
}

Status Ignore(ValueView, Generic*) { return OkStatus(); }

struct Argument {
  std::string_view name;
  Status (*parse)(ValueView v, Generic* g);
};

// Sorted by name. stmtId needs the command's name in its message and is parsed apart.
constexpr Argument kArguments[] = {
    {"$audit", Ignore},
    {"$client", Ignore},
    {"$clusterTime", ParseClusterTime},
    {"$configServerState", Ignore},
    {"$configTime", Ignore},
    {"$db", Ignore},
    {"$oplogQueryData", Ignore},
    {"$queryOptions", ParseQueryOptions},
    {"$readPreference", ParseReadPreferenceArg},
    {"$replData", Ignore},
    {"$tenant", Ignore},
    {"$topologyTime", Ignore},
    {"allowImplicitCollectionCreation", Ignore},
    {"apiDeprecationErrors", ParseApiDeprecationErrors},
    {"apiStrict", ParseApiStrict},
    {"apiVersion", ParseApiVersion},
    {"autocommit", ParseAutocommit},
    {"clientOperationKey", Ignore},
    {"comment", ParseComment},
    {"coordinator", Ignore},
    {"databaseVersion", Ignore},
    {"expectPrefix", Ignore},
    {"help", ParseHelp},
    {"lsid", ParseLsid},
    {"maxTimeMS", ParseMaxTime},
    {"maxTimeMSOpOnly", ParseMaxTime},
    {"mayBypassWriteBlocking", Ignore},
    {"rawData", Ignore},
    {"readConcern", ParseReadConcernArg},
    {"shardVersion", Ignore},
    {"startTransaction", ParseStartTransaction},
    {"stmtId", nullptr},
    {"stmtIds", ParseStmtIds},
    {"tracking_info", Ignore},
    {"txnNumber", ParseTxnNumber},
    {"txnRetryCounter", Ignore},
    {"writeConcern", ParseWriteConcernArg},
};
static_assert(std::is_sorted(std::begin(kArguments), std::end(kArguments),
                             [](const Argument& a, const Argument& b) { return a.name < b.name; }));
static_assert(std::size(kArguments) <= 64);

const Argument* FindArgument(std::string_view name) {
  const auto* it =
      std::lower_bound(std::begin(kArguments), std::end(kArguments), name,
                       [](const Argument& a, std::string_view n) { return a.name < n; });
  return it != std::end(kArguments) && it->name == name ? it : nullptr;
}

Status ParseStmtId(std::string_view command, ValueView v, Generic* g) {
  if (v.type() != Type::kInt32) {
    return WrongType(command, "stmtId", v.type(), "int");
  }
  g->stmt_id = v.AsInt32();
  return OkStatus();
}

// Rules between the session fields, in a server's order of checks.
Status CheckSession(const Generic& g) {
  if (g.txn_number.has_value() && !g.has_lsid) {
    return Error(ErrorCode::kInvalidOptions,
                 "Transaction number requires a session ID to also be specified");
  }
  if (g.txn_number.has_value() && *g.txn_number < 0) {
    return Error(ErrorCode::kInvalidOptions, "Transaction number cannot be negative");
  }
  if (g.autocommit.has_value()) {
    if (!g.txn_number.has_value()) {
      return Error(ErrorCode::kInvalidOptions,
                   "'autocommit' field requires a transaction number to also be specified");
    }
    if (*g.autocommit) {
      return Error(ErrorCode::kInvalidOptions, "Specifying autocommit=true is not allowed.");
    }
  } else if (g.start_transaction) {
    return Error(ErrorCode::kInvalidOptions,
                 "'startTransaction' field requires 'autocommit' field to also be specified");
  }
  return OkStatus();
}

constexpr std::string_view kReadConcernNames[] = {"local", "available", "majority", "linearizable",
                                                  "snapshot"};
constexpr std::string_view kReadModeNames[] = {"primary", "primaryPreferred", "secondary",
                                               "secondaryPreferred", "nearest"};

Status ParseConcernTime(std::string_view name, ValueView v, bson::Timestamp* out) {
  if (v.type() != Type::kTimestamp) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("\"", name, "\" had the wrong type. Expected timestamp, found ",
                        bson::TypeName(v.type())));
  }
  *out = v.AsTimestamp();
  if (out->IsNull()) {
    return Error(ErrorCode::kInvalidOptions, StrCat(name, " cannot be a null timestamp"));
  }
  return OkStatus();
}

Status ParseReadConcernLevel(ValueView v, ReadConcern* rc) {
  if (!v.is_string()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("\"level\" had the wrong type. Expected string, found ",
                        bson::TypeName(v.type())));
  }
  const auto* found =
      std::find(std::begin(kReadConcernNames), std::end(kReadConcernNames), v.AsString());
  if (found == std::end(kReadConcernNames)) {
    return Error(ErrorCode::kFailedToParse,
                 "readConcern.level must be either 'local', 'majority', 'linearizable', "
                 "'available', or 'snapshot'");
  }
  rc->level = static_cast<ReadConcernLevel>(found - std::begin(kReadConcernNames));
  rc->level_given = true;
  return OkStatus();
}

Status CheckReadConcern(const ReadConcern& rc) {
  if (!rc.after_cluster_time.IsNull() && !rc.at_cluster_time.IsNull()) {
    return Error(ErrorCode::kInvalidOptions,
                 "Specifying a timestamp for readConcern snapshot in a causally consistent session "
                 "is not allowed. Can only specify one of afterClusterTime or atClusterTime");
  }
  if (!rc.after_cluster_time.IsNull() && (rc.level == ReadConcernLevel::kLinearizable ||
                                          rc.level == ReadConcernLevel::kAvailable)) {
    return Error(ErrorCode::kInvalidOptions,
                 "afterClusterTime field can be set only if level is equal to majority, local, or "
                 "snapshot");
  }
  if (!rc.at_cluster_time.IsNull() && rc.level != ReadConcernLevel::kSnapshot) {
    return Error(ErrorCode::kInvalidOptions,
                 "atClusterTime field can be set only if level is equal to snapshot");
  }
  return OkStatus();
}

}  // namespace

std::string_view NameOf(ReadConcernLevel level) {
  return kReadConcernNames[static_cast<size_t>(level)];
}

bool IsGenericArgument(std::string_view name) { return FindArgument(name) != nullptr; }

StatusOr<ReadConcern> ParseReadConcern(ValueView v) {
  if (!v.is_object()) {
    return Error(ErrorCode::kFailedToParse, "readConcern field should be an object");
  }
  ReadConcern rc;
  for (const bson::ElementView& e : v.AsDoc()) {
    const std::string_view name = e.name();
    if (name == "level") {
      RETURN_IF_ERROR(ParseReadConcernLevel(e.value(), &rc));
    } else if (name == "afterClusterTime") {
      RETURN_IF_ERROR(ParseConcernTime(name, e.value(), &rc.after_cluster_time));
    } else if (name == "atClusterTime") {
      RETURN_IF_ERROR(ParseConcernTime(name, e.value(), &rc.at_cluster_time));
    } else if (name == "afterOpTime") {
      if (e.value().is_object() && e.value().AsDoc()["ts"].type() == Type::kTimestamp) {
        rc.after_optime_ts = e.value().AsDoc()["ts"].AsTimestamp();
      }
    } else if (name == "provenance") {
      rc.provenance = e.value().is_string() ? e.value().AsString() : std::string_view();
      if (rc.provenance != "clientSupplied" && rc.provenance != "implicitDefault" &&
          rc.provenance != "customDefault" && rc.provenance != "getLastErrorDefaults") {
        return Error(ErrorCode::kBadValue,
                     StrCat("Enumeration value '", rc.provenance,
                            "' for field 'ReadConcernArgs::parse.provenance' is not a valid value."));
      }
    } else if (name != "allowTransactionTableSnapshot" && name != "waitLastStableRecoveryTimestamp") {
      return Error(ErrorCode::kInvalidOptions, StrCat("Unrecognized option in readConcern: ", name));
    }
  }
  RETURN_IF_ERROR(CheckReadConcern(rc));
  return rc;
}

StatusOr<ReadMode> ParseReadPreference(bson::DocView doc) {
  const ValueView mode = doc["mode"];
  if (!mode.is_string()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("\"mode\" had the wrong type. Expected string, found ",
                        bson::TypeName(mode.type())));
  }
  const auto* found = std::find(std::begin(kReadModeNames), std::end(kReadModeNames), mode.AsString());
  if (found == std::end(kReadModeNames)) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Could not parse $readPreference mode '", mode.AsString(),
                        "'. Only the modes 'primary', 'primaryPreferred', 'secondary', "
                        "'secondaryPreferred', and 'nearest' are supported. :: caused by :: "
                        "Enumeration value '",
                        mode.AsString(), "' for field 'mode' is not a valid value."));
  }
  const auto result = static_cast<ReadMode>(found - std::begin(kReadModeNames));
  const ValueView tags = doc["tags"];
  if (result == ReadMode::kPrimary && tags.is_array() && !tags.AsArray().empty()) {
    const ValueView first = tags.AsArray().FirstElement().value();
    if (!first.is_object() || !first.AsDoc().empty()) {
      return Error(ErrorCode::kBadValue, "Only empty tags are allowed with primary read preference");
    }
  }
  return result;
}

Status ParseGeneric(const CommandSpec& spec, bson::DocView body, Generic* out) {
  uint64_t seen_generic = 0;
  uint64_t seen_own = 0;
  bool first = true;
  for (const bson::ElementView& e : body) {
    if (first) {  // the command itself
      first = false;
      continue;
    }
    const std::string_view name = e.name();
    const auto* own = std::find(spec.fields.begin(), spec.fields.end(), name);
    const Argument* argument = nullptr;
    uint64_t* seen = &seen_own;
    uint64_t bit = 0;
    if (own != spec.fields.end()) {
      bit = uint64_t{1} << (own - spec.fields.begin());
    } else if ((argument = FindArgument(name)) != nullptr) {
      seen = &seen_generic;
      bit = uint64_t{1} << (argument - kArguments);
    } else if (spec.fields.size() != 0 && (spec.flags & kAnyFields) == 0) {
      return UnknownField(spec.name, name);
    }
    if ((*seen & bit) != 0) {
      return DuplicateField(spec.name, name);
    }
    *seen |= bit;
    if (argument == nullptr || e.value().type() == Type::kNull) {
      continue;  // a null is the same as an absent field
    }
    RETURN_IF_ERROR(argument->parse == nullptr ? ParseStmtId(spec.name, e.value(), out)
                                               : argument->parse(e.value(), out));
  }
  return CheckSession(*out);
}

}  // namespace septet::commands
