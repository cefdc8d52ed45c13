// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/mongo.h"

#include "base/strings.h"

namespace septet::bench {

Status ToStatus(const bson_error_t& error) {
  return Error(ErrorCode::kOperationFailed, StrCat(std::string_view(error.message), " (code ",
                                                   error.code, ")"));
}

CollectionPtr Open(mongoc_client_t* client, const char* name) {
  return CollectionPtr(mongoc_client_get_collection(client, kDatabase, name));
}

Status Run(mongoc_client_t* client, std::string_view command) {
  bson_error_t error{};
  if (!mongoc_client_command_simple(client, kDatabase, Bson(command).get(), nullptr, nullptr,
                                    &error)) {
    return ToStatus(error);
  }
  return OkStatus();
}

Status InsertMany(mongoc_collection_t* collection, const std::vector<std::string>& documents) {
  const BulkPtr bulk(mongoc_collection_create_bulk_operation_with_opts(collection, nullptr));
  bson_error_t error{};
  for (const std::string& document : documents) {
    if (!mongoc_bulk_operation_insert_with_opts(bulk.get(), Bson(document).get(), nullptr,
                                                &error)) {
      return ToStatus(error);
    }
  }
  if (mongoc_bulk_operation_execute(bulk.get(), nullptr, &error) == 0) {
    return ToStatus(error);
  }
  return OkStatus();
}

StatusOr<int64_t> Drain(CursorPtr cursor) {
  int64_t count = 0;
  const bson_t* document = nullptr;
  while (mongoc_cursor_next(cursor.get(), &document)) {
    ++count;
  }
  bson_error_t error{};
  if (mongoc_cursor_error(cursor.get(), &error)) {
    return ToStatus(error);
  }
  return count;
}

}  // namespace septet::bench
