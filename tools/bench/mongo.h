// SPDX-License-Identifier: Apache-2.0
// The C driver with owners that clean up, and documents built by our own builder.
// A client, its collections and cursors belong to one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <mongoc/mongoc.h>

#include "bson/view.h"

#include "base/status.h"

namespace septet::bench {

template <auto destroy>
struct Destroy {
  template <typename T>
  void operator()(T* p) const {
    destroy(p);
  }
};
using UriPtr = std::unique_ptr<mongoc_uri_t, Destroy<&mongoc_uri_destroy>>;
using PoolPtr = std::unique_ptr<mongoc_client_pool_t, Destroy<&mongoc_client_pool_destroy>>;
using CollectionPtr = std::unique_ptr<mongoc_collection_t, Destroy<&mongoc_collection_destroy>>;
using BulkPtr = std::unique_ptr<mongoc_bulk_operation_t, Destroy<&mongoc_bulk_operation_destroy>>;
using CursorPtr = std::unique_ptr<mongoc_cursor_t, Destroy<&mongoc_cursor_destroy>>;

// The driver's view of a document; valid as long as its bytes.
class Bson {
 public:
  explicit Bson(std::string_view bytes) {
    bson_init_static(&bson_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  const bson_t* get() const { return &bson_; }

 private:
  bson_t bson_;
};

Status ToStatus(const bson_error_t& error);

CollectionPtr Open(mongoc_client_t* client, const char* name);

// Runs a command on the benchmark's database.
Status Run(mongoc_client_t* client, std::string_view command);

// Inserts these documents with one insertMany (w:1, ordered).
Status InsertMany(mongoc_collection_t* collection, const std::vector<std::string>& documents);

// Reads a cursor to its end; how many documents it gave.
StatusOr<int64_t> Drain(CursorPtr cursor);

inline constexpr char kDatabase[] = "bench";

}  // namespace septet::bench
