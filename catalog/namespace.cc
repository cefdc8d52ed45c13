// SPDX-License-Identifier: Apache-2.0
#include "catalog/namespace.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/strings.h"

namespace septet::catalog {
namespace {

Status Invalid(std::string_view text) { return Error(ErrorCode::kInvalidNamespace, text); }

constexpr std::string_view kAnyDbSystem[] = {"system.js", "system.profile", "system.views"};
constexpr std::string_view kAdminSystem[] = {"system.backup_users", "system.keys",
                                             "system.new_users", "system.roles", "system.users",
                                             "system.version"};
constexpr std::string_view kLocalSystem[] = {"system.healthlog", "system.replset",
                                             "system.rollback.id"};
constexpr std::string_view kConfigSystem[] = {"system.indexBuilds", "system.preimages",
                                              "system.sessions"};

template <size_t N>
bool Contains(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsKnownSystem(std::string_view db, std::string_view collection) {
  return Contains(kAnyDbSystem, collection) || collection.starts_with("system.buckets.") ||
         (db == "admin" && Contains(kAdminSystem, collection)) ||
         (db == "local" && Contains(kLocalSystem, collection)) ||
         (db == "config" && Contains(kConfigSystem, collection));
}

}  // namespace

Namespace::Namespace(std::string_view db, std::string_view collection) : db_size_(db.size()) {
  full_.reserve(db.size() + 1 + collection.size());
  full_ = db;
  if (!collection.empty()) {
    full_ += '.';
    full_ += collection;
  }
}

Namespace Namespace::Parse(std::string_view full) {
  const size_t dot = full.find('.');
  if (dot == std::string_view::npos) {
    return Namespace(full, {});
  }
  return Namespace(full.substr(0, dot), full.substr(dot + 1));
}

bool Namespace::is_replicated() const {
  // Session tables are derived from the entries' session fields on every member.
  return !is_local() && collection() != "system.profile" && full_ != "config.transactions" &&
         full_ != "config.image_collection";
}

Status ValidateDatabaseName(std::string_view db) {
  if (db.empty()) {
    return Invalid("Invalid database name: ''");
  }
  const bool bad = db.size() > limits::kMaxDatabaseNameBytes ||
                   std::any_of(db.begin(), db.end(), [](char c) {
                     return c == '/' || c == '\\' || c == '.' || c == ' ' || c == '"' || c == '$' ||
                            c == '\0';
                   });
  if (bad && db != "$external") {
    return Invalid(StrCat("Invalid database name: '", db, "'"));
  }
  return OkStatus();
}

Status ValidateReadableName(const Namespace& ns) {
  const std::string_view collection = ns.collection();
  RETURN_IF_ERROR(ValidateDatabaseName(ns.db()));
  if (collection.empty()) {
    return Invalid(StrCat("Invalid namespace specified '", ns.db(), ".'"));
  }
  if (collection.find('\0') != std::string_view::npos) {
    return Invalid("namespaces cannot have embedded null characters");
  }
  if (collection.front() == '.') {
    return Invalid(StrCat("Collection names cannot start with '.': ", collection));
  }
  return OkStatus();
}

Status ValidateWritableName(const Namespace& ns) {
  if (ns.collection() == "system.profile" || ns.collection() == "system.views" || ns.is_oplog()) {
    return Invalid(StrCat("cannot write to ", ns.full()));
  }
  return ValidateCollectionName(ns);
}

Status ValidateCollectionName(const Namespace& ns) {
  RETURN_IF_ERROR(ValidateReadableName(ns));
  const std::string_view collection = ns.collection();
  if (collection.find('$') != std::string_view::npos && collection != "oplog.$main") {
    return Invalid(StrCat("Invalid collection name: ", collection));
  }
  if (ns.full().size() > limits::kMaxNamespaceBytes) {
    return Invalid(StrCat("Fully qualified namespace is too long. Namespace: ", ns.full(),
                          " Max: ", limits::kMaxNamespaceBytes));
  }
  if (collection.starts_with("system.") && !IsKnownSystem(ns.db(), collection)) {
    return Invalid(StrCat("Invalid system namespace: ", ns.full()));
  }
  return OkStatus();
}

}  // namespace septet::catalog
