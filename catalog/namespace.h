// SPDX-License-Identifier: Apache-2.0
// "db.collection" names and their rules. Errors: InvalidNamespace (73) with a server's texts.
// Source: surface 7.6, limits 1.5.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace septet::catalog {

class Namespace {
 public:
  Namespace() = default;
  Namespace(std::string_view db, std::string_view collection);
  static Namespace Parse(std::string_view full);  // splits at the first dot

  const std::string& full() const { return full_; }
  std::string_view db() const { return std::string_view(full_).substr(0, db_size_); }
  std::string_view collection() const {
    return full_.size() > db_size_ ? std::string_view(full_).substr(db_size_ + 1) : std::string_view();
  }
  bool is_local() const { return db() == "local"; }
  bool is_oplog() const { return full_ == "local.oplog.rs"; }
  bool is_system() const { return collection().starts_with("system."); }
  // Writes to it get oplog entries.
  bool is_replicated() const;
  bool operator==(const Namespace& o) const { return full_ == o.full_; }

 private:
  std::string full_;
  size_t db_size_ = 0;
};

Status ValidateDatabaseName(std::string_view db);
// May there be a collection of that name?
Status ValidateCollectionName(const Namespace& ns);
// May a command name it at all? Weaker: a name that cannot exist is like a missing collection.
Status ValidateReadableName(const Namespace& ns);
// May clients write documents to it? Stronger: not to what only the server itself writes.
Status ValidateWritableName(const Namespace& ns);

}  // namespace septet::catalog
