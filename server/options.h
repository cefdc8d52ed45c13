// SPDX-License-Identifier: Apache-2.0
// The options of the process: mongod's flags, its YAML file and its old "key = value" file give the same
// settings. One table (option_table.cc) knows every name; what an option does is one function there.
// Surface 11.1 (S11-001..S11-037).
// Thread rule: values, made before threads start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace septet::server {

struct ServerOptions {
  // net
  int port = 27017;
  std::vector<std::string> bind_ips;  // empty: 127.0.0.1 and ::1
  bool bind_ip_all = false;
  bool ipv6 = true;
  int64_t max_connections = 1'000'000;
  int listen_backlog = 4096;
  bool unix_socket = true;
  std::string unix_socket_prefix = "/tmp";
  int unix_socket_permissions = 0700;
  std::string compressors = "snappy,zstd,zlib";
  bool check_bson = true;

  // storage
  std::string dbpath = "/data/db";
  bool in_memory = false;
  std::optional<double> cache_gb;
  bool journal = true;
  int journal_interval_ms = 100;

  // replication
  std::string repl_set;
  std::vector<std::string> seeds;     // of --replSet name/seed,seed
  int64_t oplog_size_mb = 0;          // 0: 5 % of the free disk
  double oplog_min_retention_hours = 0;

  // systemLog
  std::string log_path;
  bool log_append = false;
  bool log_rotate_reopen = false;
  bool syslog = false;
  int syslog_facility = 8;
  int verbosity = 0;
  std::vector<std::pair<std::string, int>> component_verbosity;  // parameter name, level
  bool quiet = false;
  bool log_utc = false;

  // processManagement
  bool fork = false;
  std::string pid_file;
  std::string time_zone_info;

  // operationProfiling
  int profile_level = 0;
  int64_t slow_ms = 100;
  double sample_rate = 1.0;

  int io_threads = 0;                 // 0: one per processor
  bool notablescan = false;
  std::vector<std::pair<std::string, std::string>> set_parameters;

  // What was asked instead of serving.
  bool help = false;
  bool version = false;
  bool shutdown = false;
  bool output_config = false;

  // Text for the log: options that were accepted but do nothing here.
  std::vector<std::string> warnings;
  // The settings as given, by YAML path, for getCmdLineOpts and outputConfig: encoded document.
  std::string parsed;
};

// Reads the command line (without argv[0]) and the file named by --config. Errors: BadValue with the text
// a user should see; it names the nearest known option.
StatusOr<ServerOptions> ParseOptions(const std::vector<std::string>& arguments);

std::string HelpText();
std::string VersionText();
// The settings as YAML (--outputConfig).
std::string OptionsAsYaml(const ServerOptions& options);

}  // namespace septet::server
