// SPDX-License-Identifier: Apache-2.0
// A whole server in the test's process: memory engine, no sockets. Commands go through the dispatcher as
// OP_MSG would and their reply documents come back.
//   InProcessServer server;
//   std::string reply = server.Run("test", R"({"insert": "c", "documents": [{"_id": 1}]})");
// A client (Connect) keeps its session state, as a connection does. Run blocks until the answer is there.
// Thread rule: one client is used by one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bson/builder.h"
#include "bson/view.h"
#include "commands/server_control.h"
#include "server/core.h"
#include "wire/net/io_thread.h"

namespace septet::server::testing {

class InProcessServer;

// One connection.
class InProcessClient {
 public:
  explicit InProcessClient(InProcessServer* server);
  ~InProcessClient();
  InProcessClient(const InProcessClient&) = delete;
  InProcessClient& operator=(const InProcessClient&) = delete;

  // Runs the encoded command ({find: ...}, without $db) on a database and returns the encoded reply; empty
  // if the server closed the connection instead.
  std::string Run(std::string_view db, bson::DocView command);
  // The command as extended JSON.
  std::string RunJson(std::string_view db, std::string_view json);
  // The same with the flag exhaustAllowed: returns replies until one has no moreToCome, at most `limit`.
  std::vector<std::string> RunExhaust(std::string_view db, bson::DocView command, size_t limit);
  // A whole legacy message (OP_QUERY, OP_INSERT, ...) and the OP_REPLY to it; count -1 if none comes.
  struct LegacyReply {
    std::string documents;  // back to back
    uint32_t flags = 0;
    int64_t cursor_id = 0;
    int32_t count = -1;
  };
  LegacyReply RunLegacy(std::string message);
  // Sends without waiting; Await gives the reply.
  void Send(std::string_view db, bson::DocView command);
  std::string Await();
  // The client goes away.
  void Close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

class InProcessServer {
 public:
  struct Options {
    bool test_commands = true;
    std::unique_ptr<storage::Engine> engine = nullptr;  // null: memory engine
  };
  InProcessServer() : InProcessServer(Options()) {}
  explicit InProcessServer(Options options);
  ~InProcessServer();

  // On a connection that lives as long as the server.
  std::string Run(std::string_view db, bson::DocView command) { return client_->Run(db, command); }
  std::string RunJson(std::string_view db, std::string_view json) {
    return client_->RunJson(db, json);
  }
  Core& core() { return *core_; }
  wire::IoThread& io() { return io_; }

 private:
  class Control;
  std::unique_ptr<Control> control_;
  std::unique_ptr<Core> core_;
  wire::IoThread io_;
  std::unique_ptr<InProcessClient> client_;
};

}  // namespace septet::server::testing
