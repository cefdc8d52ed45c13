// SPDX-License-Identifier: Apache-2.0
#include "wire/net/listener.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "base/strings.h"
#include "wire/net/client.h"
#include "wire/net/testing/toy_server.h"

namespace septet::wire {
namespace {

using testing::Message;
using testing::RawSocket;
using testing::ToyServer;

std::string SocketPath() {
  return StrCat(::testing::TempDir(), "septet-", ::getpid(), ".sock");
}

void ExpectPing(const HostAndPort& host) {
  RawSocket socket(host);
  socket.Send(Message("ping", 1));
  EXPECT_FALSE(socket.ReadMessage().empty());
}

TEST(Listener, SeveralAddressesShareAPort) {
  ToyServer server({.bind_ips = {"127.0.0.1", "::1"}});
  ExpectPing({"127.0.0.1", server.listener.port()});
  ExpectPing({"::1", server.listener.port()});
}

TEST(Listener, UnixSocketIsPrivateAndRemoved) {
  const std::string path = SocketPath();
  {
    ToyServer server({.unix_socket_path = path});
    struct stat info;
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    ExpectPing({path, 0});
    server.listener.Stop();
    EXPECT_NE(::stat(path.c_str(), &info), 0);
  }
}

TEST(Listener, StaleUnixSocketIsReplaced) {
  const std::string path = SocketPath();
  const SocketAddress address = Resolve({path, 0})->front();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, address.get(), address.size), 0);
  ::close(fd);  // the file stays
  ToyServer server({.unix_socket_path = path});
  ExpectPing({path, 0});
}

TEST(Listener, TakenPortIsAnError) {
  ToyServer server;
  IoThreads io(1);
  testing::ToyHandler handler;
  Listener second(&io, &handler);
  const Status status = second.Bind({.port = server.listener.port()});
  EXPECT_EQ(CodeOf(status), ErrorCode::kSocketException);
  EXPECT_NE(TextOf(status).find("Address already in use"), std::string_view::npos);
}

TEST(Listener, S01_070_TooManyConnectionsAreClosed) {
  ToyServer server({.max_connections = 2});
  RawSocket a(server.address());
  RawSocket b(server.address());
  a.Send(Message("ping", 1));
  a.ReadMessage();
  b.Send(Message("ping", 1));
  b.ReadMessage();
  {
    RawSocket c(server.address());
    EXPECT_TRUE(c.ClosedByServer());
  }
  const ListenerStats stats = server.listener.stats();
  EXPECT_EQ(stats.current, 2);
  EXPECT_EQ(stats.available, 0);
  EXPECT_EQ(stats.total_created, 2);
  EXPECT_EQ(stats.rejected, 1);
}

TEST(Listener, ConnectionsAreDealtOutInTurn) {
  ToyServer server({}, 3);
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 6; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(server.address()));
    sockets.back()->Send(Message("ping", 1));
    sockets.back()->ReadMessage();
  }
  std::multiset<IoThread*> threads;
  for (const auto& connection : server.listener.Connections()) {
    threads.insert(&connection->io());
    EXPECT_TRUE(connection->facts().is_loopback);
    EXPECT_FALSE(connection->facts().is_unix);
    EXPECT_TRUE(connection->facts().remote.starts_with("127.0.0.1:"));
    EXPECT_EQ(connection->facts().local, server.address().ToString());
    EXPECT_EQ(server.listener.Find(connection->facts().id), connection);
  }
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(threads.count(&server.io.at(i)), 2u);
  }
}

TEST(Listener, StopClosesConnectionsAndWaits) {
  ToyServer server;
  RawSocket idle(server.address());
  idle.Send(Message("ping", 1));
  idle.ReadMessage();
  RawSocket busy(server.address());
  busy.Send(Message("park", 1));
  server.handler.AwaitRequests(2);
  server.listener.Stop();
  EXPECT_EQ(server.handler.closes(), 2);
  EXPECT_TRUE(idle.ClosedByServer());
  EXPECT_TRUE(busy.ClosedByServer());
  EXPECT_EQ(server.listener.stats().current, 0);
  server.handler.Release();
}

TEST(Listener, StopAcceptingLeavesConnectionsAlone) {
  ToyServer server;
  RawSocket socket(server.address());
  socket.Send(Message("ping", 1));
  socket.ReadMessage();
  server.listener.StopAccepting();
  socket.Send(Message("ping", 2));
  EXPECT_FALSE(socket.ReadMessage().empty());
  Client late;
  EXPECT_EQ(CodeOf(late.Connect(server.address(), std::chrono::seconds(10))),
            ErrorCode::kHostUnreachable);
}

TEST(Listener, ManyConnectionsComeAndGo) {
  ToyServer server;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        ExpectPing(server.address());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  server.handler.AwaitCloses(200);
  EXPECT_EQ(server.handler.connects(), 200);
}

TEST(Listener, CountersAddUp) {
  ToyServer server({}, 1);
  RawSocket socket(server.address());
  const std::string ping = Message("ping", 1);
  socket.Send(ping);
  const std::string reply = socket.ReadMessage();
  // Read on the thread that writes them, so they are settled.
  absl::Mutex mutex;
  bool done = false;
  server.io.at(0).Post([&] {
    const NetworkCounters& counters = server.io.at(0).counters();
    EXPECT_EQ(counters.requests.load(), 1);
    EXPECT_EQ(counters.bytes_in.load(), static_cast<int64_t>(ping.size()));
    EXPECT_EQ(counters.bytes_out.load(), static_cast<int64_t>(reply.size()));
    EXPECT_EQ(counters.physical_bytes_in.load(), static_cast<int64_t>(ping.size()));
    EXPECT_EQ(counters.physical_bytes_out.load(), static_cast<int64_t>(reply.size()));
    const absl::MutexLock lock(&mutex);
    done = true;
  });
  const absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(&done));
}

}  // namespace
}  // namespace septet::wire
