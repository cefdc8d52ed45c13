// SPDX-License-Identifier: Apache-2.0
// OP_QUERY and the pseudo-collections of old servers, as commands of today. Source: the manual's "Legacy
// Opcodes" and "Meta-Operators" pages of 2.x; S01-039..S01-045.
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

#include "bson/view.h"
#include "wire/codec/message.h"

namespace septet::server {

struct LegacyQuery {
  enum class Kind {
    kFind,        // reply: the first batch
    kCommand,     // reply: one document (inprog, killop, unlock, $explain)
    kNamespaces,  // reply: made from listCollections (system.namespaces)
  };
  Kind kind = Kind::kFind;
  std::string command;  // encoded, with $db
  std::string ns;       // as asked
};

LegacyQuery TranslateQuery(const wire::OpQuery& query);
// An insert into <db>.system.indexes as createIndexes; one document is one index.
std::string TranslateIndexInsert(const wire::OpInsert& insert);
// {name: "db.coll", options} for each row of a listCollections reply.
std::string NamespaceDocuments(bson::DocView list_collections_reply, std::string_view ns,
                               int32_t* count);

}  // namespace septet::server
