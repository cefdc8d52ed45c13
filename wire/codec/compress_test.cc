// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/compress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bson/builder.h"

#include "wire/codec/parse.h"
#include "wire/codec/serialize.h"

namespace septet::wire {
namespace {

using testing::ElementsAre;

constexpr CompressorId kAll[] = {CompressorId::kNoop, CompressorId::kSnappy, CompressorId::kZlib,
                                 CompressorId::kZstd};

std::string Message(size_t text_bytes) {
  const std::string body =
      bson::MakeDoc("ping", 1, "text", std::string(text_bytes, 'x'), "$db", "admin");
  return SerializeMsg({5, 6}, 0, bson::DocView(body));
}

TEST(Compress, S01_002_S01_032_RoundTrip) {
  Compressor compressor;
  for (const CompressorId id : kAll) {
    for (const size_t size : {0, 1, 1000, 1'000'000}) {
      const std::string message = Message(size);
      const std::string_view whole[] = {message};
      std::string packed;
      ASSERT_TRUE(compressor.Compress(whole, id, &packed).ok());
      const MessageHeader header = DecodeHeader(packed.data());
      EXPECT_EQ(header.op_code, OpCode::kCompressed);
      EXPECT_EQ(static_cast<size_t>(header.message_length), packed.size());
      EXPECT_EQ(header.request_id, 5);
      EXPECT_EQ(header.response_to, 6);
      EXPECT_EQ(static_cast<uint8_t>(packed[24]), static_cast<uint8_t>(id));
      if (size > 100 && id != CompressorId::kNoop) {
        EXPECT_LT(packed.size(), message.size() / 2);
      }
      std::string unpacked;
      CompressorId used{};
      ASSERT_TRUE(compressor.Decompress(packed, &unpacked, &used).ok());
      EXPECT_EQ(used, id);
      EXPECT_EQ(unpacked, message);

      // The same in pieces, as replies are sent.
      const std::string_view pieces[] = {std::string_view(message).substr(0, 21),
                                         std::string_view(message).substr(21)};
      std::string again;
      ASSERT_TRUE(compressor.Compress(pieces, id, &again).ok());
      EXPECT_EQ(again, packed);
    }
  }
}

TEST(Compress, S01_033_NegotiationKeepsTheServersOrder) {
  const std::vector<CompressorId> server = DefaultCompressors();
  const std::string_view offered[] = {"zlib", "lz4", "snappy"};
  EXPECT_THAT(NegotiateCompressors(server, offered),
              ElementsAre(CompressorId::kSnappy, CompressorId::kZlib));
  EXPECT_TRUE(NegotiateCompressors({}, offered).empty());
}

TEST(Compress, S01_034_List) {
  EXPECT_THAT(DefaultCompressors(),
              ElementsAre(CompressorId::kSnappy, CompressorId::kZstd, CompressorId::kZlib));
  EXPECT_EQ(*ParseCompressorList("snappy,zstd,zlib"), DefaultCompressors());
  EXPECT_TRUE(ParseCompressorList("disabled")->empty());
  EXPECT_EQ(CodeOf(ParseCompressorList("snappy,lz4").status()), ErrorCode::kBadValue);
}

TEST(Compress, S01_035_SecretsAreNotCompressed) {
  for (const char* name : {"hello", "isMaster", "saslStart", "saslContinue", "getnonce",
                           "authenticate", "createUser", "updateUser"}) {
    EXPECT_FALSE(MayCompressReply(name)) << name;
  }
  EXPECT_TRUE(MayCompressReply("find"));
}

class Hostile : public testing::Test {
 protected:
  void SetUp() override {
    const std::string message = Message(1000);
    const std::string_view whole[] = {message};
    for (const CompressorId id : kAll) {
      ASSERT_TRUE(compressor_.Compress(whole, id, &packed_[static_cast<size_t>(id)]).ok());
    }
  }
  ErrorCode CodeAfter(std::string_view message) {
    CompressorId id{};
    return CodeOf(compressor_.Decompress(message, &out_, &id));
  }
  static void SetInt(std::string* message, size_t at, int32_t value) {
    std::memcpy(message->data() + at, &value, sizeof(value));
  }

  Compressor compressor_;
  std::string packed_[4];
  std::string out_;
};

TEST_F(Hostile, S01_037_NestingAndSizes) {
  for (std::string message : packed_) {
    SetInt(&message, 16, 2012);
    EXPECT_EQ(CodeAfter(message), ErrorCode::kProtocolError);
  }
  for (const int32_t size : {-1, 47'999'985, INT32_MAX, INT32_MIN}) {
    for (std::string message : packed_) {
      SetInt(&message, 20, size);
      EXPECT_EQ(CodeAfter(message), ErrorCode::kProtocolError) << size;
    }
  }
  for (const int32_t size : {0, 1, 100, 100'000}) {  // not the size packed
    for (std::string message : packed_) {
      SetInt(&message, 20, size);
      EXPECT_EQ(CodeAfter(message), ErrorCode::kBadValue) << size;
    }
  }
  EXPECT_EQ(CodeAfter(std::string_view(packed_[1]).substr(0, 24)), ErrorCode::kProtocolError);
}

TEST_F(Hostile, S01_032_UnknownCompressors) {
  for (const int id : {4, 255}) {
    std::string message = packed_[1];
    message[24] = static_cast<char>(id);
    EXPECT_EQ(CodeAfter(message), ErrorCode::kProtocolError);
  }
}

TEST_F(Hostile, DamagedBytes) {
  for (const std::string& message : packed_) {
    EXPECT_EQ(CodeAfter(std::string_view(message).substr(0, message.size() - 1)),
              ErrorCode::kBadValue);
    EXPECT_EQ(CodeAfter(std::string_view(message).substr(0, 25)), ErrorCode::kBadValue);
    for (size_t at = 25; at < message.size(); ++at) {
      std::string damaged = message;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      CodeAfter(damaged);  // whatever it says, it must not crash
    }
  }
}

}  // namespace
}  // namespace septet::wire
