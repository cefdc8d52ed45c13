// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bson/builder.h"

#include "wire/codec/serialize.h"

namespace septet::wire {
namespace {

using bson::DocView;
using bson::MakeDoc;

template <typename T>
std::string Int(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

// A message from its opcode and payload.
std::string Raw(OpCode op_code, std::string_view payload, int32_t length_error = 0) {
  const auto length = static_cast<int32_t>(kHeaderBytes + payload.size()) + length_error;
  return Int(length) + Int(7) + Int(0) + Int(static_cast<int32_t>(op_code)) + std::string(payload);
}
std::string Body(std::string_view doc) {
  return std::string(1, '\0') + std::string(doc);
}
std::string Sequence(std::string_view id, std::string_view docs, int32_t size_error = 0) {
  const auto size = static_cast<int32_t>(4 + id.size() + 1 + docs.size()) + size_error;
  return std::string(1, '\1') + Int(size) + std::string(id) + std::string(1, '\0') +
         std::string(docs);
}
std::string Msg(uint32_t flags, std::string_view sections) {
  return Raw(OpCode::kMsg, Int(flags) + std::string(sections));
}
std::string CString(std::string_view s) {
  return std::string(s) + std::string(1, '\0');
}

const std::string kPing = MakeDoc("ping", 1, "$db", "admin");
const std::string kInsert = MakeDoc("insert", "c", "$db", "test");
const std::string kA = MakeDoc("a", 1);
const std::string kB = MakeDoc("b", 2);

void ExpectFails(std::string_view message, int code, Verdict verdict) {
  const ParseResult result = Parse(message);
  EXPECT_EQ(static_cast<int>(CodeOf(result.status)), code) << TextOf(result.status);
  EXPECT_EQ(result.verdict, verdict);
}

TEST(Parse, S01_001_OpMsg) {
  const std::string message = Msg(0, Body(kPing));
  const ParseResult result = Parse(message);
  ASSERT_EQ(result.verdict, Verdict::kHandle);
  const auto& msg = std::get<OpMsg>(result.message);
  EXPECT_EQ(msg.command_name(), "ping");
  EXPECT_EQ(msg.flags, 0u);
  EXPECT_TRUE(msg.sequences.empty());
  EXPECT_EQ(*DatabaseOf(msg), "admin");
  // Zero copy: the body stands in the message.
  EXPECT_EQ(msg.body.data(), message.data() + kMsgPrefixBytes);
}

TEST(Parse, S01_015_HeaderIsLittleEndian) {
  const std::string bytes = std::string("\x15\0\0\0\x02\0\0\0\x03\0\0\0\xdd\x07\0\0", 16);
  const MessageHeader header = DecodeHeader(bytes.data());
  EXPECT_EQ(header.message_length, 21);
  EXPECT_EQ(header.request_id, 2);
  EXPECT_EQ(header.response_to, 3);
  EXPECT_EQ(header.op_code, OpCode::kMsg);
  char again[kHeaderBytes];
  EncodeHeader(header, again);
  EXPECT_EQ(std::string_view(again, kHeaderBytes), bytes);
}

TEST(Parse, S01_016_LengthBounds) {
  EXPECT_FALSE(IsAcceptableLength(15));
  EXPECT_TRUE(IsAcceptableLength(16));
  EXPECT_TRUE(IsAcceptableLength(48'000'000));
  EXPECT_FALSE(IsAcceptableLength(48'000'001));
  EXPECT_FALSE(IsAcceptableLength(-1));
  ExpectFails("short", 17, Verdict::kClose);
  ExpectFails(Raw(OpCode::kMsg, Int(0u) + Body(kPing), 1), 17, Verdict::kClose);
  ExpectFails(Raw(OpCode::kMsg, Int(0u) + Body(kPing), -1), 17, Verdict::kClose);
}

TEST(Parse, S01_018_ExactlyOneBody) {
  ExpectFails(Msg(0, Body(kPing) + Body(kPing)), 40430, Verdict::kReply);
  ExpectFails(Msg(0, ""), 40587, Verdict::kReply);
  ExpectFails(Msg(0, Sequence("documents", kA)), 40587, Verdict::kReply);
  const std::string empty = Msg(0, Body(MakeDoc()));
  const ParseResult result = Parse(empty);
  EXPECT_EQ(std::get<OpMsg>(result.message).command_name(), "");
}

TEST(Parse, S01_019_S01_020_SequencesInAnyOrder) {
  const std::string first = Msg(0, Sequence("documents", kA + kB) + Body(kInsert));
  const std::string last = Msg(0, Body(kInsert) + Sequence("documents", kA + kB));
  for (const std::string& message : {first, last}) {
    const ParseResult result = Parse(message);
    ASSERT_EQ(result.verdict, Verdict::kHandle) << TextOf(result.status);
    const auto& msg = std::get<OpMsg>(result.message);
    const DocumentSequence* documents = msg.Sequence("documents");
    ASSERT_NE(documents, nullptr);
    EXPECT_EQ(documents->documents.count(), 2);
    std::vector<int32_t> values;
    for (const DocView doc : documents->documents) {
      values.push_back(doc.FirstElement().value().AsInt32());
    }
    EXPECT_THAT(values, testing::ElementsAre(1, 2));
    EXPECT_EQ(msg.Sequence("updates"), nullptr);
    const std::string merged = msg.MergedBody();
    const DocView array = DocView(merged).Find("documents").AsArray();
    EXPECT_EQ(array.CountFields(), 2);
    EXPECT_EQ(array.Find("1").AsDoc().raw(), kB);
  }
}

TEST(Parse, S01_019_EmptySequence) {
  const std::string message = Msg(0, Body(kInsert) + Sequence("documents", ""));
  const ParseResult result = Parse(message);
  ASSERT_EQ(result.verdict, Verdict::kHandle);
  EXPECT_EQ(std::get<OpMsg>(result.message).sequences[0].documents.count(), 0);
}

TEST(Parse, S01_019_SequenceIdentifiersAreUnique) {
  ExpectFails(Msg(0, Body(kInsert) + Sequence("documents", kA) + Sequence("documents", kB)), 40431,
              Verdict::kReply);
}

TEST(Parse, S01_020_BulkWriteHasTwoSequences_MoreClose) {
  const std::string two = Msg(0, Body(MakeDoc("bulkWrite", 1, "$db", "admin")) +
                                     Sequence("ops", kA) + Sequence("nsInfo", kB));
  EXPECT_EQ(Parse(two).verdict, Verdict::kHandle);
  ExpectFails(Msg(0, Body(kInsert) + Sequence("a", kA) + Sequence("b", kA) + Sequence("c", kA)),
              233, Verdict::kClose);
}

TEST(Parse, S01_019_SequenceSizeIsChecked) {
  const std::string body = Body(kInsert);
  ExpectFails(Msg(0, body + Sequence("documents", kA, 1)), 22, Verdict::kReply);
  ExpectFails(Msg(0, body + Sequence("documents", kA, -1)), 22, Verdict::kReply);
  ExpectFails(Msg(0, body + std::string(1, '\1') + Int(0)), 22, Verdict::kReply);
  ExpectFails(Msg(0, body + std::string(1, '\1') + Int(-4)), 22, Verdict::kReply);
  ExpectFails(Msg(0, body + std::string(1, '\1') + Int(4)), 22, Verdict::kReply);
  ExpectFails(Msg(0, body + std::string(1, '\1') + Int(6) + "ab"), 22, Verdict::kReply);
  ExpectFails(Msg(0, body + std::string(1, '\1') + "\1"), 22, Verdict::kReply);
}

TEST(Parse, S01_021_FieldInBodyAndSequence) {
  const std::string body = MakeDoc("insert", "c", "documents", 1, "$db", "test");
  ExpectFails(Msg(0, Body(body) + Sequence("documents", kA)), 40433, Verdict::kReply);
  const std::string nested = MakeDoc("insert", "c", "a", DocView(kB), "$db", "test");
  ExpectFails(Msg(0, Body(nested) + Sequence("a.b", kA)), 40433, Verdict::kReply);
  const std::string other = Msg(0, Body(nested) + Sequence("a.c", kA));
  EXPECT_EQ(Parse(other).verdict, Verdict::kHandle);
}

TEST(Parse, S01_022_OtherSectionKinds) {
  ExpectFails(Msg(0, std::string(1, '\2') + kA + Body(kPing)), 40432, Verdict::kReplyAndClose);
  ExpectFails(Msg(0, Body(kPing) + "\xff"), 40432, Verdict::kReplyAndClose);
}

TEST(Parse, S01_023_Checksum) {
  std::string message = SerializeMsg({7, 0}, kChecksumPresent, DocView(kPing));
  const ParseResult result = Parse(message);
  ASSERT_EQ(result.verdict, Verdict::kHandle) << TextOf(result.status);
  EXPECT_TRUE(std::get<OpMsg>(result.message).checksum_present());
  for (const size_t at : {size_t{8}, message.size() - 10, message.size() - 1}) {
    std::string broken = message;
    broken[at] = static_cast<char>(broken[at] ^ 1);
    ExpectFails(broken, 288, Verdict::kClose);
  }
  ExpectFails(Msg(kChecksumPresent, "abc"), 288, Verdict::kClose);
}

TEST(Parse, S01_024_MoreToComeIsKnownOfBrokenRequests) {
  const std::string message = Msg(kMoreToCome, Body(kInsert) + Body(kInsert));
  const ParseResult result = Parse(message);
  EXPECT_EQ(result.verdict, Verdict::kReply);
  EXPECT_TRUE(std::get<OpMsg>(result.message).more_to_come());
}

TEST(Parse, S01_025_ExhaustAllowed) {
  const std::string message = Msg(kExhaustAllowed, Body(kPing));
  EXPECT_TRUE(std::get<OpMsg>(Parse(message).message).exhaust_allowed());
}

TEST(Parse, S01_026_UnknownFlagBits) {
  for (uint32_t bit = 0; bit < 32; ++bit) {
    const uint32_t flag = 1u << bit;
    if (flag == kChecksumPresent) {
      continue;
    }
    const std::string message = Msg(flag, Body(kPing));
    if (bit >= 2 && bit < 16) {
      ExpectFails(message, 223, Verdict::kClose);
    } else {
      EXPECT_EQ(Parse(message).verdict, Verdict::kHandle) << bit;
    }
  }
}

TEST(Parse, S01_027_DatabaseIsRequired) {
  const std::string absent = Msg(0, Body(MakeDoc("ping", 1)));
  const ParseResult without = Parse(absent);
  ASSERT_EQ(without.verdict, Verdict::kHandle);
  EXPECT_EQ(static_cast<int>(CodeOf(DatabaseOf(std::get<OpMsg>(without.message)).status())), 40571);
  const std::string number = Msg(0, Body(MakeDoc("ping", 1, "$db", 1)));
  const ParseResult wrong = Parse(number);
  EXPECT_EQ(static_cast<int>(CodeOf(DatabaseOf(std::get<OpMsg>(wrong.message)).status())), 13111);
}

TEST(Parse, S01_028_BrokenBson) {
  std::string unterminated = kPing;
  unterminated.back() = 1;
  ExpectFails(Msg(0, Body(unterminated)), 22, Verdict::kReply);
  std::string unknown_type = kPing;
  unknown_type[4] = 0x33;
  ExpectFails(Msg(0, Body(unknown_type)), 22, Verdict::kReply);
  ExpectFails(Msg(0, Body(kPing.substr(0, kPing.size() - 1))), 22, Verdict::kReply);
  ExpectFails(Msg(0, Body(Int(4) + "\0")), 22, Verdict::kReply);
  ExpectFails(Msg(0, Body(Int(-5) + "\0")), 22, Verdict::kReply);
  ExpectFails(Msg(0, Body(kInsert) + Sequence("documents", kA + unterminated)), 22,
              Verdict::kReply);
}

TEST(Parse, S01_050_DocumentsBeyondTheInternalLimit) {
  std::string big = MakeDoc("a", std::string(16'793'600, 'x'));
  ExpectFails(Msg(0, Body(big)), 10334, Verdict::kReply);
  ExpectFails(Msg(0, Body(kInsert) + Sequence("documents", big)), 10334, Verdict::kReply);
  const std::string allowed = MakeDoc("a", std::string(16'793'600 - 13, 'x'));
  ASSERT_EQ(allowed.size(), 16'793'600u);
  const std::string message = Msg(0, Body(allowed));
  EXPECT_EQ(Parse(message).verdict, Verdict::kHandle);
}

TEST(Parse, S01_053_NestingOf200) {
  const auto nested = [](int depth) {
    std::string doc = MakeDoc();
    for (int i = 1; i < depth; ++i) {
      doc = MakeDoc("a", DocView(doc));
    }
    return doc;
  };
  const std::string allowed = Msg(0, Body(nested(200)));
  EXPECT_EQ(Parse(allowed).verdict, Verdict::kHandle);
  ExpectFails(Msg(0, Body(nested(202))), 15, Verdict::kReply);
}

TEST(Parse, S01_012_S01_013_S01_014_OtherOpcodesClose) {
  for (const int op_code : {0, 2, 1000, 2003, 2008, 2010, 2011, 2012, 2014, -1}) {
    ExpectFails(Raw(static_cast<OpCode>(op_code), Int(0) + kPing), 17, Verdict::kClose);
  }
}

TEST(Parse, S01_003_OpQuery) {
  const std::string hello = MakeDoc("isMaster", 1, "helloOk", true);
  const std::string bytes = SerializeQuery({9, 0}, {.flags = kSlaveOk,
                                                    .ns = "admin.$cmd",
                                                    .skip = 0,
                                                    .number_to_return = -1,
                                                    .query = DocView(hello)});
  const ParseResult result = Parse(bytes);
  ASSERT_EQ(result.verdict, Verdict::kHandle) << TextOf(result.status);
  const auto& query = std::get<OpQuery>(result.message);
  EXPECT_EQ(query.ns, "admin.$cmd");
  EXPECT_EQ(query.database(), "admin");
  EXPECT_TRUE(query.is_command());
  EXPECT_EQ(query.number_to_return, -1);
  EXPECT_EQ(query.flags, static_cast<uint32_t>(kSlaveOk));
  EXPECT_EQ(query.command_name(), "isMaster");
  EXPECT_FALSE(query.has_projection);
}

TEST(Parse, S01_006_OpQueryWithProjection) {
  const std::string bytes = SerializeQuery({9, 0}, {.ns = "db.a.b",
                                                    .skip = 3,
                                                    .number_to_return = 10,
                                                    .query = DocView(kA),
                                                    .has_projection = true,
                                                    .projection = DocView(kB)});
  const ParseResult result = Parse(bytes);
  const auto& query = std::get<OpQuery>(result.message);
  EXPECT_EQ(query.database(), "db");
  EXPECT_FALSE(query.is_command());
  EXPECT_EQ(query.skip, 3);
  EXPECT_EQ(query.projection.raw(), kB);
  ExpectFails(Raw(OpCode::kQuery, bytes.substr(kHeaderBytes) + "x"), 22, Verdict::kReply);
}

TEST(Parse, S01_041_WrappedCommand) {
  const std::string ping = MakeDoc("ping", 1);
  for (const char* name : {"$query", "query"}) {
    const std::string wrapped = MakeDoc(name, DocView(ping), "$readPreference", DocView(kA));
    const OpQuery query{.ns = "admin.$cmd", .query = DocView(wrapped)};
    EXPECT_EQ(query.command_name(), "ping");
  }
}

TEST(Parse, S01_007_OpGetMore) {
  const std::string message =
      Raw(OpCode::kGetMore, Int(0) + CString("db.c") + Int(20) + Int(int64_t{1} << 40));
  const ParseResult result = Parse(message);
  const auto& get_more = std::get<OpGetMore>(result.message);
  EXPECT_EQ(get_more.ns, "db.c");
  EXPECT_EQ(get_more.number_to_return, 20);
  EXPECT_EQ(get_more.cursor_id, int64_t{1} << 40);
  ExpectFails(message.substr(0, 16) + "abc", 17, Verdict::kClose);
}

TEST(Parse, S01_008_OpKillCursors) {
  const std::string ids = Int(int64_t{5}) + Int(int64_t{6});
  const std::string message = Raw(OpCode::kKillCursors, Int(0) + Int(2) + ids);
  EXPECT_THAT(std::get<OpKillCursors>(Parse(message).message).cursor_ids,
              testing::ElementsAre(5, 6));
  ExpectFails(Raw(OpCode::kKillCursors, Int(0) + Int(1'000'000'000) + ids), 16, Verdict::kReply);
  ExpectFails(Raw(OpCode::kKillCursors, Int(0) + Int(-1) + ids), 16, Verdict::kReply);
}

TEST(Parse, S01_009_OpInsert) {
  const std::string message = Raw(OpCode::kInsert, Int(1) + CString("db.c") + kA + kB);
  const ParseResult result = Parse(message);
  const auto& insert = std::get<OpInsert>(result.message);
  EXPECT_TRUE(insert.continue_on_error);
  EXPECT_EQ(insert.ns, "db.c");
  EXPECT_EQ(insert.documents.count(), 2);
  ExpectFails(Raw(OpCode::kInsert, Int(1) + "no end"), 22, Verdict::kReply);
  ExpectFails(Raw(OpCode::kInsert, Int(1) + CString("") + kA), 73, Verdict::kReply);
}

TEST(Parse, S01_010_OpUpdate) {
  const std::string message = Raw(OpCode::kUpdate, Int(0) + CString("db.c") + Int(3) + kA + kB);
  const ParseResult result = Parse(message);
  const auto& update = std::get<OpUpdate>(result.message);
  EXPECT_TRUE(update.upsert);
  EXPECT_TRUE(update.multi);
  EXPECT_EQ(update.selector.raw(), kA);
  EXPECT_EQ(update.update.raw(), kB);
}

TEST(Parse, S01_011_OpDelete) {
  const std::string message = Raw(OpCode::kDelete, Int(0) + CString("db.c") + Int(1) + kA);
  const ParseResult result = Parse(message);
  const auto& op = std::get<OpDelete>(result.message);
  EXPECT_TRUE(op.single_remove);
  EXPECT_EQ(op.selector.raw(), kA);
}

// Every prefix and every single changed byte of a message is parsed without reading past its end
// (the sanitizers watch).
TEST(Parse, DamagedMessagesAreSafe) {
  const std::string whole = Msg(0, Body(kInsert) + Sequence("documents", kA + kB));
  for (size_t n = kHeaderBytes; n < whole.size(); ++n) {
    const std::string part = Raw(OpCode::kMsg, whole.substr(kHeaderBytes, n - kHeaderBytes));
    const ParseResult result = Parse(part);
    EXPECT_EQ(result.status.ok(), result.verdict == Verdict::kHandle);
  }
  for (size_t at = kHeaderBytes; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      const std::unique_ptr<char[]> exact(new char[damaged.size()]);
      std::memcpy(exact.get(), damaged.data(), damaged.size());
      const ParseResult result = Parse({exact.get(), damaged.size()});
      EXPECT_EQ(result.status.ok(), result.verdict == Verdict::kHandle);
    }
  }
}

TEST(Header, S01_031_HttpIsRecognised) {
  EXPECT_TRUE(LooksLikeHttp("GET "));
  EXPECT_TRUE(LooksLikeHttp("POST"));
  EXPECT_FALSE(LooksLikeHttp("\x30\0\0\0"));
}

}  // namespace
}  // namespace septet::wire
