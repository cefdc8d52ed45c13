// SPDX-License-Identifier: Apache-2.0
#include "server/option_table.h"

#include <syslog.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/strings.h"

namespace septet::server {
namespace {

using O = ServerOptions;
using Text = std::string_view;
using enum OptionKind;

StatusOr<int64_t> ToInt(Text v, int64_t min, int64_t max) {
  const std::string copy(v);
  char* end = nullptr;
  const long long n = std::strtoll(copy.c_str(), &end, 10);
  if (copy.empty() || *end != '\0' || n < min || n > max) {
    return Error(ErrorCode::kBadValue, StrCat("the argument ('", v, "') must be a whole number from ",
                                              min, " to ", max));
  }
  return static_cast<int64_t>(n);
}

StatusOr<double> ToNumber(Text v, double min) {
  const std::string copy(v);
  char* end = nullptr;
  const double n = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0' || !(n >= min)) {
    return Error(ErrorCode::kBadValue,
                 StrCat("the argument ('", v, "') must be a number, at least ", min));
  }
  return n;
}

std::vector<std::string> Split(Text v, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= v.size();) {
    const size_t end = std::min(v.find(separator, start), v.size());
    if (end > start) {
      parts.emplace_back(v.substr(start, end - start));
    }
    start = end + 1;
  }
  return parts;
}

bool On(Text v) { return v == "true"; }

// Setters for one member each.
template <bool O::*kMember>
Status Switch(Text v, O* o) {
  o->*kMember = On(v);
  return OkStatus();
}
template <bool O::*kMember>
Status SwitchOff(Text v, O* o) {
  o->*kMember = !On(v);
  return OkStatus();
}
template <std::string O::*kMember>
Status String(Text v, O* o) {
  o->*kMember = v;
  return OkStatus();
}
template <auto kMember, int64_t kMin, int64_t kMax>
Status Int(Text v, O* o) {
  ASSIGN_OR_RETURN(const int64_t n, ToInt(v, kMin, kMax));
  o->*kMember = static_cast<std::remove_reference_t<decltype(o->*kMember)>>(n);
  return OkStatus();
}

Status BindIp(Text v, O* o) {
  o->bind_ips = Split(v, ',');
  return OkStatus();
}

Status ReplSet(Text v, O* o) {
  const size_t slash = v.find('/');
  o->repl_set = v.substr(0, slash);
  o->seeds = slash == Text::npos ? std::vector<std::string>() : Split(v.substr(slash + 1), ',');
  if (o->repl_set.empty()) {
    return Error(ErrorCode::kBadValue, "the name of the replica set must not be empty");
  }
  return OkStatus();
}

Status CacheGb(Text v, O* o) {
  ASSIGN_OR_RETURN(o->cache_gb, ToNumber(v, 0.01));
  return OkStatus();
}

Status RetentionHours(Text v, O* o) {
  ASSIGN_OR_RETURN(o->oplog_min_retention_hours, ToNumber(v, 0.0));
  return OkStatus();
}

Status SampleRate(Text v, O* o) {
  ASSIGN_OR_RETURN(o->sample_rate, ToNumber(v, 0.0));
  return OkStatus();
}

Status StorageEngine(Text v, O* o) {
  if (v == "inMemory" || v == "ephemeralForTest") {
    o->in_memory = true;
    return OkStatus();
  }
  if (v != "rocksdb" && v != "wiredTiger" && v != "mmapv1") {
    return Error(ErrorCode::kBadValue, StrCat("unknown storage engine '", v, "'; use rocksdb or inMemory"));
  }
  o->in_memory = false;
  if (v != "rocksdb") {
    o->warnings.push_back(StrCat("storageEngine '", v, "' is not built in; rocksdb is used"));
  }
  return OkStatus();
}

Status LogRotate(Text v, O* o) {
  if (v != "rename" && v != "reopen") {
    return Error(ErrorCode::kBadValue, "logRotate must be 'rename' or 'reopen'");
  }
  o->log_rotate_reopen = v == "reopen";
  return OkStatus();
}

Status LogDestination(Text v, O* o) {
  if (v != "file" && v != "syslog") {
    return Error(ErrorCode::kBadValue, "systemLog.destination must be 'file' or 'syslog'");
  }
  o->syslog = v == "syslog";
  return OkStatus();
}

Status TimeStampFormat(Text v, O* o) {
  if (v != "iso8601-utc" && v != "iso8601-local") {
    return Error(ErrorCode::kBadValue, "timeStampFormat must be 'iso8601-utc' or 'iso8601-local'");
  }
  o->log_utc = v == "iso8601-utc";
  return OkStatus();
}

Status SyslogFacility(Text v, O* o) {
  constexpr std::pair<Text, int> kFacilities[] = {
      {"auth", LOG_AUTH},     {"cron", LOG_CRON},     {"daemon", LOG_DAEMON}, {"kern", LOG_KERN},
      {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
      {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
      {"lpr", LOG_LPR},       {"mail", LOG_MAIL},     {"news", LOG_NEWS},     {"syslog", LOG_SYSLOG},
      {"user", LOG_USER},     {"uucp", LOG_UUCP},
  };
  for (const auto& [name, facility] : kFacilities) {
    if (name == v) {
      o->syslog_facility = facility;
      return OkStatus();
    }
  }
  return Error(ErrorCode::kBadValue, StrCat("unknown syslog facility '", v, "'"));
}

// --verbose, --verbose=vvv, verbose = 3 (files).
Status Verbose(Text v, O* o) {
  if (v == "true" || v == "false") {
    o->verbosity = v == "true" ? 1 : 0;
    return OkStatus();
  }
  if (!v.empty() && v.find_first_not_of('v') == Text::npos) {
    o->verbosity = static_cast<int>(std::min<size_t>(v.size(), 5));
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const int64_t n, ToInt(v, 0, 5));
  o->verbosity = static_cast<int>(n);
  return OkStatus();
}

// "election=2", made from systemLog.component.replication.election.verbosity.
Status ComponentVerbosity(Text v, O* o) {
  const size_t equals = v.find('=');
  ASSIGN_OR_RETURN(const int64_t level, ToInt(v.substr(equals + 1), -1, 5));
  o->component_verbosity.emplace_back(v.substr(0, equals), static_cast<int>(level));
  return OkStatus();
}

template <int kLevel>
Status VerboseLevel(Text v, O* o) {
  o->verbosity = On(v) ? kLevel : o->verbosity;
  return OkStatus();
}

Status ProfilingMode(Text v, O* o) {
  constexpr Text kModes[] = {"off", "slowOp", "all"};
  const auto* found = std::find(std::begin(kModes), std::end(kModes), v);
  if (found == std::end(kModes)) {
    return Error(ErrorCode::kBadValue, "operationProfiling.mode must be off, slowOp or all");
  }
  o->profile_level = static_cast<int>(found - std::begin(kModes));
  return OkStatus();
}

Status SetParameter(Text v, O* o) {
  const size_t equals = v.find('=');
  if (equals == Text::npos) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Illegal option assignment: \"", v, "\"; write --setParameter name=value"));
  }
  o->set_parameters.emplace_back(v.substr(0, equals), v.substr(equals + 1));
  return OkStatus();
}

Status FilePermissions(Text v, O* o) {
  const std::string copy(v);
  char* end = nullptr;
  const long n = std::strtol(copy.c_str(), &end, 8);
  if (copy.empty() || *end != '\0' || n < 0 || n > 0777) {
    return Error(ErrorCode::kBadValue, "filePermissions must be an octal number such as 0700");
  }
  o->unix_socket_permissions = static_cast<int>(n);
  return OkStatus();
}

Status ConfigExpand(Text v, O*) {
  if (v == "none") {
    return OkStatus();
  }
  return Error(ErrorCode::kBadValue, "configExpand is not supported; write the values into the file");
}

// Options whose silence would be dangerous.
Status NoAccessControl(Text v, O*) {
  if (v == "false" || v == "disabled") {
    return OkStatus();
  }
  return Error(ErrorCode::kBadValue,
               "access control is not supported by this server; it must not be reachable by others "
               "than its users");
}
Status NoTls(Text v, O*) {
  if (v == "disabled" || v == "false") {
    return OkStatus();
  }
  return Error(ErrorCode::kBadValue, "TLS is not supported by this server");
}
Status NoEncryption(Text v, O*) {
  return v == "false" ? OkStatus()
                      : Error(ErrorCode::kBadValue, "encryption at rest is not supported by this server");
}
Status NoSharding(Text v, O*) {
  return v == "false" ? OkStatus()
                      : Error(ErrorCode::kBadValue, "sharding is not supported by this server");
}
Status NoMasterSlave(Text v, O*) {
  return v == "false" ? OkStatus()
                      : Error(ErrorCode::kBadValue,
                              "master/slave replication was removed; use a replica set (--replSet)");
}
Status NoWindows(Text, O*) {
  return Error(ErrorCode::kBadValue, "options of the Windows service are not supported");
}
Status NoEnterprise(Text, O*) {
  return Error(ErrorCode::kBadValue, "this option belongs to another product and is not supported");
}

// Sorted by theme; looked up by name.
const OptionRow kTable[] = {
    {"help", "", kSwitch, Switch<&O::help>, "show this text and exit"},
    {"version", "", kSwitch, Switch<&O::version>, "show version information and exit"},
    {"outputConfig", "", kSwitch, Switch<&O::output_config>, "print the settings as YAML and exit"},
    {"configExpand", "", kText, ConfigExpand},
    {"shutdown", "", kSwitch, Switch<&O::shutdown>, "stop the server that runs on --dbpath"},

    {"port", "net.port", kInt, Int<&O::port, 0, 65535>, "TCP port, 27017 by default"},
    {"bind_ip", "net.bindIp", kText, BindIp,
     "comma separated addresses to listen on; 127.0.0.1,::1 by default"},
    {"bind_ip_all", "net.bindIpAll", kSwitch, Switch<&O::bind_ip_all>, "listen on all addresses"},
    {"ipv6", "net.ipv6", kSwitch, Switch<&O::ipv6>, "use IPv6 (on by default)"},
    {"listenBacklog", "net.listenBacklog", kInt, Int<&O::listen_backlog, 1, 65535>},
    {"maxConns", "net.maxIncomingConnections", kInt, Int<&O::max_connections, 1, 1'000'000>,
     "how many clients may be connected at a time"},
    {"unixSocketPrefix", "net.unixDomainSocket.pathPrefix", kText, String<&O::unix_socket_prefix>,
     "directory of the Unix socket, /tmp by default"},
    {"nounixsocket", "", kSwitch, SwitchOff<&O::unix_socket>, "no Unix socket"},
    {"", "net.unixDomainSocket.enabled", kSwitch, Switch<&O::unix_socket>},
    {"filePermissions", "net.unixDomainSocket.filePermissions", kText, FilePermissions},
    {"networkMessageCompressors", "net.compression.compressors", kText, String<&O::compressors>,
     "snappy,zstd,zlib by default; 'disabled' turns compression off"},
    {"objcheck", "net.wireObjectCheck", kSwitch, Switch<&O::check_bson>},
    {"noobjcheck", "", kSwitch, SwitchOff<&O::check_bson>},
    {"transportLayer", "net.transportLayer", kText, nullptr},
    {"serviceExecutor", "net.serviceExecutor", kText, nullptr},
    {"ioThreads", "net.ioThreads", kInt, Int<&O::io_threads, 0, 1024>,
     "threads that serve connections; one per processor by default"},

    {"dbpath", "storage.dbPath", kText, String<&O::dbpath>, "directory of the data, /data/db by default"},
    {"storageEngine", "storage.engine", kText, StorageEngine, "rocksdb (default) or inMemory"},
    {"wiredTigerCacheSizeGB", "storage.wiredTiger.engineConfig.cacheSizeGB", kNumber, CacheGb,
     "size of the block cache; also --rocksdbCacheSizeGB"},
    {"rocksdbCacheSizeGB", "storage.rocksdb.cacheSizeGB", kNumber, CacheGb},
    {"inMemorySizeGB", "storage.inMemory.engineConfig.inMemorySizeGB", kNumber, CacheGb},
    {"journalCommitInterval", "storage.journal.commitIntervalMs", kInt,
     Int<&O::journal_interval_ms, 1, 500>, "milliseconds between syncs of the log, 100 by default"},
    {"journal", "storage.journal.enabled", kSwitch, Switch<&O::journal>},
    {"nojournal", "", kSwitch, nullptr},
    {"dur", "", kSwitch, nullptr},
    {"nodur", "", kSwitch, nullptr},
    {"syncdelay", "storage.syncPeriodSecs", kNumber, nullptr},
    {"directoryperdb", "storage.directoryPerDB", kSwitch, nullptr},
    {"groupCollections", "", kSwitch, nullptr},
    {"wiredTigerJournalCompressor", "storage.wiredTiger.engineConfig.journalCompressor", kText, nullptr},
    {"wiredTigerCollectionBlockCompressor",
     "storage.wiredTiger.collectionConfig.blockCompressor", kText, nullptr},
    {"wiredTigerIndexPrefixCompression", "storage.wiredTiger.indexConfig.prefixCompression", kBoolean,
     nullptr},
    {"wiredTigerDirectoryForIndexes", "storage.wiredTiger.engineConfig.directoryForIndexes", kSwitch,
     nullptr},
    {"wiredTigerEngineConfigString", "storage.wiredTiger.engineConfig.configString", kText, nullptr},
    {"wiredTigerCollectionConfigString", "storage.wiredTiger.collectionConfig.configString", kText,
     nullptr},
    {"wiredTigerIndexConfigString", "storage.wiredTiger.indexConfig.configString", kText, nullptr},
    {"rocksdbCompression", "storage.rocksdb.compression", kText, nullptr},
    {"rocksdbConfigString", "storage.rocksdb.configString", kText, nullptr},
    {"repair", "storage.repairPath", kSwitch, nullptr},
    {"upgrade", "", kSwitch, nullptr},
    {"queryableBackupMode", "storage.queryableBackupMode", kSwitch, NoEnterprise},

    {"replSet", "replication.replSetName", kText, ReplSet, "name of the replica set"},
    {"", "replication.replSet", kText, ReplSet},
    {"oplogSize", "replication.oplogSizeMB", kInt, Int<&O::oplog_size_mb, 1, 1'000'000'000>,
     "size of the oplog in MB"},
    {"oplogMinRetentionHours", "storage.oplogMinRetentionHours", kNumber, RetentionHours,
     "keep at least so many hours of the oplog"},
    {"enableMajorityReadConcern", "replication.enableMajorityReadConcern", kSwitch, nullptr},
    {"replIndexPrefetch", "replication.secondaryIndexPrefetch", kText, nullptr},
    {"fastsync", "", kSwitch, nullptr},
    {"localThreshold", "", kInt, nullptr},
    {"rsMaintenance", "", kSwitch, nullptr},
    {"master", "", kSwitch, NoMasterSlave},
    {"slave", "", kSwitch, NoMasterSlave},
    {"source", "", kText, NoMasterSlave},
    {"only", "", kText, NoMasterSlave},
    {"slavedelay", "", kInt, NoMasterSlave},
    {"autoresync", "", kSwitch, NoMasterSlave},

    {"logpath", "systemLog.path", kText, String<&O::log_path>, "write the log to this file"},
    {"logappend", "systemLog.logAppend", kSwitch, Switch<&O::log_append>,
     "continue an existing log file instead of renaming it"},
    {"logRotate", "systemLog.logRotate", kText, LogRotate, "rename (default) or reopen"},
    {"syslog", "", kSwitch, Switch<&O::syslog>, "write the log to syslog"},
    {"", "systemLog.destination", kText, LogDestination},
    {"syslogFacility", "systemLog.syslogFacility", kText, SyslogFacility},
    {"verbose", "systemLog.verbosity", kText, Verbose, "more log lines; -vvvvv shows all"},
    {"", "systemLog.component", kText, ComponentVerbosity},
    {"v", "", kSwitch, VerboseLevel<1>},
    {"vv", "", kSwitch, VerboseLevel<2>},
    {"vvv", "", kSwitch, VerboseLevel<3>},
    {"vvvv", "", kSwitch, VerboseLevel<4>},
    {"vvvvv", "", kSwitch, VerboseLevel<5>},
    {"quiet", "systemLog.quiet", kSwitch, Switch<&O::quiet>, "only warnings and errors"},
    {"timeStampFormat", "systemLog.timeStampFormat", kText, TimeStampFormat,
     "iso8601-local (default) or iso8601-utc"},
    {"traceExceptions", "systemLog.traceAllExceptions", kSwitch, nullptr},

    {"fork", "processManagement.fork", kSwitch, Switch<&O::fork>,
     "run in the background; needs --logpath or --syslog"},
    {"pidfilepath", "processManagement.pidFilePath", kText, String<&O::pid_file>,
     "write the process id to this file"},
    {"timeZoneInfo", "processManagement.timeZoneInfo", kText, String<&O::time_zone_info>},

    {"profile", "", kInt, Int<&O::profile_level, 0, 2>, "0 = off, 1 = slow, 2 = all"},
    {"", "operationProfiling.mode", kText, ProfilingMode},
    {"slowms", "operationProfiling.slowOpThresholdMs", kInt, Int<&O::slow_ms, 0, INT32_MAX>,
     "operations slower than this are logged, 100 ms by default"},
    {"slowOpSampleRate", "operationProfiling.slowOpSampleRate", kNumber, SampleRate},
    {"rateLimit", "operationProfiling.rateLimit", kInt, nullptr},
    {"setParameter", "setParameter", kText, SetParameter, "name=value of a server parameter"},
    {"notablescan", "", kSwitch, Switch<&O::notablescan>},

    {"auth", "", kSwitch, NoAccessControl},
    {"noauth", "", kSwitch, nullptr},
    {"", "security.authorization", kText, NoAccessControl},
    {"keyFile", "security.keyFile", kText, NoAccessControl},
    {"clusterAuthMode", "security.clusterAuthMode", kText, NoAccessControl},
    {"transitionToAuth", "security.transitionToAuth", kSwitch, NoAccessControl},
    {"noscripting", "", kSwitch, nullptr},
    {"", "security.javascriptEnabled", kSwitch, nullptr},
    {"redactClientLogData", "security.redactClientLogData", kSwitch, nullptr},
    {"enableEncryption", "security.enableEncryption", kSwitch, NoEncryption},
    {"encryptionKeyFile", "security.encryptionKeyFile", kText, NoEncryption},
    {"encryptionCipherMode", "security.encryptionCipherMode", kText, NoEncryption},
    {"tlsMode", "net.tls.mode", kText, NoTls},
    {"sslMode", "net.ssl.mode", kText, NoTls},
    {"sslOnNormalPorts", "net.ssl.sslOnNormalPorts", kSwitch, NoTls},
    {"tlsCertificateKeyFile", "net.tls.certificateKeyFile", kText, NoTls},
    {"tlsCAFile", "net.tls.CAFile", kText, NoTls},
    {"sslPEMKeyFile", "net.ssl.PEMKeyFile", kText, NoTls},
    {"sslCAFile", "net.ssl.CAFile", kText, NoTls},

    {"shardsvr", "", kSwitch, NoSharding},
    {"configsvr", "", kSwitch, NoSharding},
    {"", "sharding.clusterRole", kText, NoSharding},
    {"install", "", kSwitch, NoWindows},
    {"remove", "", kSwitch, NoWindows},
    {"reinstall", "", kSwitch, NoWindows},
    {"serviceName", "processManagement.windowsService.serviceName", kText, NoWindows},
    {"auditDestination", "auditLog.destination", kText, NoEnterprise},
    {"basisTech", "", kText, NoEnterprise},
    {"snmp-subagent", "snmp.subagent", kSwitch, NoEnterprise},
    {"snmp-master", "snmp.master", kSwitch, NoEnterprise},
    {"enableFreeMonitoring", "cloud.monitoring.free.state", kText, nullptr},
    {"freeMonitoringTag", "cloud.monitoring.free.tags", kText, nullptr},

    // Of files from 2011; what they tuned is gone.
    {"smallfiles", "storage.mmapv1.smallFiles", kSwitch, nullptr},
    {"noprealloc", "", kSwitch, nullptr},
    {"nopreallocj", "", kSwitch, nullptr},
    {"", "storage.mmapv1.preallocDataFiles", kSwitch, nullptr},
    {"nssize", "storage.mmapv1.nsSize", kInt, nullptr},
    {"quota", "storage.mmapv1.quota.enforced", kSwitch, nullptr},
    {"quotaFiles", "storage.mmapv1.quota.maxFilesPerDB", kInt, nullptr},
    {"directio", "", kSwitch, nullptr},
    {"diaglog", "", kInt, nullptr},
    {"jsonp", "net.http.JSONPEnabled", kSwitch, nullptr},
    {"rest", "net.http.RESTInterfaceEnabled", kSwitch, nullptr},
    {"httpinterface", "net.http.enabled", kSwitch, nullptr},
    {"nohttpinterface", "", kSwitch, nullptr},
    {"noIndexBuildRetry", "storage.indexBuildRetry", kSwitch, nullptr},
    {"moveParanoia", "sharding.archiveMovedChunks", kSwitch, nullptr},
    {"noMoveParanoia", "", kSwitch, nullptr},
    {"pretouch", "", kInt, nullptr},
    {"durOptions", "", kInt, nullptr},
    {"journalOptions", "storage.mmapv1.journal.debugFlags", kInt, nullptr},
    {"pairwith", "", kText, NoMasterSlave},
    {"arbiter", "", kText, NoMasterSlave},
    {"opIdMem", "", kInt, nullptr},
    {"cacheSize", "", kInt, nullptr},
    {"nohints", "", kSwitch, nullptr},
    {"cpu", "", kSwitch, nullptr},
    {"sysinfo", "", kSwitch, nullptr},
};

}  // namespace

std::span<const OptionRow> OptionTable() { return kTable; }

const OptionRow* FindOptionByFlag(std::string_view flag) {
  for (const OptionRow& row : kTable) {
    if (!flag.empty() && row.flag == flag) {
      return &row;
    }
  }
  return nullptr;
}

const OptionRow* FindOptionByYaml(std::string_view path) {
  for (const OptionRow& row : kTable) {
    if (!path.empty() && row.yaml == path) {
      return &row;
    }
  }
  return nullptr;
}

bool IsOptionSection(std::string_view path) {
  const std::string prefix = StrCat(path, ".");
  return std::any_of(std::begin(kTable), std::end(kTable),
                     [&](const OptionRow& row) { return row.yaml.starts_with(prefix); });
}

std::string SuggestFlag(std::string_view flag) {
  std::vector<std::string_view> names;
  for (const OptionRow& row : kTable) {
    if (!row.flag.empty()) {
      names.push_back(row.flag);
    }
  }
  const std::string_view nearest = NearestName(flag, names.data(), names.size());
  return nearest.empty() ? std::string() : StrCat("; did you mean --", nearest, "?");
}

std::string SuggestYaml(std::string_view path) {
  std::vector<std::string_view> names;
  for (const OptionRow& row : kTable) {
    if (!row.yaml.empty()) {
      names.push_back(row.yaml);
    }
  }
  const std::string_view nearest = NearestName(path, names.data(), names.size());
  return nearest.empty() ? std::string() : StrCat("; did you mean ", nearest, "?");
}

}  // namespace septet::server
