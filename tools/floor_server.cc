// SPDX-License-Identifier: Apache-2.0
// The floor under every network figure: the product's sockets and codec with nothing behind them.
// Answers ping and hello, and every find with one fixed document of 1 KB. Benchmarks run it beside
// the product and give their figures as ratios to it (docs/PERFORMANCE.md).
//
//   septet_floor [--port 27117] [--threads 1] [--raw | --rocksdb FOLDER]
//
// --raw: a bare epoll loop of one thread instead, without parsing: the floor under the floor.
// --rocksdb: reads and writes do the bare storage work of the request (floor_rocks.h), one thread.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bson/builder.h"

#include "base/clock.h"
#include "tools/floor_rocks.h"
#include "wire/codec/serialize.h"
#include "wire/net/address.h"
#include "wire/net/listener.h"

namespace septet {
namespace {

using bson::MakeDoc;

constexpr size_t kDocumentTextBytes = 1000;

std::string FindReply() {
  bson::DocBuilder reply;
  {
    const auto cursor = reply.Object("cursor");
    {
      const auto batch = reply.Array("firstBatch");
      const std::string doc = MakeDoc("_id", 1, "text", std::string(kDocumentTextBytes, 'x'));
      reply.Add(bson::DocView(doc));
    }
    reply.Append("id", int64_t{0}).Append("ns", "bench.docs");
  }
  reply.Append("ok", 1.0);
  return reply.Finish();
}

std::string HelloReply(int64_t connection_id) {
  bson::DocBuilder reply;
  reply.Append("isWritablePrimary", true).Append("ismaster", true).Append("helloOk", true);
  reply.Append("maxBsonObjectSize", limits::kMaxBsonObjectSize);
  reply.Append("maxMessageSizeBytes", limits::kMaxMessageSizeBytes);
  reply.Append("maxWriteBatchSize", limits::kMaxWriteBatchSize);
  reply.AppendDate("localTime", WallMillis());
  reply.Append("connectionId", static_cast<int32_t>(connection_id));
  reply.Append("minWireVersion", 0).Append("maxWireVersion", 21);
  // As a member of a set that knows sessions, so that drivers send what they send to the product.
  reply.Append("setName", "floor").Append("setVersion", 1).Append("me", "floor:1");
  {
    const auto hosts = reply.Array("hosts");
    reply.Add("floor:1");
  }
  reply.Append("logicalSessionTimeoutMinutes", 30);
  reply.Append("readOnly", false).Append("ok", 1.0);
  return reply.Finish();
}

class FloorHandler final : public wire::Handler {
 public:
  // `store` may be null: then every find gets the fixed document.
  explicit FloorHandler(tools::FloorStore* store) : store_(store) {}

  std::unique_ptr<wire::ClientState> OnConnect(wire::Connection&) override { return nullptr; }
  void OnClose(wire::Connection&) override {}
  std::string ErrorBody(wire::Connection&, const Status& status) override {
    return MakeDoc("ok", 0.0, "errmsg", TextOf(status), "code",
                   static_cast<int32_t>(CodeOf(status)), "codeName", CodeName(CodeOf(status)));
  }
  void Handle(const std::shared_ptr<wire::Connection>& connection,
              wire::Request&& request) override {
    if (!request.wants_reply()) {
      connection->Done();
      return;
    }
    std::string_view name;
    if (const wire::OpMsg* msg = request.msg()) {
      name = msg->command_name();
    } else if (const wire::OpQuery* query = request.query()) {
      name = query->command_name();
    }
    wire::Reply reply;
    if (store_ != nullptr && request.msg() != nullptr && UsesStore(name)) {
      reply.body = store_->Run(*request.msg());
    } else if (name == "find") {
      reply.body = find_;
    } else if (name == "hello" || name == "isMaster" || name == "ismaster") {
      reply.body = HelloReply(connection->facts().id);
    } else {
      reply.body = ok_;
    }
    connection->SendReply(std::move(reply));
  }

 private:
  static bool UsesStore(std::string_view name) {
    return name == "find" || name == "insert" || name == "update" || name == "createIndexes";
  }

  tools::FloorStore* store_;
  const std::string find_ = FindReply();
  const std::string ok_ = MakeDoc("ok", 1.0);
};

void WaitForSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  int signal = 0;
  sigwait(&set, &signal);
}

int Serve(int port, size_t threads, const std::string& folder) {
  // Before any thread starts, so that all of them leave the signals to WaitForSignal.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::unique_ptr<tools::FloorStore> store;
  if (!folder.empty()) {
    auto opened = tools::FloorStore::Open(folder);
    if (!opened.ok()) {
      std::fprintf(stderr, "%s\n", std::string(TextOf(opened.status())).c_str());
      return 1;
    }
    store = *std::move(opened);
  }
  FloorHandler handler(store.get());
  wire::IoThreads io(threads);
  wire::Listener listener(&io, &handler);
  wire::ListenerOptions options;
  options.port = port;
  const Status status = listener.Bind(options);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(TextOf(status)).c_str());
    return 1;
  }
  listener.Accept();
  std::printf("port %d pid %d\n", listener.port(), getpid());
  std::fflush(stdout);
  WaitForSignal();
  return 0;
}

// One message in, one prebuilt reply out; the reply depends on the first byte of the command's
// name.
class RawServer {
 public:
  explicit RawServer(int port) {
    const wire::SocketAddress address = wire::Resolve({"127.0.0.1", port})->front();
    listen_fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bound_ =
        ::bind(listen_fd_, address.get(), address.size) == 0 && ::listen(listen_fd_, 4096) == 0;
    epoll_fd_ = ::epoll_create1(0);
    Watch(listen_fd_);
  }
  bool bound() const { return bound_; }
  int port() const { return wire::LocalAddressOf(listen_fd_).port(); }

  void Run() {
    epoll_event events[256];
    while (true) {
      const int n = ::epoll_wait(epoll_fd_, events, 256, -1);
      for (int i = 0; i < n; ++i) {
        if (events[i].data.fd == listen_fd_) {
          Accept();
        } else {
          Answer(events[i].data.fd);
        }
      }
    }
  }

 private:
  static constexpr size_t kBufferBytes = 4096;

  void Watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  }
  void Accept() {
    const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) {
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (buffers_.size() <= static_cast<size_t>(fd)) {
      buffers_.resize(static_cast<size_t>(fd) + 1);
    }
    buffers_[static_cast<size_t>(fd)].resize(kBufferBytes);
    Watch(fd);
  }
  void Answer(int fd) {
    std::vector<char>& buffer = buffers_[static_cast<size_t>(fd)];
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) {
      std::vector<char>().swap(buffer);
      ::close(fd);
      return;
    }
    constexpr size_t kNameAt = wire::kMsgPrefixBytes + 5;
    const char first = static_cast<size_t>(n) > kNameAt ? buffer[kNameAt] : 'p';
    std::string& reply = first == 'f' ? find_ : first == 'h' ? hello_ : ping_;
    std::memcpy(reply.data() + 8, buffer.data() + 4, 4);  // responseTo = requestID
    if (::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) {
      ::close(fd);
    }
  }
  static std::string Whole(const std::string& body) {
    return wire::SerializeMsg({1, 0}, 0, bson::DocView(body));
  }

  int listen_fd_ = -1;
  int epoll_fd_ = -1;
  bool bound_ = false;
  std::vector<std::vector<char>> buffers_;
  std::string find_ = Whole(FindReply());
  std::string hello_ = Whole(HelloReply(1));
  std::string ping_ = Whole(MakeDoc("ok", 1.0));
};

int ServeRaw(int port) {
  RawServer server(port);
  if (!server.bound()) {
    std::perror("bind");
    return 1;
  }
  std::printf("port %d pid %d\n", server.port(), getpid());
  std::fflush(stdout);
  server.Run();
  return 0;
}

}  // namespace
}  // namespace septet

int main(int argc, char** argv) {
  int port = 27117;
  int threads = 1;
  bool raw = false;
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--raw") {
      raw = true;
    } else if (option == "--port" && i + 1 < argc) {
      port = std::atoi(argv[++i]);
    } else if (option == "--rocksdb" && i + 1 < argc) {
      folder = argv[++i];
    } else if (option == "--threads" && i + 1 < argc) {
      threads = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: septet_floor [--port N] [--threads N] [--raw | --rocksdb FOLDER]\n");
      return 2;
    }
  }
  if (port < 0 || port > 65535 || threads < 1 || (!folder.empty() && threads > 1)) {
    std::fprintf(stderr, "septet_floor: a port is 0..65535, threads at least 1, with RocksDB 1\n");
    return 2;
  }
  return raw ? septet::ServeRaw(port) : septet::Serve(port, static_cast<size_t>(threads), folder);
}
