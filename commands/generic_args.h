// SPDX-License-Identifier: Apache-2.0
// The arguments every command accepts beside its own: session, concerns, read preference, limits,
// comment, gossip and Stable API. Parsed once per request, without allocation in the usual case.
// Texts and codes: surface 1.9 and recorded answers (IDL names in messages: OperationSessionInfo,
// APIParametersFromClient).
// Thread rule: Generic belongs to the running operation; its views live as long as the request.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "bson/view.h"
#include "commands/command.h"
#include "commands/write_concern.h"

namespace septet::commands {

enum class ReadConcernLevel { kLocal, kAvailable, kMajority, kLinearizable, kSnapshot };
std::string_view NameOf(ReadConcernLevel level);

struct ReadConcern {
  ReadConcernLevel level = ReadConcernLevel::kLocal;
  bool level_given = false;
  bson::Timestamp after_cluster_time;  // null = not asked
  bson::Timestamp at_cluster_time;     // null = not asked
  bson::Timestamp after_optime_ts;     // internal {afterOpTime: {ts, t}}
  std::string_view provenance;
};

enum class ReadMode { kPrimary, kPrimaryPreferred, kSecondary, kSecondaryPreferred, kNearest };

struct Generic {
  bson::DocView lsid;             // {id: UUID, uid?}; has_lsid tells whether it was sent
  std::string_view session_id;    // the 16 bytes of lsid.id
  bool has_lsid = false;
  std::optional<int64_t> txn_number;
  std::optional<bool> autocommit;  // only false is valid
  bool start_transaction = false;
  int stmt_id = -1;
  bson::DocView stmt_ids;          // array of int32; has_stmt_ids
  bool has_stmt_ids = false;

  std::optional<ReadConcern> read_concern;
  std::optional<WriteConcern> write_concern;
  std::optional<ReadMode> read_mode;
  int64_t max_time_ms = 0;         // 0 = no limit
  bson::ValueView comment;
  bson::Timestamp cluster_time;    // of $clusterTime, null if not sent
  bson::ValueView cluster_time_signature;
  std::string_view api_version;
  bool api_strict = false;
  bool api_deprecation_errors = false;
  bool help = false;

  bool InTransaction() const { return autocommit.has_value(); }
  bool IsRetryableWrite() const { return txn_number.has_value() && !autocommit.has_value(); }
};

// Reads the generic arguments of `body` and refuses fields that neither they nor `spec.fields` know
// (40415), fields given twice (40413) and combinations that are wrong for any command.
Status ParseGeneric(const CommandSpec& spec, bson::DocView body, Generic* out);
// True for the name of an argument any command accepts.
bool IsGenericArgument(std::string_view name);

// {level, afterClusterTime, atClusterTime, provenance}.
StatusOr<ReadConcern> ParseReadConcern(bson::ValueView v);
StatusOr<ReadMode> ParseReadPreference(bson::DocView doc);

}  // namespace septet::commands
