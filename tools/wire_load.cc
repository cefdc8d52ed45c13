// SPDX-License-Identifier: Apache-2.0
// A load generator that costs less than any server: one epoll loop, C connections, each with one
// prebuilt OP_MSG in flight. Reports operations per second, latency, and the server's CPU time per
// operation.
//
//   wire_load --port P [--host H] [--connections 8] [--seconds 5] [--warmup 1] [--pid SERVER]
//             [--op ping|find] [--ids 1000000] [--db bench] [--coll docs] [--json]
//   wire_load --port P --idle 10000 --pid SERVER     resident memory per idle connection
//
// find asks for {_id: i} with i uniform in [0, ids). A reply with ok: 0 ends the run.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/builder.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/strings.h"
#include "tools/process.h"
#include "wire/codec/parse.h"
#include "wire/codec/serialize.h"
#include "wire/net/address.h"

namespace septet {
namespace {

using bson::DocView;
using bson::MakeDoc;

struct Options {
  std::string host = "127.0.0.1";
  int port = 27017;
  int connections = 8;
  double seconds = 5;
  double warmup = 1;
  int pid = 0;
  std::string op = "ping";
  int ids = 1'000'000;
  std::string db = "bench";
  std::string coll = "docs";
  int idle = 0;
  bool json = false;
};

[[noreturn]] void Die(std::string_view text) {
  std::fprintf(stderr, "wire_load: %.*s\n", static_cast<int>(text.size()), text.data());
  std::exit(1);
}

int Connect(const wire::SocketAddress& address) {
  const int fd = ::socket(address.family(), SOCK_STREAM, 0);
  if (fd < 0 || ::connect(fd, address.get(), address.size) != 0) {
    Die(StrCat("cannot connect to ", address.ToString(), ": ", std::strerror(errno)));
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) {
      Die(StrCat("send: ", std::strerror(errno)));
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

// One connection of the closed loop.
struct Connection {
  int fd = -1;
  std::string request;
  size_t id_at = 0;  // where the _id stands in `request`; 0: nowhere
  std::string reply;
  int64_t sent_ns = 0;
};

class Load {
 public:
  Load(const Options& options, const wire::SocketAddress& address)
      : options_(options), random_(42), epoll_fd_(::epoll_create1(0)) {
    connections_.resize(static_cast<size_t>(options.connections));
    for (Connection& connection : connections_) {
      connection.fd = Connect(address);
      MakeRequest(&connection);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, connection.fd, &event);
      Start(&connection);
    }
  }

  // Runs the loop for so long; returns the operations done. Samples are kept if `record`.
  int64_t Run(double seconds, bool record) {
    const int64_t end = tools::NowNanos() + static_cast<int64_t>(seconds * 1e9);
    int64_t done = 0;
    epoll_event events[128];
    for (int64_t now = tools::NowNanos(); now < end; now = tools::NowNanos()) {
      const int n = ::epoll_wait(epoll_fd_, events, 128, 100);
      for (int i = 0; i < n; ++i) {
        auto* const connection = static_cast<Connection*>(events[i].data.ptr);
        if (!Receive(connection)) {
          continue;
        }
        ++done;
        if (record) {
          samples_.push_back(static_cast<uint32_t>(
              std::min<int64_t>(tools::NowNanos() - connection->sent_ns, UINT32_MAX)));
        }
        Start(connection);
      }
    }
    return done;
  }

  // Latency in microseconds; sorts the samples.
  double Quantile(double q) {
    if (samples_.empty()) {
      return 0;
    }
    const auto at = static_cast<ptrdiff_t>(q * static_cast<double>(samples_.size() - 1));
    std::nth_element(samples_.begin(), samples_.begin() + at, samples_.end());
    return samples_[static_cast<size_t>(at)] / 1000.0;
  }

 private:
  void MakeRequest(Connection* connection) {
    std::string body;
    if (options_.op == "ping") {
      body = MakeDoc("ping", 1, "$db", "admin");
    } else {
      const std::string filter = MakeDoc("_id", 0);
      body = MakeDoc("find", options_.coll, "filter", DocView(filter), "limit", 1, "singleBatch",
                     true, "$db", options_.db);
      constexpr std::string_view kIdElement("\x10_id\0", 5);
      connection->id_at = wire::kMsgPrefixBytes + body.find(kIdElement) + kIdElement.size();
    }
    connection->request = wire::SerializeMsg({1, 0}, 0, DocView(body));
  }

  void Start(Connection* connection) {
    if (connection->id_at != 0) {
      const auto id = static_cast<int32_t>(random_.Uniform(static_cast<uint64_t>(options_.ids)));
      std::memcpy(connection->request.data() + connection->id_at, &id, sizeof(id));
    }
    connection->reply.clear();
    connection->sent_ns = tools::NowNanos();
    SendAll(connection->fd, connection->request);
  }

  // True once the whole reply is there.
  bool Receive(Connection* connection) {
    char part[65536];
    const ssize_t n = ::recv(connection->fd, part, sizeof(part), 0);
    if (n <= 0) {
      Die("the server closed a connection");
    }
    connection->reply.append(part, static_cast<size_t>(n));
    if (connection->reply.size() < wire::kHeaderBytes) {
      return false;
    }
    const auto length =
        static_cast<size_t>(wire::DecodeHeader(connection->reply.data()).message_length);
    if (connection->reply.size() < length) {
      return false;
    }
    if (!checked_) {
      Check(connection->reply);
    }
    return true;
  }

  // Of the first reply: a run of errors must not look like speed.
  void Check(const std::string& reply) {
    const wire::ParseResult result = wire::Parse(reply);
    const auto* const msg = std::get_if<wire::OpMsg>(&result.message);
    if (!result.status.ok() || msg == nullptr || !msg->body.Find("ok").Truthy()) {
      Die("the server answers with an error");
    }
    checked_ = true;
  }

  const Options& options_;
  Random random_;
  int epoll_fd_;
  bool checked_ = false;
  std::vector<Connection> connections_;
  std::vector<uint32_t> samples_;
};

int RunLoad(const Options& options, const wire::SocketAddress& address) {
  Load load(options, address);
  load.Run(options.warmup, false);
  const std::optional<double> before = tools::CpuMicrosOf(options.pid);
  const int64_t start = tools::NowNanos();
  const int64_t done = load.Run(options.seconds, true);
  const double elapsed = static_cast<double>(tools::NowNanos() - start) / 1e9;
  const std::optional<double> after = tools::CpuMicrosOf(options.pid);
  const double per_s = static_cast<double>(done) / elapsed;
  const bool has_cpu = options.pid != 0 && before.has_value() && after.has_value();
  const double cpu =
      has_cpu ? (*after - *before) / static_cast<double>(std::max<int64_t>(done, 1)) : 0;
  const double p50 = load.Quantile(0.5);
  const double p95 = load.Quantile(0.95);
  const double p99 = load.Quantile(0.99);
  if (options.json) {
    std::printf(
        "{\"op\":\"%s\",\"connections\":%d,\"ops_per_s\":%.0f,\"p50_us\":%.1f,"
        "\"p95_us\":%.1f,\"p99_us\":%.1f,\"server_cpu_us_per_op\":%.3f}\n",
        options.op.c_str(), options.connections, per_s, p50, p95, p99, cpu);
  } else {
    std::printf("%s C=%d: %.0f ops/s, p50 %.1f us, p95 %.1f us, p99 %.1f us", options.op.c_str(),
                options.connections, per_s, p50, p95, p99);
    std::printf(has_cpu ? ", server CPU %.2f us/op\n" : "\n", cpu);
  }
  return 0;
}

int RunIdle(const Options& options, const wire::SocketAddress& address) {
  const std::string body = MakeDoc("hello", 1, "$db", "admin");
  const std::string hello = wire::SerializeMsg({1, 0}, 0, DocView(body));
  const int64_t before = tools::ResidentKbOf(options.pid);
  const std::optional<double> cpu_before = tools::CpuMicrosOf(options.pid);
  const int64_t start = tools::NowNanos();
  std::vector<int> fds;
  for (int i = 0; i < options.idle; ++i) {
    fds.push_back(Connect(address));
    SendAll(fds.back(), hello);
    char reply[4096];
    if (::recv(fds.back(), reply, sizeof(reply), 0) <= 0) {
      Die("the server closed a connection");
    }
  }
  const double elapsed = static_cast<double>(tools::NowNanos() - start) / 1e9;
  const std::optional<double> cpu_after = tools::CpuMicrosOf(options.pid);
  const int64_t after = tools::ResidentKbOf(options.pid);
  const double n = options.idle;
  std::printf(
      "idle %d: RSS %lld -> %lld KB, %.2f KB per connection; connect + hello %.1f us of server"
      " CPU, %.0f connections/s\n",
      options.idle, static_cast<long long>(before), static_cast<long long>(after),
      static_cast<double>(after - before) / n,
      cpu_after && cpu_before ? (*cpu_after - *cpu_before) / n : 0, n / elapsed);
  for (const int fd : fds) {
    ::close(fd);
  }
  return 0;
}

bool ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      options->json = true;
      continue;
    }
    if (i + 1 == argc) {
      return false;
    }
    const char* const value = argv[++i];
    if (name == "--host") {
      options->host = value;
    } else if (name == "--port") {
      options->port = std::atoi(value);
    } else if (name == "--connections") {
      options->connections = std::atoi(value);
    } else if (name == "--seconds") {
      options->seconds = std::atof(value);
    } else if (name == "--warmup") {
      options->warmup = std::atof(value);
    } else if (name == "--pid") {
      options->pid = std::atoi(value);
    } else if (name == "--op") {
      options->op = value;
    } else if (name == "--ids") {
      options->ids = std::atoi(value);
    } else if (name == "--db") {
      options->db = value;
    } else if (name == "--coll") {
      options->coll = value;
    } else if (name == "--idle") {
      options->idle = std::atoi(value);
    } else {
      return false;
    }
  }
  return (options->op == "ping" || options->op == "find") && options->connections > 0 &&
         options->ids > 0;
}

}  // namespace
}  // namespace septet

int main(int argc, char** argv) {
  septet::Options options;
  if (!septet::ParseOptions(argc, argv, &options)) {
    std::fprintf(
        stderr,
        "usage: wire_load --port P [--host H] [--connections C] [--seconds S] [--warmup S]\n"
        "                 [--pid SERVER] [--op ping|find] [--ids N] [--db D] [--coll C]\n"
        "                 [--json] [--idle N]\n");
    return 2;
  }
  const auto addresses = septet::wire::Resolve({options.host, options.port});
  if (!addresses.ok()) {
    septet::Die(septet::TextOf(addresses.status()));
  }
  return options.idle > 0 ? septet::RunIdle(options, addresses->front())
                          : septet::RunLoad(options, addresses->front());
}
