// SPDX-License-Identifier: Apache-2.0
// Reading and showing write concerns.
// Request: writeConcern: {w: 1 | "majority" | "tag", j: bool, wtimeout: ms, fsync: bool}.
// Errors: TypeMismatch (14) if it is no document, FailedToParse (9) for everything inside.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/view.h"
#include "replication/core/write_concern.h"

namespace septet::commands {

// What the set must do (repl::WriteConcern) and how long the client waits for it.
struct WriteConcern {
  enum class Provenance { kClientSupplied, kImplicitDefault, kCustomDefault, kInternal };

  repl::WriteConcern concern;
  int64_t wtimeout_millis = 0;  // 0 = wait for ever
  Provenance provenance = Provenance::kImplicitDefault;

  // {w: 0}: the client does not want to know.
  bool IsUnacknowledged() const {
    return concern.kind == repl::WriteConcern::Kind::kNumber && concern.w == 0;
  }
};
std::string_view NameOf(WriteConcern::Provenance provenance);

// `v` is the value of the field writeConcern.
StatusOr<WriteConcern> ParseWriteConcern(bson::ValueView v);
// The fields of a write concern document.
StatusOr<WriteConcern> ParseWriteConcernFields(bson::DocView doc);
// Appends {w, j?, wtimeout, provenance?} under `name`.
void AppendWriteConcern(std::string_view name, const WriteConcern& wc, bool with_provenance,
                        bson::DocBuilder* out);

}  // namespace septet::commands
