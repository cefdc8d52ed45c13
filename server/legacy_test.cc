// SPDX-License-Identifier: Apache-2.0
// Wire version 0 through the in-process server. Rules: the manual's "Legacy Opcodes" page and the drivers'
// find/getMore specification for servers before 3.2; S01-039..S01-045.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "server/testing/in_process_server.h"
#include "wire/codec/serialize.h"

namespace septet::server::testing {
namespace {

using bson::DocView;

std::string Doc(std::string_view json) {
  auto bytes = bson::FromJson(json);
  EXPECT_TRUE(bytes.ok()) << json;
  return *bytes;
}

void PutInt(std::string* out, int32_t v) { out->append(reinterpret_cast<const char*>(&v), 4); }
void PutLong(std::string* out, int64_t v) { out->append(reinterpret_cast<const char*>(&v), 8); }
void PutName(std::string* out, std::string_view s) {
  out->append(s);
  out->push_back('\0');
}

std::string Message(wire::OpCode op, const std::string& payload) {
  std::string out(wire::kHeaderBytes, '\0');
  wire::EncodeHeader({static_cast<int32_t>(payload.size() + wire::kHeaderBytes), 7, 0, op}, out.data());
  return out + payload;
}

class LegacyTest : public ::testing::Test {
 protected:
  using Reply = InProcessClient::LegacyReply;

  Reply Query(std::string_view ns, std::string_view json, int32_t n = 0, uint32_t flags = 0) {
    const std::string query = Doc(json);
    return client_.RunLegacy(wire::SerializeQuery(
        {1, 0}, {.flags = flags, .ns = ns, .number_to_return = n, .query = DocView(query)}));
  }
  Reply GetMore(std::string_view ns, int64_t cursor, int32_t n = 0) {
    std::string p;
    PutInt(&p, 0);
    PutName(&p, ns);
    PutInt(&p, n);
    PutLong(&p, cursor);
    return client_.RunLegacy(Message(wire::OpCode::kGetMore, p));
  }
  void Insert(std::string_view ns, const std::vector<std::string>& docs, int32_t flags = 0) {
    std::string p;
    PutInt(&p, flags);
    PutName(&p, ns);
    for (const std::string& d : docs) {
      p += Doc(d);
    }
    EXPECT_EQ(client_.RunLegacy(Message(wire::OpCode::kInsert, p)).count, -1);
  }
  void Update(std::string_view ns, int32_t flags, std::string_view q, std::string_view u) {
    std::string p;
    PutInt(&p, 0);
    PutName(&p, ns);
    PutInt(&p, flags);
    p += Doc(q) + Doc(u);
    EXPECT_EQ(client_.RunLegacy(Message(wire::OpCode::kUpdate, p)).count, -1);
  }
  void Delete(std::string_view ns, int32_t flags, std::string_view q) {
    std::string p;
    PutInt(&p, 0);
    PutName(&p, ns);
    PutInt(&p, flags);
    p += Doc(q);
    EXPECT_EQ(client_.RunLegacy(Message(wire::OpCode::kDelete, p)).count, -1);
  }
  std::string LastError() {
    last_ = Query("t.$cmd", R"({"getlasterror": 1})", -1).documents;
    return last_;
  }
  static std::vector<std::string> Documents(const Reply& reply) {
    std::vector<std::string> out;
    for (size_t at = 0; at < reply.documents.size();) {
      const DocView d(reply.documents.data() + at);
      out.push_back(bson::ToRelaxedJson(d));
      at += static_cast<size_t>(d.size_bytes());
    }
    return out;
  }

  InProcessServer server_;
  InProcessClient client_{&server_};
  std::string last_;
};

TEST_F(LegacyTest, S01_003_CommandsByOpQuery) {
  const Reply hello = Query("admin.$cmd", R"({"ismaster": 1})", -1);
  ASSERT_EQ(hello.count, 1);
  EXPECT_TRUE(DocView(hello.documents)["ismaster"].AsBool());
  // Wrapped, with a read preference, as pymongo 2 sends it through a router.
  const Reply wrapped = Query("admin.$cmd",
                              R"({"$query": {"ping": 1}, "$readPreference": {"mode": "secondary"}})", -1);
  EXPECT_EQ(Documents(wrapped), std::vector<std::string>{R"({"ok":1.0})"});
  const Reply unknown = Query("admin.$cmd", R"({"nosuch": 1})", -1);
  EXPECT_EQ(DocView(unknown.documents)["code"].AsInt32(), 59);
}

TEST_F(LegacyTest, S01_043_WritesAndGetLastError) {
  Insert("t.c", {R"({"_id": 1, "a": 1})", R"({"_id": 2, "a": 2})"});
  LastError();
  EXPECT_TRUE(DocView(last_)["err"].is_null());
  EXPECT_EQ(DocView(last_)["n"].AsInt32(), 0);

  Insert("t.c", {R"({"_id": 1})"});
  LastError();
  EXPECT_EQ(DocView(last_)["code"].AsInt32(), 11000);
  EXPECT_THAT(std::string(DocView(last_)["err"].AsString()), ::testing::HasSubstr("E11000"));

  Update("t.c", 0, R"({"a": 1})", R"({"$set": {"b": 1}})");
  LastError();
  EXPECT_TRUE(DocView(last_)["updatedExisting"].AsBool());
  EXPECT_EQ(DocView(last_)["n"].AsInt32(), 1);

  Update("t.c", 1, R"({"_id": 9})", R"({"$set": {"b": 2}})");
  LastError();
  EXPECT_FALSE(DocView(last_)["updatedExisting"].AsBool());
  EXPECT_EQ(DocView(last_)["upserted"].AsInt32(), 9);

  Update("t.c", 2, "{}", R"({"$set": {"m": 1}})");
  LastError();
  EXPECT_EQ(DocView(last_)["n"].AsInt32(), 3);

  Delete("t.c", 1, "{}");
  LastError();
  EXPECT_EQ(DocView(last_)["n"].AsInt32(), 1);
  Delete("t.c", 0, "{}");
  LastError();
  EXPECT_EQ(DocView(last_)["n"].AsInt32(), 2);

  // Only what came directly before counts; asking twice does not come between.
  Insert("t.c", {R"({"_id": 1})", R"({"_id": 1})"});
  LastError();
  LastError();
  EXPECT_EQ(DocView(last_)["code"].AsInt32(), 11000);
  Query("t.c", "{}");
  LastError();
  EXPECT_TRUE(DocView(last_)["err"].is_null());
  EXPECT_EQ(DocView(Query("t.$cmd", R"({"getpreverror": 1})", -1).documents)["nPrev"].AsInt32(), 2);

  Query("t.$cmd", R"({"reseterror": 1})", -1);
  LastError();
  EXPECT_EQ(DocView(last_)["n"].AsInt32(), 0);
}

TEST_F(LegacyTest, ContinueOnError) {
  Insert("t.c", {R"({"_id": 1})", R"({"_id": 1})", R"({"_id": 2})"}, 0);
  EXPECT_EQ(Query("t.c", "{}").count, 1);
  Insert("t.c", {R"({"_id": 1})", R"({"_id": 3})"}, 1);
  EXPECT_EQ(Query("t.c", "{}").count, 2);
}

TEST_F(LegacyTest, S01_039_QueriesCursorsAndBatches) {
  std::vector<std::string> docs;
  for (int i = 0; i < 150; ++i) {
    docs.push_back(StrCat("{\"_id\": ", i, "}"));
  }
  Insert("t.c", docs);
  const Reply first = Query("t.c", "{}");
  EXPECT_EQ(first.count, 101);
  EXPECT_NE(first.cursor_id, 0);
  const Reply rest = GetMore("t.c", first.cursor_id);
  EXPECT_EQ(rest.count, 49);
  EXPECT_EQ(rest.cursor_id, 0);

  const Reply ten = Query("t.c", "{}", 10);
  EXPECT_EQ(ten.count, 10);
  EXPECT_EQ(GetMore("t.c", ten.cursor_id, 20).count, 20);
  const Reply one_batch = Query("t.c", "{}", -10);
  EXPECT_EQ(one_batch.count, 10);
  EXPECT_EQ(one_batch.cursor_id, 0);
  EXPECT_EQ(Query("t.c", "{}", 1).cursor_id, 0);
  EXPECT_EQ(Query("t.c", "{}", -150).count, 150);

  // OP_KILL_CURSORS, then the cursor is gone (responseFlags bit 0).
  std::string kill;
  PutInt(&kill, 0);
  PutInt(&kill, 1);
  PutLong(&kill, ten.cursor_id);
  EXPECT_EQ(client_.RunLegacy(Message(wire::OpCode::kKillCursors, kill)).count, -1);
  const Reply gone = GetMore("t.c", ten.cursor_id);
  EXPECT_EQ(gone.flags & wire::kCursorNotFound, wire::kCursorNotFound);
  EXPECT_EQ(gone.count, 0);
}

TEST_F(LegacyTest, S01_041_WrappedQueries) {
  Insert("t.c", {R"({"_id": 1, "a": 2})", R"({"_id": 2, "a": 1})", R"({"_id": 3, "a": 3})"});
  EXPECT_EQ(Documents(Query("t.c", R"({"$query": {"a": {"$lt": 3}}, "$orderby": {"a": 1}})")),
            (std::vector<std::string>{R"({"_id":2,"a":1})", R"({"_id":1,"a":2})"}));
  EXPECT_EQ(Documents(Query("t.c", R"({"$orderby": {"a": -1}, "$query": {"_id": {"$gt": 1}}})", -1)),
            std::vector<std::string>{R"({"_id":3,"a":3})"});
  EXPECT_EQ(Query("t.c", R"({"query": {}, "orderby": {"a": -1}, "$maxTimeMS": 1000})").count, 3);
  const Reply explain = Query("t.c", R"({"$query": {"a": 1}, "$explain": 1})");
  EXPECT_TRUE(DocView(explain.documents).Has("queryPlanner"));
}

TEST_F(LegacyTest, S01_040_ErrorsOfQueries) {
  const Reply failed = Query("t.c", R"({"a": {"$nosuch": 1}})");
  EXPECT_EQ(failed.flags & wire::kQueryFailure, wire::kQueryFailure);
  EXPECT_TRUE(DocView(failed.documents)["$err"].is_string());
  EXPECT_TRUE(DocView(failed.documents)["code"].is_number());
}

TEST_F(LegacyTest, S01_045_PseudoCollections) {
  Insert("t.c", {R"({"_id": 1})"});
  Insert("t.system.indexes", {R"({"ns": "t.c", "key": {"a": 1}, "name": "a_1"})"});
  LastError();
  EXPECT_TRUE(DocView(last_)["err"].is_null()) << bson::ToRelaxedJson(DocView(last_));
  const Reply indexes = Query("t.system.indexes", R"({"ns": "t.c"})");
  EXPECT_EQ(indexes.count, 2);
  EXPECT_EQ(Query("t.system.indexes", R"({"ns": "t.c", "name": "a_1"})").count, 1);
  const Reply names = Query("t.system.namespaces", "{}");
  ASSERT_EQ(names.count, 1);
  EXPECT_EQ(DocView(names.documents)["name"].AsString(), "t.c");
  EXPECT_TRUE(DocView(Query("admin.$cmd.sys.inprog", "{}", -1).documents).Has("inprog"));
}

}  // namespace
}  // namespace septet::server::testing
