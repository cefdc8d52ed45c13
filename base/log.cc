// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/strings.h"

namespace septet::log {
namespace {

using enum Component;

constexpr ComponentRow kComponents[] = {
    {kDefault, "-", "", kDefault},
    {kAccess, "ACCESS", "accessControl", kDefault},
    {kCommand, "COMMAND", "command", kDefault},
    {kControl, "CONTROL", "control", kDefault},
    {kElection, "ELECTION", "election", kReplication},
    {kFailPoint, "TEST", "test", kDefault},
    {kIndex, "INDEX", "index", kDefault},
    {kInitialSync, "INITSYNC", "initialSync", kReplication},
    {kNetwork, "NETWORK", "network", kDefault},
    {kQuery, "QUERY", "query", kDefault},
    {kReplication, "REPL", "replication", kDefault},
    {kRollback, "ROLLBACK", "rollback", kReplication},
    {kStorage, "STORAGE", "storage", kDefault},
    {kTransaction, "TXN", "transaction", kDefault},
    {kWrite, "WRITE", "write", kDefault},
    {kRecovery, "RECOVERY", "recovery", kStorage},
    {kHeartbeat, "REPL_HB", "heartbeats", kReplication},
};
constexpr size_t kComponentCount = std::size(kComponents);

// What was set plus one (0 = inherit), and what that gives, so that Enabled() is one load.
std::array<std::atomic<int>, kComponentCount> own_level{};
std::array<std::atomic<int>, kComponentCount> effective_level{};

size_t IndexOf(Component c) { return static_cast<size_t>(c); }

void RecomputeLevels() {
  for (size_t i = 0; i < kComponentCount; ++i) {
    size_t at = i;
    int level = own_level[at].load(std::memory_order_relaxed);
    while (level == 0 && at != 0) {
      at = IndexOf(kComponents[at].parent);
      level = own_level[at].load(std::memory_order_relaxed);
    }
    effective_level[i].store(level == 0 ? 0 : level - 1, std::memory_order_relaxed);
  }
}

thread_local char thread_context[32] = "main";

// The open sink and the lines kept in memory. One object, never destroyed: threads may log while the
// process exits.
class Sink {
 public:
  bool Open(const SinkOptions& options) {
    absl::MutexLock lock(&mutex_);
    return OpenLocked(options);
  }

  void SetQuiet(bool quiet) { quiet_.store(quiet, std::memory_order_relaxed); }
  bool quiet() const { return quiet_.load(std::memory_order_relaxed); }
  bool text_form() const { return text_form_.load(std::memory_order_relaxed); }
  bool local_time() const { return local_time_.load(std::memory_order_relaxed); }

  void WriteLine(Severity severity, std::string_view json, std::string_view text) {
    absl::MutexLock lock(&mutex_);
    ++total_lines_;
    recent_.emplace_back(json);
    if (recent_.size() > limits::kMaxLogLinesInMemory) {
      recent_.pop_front();
    }
    if (use_syslog_) {
      syslog(SyslogPriority(severity), "%.*s", static_cast<int>(json.size()), json.data());
      return;
    }
    line_.assign(text_form() ? text : json);
    line_.push_back('\n');
    WriteAll(line_);
  }

  bool Rotate(bool rename_file, std::string* error) {
    absl::MutexLock lock(&mutex_);
    if (options_.path.empty()) {
      return true;  // standard output and syslog have nothing to rotate
    }
    if (rename_file) {
      const std::string target = RotatedName(options_.path);
      if (access(target.c_str(), F_OK) == 0) {
        *error = StrCat("Rename target already exists: ", target);
        return false;
      }
      if (std::rename(options_.path.c_str(), target.c_str()) != 0) {
        *error = StrCat("Failed to rename ", options_.path, " to ", target, ": ",
                        std::strerror(errno));
        return false;
      }
    }
    SinkOptions again = options_;
    again.append = true;
    if (!OpenLocked(again)) {
      *error = StrCat("Failed to open ", options_.path, ": ", std::strerror(errno));
      return false;
    }
    return true;
  }

  void AddStartupWarning(std::string line) {
    absl::MutexLock lock(&mutex_);
    warnings_.push_back(std::move(line));
  }
  std::vector<std::string> Recent(int64_t* total) {
    absl::MutexLock lock(&mutex_);
    if (total != nullptr) {
      *total = total_lines_;
    }
    return {recent_.begin(), recent_.end()};
  }
  std::vector<std::string> StartupWarnings() {
    absl::MutexLock lock(&mutex_);
    return warnings_;
  }

 private:
  static std::string RotatedName(const std::string& path) {
    // <path>.2024-01-31T10-20-30
    std::string stamp = FormatIso8601(WallMillis(), /*local=*/false).substr(0, 19);
    for (char& c : stamp) {
      c = c == ':' ? '-' : c;
    }
    return StrCat(path, ".", stamp);
  }

  static int SyslogPriority(Severity severity) {
    switch (severity) {
      case Severity::kFatal: return LOG_CRIT;
      case Severity::kError: return LOG_ERR;
      case Severity::kWarning: return LOG_WARNING;
      case Severity::kInfo: return LOG_INFO;
      case Severity::kDebug: return LOG_DEBUG;
    }
    return LOG_INFO;
  }

  bool OpenLocked(const SinkOptions& options) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    int fd = STDOUT_FILENO;
    if (options.syslog) {
      openlog("septetd", LOG_PID, options.syslog_facility);
    } else if (!options.path.empty()) {
      if (!options.append && access(options.path.c_str(), F_OK) == 0) {
        std::rename(options.path.c_str(), RotatedName(options.path).c_str());
      }
      fd = open(options.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      if (fd < 0) {
        return false;
      }
    }
    if (fd_ != STDOUT_FILENO) {
      close(fd_);
    }
    fd_ = fd;
    options_ = options;
    use_syslog_ = options.syslog;
    quiet_.store(options.quiet, std::memory_order_relaxed);
    text_form_.store(options.text_form, std::memory_order_relaxed);
    local_time_.store(options.local_time, std::memory_order_relaxed);
    return true;
  }

  void WriteAll(std::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n <= 0) {
        return;  // nowhere to report it
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  absl::Mutex mutex_;
  SinkOptions options_ ABSL_GUARDED_BY(mutex_);
  int fd_ ABSL_GUARDED_BY(mutex_) = STDOUT_FILENO;
  bool use_syslog_ ABSL_GUARDED_BY(mutex_) = false;
  std::string line_ ABSL_GUARDED_BY(mutex_);
  int64_t total_lines_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::string> recent_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> warnings_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> quiet_{false};
  std::atomic<bool> text_form_{false};
  std::atomic<bool> local_time_{true};
};

Sink& TheSink() {
  static Sink* const sink = new Sink;
  return *sink;
}

void Pad(std::string* out, size_t width, size_t used) {
  out->append(width > used ? width - used : 1, ' ');
}

struct Line {
  Severity severity;
  int debug_level;
  Component component;
  int id;
  std::string_view message;
  std::initializer_list<Attribute> attributes;
  std::string_view tag;
  std::string_view attributes_json = {};  // instead of `attributes`
};

std::string SeverityText(const Line& line) {
  std::string s(1, static_cast<char>(line.severity));
  if (line.severity == Severity::kDebug) {
    s += std::to_string(line.debug_level);
  }
  return s;
}

// {"t":{"$date":"..."},"s":"I",  "c":"NETWORK",  "id":23015,   "ctx":"listener","msg":"..."}
std::string JsonForm(const Line& line, std::string_view time) {
  const std::string severity = SeverityText(line);
  const std::string_view component = NameOf(line.component);
  const std::string id = std::to_string(line.id);
  std::string out = StrCat("{\"t\":{\"$date\":\"", time, "\"},\"s\":\"", severity, "\",");
  Pad(&out, 3, severity.size());
  StrAppend(&out, "\"c\":\"", component, "\",");
  Pad(&out, 9, component.size());
  StrAppend(&out, "\"id\":", id, ",");
  Pad(&out, 8, id.size());
  out += "\"ctx\":";
  AppendJsonString(&out, thread_context);
  out += ",\"msg\":";
  AppendJsonString(&out, line.message);
  if (!line.attributes_json.empty()) {
    StrAppend(&out, ",\"attr\":", line.attributes_json);
  } else if (line.attributes.size() != 0) {
    out += ",\"attr\":{";
    bool first = true;
    for (const Attribute& a : line.attributes) {
      if (!first) {
        out.push_back(',');
      }
      first = false;
      AppendJsonString(&out, a.name());
      out.push_back(':');
      out += a.json();
    }
    out.push_back('}');
  }
  if (!line.tag.empty()) {
    StrAppend(&out, ",\"tags\":[\"", line.tag, "\"]");
  }
  out.push_back('}');
  return out;
}

// 10:20:30.123 I NETWORK  [listener] Waiting for connections port=27017
std::string TextForm(const Line& line, std::string_view time) {
  const std::string severity = SeverityText(line);
  const std::string_view component = NameOf(line.component);
  std::string out(time.substr(11, 12));
  StrAppend(&out, " ", severity, " ", component);
  Pad(&out, 9, component.size());
  StrAppend(&out, "[", std::string_view(thread_context), "] ", line.message);
  for (const Attribute& a : line.attributes) {
    StrAppend(&out, " ", a.name(), "=", a.json());
  }
  if (!line.attributes_json.empty()) {
    StrAppend(&out, " ", line.attributes_json);
  }
  return out;
}

std::string Emit(const Line& line) {
  Sink& sink = TheSink();
  const std::string time = FormatIso8601(WallMillis(), sink.local_time());
  std::string json = JsonForm(line, time);
  sink.WriteLine(line.severity, json,
                 sink.text_form() ? TextForm(line, time) : std::string());
  return json;
}

}  // namespace

Attribute::Attribute(std::string_view name, std::string_view value) : name_(name) {
  AppendJsonString(&json_, value);
}

Attribute::Attribute(std::string_view name, double value) : name_(name) {
  AppendJsonNumber(&json_, value);
}

Attribute Attribute::Json(std::string_view name, std::string json) {
  Attribute a;
  a.name_ = name;
  a.json_ = std::move(json);
  return a;
}

std::span<const ComponentRow> Components() { return kComponents; }

std::string_view NameOf(Component component) { return kComponents[IndexOf(component)].name; }

void SetVerbosity(Component component, int level) {
  if (component == kDefault && level < 0) {
    level = 0;
  }
  own_level[IndexOf(component)].store(level < 0 ? 0 : level + 1, std::memory_order_relaxed);
  RecomputeLevels();
}

int OwnVerbosity(Component component) {
  const int level = own_level[IndexOf(component)].load(std::memory_order_relaxed) - 1;
  return component == kDefault && level < 0 ? 0 : level;
}

int Verbosity(Component component) {
  return effective_level[IndexOf(component)].load(std::memory_order_relaxed);
}

void Write(Severity severity, Component component, int id, std::string_view message,
           std::initializer_list<Attribute> attributes) {
  if (TheSink().quiet() && (severity == Severity::kInfo || severity == Severity::kDebug)) {
    return;
  }
  Emit({severity, 1, component, id, message, attributes, {}});
}

void WriteDebug(int level, Component component, int id, std::string_view message,
                std::initializer_list<Attribute> attributes) {
  Emit({Severity::kDebug, level, component, id, message, attributes, {}});
}

void WriteObject(Severity severity, Component component, int id, std::string_view message,
                 std::string_view json_object) {
  Emit({severity, 1, component, id, message, {}, {}, json_object});
}

bool OpenSink(const SinkOptions& options) { return TheSink().Open(options); }
void SetQuiet(bool quiet) { TheSink().SetQuiet(quiet); }
bool Quiet() { return TheSink().quiet(); }
bool Rotate(bool rename, std::string* error) { return TheSink().Rotate(rename, error); }

std::vector<std::string> RecentLines(int64_t* total) { return TheSink().Recent(total); }

void AddStartupWarning(int id, std::string_view message,
                       std::initializer_list<Attribute> attributes) {
  TheSink().AddStartupWarning(
      Emit({Severity::kWarning, 0, kControl, id, message, attributes, "startupWarnings"}));
}

std::vector<std::string> StartupWarnings() { return TheSink().StartupWarnings(); }

void SetThreadContext(std::string_view name) {
  const size_t n = std::min(name.size(), sizeof(thread_context) - 1);
  std::memcpy(thread_context, name.data(), n);
  thread_context[n] = '\0';
}

std::string_view ThreadContext() { return thread_context; }

}  // namespace septet::log
