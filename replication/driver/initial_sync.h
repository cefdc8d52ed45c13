// SPDX-License-Identifier: Apache-2.0
// A member without data clones its source: every collection as it is now, then the log from before the
// clone began until after it ended (replayed tolerantly), which makes the copy one consistent state.
// While it runs a durable flag stands; a crash in between starts it again from nothing.
// Source: replication.md 4.5. Thread rule: runs on the sync driver's thread.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "replication/driver/applier.h"
#include "replication/driver/local_store.h"

namespace septet::repl {

class SyncDriver;

class InitialSync {
 public:
  InitialSync(SyncDriver* driver, catalog::Catalog* catalog, LocalStore* store, Applier* applier)
      : driver_(driver), catalog_(catalog), store_(store), applier_(applier) {}

  // Errors: the connection's and the source's; nothing that was copied counts then.
  Status Run(const std::string& host);

 private:
  struct SourceCollection {
    catalog::Namespace ns;
    std::string info;       // its document of listCollections
  };

  Status CloneEverything();
  Status DropEverything();
  Status ListSource();
  Status CloneCollection(const SourceCollection& source);
  Status CopyDocuments(const catalog::CollectionPtr& collection);
  Status Insert(const catalog::CollectionPtr& collection, const std::vector<bson::DocView>& documents);
  Status CreateLocally(const SourceCollection& source);
  Status BuildIndexes(const catalog::Namespace& ns);
  Status StartLogAt(const OpTime& begin);
  Status ReplayUntil(const OpTime& stop);

  SyncDriver* const driver_;
  catalog::Catalog* const catalog_;
  LocalStore* const store_;
  Applier* const applier_;
  std::string host_;
  std::vector<SourceCollection> collections_;
};

}  // namespace septet::repl
