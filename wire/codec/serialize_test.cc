// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/serialize.h"

#include <gtest/gtest.h>

#include "bson/builder.h"

#include "wire/codec/crc32c.h"
#include "wire/codec/parse.h"

namespace septet::wire {
namespace {

using bson::DocView;
using bson::MakeDoc;

std::string_view View(const auto& array) {
  return {array.data(), array.size()};
}

TEST(Crc32c, KnownAnswers) {
  // RFC 3720, appendix B.4, and the customary check value.
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32c, TableAndInstructionAgree) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes.push_back(static_cast<char>(i * 7));
    const std::string_view tail = std::string_view(bytes).substr(bytes.size() % 5);
    EXPECT_EQ(Crc32c(tail), crc32c_internal::Table(tail, 0));
  }
  EXPECT_EQ(Crc32c("456789", Crc32c("123")), Crc32c("123456789"));
  EXPECT_EQ(crc32c_internal::Table("456789", crc32c_internal::Table("123", 0)), 0xe3069283u);
}

TEST(Serialize, S01_017_ReplyNamesItsRequest) {
  const std::string body = MakeDoc("ok", 1.0);
  const MsgPrefix prefix = EncodeMsgPrefix({100, 7}, 0, body.size());
  const std::string message = std::string(View(prefix)) + body;
  EXPECT_EQ(message, SerializeMsg({100, 7}, 0, DocView(body)));
  const ParseResult result = Parse(message);
  ASSERT_EQ(result.verdict, Verdict::kHandle);
  EXPECT_EQ(result.header.request_id, 100);
  EXPECT_EQ(result.header.response_to, 7);
  EXPECT_EQ(std::get<OpMsg>(result.message).body.raw(), body);
}

TEST(Serialize, S01_023_ReplyWithChecksum) {
  const std::string body = MakeDoc("ok", 1.0);
  const MsgPrefix prefix = EncodeMsgPrefix({100, 7}, kChecksumPresent | kMoreToCome, body.size());
  const std::string_view pieces[] = {View(prefix), body};
  const auto checksum = EncodeChecksum(pieces);
  const std::string message = std::string(View(prefix)) + body + std::string(View(checksum));
  EXPECT_EQ(message, SerializeMsg({100, 7}, kChecksumPresent | kMoreToCome, DocView(body)));
  const ParseResult result = Parse(message);
  ASSERT_EQ(result.verdict, Verdict::kHandle) << TextOf(result.status);
  EXPECT_TRUE(std::get<OpMsg>(result.message).more_to_come());
}

TEST(Serialize, Sequences) {
  const std::string body = MakeDoc("insert", "c", "$db", "d");
  const std::string docs = MakeDoc("a", 1) + MakeDoc("a", 2);
  const DocumentSequence sequences[] = {{"documents", Documents(docs, 2)}};
  const std::string message = SerializeMsg({1, 0}, 0, DocView(body), sequences);
  const ParseResult result = Parse(message);
  ASSERT_EQ(result.verdict, Verdict::kHandle) << TextOf(result.status);
  EXPECT_EQ(std::get<OpMsg>(result.message).Sequence("documents")->documents.bytes(), docs);
}

TEST(Serialize, S01_004_S01_040_OpReply) {
  const std::string docs = MakeDoc("a", 1) + MakeDoc("b", 2);
  const OpReply reply{kQueryFailure, 77, 5, Documents(docs, 2)};
  const std::string message = SerializeReply({100, 7}, reply);
  const ParseResult result = Parse(message);
  ASSERT_EQ(result.verdict, Verdict::kHandle) << TextOf(result.status);
  const auto& parsed = std::get<OpReply>(result.message);
  EXPECT_EQ(parsed.flags, kQueryFailure | kAwaitCapable);
  EXPECT_EQ(parsed.cursor_id, 77);
  EXPECT_EQ(parsed.starting_from, 5);
  EXPECT_EQ(parsed.documents.count(), 2);
  std::string wrong = message;
  wrong[32] = 3;  // numberReturned
  EXPECT_EQ(CodeOf(Parse(wrong).status), ErrorCode::kInvalidLength);
}

}  // namespace
}  // namespace septet::wire
