// SPDX-License-Identifier: Apache-2.0
// What commands may reach: pointers to the parts of the server, put together in server/services.cc and
// handed to every command. At most 13 and no methods. All are set in the running server; a test may
// leave out what its commands do not touch.
// Thread rule: constant after start; everything behind the pointers is thread-safe.
#pragma once

namespace septet {
class FailPoints;
}
namespace septet::catalog {
class Catalog;
}
namespace septet::query {
struct Runtime;
}
namespace septet::txn {
class SessionCatalog;
}
namespace septet::repl {
class ReplicationDriver;
}

namespace septet::commands {

class OperationRegistry;
class Parameters;
class ReplicationInfo;
class ServerControl;
class SessionCache;
class UsageRecorder;
class WriteGate;
struct ServerMetrics;

struct Services {
  catalog::Catalog* catalog = nullptr;
  query::Runtime* query = nullptr;                 // cursors, plans
  txn::SessionCatalog* transactions = nullptr;     // retryable writes and transactions (txn/)
  repl::ReplicationDriver* driver = nullptr;       // null without a set name
  ReplicationInfo* replication = nullptr;          // role, hello, write concern
  OperationRegistry* operations = nullptr;         // currentOp, killOp
  SessionCache* sessions = nullptr;                // logical sessions and when they were used last
  Parameters* parameters = nullptr;                // getParameter, setParameter
  FailPoints* fail_points = nullptr;
  ServerMetrics* metrics = nullptr;                // counters of serverStatus
  UsageRecorder* usage = nullptr;                  // top, latencies, profiler levels
  WriteGate* write_gate = nullptr;                 // fsync with lock
  ServerControl* server = nullptr;                 // the process: options, shutdown, log, connections
};

}  // namespace septet::commands
