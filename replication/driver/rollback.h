// SPDX-License-Identifier: Apache-2.0
// Undoes the entries that the source never had: finds the common point, writes the documents that go to
// <data_dir>/rollback/<collection UUID>/removed.<time>.bson, applies the inverse records from the newest
// entry back, in steps that a crash may interrupt at any point.
// Source: replication.md 5. Thread rule: runs on the sync driver's thread.
#pragma once

#include <string>

#include "catalog/catalog.h"
#include "replication/driver/local_store.h"

namespace septet::repl {

class SyncDriver;

class Rollback {
 public:
  // An empty `data_dir`: the removed documents are not kept.
  Rollback(SyncDriver* driver, catalog::Catalog* catalog, LocalStore* store, std::string data_dir)
      : driver_(driver), catalog_(catalog), store_(store), data_dir_(std::move(data_dir)) {}

  // Errors: UnrecoverableRollbackError (127) if the common point lies before the commit point known here.
  Status Run(const std::string& host);

 private:
  SyncDriver* const driver_;
  catalog::Catalog* const catalog_;
  LocalStore* const store_;
  const std::string data_dir_;
};

}  // namespace septet::repl
