// SPDX-License-Identifier: Apache-2.0
#include "wire/net/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "base/strings.h"
#include "wire/net/testing/toy_server.h"

namespace septet::wire {
namespace {

using bson::DocView;
using bson::MakeDoc;
using testing::ToyServer;
constexpr std::chrono::seconds kPatience{20};

// A socket that listens and never accepts or answers.
class SilentServer {
 public:
  SilentServer() {
    const SocketAddress any = Resolve({"127.0.0.1", 0})->front();
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    P_CHECK(::bind(fd_, any.get(), any.size) == 0 && ::listen(fd_, 5) == 0);
  }
  ~SilentServer() { ::close(fd_); }
  HostAndPort address() const { return {"127.0.0.1", LocalAddressOf(fd_).port()}; }
  int Accept() const { return ::accept(fd_, nullptr, nullptr); }

 private:
  int fd_;
};

TEST(HostAndPort, Parse) {
  const auto parse = [](std::string_view text) {
    const StatusOr<HostAndPort> result = ParseHostAndPort(text);
    return result.ok() ? StrCat(result->host, " ", result->port)
                       : CodeName(CodeOf(result.status()));
  };
  EXPECT_EQ(parse("localhost"), "localhost 27017");
  EXPECT_EQ(parse("a.b.c:27018"), "a.b.c 27018");
  EXPECT_EQ(parse("127.0.0.1:1"), "127.0.0.1 1");
  EXPECT_EQ(parse("[::1]:65535"), "::1 65535");
  EXPECT_EQ(parse("[::1]"), "::1 27017");
  EXPECT_EQ(parse("::1"), "::1 27017");
  EXPECT_EQ(parse("/tmp/mongodb-27017.sock"), "/tmp/mongodb-27017.sock 27017");
  for (const char* text : {"", ":1", "a:", "a:0", "a:65536", "a:b", "[::1", "[::1]x", "a:1x"}) {
    EXPECT_EQ(parse(text), "FailedToParse") << text;
  }
  EXPECT_EQ((HostAndPort{"::1", 5}).ToString(), "[::1]:5");
  EXPECT_EQ((HostAndPort{"h", 5}).ToString(), "h:5");
}

TEST(Client, RunsCommands) {
  ToyServer server({.bind_ips = {"127.0.0.1", "::1"}});
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    Client client;
    ASSERT_TRUE(client.Connect({host, server.listener.port()}, kPatience).ok());
    EXPECT_TRUE(client.usable());
    const std::string command = MakeDoc("echo", 1, "text", "abc");
    for (int i = 0; i < 3; ++i) {
      const StatusOr<std::string> reply = client.RunCommand("admin", DocView(command), kPatience);
      ASSERT_TRUE(reply.ok()) << TextOf(reply.status());
      EXPECT_TRUE(StatusOfReply(DocView(*reply)).ok());
      EXPECT_EQ(DocView(*reply).Find("text").AsString(), "abc");
    }
  }
}

TEST(Client, LargeMessages) {
  ToyServer server;
  Client client;
  ASSERT_TRUE(client.Connect(server.address(), kPatience).ok());
  const std::string command = MakeDoc("echo", 1, "text", std::string(10'000'000, 'y'));
  const StatusOr<std::string> reply = client.RunCommand("admin", DocView(command), kPatience);
  ASSERT_TRUE(reply.ok()) << TextOf(reply.status());
  EXPECT_EQ(DocView(*reply).Find("n").AsInt32(), 10'000'000);
}

TEST(Client, ExhaustStream) {
  ToyServer server;
  Client client;
  ASSERT_TRUE(client.Connect(server.address(), kPatience).ok());
  const std::string body = MakeDoc("count", 1, "of", 10, "$db", "admin");
  StatusOr<int32_t> id = client.Send(kExhaustAllowed, DocView(body), {}, kPatience);
  ASSERT_TRUE(id.ok());
  int32_t answers = *id;
  for (int32_t n = 1; n <= 10; ++n) {
    const StatusOr<Received> reply = client.Receive(kPatience);
    ASSERT_TRUE(reply.ok()) << TextOf(reply.status());
    EXPECT_EQ(reply->header.response_to, answers);
    EXPECT_EQ(reply->msg.body.Find("n").AsInt32(), n);
    EXPECT_EQ(reply->msg.more_to_come(), n < 10);
    answers = reply->header.request_id;
  }
}

TEST(Client, RefusedIsHostUnreachable) {
  HostAndPort address;
  {
    SilentServer gone;
    address = gone.address();
  }
  Client client;
  EXPECT_EQ(CodeOf(client.Connect(address, kPatience)), ErrorCode::kHostUnreachable);
  Client unix_client;
  EXPECT_EQ(CodeOf(unix_client.Connect({"/nonexistent/x.sock", 0}, kPatience)),
            ErrorCode::kHostUnreachable);
}

TEST(Client, UnknownNameIsHostNotFound) {
  Client client;
  EXPECT_EQ(CodeOf(client.Connect({"no such host", 1}, kPatience)), ErrorCode::kHostNotFound);
}

TEST(Client, SilenceIsNetworkTimeout) {
  SilentServer server;
  Client client;
  ASSERT_TRUE(client.Connect(server.address(), kPatience).ok());
  const std::string ping = MakeDoc("ping", 1);
  const auto reply = client.RunCommand("admin", DocView(ping), std::chrono::milliseconds(20));
  EXPECT_EQ(CodeOf(reply.status()), ErrorCode::kNetworkTimeout);
  // A late reply must not be taken for the next command's.
  EXPECT_FALSE(client.usable());
  EXPECT_EQ(CodeOf(client.RunCommand("admin", DocView(ping), kPatience).status()),
            ErrorCode::kSocketException);
}

TEST(Client, ResetIsSocketException) {
  ToyServer server;
  Client client;
  ASSERT_TRUE(client.Connect(server.address(), kPatience).ok());
  const std::string drop = MakeDoc("drop", 1);
  EXPECT_EQ(CodeOf(client.RunCommand("admin", DocView(drop), kPatience).status()),
            ErrorCode::kSocketException);
}

TEST(Client, CloseInterruptsABlockedCall) {
  ToyServer server;
  Client client;
  ASSERT_TRUE(client.Connect(server.address(), kPatience).ok());
  std::thread closer([&] {
    server.handler.AwaitRequests(1);
    client.Close();
  });
  const std::string park = MakeDoc("park", 1);
  const auto reply = client.RunCommand("admin", DocView(park), std::chrono::hours(1));
  EXPECT_EQ(CodeOf(reply.status()), ErrorCode::kCallbackCanceled);
  closer.join();
  server.handler.AwaitCloses(1);
  server.handler.Release();
}

TEST(Client, CloseBeforeConnect) {
  ToyServer server;
  Client client;
  client.Close();
  EXPECT_EQ(CodeOf(client.Connect(server.address(), kPatience)), ErrorCode::kCallbackCanceled);
  Client never;
  EXPECT_EQ(CodeOf(never.RunCommand("admin", DocView(), kPatience).status()),
            ErrorCode::kSocketException);
}

TEST(Client, GarbageIsProtocolError) {
  SilentServer server;
  Client client;
  ASSERT_TRUE(client.Connect(server.address(), kPatience).ok());
  const int peer = server.Accept();
  const std::string garbage(100, '\xff');
  ASSERT_EQ(::send(peer, garbage.data(), garbage.size(), 0), 100);
  EXPECT_EQ(CodeOf(client.Receive(kPatience).status()), ErrorCode::kProtocolError);
  ::close(peer);
}

TEST(Client, StatusOfReply) {
  const std::string error = MakeDoc("ok", 0.0, "code", 59, "errmsg", "no such command: 'x'");
  const Status status = StatusOfReply(DocView(error));
  EXPECT_EQ(CodeOf(status), ErrorCode::kCommandNotFound);
  EXPECT_EQ(TextOf(status), "no such command: 'x'");
  const std::string integer = MakeDoc("ok", 1);
  EXPECT_TRUE(StatusOfReply(DocView(integer)).ok());
  EXPECT_EQ(CodeOf(StatusOfReply(DocView())), ErrorCode::kUnknownError);
}

}  // namespace
}  // namespace septet::wire
