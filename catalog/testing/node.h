// SPDX-License-Identifier: Apache-2.0
// One member's storage, log and catalog for tests of this floor and those above: on the memory engine,
// with a crash.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "bson/ejson.h"
#include "catalog/catalog.h"
#include "catalog/write_unit.h"
#include "replication/oplog/positions.h"
#include "replication/oplog/sequencer.h"
#include "storage/engine.h"
#include "storage/memory/memory_engine.h"

namespace septet::catalog::testing {

class Node {
 public:
  using Mode = repl::Sequencer::Mode;

  explicit Node(Mode mode = Mode::kPrimary, std::unique_ptr<storage::Engine> engine = nullptr,
                const index::Extensions* extensions = nullptr)
      : mode_(mode), extensions_(extensions),
        engine_(engine != nullptr ? std::move(engine) : storage::NewMemoryEngine()) {
    Start();
  }

  // Power loss and restart; only with the memory engine.
  void CrashAndRestart(Random* random) {
    Stop();
    static_cast<storage::MemoryEngine*>(engine_.get())->Crash(random);
    Start();
  }
  void Restart() {
    Stop();
    Start();
  }

  storage::Engine* engine() { return engine_.get(); }
  repl::Positions* positions() { return positions_.get(); }
  repl::Sequencer* sequencer() { return sequencer_.get(); }
  Catalog* catalog() { return catalog_.get(); }

  CollectionPtr Create(std::string_view full, const CreateOptions& options = {}) {
    Op op;
    auto c = catalog_->CreateCollection(&op, Namespace::Parse(full), options);
    P_CHECK(c.ok());
    return *c;
  }
  CollectionPtr Find(std::string_view full) { return catalog_->Find(full); }

  Status Insert(std::string_view full, std::string_view json) {
    Op op;
    auto doc = bson::FromJson(json);
    P_CHECK(doc.ok());
    return RetryOnConflict(&op, [&]() -> Status {
      WriteUnit unit(catalog_.get(), &op, Find(full));
      RETURN_IF_ERROR(unit.Insert(bson::DocView(*doc)).status());
      return unit.Commit();
    });
  }

  // The record with that _id (a JSON value), as relaxed JSON; "" if none.
  std::string Get(std::string_view full, std::string_view id_json) {
    const CollectionPtr c = Find(full);
    const std::string id = *bson::FromJson(std::string("{\"_id\":") + std::string(id_json) + "}");
    const auto rid = FindById(engine_.get(), *c, bson::DocView(id).Find("_id"), nullptr);
    P_CHECK(rid.ok());
    storage::PinnedValue value;
    if (*rid == 0 || !*GetRecord(engine_.get(), *c, *rid, nullptr, &value)) {
      return "";
    }
    return bson::ToRelaxedJson(bson::DocView(value.view()));
  }

  // Locks and reads the record, replaces it by `json`.
  Status Replace(std::string_view full, std::string_view id_json, std::string_view json) {
    const std::string after = *bson::FromJson(json);
    return Change(full, id_json, [&](WriteUnit* unit, RecordId rid, bson::DocView before) {
      return unit->Update(rid, before, bson::DocView(after), bson::DocView(after));
    });
  }
  Status Remove(std::string_view full, std::string_view id_json) {
    return Change(full, id_json, [&](WriteUnit* unit, RecordId rid, bson::DocView before) {
      return unit->Remove(rid, before);
    });
  }

  template <typename Body>
  Status Change(std::string_view full, std::string_view id_json, const Body& body) {
    Op op;
    const std::string id = *bson::FromJson(std::string("{\"_id\":") + std::string(id_json) + "}");
    return RetryOnConflict(&op, [&]() -> Status {
      const CollectionPtr c = Find(full);
      WriteUnit unit(catalog_.get(), &op, c);
      ASSIGN_OR_RETURN(const RecordId rid, FindById(engine_.get(), *c,
                                                    bson::DocView(id).Find("_id"), nullptr));
      if (rid == 0) {
        return OkStatus();
      }
      RETURN_IF_ERROR(unit.Lock(rid));
      storage::PinnedValue value;
      ASSIGN_OR_RETURN(const bool found, GetRecord(engine_.get(), *c, rid, nullptr, &value));
      if (!found) {
        return OkStatus();
      }
      RETURN_IF_ERROR(body(&unit, rid, bson::DocView(value.view())));
      return unit.Commit();
    });
  }

 private:
  void Start() {
    positions_ = std::make_unique<repl::Positions>(engine_.get());
    sequencer_ = std::make_unique<repl::Sequencer>(engine_.get(), positions_.get(),
                                                   repl::Sequencer::Options{});
    P_CHECK(sequencer_->Load().ok());
    catalog_ = std::make_unique<Catalog>(engine_.get(), sequencer_.get(), positions_.get());
    catalog_->SetExtensions(extensions_);
    P_CHECK(catalog_->Load().ok());
    if (mode_ != Mode::kStandalone) {
      sequencer_->SetMode(mode_, 1);
      Op op;
      P_CHECK(catalog_->CreateOplog(&op, 64 << 20).ok());
    }
  }
  void Stop() {
    catalog_.reset();
    sequencer_.reset();
    positions_.reset();
  }

  const Mode mode_;
  const index::Extensions* const extensions_;
  std::unique_ptr<storage::Engine> engine_;
  std::unique_ptr<repl::Positions> positions_;
  std::unique_ptr<repl::Sequencer> sequencer_;
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace septet::catalog::testing
