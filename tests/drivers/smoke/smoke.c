// SPDX-License-Identifier: Apache-2.0
// libmongoc 1.23: connect, CRUD, aggregate, duplicate key, change of primary. Run by run.py.
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const kDatabase = "smoke_c";

static void Check(bool ok, const char *what, const bson_error_t *error) {
  if (ok) return;
  fprintf(stderr, "%s failed: %s\n", what, error ? error->message : "unexpected value");
  exit(1);
}

static void Say(const char *text) {
  puts(text);
  fflush(stdout);
}

static void Insert(mongoc_collection_t *players, int64_t id, const char *name, int32_t score) {
  bson_t *document =
      BCON_NEW("_id", BCON_INT64(id), "name", BCON_UTF8(name), "score", BCON_INT32(score));
  bson_error_t error;
  Check(mongoc_collection_insert_one(players, document, NULL, NULL, &error), "insert", &error);
  bson_destroy(document);
}

// The sum of the field `score` over what the cursor gives, or its number of documents if there is none.
static int64_t Drain(mongoc_cursor_t *cursor, const char *field) {
  const bson_t *document;
  int64_t sum = 0;
  while (mongoc_cursor_next(cursor, &document)) {
    bson_iter_t iter;
    sum += field && bson_iter_init_find(&iter, document, field) ? bson_iter_as_int64(&iter) : 1;
  }
  bson_error_t error;
  Check(!mongoc_cursor_error(cursor, &error), "cursor", &error);
  mongoc_cursor_destroy(cursor);
  return sum;
}

static int64_t Count(mongoc_collection_t *players) {
  bson_t all = BSON_INITIALIZER;
  bson_error_t error;
  const int64_t count =
      mongoc_collection_count_documents(players, &all, NULL, NULL, NULL, &error);
  Check(count >= 0, "count", &error);
  bson_destroy(&all);
  return count;
}

static void Crud(mongoc_collection_t *players) {
  bson_error_t error;
  Insert(players, 1, "Ada", 10);
  Insert(players, 2, "Bob", 20);
  Insert(players, 3, "Cyd", 30);
  Insert(players, 4, "Dan", 40);
  bson_t *filter = BCON_NEW("score", "{", "$lt", BCON_INT32(25), "}");
  bson_t *update = BCON_NEW("$inc", "{", "score", BCON_INT32(1), "}");
  Check(mongoc_collection_update_many(players, filter, update, NULL, NULL, &error), "update", &error);
  bson_destroy(filter);
  bson_destroy(update);
  filter = BCON_NEW("score", "{", "$gte", BCON_INT32(21), "}");
  bson_t *options = BCON_NEW("sort", "{", "score", BCON_INT32(-1), "}", "limit", BCON_INT64(2));
  Check(Drain(mongoc_collection_find_with_opts(players, filter, options, NULL), "score") == 70, "find",
        NULL);
  bson_destroy(filter);
  bson_destroy(options);
  filter = BCON_NEW("_id", BCON_INT64(4));
  Check(mongoc_collection_delete_one(players, filter, NULL, NULL, &error), "delete", &error);
  bson_destroy(filter);
  Check(Count(players) == 3, "count", NULL);
}

static void Cursors(mongoc_client_t *client) {
  mongoc_collection_t *many = mongoc_client_get_collection(client, kDatabase, "many");
  mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(many, NULL);
  for (int32_t i = 0; i < 2500; ++i) {
    bson_t *document = BCON_NEW("_id", BCON_INT32(i));
    mongoc_bulk_operation_insert(bulk, document);
    bson_destroy(document);
  }
  bson_error_t error;
  Check(mongoc_bulk_operation_execute(bulk, NULL, &error) != 0, "bulk", &error);
  mongoc_bulk_operation_destroy(bulk);
  bson_t all = BSON_INITIALIZER;
  bson_t *options = BCON_NEW("batchSize", BCON_INT32(100));
  Check(Drain(mongoc_collection_find_with_opts(many, &all, options, NULL), NULL) == 2500, "cursor", NULL);
  bson_destroy(options);
  bson_destroy(&all);
  mongoc_collection_destroy(many);
}

static void Aggregate(mongoc_collection_t *players) {
  bson_t *pipeline = BCON_NEW("pipeline", "[", "{", "$group", "{", "_id", BCON_NULL, "total", "{", "$sum",
                              BCON_UTF8("$score"), "}", "}", "}", "]");
  Check(Drain(mongoc_collection_aggregate(players, MONGOC_QUERY_NONE, pipeline, NULL, NULL), "total") == 62,
        "aggregate", NULL);
  bson_destroy(pipeline);
}

static void DuplicateKey(mongoc_collection_t *players) {
  bson_t *document = BCON_NEW("_id", BCON_INT64(1));
  bson_error_t error;
  Check(!mongoc_collection_insert_one(players, document, NULL, NULL, &error) && error.code == 11000,
        "duplicate key", &error);
  bson_destroy(document);
}

static void SecondaryRead(mongoc_collection_t *players) {
  mongoc_read_prefs_t *preference = mongoc_read_prefs_new(MONGOC_READ_SECONDARY);
  bson_t all = BSON_INITIALIZER;
  Check(Drain(mongoc_collection_find_with_opts(players, &all, NULL, preference), NULL) == 3,
        "secondary read", NULL);
  bson_destroy(&all);
  mongoc_read_prefs_destroy(preference);
}

static void Failover(mongoc_collection_t *players) {
  bson_t *filter = BCON_NEW("_id", BCON_INT64(1));
  bson_t *update = BCON_NEW("$inc", "{", "seen", BCON_INT32(1), "}");
  bson_error_t error;
  for (int i = 0; i < 50; ++i) {
    Check(mongoc_collection_update_one(players, filter, update, NULL, NULL, &error), "update", &error);
  }
  Check(Drain(mongoc_collection_find_with_opts(players, filter, NULL, NULL), "seen") == 50, "seen", NULL);
  bson_destroy(filter);
  bson_destroy(update);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s URI\n", argv[0]);
    return 2;
  }
  mongoc_init();
  bson_error_t error;
  mongoc_uri_t *uri = mongoc_uri_new_with_error(argv[1], &error);
  Check(uri != NULL, "URI", &error);
  mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false);
  mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_W, "majority");
  mongoc_client_t *client = mongoc_client_new_from_uri_with_error(uri, &error);
  Check(client != NULL, "client", &error);
  bson_t *ping = BCON_NEW("ping", BCON_INT32(1));
  Check(mongoc_client_command_simple(client, "admin", ping, NULL, NULL, &error), "ping", &error);
  bson_destroy(ping);
  Say("connected");
  mongoc_collection_t *players = mongoc_client_get_collection(client, kDatabase, "players");
  Crud(players);
  Say("crud");
  Cursors(client);
  Say("cursors");
  Aggregate(players);
  Say("aggregate");
  DuplicateKey(players);
  Say("duplicate key");
  SecondaryRead(players);
  Say("secondary read");
  Say("FAILOVER");
  char line[64];
  Check(fgets(line, sizeof line, stdin) != NULL, "waiting", NULL);
  Failover(players);
  Say("failover");
  Check(mongoc_collection_drop(players, &error), "drop", &error);
  mongoc_collection_destroy(players);
  mongoc_client_destroy(client);
  mongoc_uri_destroy(uri);
  mongoc_cleanup();
  Say("ok");
  return 0;
}
