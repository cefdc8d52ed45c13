// SPDX-License-Identifier: Apache-2.0
// One connection, seen from outside: framing, order, errors, streams.
#include "wire/net/session.h"

#include <gtest/gtest.h>

#include "wire/codec/crc32c.h"
#include "wire/net/client.h"
#include "wire/net/testing/toy_server.h"

namespace septet::wire {
namespace {

using bson::DocView;
using bson::MakeDoc;
using testing::Message;
using testing::RawSocket;
using testing::ToyServer;

std::string EchoMessage(size_t bytes, int32_t id, uint32_t flags = 0) {
  const std::string body = MakeDoc("echo", 1, "text", std::string(bytes, 'x'), "$db", "admin");
  return SerializeMsg({id, 0}, flags, DocView(body));
}

// The reply's body; the message must be a good one that answers `id`.
std::string BodyOf(const std::string& message, int32_t id) {
  const ParseResult result = Parse(message);
  EXPECT_TRUE(result.status.ok()) << TextOf(result.status);
  EXPECT_EQ(result.header.response_to, id);
  return std::get<OpMsg>(result.message).body.ToBytes();
}

int32_t CodeIn(const std::string& body) {
  return DocView(body).Find("code").AsInt32();
}

TEST(Session, S01_017_AnswersWithOwnIncreasingIds) {
  ToyServer server;
  RawSocket socket(server.address());
  int32_t last = 0;
  for (int32_t id = 100; id < 103; ++id) {
    socket.Send(Message("ping", id));
    const std::string reply = socket.ReadMessage();
    EXPECT_EQ(DocView(BodyOf(reply, id)).Find("ok").AsDouble(), 1.0);
    EXPECT_GT(DecodeHeader(reply.data()).request_id, last);
    last = DecodeHeader(reply.data()).request_id;
  }
}

TEST(Session, S01_016_InvalidLengthsCloseWithoutReply) {
  ToyServer server;
  for (const int32_t length : {15, 0, -1, 48'000'001, INT32_MAX}) {
    RawSocket socket(server.address());
    std::string message = Message("ping", 1);
    std::memcpy(message.data(), &length, sizeof(length));
    socket.Send(message.substr(0, 16));
    EXPECT_TRUE(socket.ClosedByServer()) << length;
  }
  server.handler.AwaitCloses(5);
  EXPECT_EQ(server.handler.requests(), 0);
}

TEST(Session, BytesArriveOneByOne) {
  ToyServer server;
  RawSocket socket(server.address());
  for (const char c : EchoMessage(10, 5)) {
    socket.Send({&c, 1});
  }
  EXPECT_EQ(DocView(BodyOf(socket.ReadMessage(), 5)).Find("n").AsInt32(), 10);
}

TEST(Session, MessagesOfAllSizes) {
  ToyServer server;
  RawSocket socket(server.address());
  int32_t id = 0;
  for (const size_t size : {0, 3700, 3771, 3772, 3773, 3800, 4000, 4100, 16'000, 17'000, 100'000,
                            1'048'576, 5'000'000, 16'000'000, 3, 16'000'000, 20'000, 3}) {
    std::thread writer([&] { socket.Send(EchoMessage(size, ++id)); });
    const std::string reply = socket.ReadMessage();
    writer.join();
    const std::string body = BodyOf(reply, id);
    EXPECT_EQ(DocView(body).Find("n").AsInt32(), static_cast<int32_t>(size));
    EXPECT_EQ(DocView(body).Find("text").AsString(), std::string(size, 'x'));
  }
}

TEST(Session, S01_029_QueuedRequestsAreAnsweredInOrder) {
  ToyServer server;
  RawSocket socket(server.address());
  std::string all;
  constexpr int32_t kRequests = 500;
  for (int32_t id = 1; id <= kRequests; ++id) {
    all += EchoMessage(static_cast<size_t>(id * 7 % 3000), id);
  }
  std::thread writer([&] { socket.Send(all); });
  for (int32_t id = 1; id <= kRequests; ++id) {
    EXPECT_EQ(DocView(BodyOf(socket.ReadMessage(), id)).Find("n").AsInt32(), id * 7 % 3000);
  }
  writer.join();
}

TEST(Session, S01_029_QueuedBehindOneThatWaits) {
  ToyServer server;
  RawSocket socket(server.address());
  std::string all = Message("park", 1);
  for (int32_t id = 2; id < 200; ++id) {
    all += Message("ping", id);
  }
  socket.Send(all);
  server.handler.AwaitRequests(1);
  EXPECT_EQ(server.handler.requests(), 1);
  server.handler.Release();
  for (int32_t id = 1; id < 200; ++id) {
    BodyOf(socket.ReadMessage(), id);
  }
}

TEST(Session, RepliesToAClientThatDoesNotReadAreNotQueuedForever) {
  ToyServer server({}, 1);
  RawSocket slow(server.address());
  RawSocket other(server.address());
  constexpr int32_t kRequests = 40;
  std::thread writer([&] {
    for (int32_t id = 1; id <= kRequests; ++id) {
      slow.Send(EchoMessage(1'000'000, id));
    }
  });
  other.Send(Message("ping", 1));
  BodyOf(other.ReadMessage(), 1);
  for (int32_t id = 1; id <= kRequests; ++id) {
    BodyOf(slow.ReadMessage(), id);
  }
  writer.join();
}

TEST(Session, AnsweredByAnotherThread) {
  ToyServer server;
  RawSocket socket(server.address());
  for (int32_t id = 1; id < 20; ++id) {
    socket.Send(Message("later", id));
    BodyOf(socket.ReadMessage(), id);
  }
}

TEST(Session, LargeRequestThatWaits) {
  ToyServer server;
  RawSocket socket(server.address());
  const std::string body = MakeDoc("park", 1, "text", std::string(3'000'000, 'x'), "$db", "admin");
  for (int32_t id = 1; id < 4; ++id) {
    socket.Send(SerializeMsg({id, 0}, 0, DocView(body)));
    server.handler.AwaitRequests(id);
    server.handler.Release();
    BodyOf(socket.ReadMessage(), id);
  }
}

TEST(Session, ClientThatLeavesWhileItsCommandWaits) {
  ToyServer server;
  {
    RawSocket socket(server.address());
    socket.Send(Message("park", 1));
    server.handler.AwaitRequests(1);
  }
  server.handler.AwaitCloses(1);
  server.handler.Release();  // the late answer is dropped, the request's bytes still stand
  RawSocket socket(server.address());
  socket.Send(Message("ping", 2));
  BodyOf(socket.ReadMessage(), 2);
}

TEST(Session, S01_024_MoreToComeGetsNoReply) {
  ToyServer server;
  RawSocket socket(server.address());
  std::string broken = Message("ping", 2, kMoreToCome);
  broken.back() = 1;  // not BSON: no reply even to that
  socket.Send(Message("ping", 1, kMoreToCome) + broken + Message("ping", 3));
  BodyOf(socket.ReadMessage(), 3);
  EXPECT_EQ(server.handler.requests(), 2);
}

TEST(Session, S01_025_ExhaustStream) {
  ToyServer server;
  RawSocket socket(server.address());
  const std::string body = MakeDoc("count", 1, "of", 50, "$db", "admin");
  socket.Send(SerializeMsg({9, 0}, kExhaustAllowed, DocView(body)) + Message("ping", 10));
  int32_t answers = 9;
  for (int32_t n = 1; n <= 50; ++n) {
    const std::string reply = socket.ReadMessage();
    EXPECT_EQ(DocView(BodyOf(reply, answers)).Find("n").AsInt32(), n);
    const ParseResult result = Parse(reply);
    EXPECT_EQ(std::get<OpMsg>(result.message).more_to_come(), n < 50);
    answers = result.header.request_id;
  }
  BodyOf(socket.ReadMessage(), 10);
}

TEST(Session, S01_026_S01_023_FatalMessagesCloseWithoutReply) {
  ToyServer server;
  RawSocket unknown_flag(server.address());
  unknown_flag.Send(Message("ping", 1, 1u << 5));
  EXPECT_TRUE(unknown_flag.ClosedByServer());
  RawSocket checksum(server.address());
  std::string message = Message("ping", 1, kChecksumPresent);
  message.back() = static_cast<char>(message.back() + 1);
  checksum.Send(message);
  EXPECT_TRUE(checksum.ClosedByServer());
}

TEST(Session, S01_014_UnknownOpcodesClose) {
  ToyServer server;
  for (const int32_t op_code : {1, 1000, 2010, 4242}) {
    RawSocket socket(server.address());
    std::string message = Message("ping", 1);
    std::memcpy(message.data() + 12, &op_code, sizeof(op_code));
    socket.Send(message);
    EXPECT_TRUE(socket.ClosedByServer()) << op_code;
  }
}

TEST(Session, S01_022_UnknownSectionIsAnsweredThenClosed) {
  ToyServer server;
  RawSocket socket(server.address());
  std::string message = Message("ping", 1);
  message[20] = 2;
  socket.Send(message);
  EXPECT_EQ(CodeIn(BodyOf(socket.ReadMessage(), 1)), 40432);
  EXPECT_TRUE(socket.ClosedByServer());
}

TEST(Session, S01_028_BrokenBsonIsAnsweredAndTheConnectionLives) {
  ToyServer server;
  RawSocket socket(server.address());
  std::string message = Message("ping", 1);
  message.back() = 1;
  socket.Send(message + Message("ping", 2));
  EXPECT_EQ(CodeIn(BodyOf(socket.ReadMessage(), 1)), 22);
  BodyOf(socket.ReadMessage(), 2);
}

TEST(Session, S01_023_ReplyHasAChecksumIfTheRequestHadOne) {
  ToyServer server;
  RawSocket socket(server.address());
  socket.Send(EchoMessage(1000, 1, kChecksumPresent) + EchoMessage(1000, 2));
  const std::string with = socket.ReadMessage();
  BodyOf(with, 1);
  EXPECT_TRUE(std::get<OpMsg>(Parse(with).message).checksum_present());
  const std::string without = socket.ReadMessage();
  EXPECT_FALSE(std::get<OpMsg>(Parse(without).message).checksum_present());
}

TEST(Session, S01_036_ReplyUsesTheRequestsCompressor) {
  ToyServer server;
  RawSocket socket(server.address());
  Compressor compressor;
  int32_t id = 0;
  for (const CompressorId compressor_id :
       {CompressorId::kNoop, CompressorId::kSnappy, CompressorId::kZlib, CompressorId::kZstd}) {
    for (const uint32_t flags : {0u, static_cast<uint32_t>(kChecksumPresent)}) {
      const std::string request = EchoMessage(100'000, ++id, flags);
      const std::string_view whole[] = {request};
      std::string packed;
      ASSERT_TRUE(compressor.Compress(whole, compressor_id, &packed).ok());
      socket.Send(packed);
      const std::string reply = socket.ReadMessage();
      EXPECT_EQ(DecodeHeader(reply.data()).op_code, OpCode::kCompressed);
      std::string inner;
      CompressorId used{};
      ASSERT_TRUE(compressor.Decompress(reply, &inner, &used).ok());
      EXPECT_EQ(used, compressor_id);
      EXPECT_EQ(DocView(BodyOf(inner, id)).Find("n").AsInt32(), 100'000);
    }
  }
  // An uncompressed request gets an uncompressed reply; hello is never compressed (S01-035).
  socket.Send(Message("ping", 77));
  BodyOf(socket.ReadMessage(), 77);
  const std::string hello = Message("hello", 78);
  const std::string_view whole[] = {hello};
  std::string packed;
  ASSERT_TRUE(compressor.Compress(whole, CompressorId::kZstd, &packed).ok());
  socket.Send(packed);
  BodyOf(socket.ReadMessage(), 78);
}

TEST(Session, S01_037_HostileCompressionCloses) {
  ToyServer server;
  const std::string request = EchoMessage(1000, 1);
  const std::string_view whole[] = {request};
  Compressor compressor;
  std::string packed;
  ASSERT_TRUE(compressor.Compress(whole, CompressorId::kZlib, &packed).ok());
  for (const size_t at : {16, 20, 24, 40}) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] + 7);
    if (at == 16) {
      const int32_t nested = 2012;
      std::memcpy(damaged.data() + 16, &nested, sizeof(nested));
    }
    RawSocket socket(server.address());
    socket.Send(damaged);
    EXPECT_TRUE(socket.ClosedByServer()) << at;
  }
}

TEST(Session, S01_003_S01_040_LegacyQueryGetsOpReply) {
  ToyServer server;
  RawSocket socket(server.address());
  const std::string command = MakeDoc("isMaster", 1);
  socket.Send(SerializeQuery(
      {4, 0}, {.ns = "admin.$cmd", .number_to_return = -1, .query = DocView(command)}));
  const std::string bytes = socket.ReadMessage();
  const ParseResult result = Parse(bytes);
  ASSERT_TRUE(result.status.ok()) << TextOf(result.status);
  const auto& reply = std::get<OpReply>(result.message);
  EXPECT_EQ(result.header.response_to, 4);
  EXPECT_EQ(reply.flags, static_cast<uint32_t>(kAwaitCapable));
  EXPECT_EQ(reply.documents.count(), 1);
}

TEST(Session, S01_031_HttpGetsANotice) {
  ToyServer server;
  RawSocket socket(server.address());
  socket.Send("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\n\r\n");
  const std::string answer = socket.Read(10'000);
  EXPECT_TRUE(answer.starts_with("HTTP/1.0 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("over HTTP on the native driver port"), std::string::npos);
}

TEST(Session, HandlerMayClose) {
  ToyServer server;
  RawSocket drop(server.address());
  drop.Send(Message("drop", 1) + Message("ping", 2));
  EXPECT_TRUE(drop.ClosedByServer());
  RawSocket bye(server.address());
  bye.Send(Message("bye", 1) + Message("ping", 2));
  BodyOf(bye.ReadMessage(), 1);
  EXPECT_TRUE(bye.ClosedByServer());
  server.handler.AwaitCloses(2);
  EXPECT_EQ(server.handler.requests(), 2);
}

}  // namespace
}  // namespace septet::wire
