// SPDX-License-Identifier: Apache-2.0
// What commands may ask of the process: how it was started, its connections, log and end.
// Implemented in server/.
// Thread rule: facts() is constant after start; the rest thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace septet::commands {

struct ProcessFacts {
  std::string host;                       // "name:port"
  int port = 27017;
  int64_t pid = 0;
  std::vector<std::string> argv;
  std::string parsed_options;             // encoded document, as getCmdLineOpts shows it
  int64_t start_wall_millis = 0;
  int64_t start_monotonic_micros = 0;
  std::vector<std::string> compressors;   // "snappy", "zstd", "zlib" in the server's order
  int64_t max_connections = 0;
  std::string storage_engine;             // "rocksdb"
  bool persistent = true;                 // false: everything in memory
  std::string data_path;                  // where the data lies; empty: in memory
};

struct ConnectionCounts {
  int64_t current = 0;
  int64_t total_created = 0;
  int64_t rejected = 0;
  int64_t active = 0;                     // running an operation now
  int64_t exhaust_hello = 0;
  int64_t exhaust_is_master = 0;
};

// Bytes of messages before and after one compressor's work.
struct CompressionTotals {
  std::string name;
  int64_t packed_from = 0, packed_to = 0;      // replies
  int64_t unpacked_from = 0, unpacked_to = 0;  // requests
};

struct NetworkTotals {
  int64_t bytes_in = 0;
  int64_t bytes_out = 0;
  int64_t physical_bytes_in = 0;
  int64_t physical_bytes_out = 0;
  int64_t requests = 0;
  std::vector<CompressionTotals> compression;
};

class ServerControl {
 public:
  virtual ~ServerControl() = default;
  virtual const ProcessFacts& facts() const = 0;
  virtual ConnectionCounts Connections() const = 0;
  virtual NetworkTotals Network() const = 0;
  // Starts the clean end of the process and returns. `quiesce`: how long hello may say so first.
  virtual void RequestShutdown(std::chrono::milliseconds quiesce) = 0;
  virtual Status RotateLog() = 0;
};

}  // namespace septet::commands
