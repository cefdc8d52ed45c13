// SPDX-License-Identifier: Apache-2.0
#include "server/admission.h"

#include "base/strings.h"
#include "bson/ejson.h"

namespace septet::server {
namespace {

using commands::CommandSpec;
using commands::Generic;
using commands::ReadConcernLevel;
using commands::Request;

bool SaysPrimary(const Request& request) {
  return request.client != nullptr && request.client->hello_ok;
}

Status CheckMemberState(const AdmissionFacts& f) {
  const commands::ReplicationSnapshot& replication = *f.replication;
  if (!replication.replica_set || replication.accepts_writes) {
    return OkStatus();
  }
  const unsigned flags = f.spec->flags;
  if ((flags & commands::kWrite) != 0 && f.request->db != "local") {
    return NotPrimaryError(*f.request);
  }
  if ((flags & commands::kMaintenanceOk) != 0) {
    return OkStatus();
  }
  if (!replication.readable) {
    return Error(ErrorCode::kNotPrimaryOrSecondary, "node is not in primary or recovering state");
  }
  const bool opted_in = f.generic->read_mode.has_value() &&
                        *f.generic->read_mode != commands::ReadMode::kPrimary;
  // A getMore reads on where its cursor was allowed to begin.
  const bool opened = f.spec->kind == commands::OpKind::kGetMore;
  const bool in_transaction = f.generic->InTransaction();
  if ((flags & commands::kReadData) != 0 && !opted_in && !opened && !in_transaction &&
      !f.request->client->internal) {
    return Error(ErrorCode::kNotPrimaryNoSecondaryOk,
                 SaysPrimary(*f.request) ? "not primary and secondaryOk=false"
                                         : "not master and slaveOk=false");
  }
  return OkStatus();
}

Status CheckTransactionFields(const AdmissionFacts& f) {
  const CommandSpec& spec = *f.spec;
  const Generic& g = *f.generic;
  if (!g.txn_number.has_value()) {
    return OkStatus();
  }
  if (!f.replication->replica_set) {
    return Error(ErrorCode::kIllegalOperation,
                 "Transaction numbers are only allowed on a replica set member or mongos");
  }
  const bool touches_data = (spec.flags & (commands::kWrite | commands::kReadData)) != 0;
  if (!touches_data && (spec.flags & commands::kEndsTransaction) == 0) {
    return Error(50889, "It is illegal to provide a txnNumber for this command");
  }
  if (!g.InTransaction()) {
    if ((spec.flags & commands::kRetryable) != 0) {
      return OkStatus();
    }
    return Error(ErrorCode::kNotARetryableWriteCommand,
                 StrCat("txnNumber may only be provided for multi-document transactions and "
                        "retryable write commands. autocommit:false was not provided, and ",
                        spec.name, " is not a retryable write command."));
  }
  if ((spec.flags & commands::kTransactionOk) == 0) {
    if (spec.name == "count") {
      return Error(ErrorCode::kOperationNotSupportedInTransaction,
                   "Cannot run 'count' in a multi-document transaction. Please see "
                   "http://dochub.mongodb.org/core/transaction-count for a recommended alternative.");
    }
    return Error(ErrorCode::kOperationNotSupportedInTransaction,
                 StrCat("Cannot run '", spec.name, "' in a multi-document transaction."));
  }
  if (g.write_concern.has_value() && (spec.flags & commands::kEndsTransaction) == 0) {
    return Error(ErrorCode::kInvalidOptions,
                 "writeConcern is not allowed within a multi-statement transaction");
  }
  if (g.read_concern.has_value() && !g.start_transaction) {
    return Error(ErrorCode::kInvalidOptions,
                 "Only the first command in a transaction may specify a readConcern");
  }
  if (g.read_concern.has_value() && (g.read_concern->level == ReadConcernLevel::kAvailable ||
                                     g.read_concern->level == ReadConcernLevel::kLinearizable)) {
    return Error(ErrorCode::kInvalidOptions,
                 "The readConcern level must be either 'local' (default), 'majority' or 'snapshot' "
                 "in order to run in a transaction");
  }
  // Never as if autocommit were true: half a transaction would stay. Drivers know this code for servers
  // without transactions.
  return Error(ErrorCode::kIllegalOperation,
               "This server does not support multi-document transactions yet");
}

Status CheckConcerns(const AdmissionFacts& f) {
  const CommandSpec& spec = *f.spec;
  const Generic& g = *f.generic;
  constexpr unsigned kTakesWriteConcern =
      commands::kWrite | commands::kTakesWriteConcern | commands::kEndsTransaction;
  if (g.write_concern.has_value() && (spec.flags & kTakesWriteConcern) == 0) {
    return Error(ErrorCode::kInvalidOptions, "Command does not support writeConcern");
  }
  if (!g.read_concern.has_value() || g.InTransaction()) {
    return OkStatus();
  }
  const ReadConcernLevel level = g.read_concern->level;
  if ((spec.flags & commands::kReadData) == 0 && level != ReadConcernLevel::kLocal &&
      level != ReadConcernLevel::kAvailable) {
    return Error(ErrorCode::kInvalidOptions,
                 StrCat("Command ", spec.name, " does not support { readConcern: { level: \"",
                        NameOf(level),
                        "\", provenance: \"clientSupplied\" } } :: caused by :: read concern not "
                        "supported"));
  }
  const bool needs_set = level == ReadConcernLevel::kLinearizable ||
                         level == ReadConcernLevel::kSnapshot ||
                         !g.read_concern->after_cluster_time.IsNull();
  if (needs_set && !f.replication->replica_set) {
    return Error(ErrorCode::kNotAReplicaSet,
                 "node needs to be a replica set member to use read concern");
  }
  if (level == ReadConcernLevel::kLinearizable && !f.replication->accepts_writes) {
    return Error(ErrorCode::kNotWritablePrimary,
                 "cannot satisfy linearizable read concern on non-primary node");
  }
  return OkStatus();
}

// The Stable API (S01-141).
Status CheckApi(const AdmissionFacts& f) {
  const CommandSpec& spec = *f.spec;
  const Generic& g = *f.generic;
  constexpr std::string_view kMore =
      ". Information on supported commands and migrations in API Version ";
  constexpr std::string_view kLink =
      " can be found at https://dochub.mongodb.org/core/manual-versioned-api";
  if (g.api_version.empty()) {
    if (g.api_strict || g.api_deprecation_errors) {
      return Error(4886600,
                   "Provided apiStrict and/or apiDeprecationErrors without passing apiVersion");
    }
    const bool exempt = (spec.flags & commands::kHello) != 0 || f.request->client->internal;
    return f.require_api_version && !exempt
               ? Error(498870,
                       "The apiVersion parameter is required, please configure your MongoClient's "
                       "API version")
               : OkStatus();
  }
  if (g.api_version != "1" && !(g.api_version == "2" && f.accept_api_version_2)) {
    return Error(ErrorCode::kAPIVersionError, "API version must be \"1\"");
  }
  if (g.api_strict && spec.api_version != g.api_version) {
    return Error(ErrorCode::kAPIStrictError,
                 StrCat("Provided apiStrict:true, but the command ", spec.name,
                        " is not in API Version ", g.api_version, kMore, g.api_version, kLink));
  }
  if (g.api_deprecation_errors && spec.deprecated_api_version == g.api_version) {
    return Error(ErrorCode::kAPIDeprecationError,
                 StrCat("Provided apiDeprecationErrors:true, but the command ", spec.name,
                        " is deprecated in API Version ", g.api_version, kMore, g.api_version,
                        kLink));
  }
  return OkStatus();
}

}  // namespace

Status NotPrimaryError(const Request& request) {
  return Error(ErrorCode::kNotWritablePrimary, SaysPrimary(request) ? "not primary" : "not master");
}

Status Admit(const AdmissionFacts& f) {
  const CommandSpec& spec = *f.spec;
  if ((spec.flags & commands::kAdminOnly) != 0 && f.request->db != "admin") {
    return Error(ErrorCode::kUnauthorized,
                 StrCat(spec.name, " may only be run against the admin database."));
  }
  RETURN_IF_ERROR(CheckApi(f));
  RETURN_IF_ERROR(CheckTransactionFields(f));
  RETURN_IF_ERROR(CheckConcerns(f));
  return CheckMemberState(f);
}

}  // namespace septet::server
