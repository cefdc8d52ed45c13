// SPDX-License-Identifier: Apache-2.0
#include "server/testing/in_process_server.h"

#include <deque>
#include <optional>

#include "absl/synchronization/mutex.h"
#include "base/check.h"
#include "base/clock.h"
#include "bson/ejson.h"
#include "storage/engine.h"
#include "wire/codec/parse.h"
#include "wire/codec/serialize.h"

namespace septet::server::testing {

class InProcessServer::Control : public commands::ServerControl {
 public:
  Control() {
    facts_.host = "localhost:27017";
    facts_.pid = 1;
    facts_.start_wall_millis = WallMillis();
    facts_.start_monotonic_micros = MonotonicMicros();
    facts_.compressors = {"snappy", "zstd", "zlib"};
    facts_.max_connections = 1000;
    facts_.storage_engine = "inMemory";
    facts_.persistent = false;
  }
  const commands::ProcessFacts& facts() const override { return facts_; }
  commands::ConnectionCounts Connections() const override { return {}; }
  commands::NetworkTotals Network() const override { return {}; }
  void RequestShutdown(std::chrono::milliseconds) override {}
  Status RotateLog() override { return OkStatus(); }

 private:
  commands::ProcessFacts facts_;
};

namespace {

// A connection whose other end is the test.
class FakeConnection : public wire::Connection {
 public:
  FakeConnection(wire::IoThread* io, int64_t id) {
    io_ = io;
    facts_.id = id;
    facts_.remote = "127.0.0.1:1";
    facts_.is_loopback = true;
    facts_.accepted_at = std::chrono::system_clock::now();
  }

  void SetState(std::unique_ptr<wire::ClientState> state) { state_ = std::move(state); }

  void SendReply(wire::Reply reply, std::function<void()> written) override {
    absl::MutexLock lock(&mutex_);
    if (closed_) {
      return;
    }
    const bool more = reply.more_to_come;
    replies_.push_back(std::move(reply));
    in_flight_ = more;
    if (more && written) {
      io_->Post([self = shared_from_this(), written = std::move(written)] { written(); });
    }
  }
  void Done() override {
    absl::MutexLock lock(&mutex_);
    in_flight_ = false;
  }
  void Close() override {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    in_flight_ = false;
  }
  bool open() const override {
    absl::MutexLock lock(&mutex_);
    return !closed_;
  }

  void BeginRequest() {
    absl::MutexLock lock(&mutex_);
    in_flight_ = true;
  }
  // The next reply; empty if the connection was closed or the request ended without one.
  std::string Await() {
    std::optional<wire::Reply> reply = AwaitReply();
    return reply.has_value() ? std::move(reply->body) : std::string();
  }
  std::optional<wire::Reply> AwaitReply() {
    absl::MutexLock lock(&mutex_);
    const auto ready = [this] { return !replies_.empty() || !in_flight_; };
    P_CHECK(mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::Seconds(60)));
    if (replies_.empty()) {
      return std::nullopt;
    }
    wire::Reply reply = std::move(replies_.front());
    replies_.pop_front();
    return reply;
  }
  bool more_expected() const {
    absl::MutexLock lock(&mutex_);
    return in_flight_ || !replies_.empty();
  }

 private:
  mutable absl::Mutex mutex_;
  std::deque<wire::Reply> replies_;
  bool in_flight_ = false;
  bool closed_ = false;
};

std::string WithDb(bson::DocView command, std::string_view db) {
  bson::DocBuilder out;
  out.AppendAll(command);
  if (!command.Has("$db")) {
    out.Append("$db", db);
  }
  return out.Finish();
}

}  // namespace

struct InProcessClient::Impl {
  InProcessServer* server;
  std::shared_ptr<FakeConnection> connection;
  std::string message;  // the bytes of the request in flight

  void Post(std::string_view db, bson::DocView command, uint32_t flags) {
    const std::string body = WithDb(command, db);
    PostMessage(wire::SerializeMsg({1, 0}, flags, bson::DocView(body)));
  }

  void PostMessage(std::string bytes) {
    message = std::move(bytes);
    connection->BeginRequest();
    server->io().Post([this] {
      wire::ParseResult parsed = wire::Parse(message);
      P_CHECK(parsed.verdict == wire::Verdict::kHandle);
      wire::Request request;
      request.header = parsed.header;
      request.message = std::move(parsed.message);
      server->core().dispatcher().Handle(connection, std::move(request));
    });
  }

  // Runs `fn` on the I/O thread and waits.
  void RunThere(const std::function<void()>& fn) {
    absl::Mutex mutex;
    bool done = false;
    server->io().Post([&] {
      fn();
      absl::MutexLock lock(&mutex);
      done = true;
    });
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&done));
  }
};

InProcessClient::InProcessClient(InProcessServer* server) : impl_(std::make_shared<Impl>()) {
  static std::atomic<int64_t> next_id{1};
  impl_->server = server;
  impl_->connection = std::make_shared<FakeConnection>(&server->io(), next_id.fetch_add(1));
  impl_->RunThere([this] {
    Dispatcher& dispatcher = impl_->server->core().dispatcher();
    impl_->connection->SetState(dispatcher.OnConnect(*impl_->connection));
  });
}

InProcessClient::~InProcessClient() { Close(); }

void InProcessClient::Close() {
  if (impl_->connection == nullptr) {
    return;
  }
  impl_->RunThere([this] {
    impl_->connection->Close();
    impl_->server->core().dispatcher().OnClose(*impl_->connection);
    impl_->connection = nullptr;
  });
}

void InProcessClient::Send(std::string_view db, bson::DocView command) {
  impl_->Post(db, command, 0);
}

std::string InProcessClient::Await() { return impl_->connection->Await(); }

InProcessClient::LegacyReply InProcessClient::RunLegacy(std::string message) {
  impl_->PostMessage(std::move(message));
  std::optional<wire::Reply> reply = impl_->connection->AwaitReply();
  if (!reply.has_value()) {
    return {};
  }
  return {std::move(reply->body), reply->reply_flags, reply->cursor_id, reply->count};
}

std::string InProcessClient::Run(std::string_view db, bson::DocView command) {
  Send(db, command);
  return Await();
}

std::string InProcessClient::RunJson(std::string_view db, std::string_view json) {
  const auto command = bson::FromJson(json);
  P_CHECK(command.ok());
  return Run(db, bson::DocView(*command));
}

std::vector<std::string> InProcessClient::RunExhaust(std::string_view db, bson::DocView command,
                                                     size_t limit) {
  impl_->Post(db, command, wire::kExhaustAllowed);
  std::vector<std::string> replies;
  while (replies.size() < limit && (replies.empty() || impl_->connection->more_expected())) {
    replies.push_back(Await());
  }
  return replies;
}

InProcessServer::InProcessServer(Options options)
    : control_(std::make_unique<Control>()), io_("in-process") {
  CoreOptions core_options;
  core_options.test_commands = options.test_commands;
  core_options.configure = [&](commands::Parameters* parameters) {
    P_CHECK(parameters
                ->SetAtStart("enableTestCommands", options.test_commands ? "true" : "false")
                .ok());
  };
  auto core = Core::Create(
      options.engine != nullptr ? std::move(options.engine) : storage::NewMemoryEngine(),
      control_.get(), core_options);
  P_CHECK(core.ok());
  core_ = *std::move(core);
  client_ = std::make_unique<InProcessClient>(this);
}

InProcessServer::~InProcessServer() {
  client_ = nullptr;
  core_->dispatcher().Stop();
  io_.Stop();
}

}  // namespace septet::server::testing
