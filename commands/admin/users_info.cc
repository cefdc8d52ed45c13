// SPDX-License-Identifier: Apache-2.0
// usersInfo (S02-066): {usersInfo: 1 | "name" | {user, db} | [names] | {forAllDBs: true}}; reply {users: [...]}.
// Users cannot be made on this server yet, so what it finds in admin.system.users was restored from elsewhere.
// Errors: 2, 4.
#include "base/strings.h"
#include "catalog/catalog.h"
#include "commands/ddl/in_pool.h"
#include "commands/parse.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

using bson::DocView;
using bson::ValueView;

struct Wanted {
  bool all_databases = false;
  std::string whole_database;                               // every user of it
  std::vector<std::pair<std::string, std::string>> users;   // name, database

  bool Has(std::string_view user, std::string_view db) const {
    if (all_databases || (!whole_database.empty() && db == whole_database)) {
      return true;
    }
    for (const auto& [name, database] : users) {
      if (name == user && database == db) {
        return true;
      }
    }
    return false;
  }
};

Status AddUser(ValueView v, std::string_view db, Wanted* out) {
  if (v.is_string()) {
    out->users.emplace_back(v.AsString(), db);
    return OkStatus();
  }
  if (!v.is_object()) {
    return Error(ErrorCode::kBadValue, "User and role names must be either strings or objects");
  }
  for (const std::string_view field : {"user", "db"}) {
    if (!v.AsDoc().Find(field).is_string()) {
      return Error(ErrorCode::kNoSuchKey, StrCat("Missing expected field \"", field, "\""));
    }
  }
  out->users.emplace_back(v.AsDoc().Find("user").AsString(), v.AsDoc().Find("db").AsString());
  return OkStatus();
}

StatusOr<Wanted> Parse(const Request& request) {
  const ValueView v = request.body.FirstElement().value();
  Wanted out;
  if (v.is_number() && v.Truthy()) {
    out.whole_database = std::string(request.db);
  } else if (v.is_object() && v.AsDoc().Find("forAllDBs").Truthy()) {
    out.all_databases = true;
  } else if (v.is_array()) {
    for (const bson::ElementView e : v.AsArray()) {
      RETURN_IF_ERROR(AddUser(e.value(), request.db, &out));
    }
  } else {
    RETURN_IF_ERROR(AddUser(v, request.db, &out));
  }
  return out;
}

void Describe(DocView user, bool with_credentials, bson::DocBuilder* reply) {
  const auto one = reply->AddObject();
  for (const bson::ElementView e : user) {
    if (e.name() != "credentials" || with_credentials) {
      reply->Append(e);
    }
  }
  if (const ValueView credentials = user.Find("credentials"); credentials.is_object()) {
    const auto mechanisms = reply->Array("mechanisms");
    for (const bson::ElementView e : credentials.AsDoc()) {
      reply->Add(e.name());
    }
  }
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder* reply) {
  StatusOr<Wanted> wanted = Parse(request);
  if (!wanted.ok()) {
    return Outcome::Fail(wanted.status());
  }
  const Services* all = &services;
  const bool with_credentials = request.body.Find("showCredentials").Truthy();
  return RunInPool(op, [op, all, wanted = *std::move(wanted), with_credentials, reply]() -> Outcome {
    const auto users = reply->Array("users");
    const catalog::CollectionPtr c = all->catalog->Find("admin.system.users");
    if (c == nullptr || c->is_view) {
      return Outcome::Ok();
    }
    catalog::RecordCursor cursor(all->catalog->engine(), *c, catalog::ReadSnapshot(all->catalog, op), true);
    for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
      const ValueView user = cursor.doc().Find("user");
      const ValueView db = cursor.doc().Find("db");
      if (user.is_string() && db.is_string() && wanted.Has(user.AsString(), db.AsString())) {
        Describe(cursor.doc(), with_credentials, reply);
      }
    }
    return Outcome::Of(cursor.status());
  });
}

}  // namespace

extern const CommandSpec kUsersInfoCommand;
const CommandSpec kUsersInfoCommand{
    .name = "usersInfo",
    .aliases = {},
    .flags = kReadData,
    .help = "Tells of users",
    .fields = {"showCredentials"},
    .api_version = "",
    .run = Run,
};

}  // namespace septet::commands
