// SPDX-License-Identifier: Apache-2.0
// What a member keeps for itself and never replicates: its config (local.system.replset), its last vote
// (local.replset.election), its rollback id (local.system.rollback.id), the initial-sync flag
// (local.replset.initialSyncFlag). Every write is durable when the call returns.
// Thread rule: thread-safe; calls block on the disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "election/actions.h"
#include "election/config.h"

namespace septet::repl {

class LocalStore {
 public:
  explicit LocalStore(catalog::Catalog* catalog) : catalog_(catalog) {}

  StatusOr<std::optional<election::ReplSetConfig>> ReadConfig();
  Status WriteConfig(const election::ReplSetConfig& config);
  StatusOr<election::LastVote> ReadLastVote();
  Status WriteLastVote(const election::LastVote& vote);
  // Grows by one with each rollback; fetchers compare it to notice that their source rolled back.
  StatusOr<int32_t> ReadRollbackId();
  Status IncrementRollbackId();
  // Set while an initial sync runs: a restart in between starts it again from nothing.
  StatusOr<bool> ReadInitialSyncFlag();
  Status WriteInitialSyncFlag(bool on);

 private:
  // The document whose _id is `id` in local.<collection>, or the only document if `id` is empty.
  StatusOr<std::string> Read(std::string_view collection);
  // Makes `document` the only document of local.<collection>; empty: no document.
  Status Write(std::string_view collection, const std::string& document);

  catalog::Catalog* catalog_;
};

}  // namespace septet::repl
