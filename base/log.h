// SPDX-License-Identifier: Apache-2.0
// The structured log: one JSON object per line with the keys tools of this protocol already read:
// {"t":{"$date":..},"s":"I","c":"REPL","id":21358,"ctx":"main","msg":"...","attr":{...}}.
//
// P_LOG(kInfo, kReplication, 10042, "Member is now in state", {"member", host}, {"state", name});
// The message is constant, one sentence without a full stop; values go into attributes; the id is
// unique in the tree (tidy checks). On a terminal the text form is written instead of JSON.
// Thread rule: thread-safe; a line is formatted by the caller and written under one lock.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace septet::log {

enum class Severity : char { kFatal = 'F', kError = 'E', kWarning = 'W', kInfo = 'I', kDebug = 'D' };

enum class Component {
  kDefault, kAccess, kCommand, kControl, kElection, kFailPoint, kIndex, kInitialSync, kNetwork,
  kQuery, kReplication, kRollback, kStorage, kTransaction, kWrite, kRecovery, kHeartbeat,
};
// "REPL", "ELECTION", "-" ...
std::string_view NameOf(Component component);

// Names of a component: in log lines, in the parameter logComponentVerbosity, and its parent there.
struct ComponentRow {
  Component component;
  std::string_view name;
  std::string_view parameter_name;  // empty for the root
  Component parent;
};
std::span<const ComponentRow> Components();  // indexed by Component

// One attribute: a name and an already encoded JSON value.
class Attribute {
 public:
  Attribute(std::string_view name, std::string_view value);
  Attribute(std::string_view name, const char* value) : Attribute(name, std::string_view(value)) {}
  Attribute(std::string_view name, const std::string& value)
      : Attribute(name, std::string_view(value)) {}
  Attribute(std::string_view name, bool value) : name_(name), json_(value ? "true" : "false") {}
  Attribute(std::string_view name, double value);
  template <typename T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Attribute(std::string_view name, T value) : name_(name), json_(std::to_string(value)) {}
  // A value that is JSON already, e.g. relaxed extended JSON of a document.
  static Attribute Json(std::string_view name, std::string json);

  std::string_view name() const { return name_; }
  const std::string& json() const { return json_; }

 private:
  Attribute() = default;
  std::string_view name_;
  std::string json_;
};

// Verbosity per component: 0 shows kInfo and above, 1..5 show kDebug lines of that level, -1 takes the
// parent's.
void SetVerbosity(Component component, int level);
int Verbosity(Component component);     // what applies
int OwnVerbosity(Component component);  // what was set, -1 = inherited
inline bool Enabled(Component component, int debug_level) { return debug_level <= Verbosity(component); }

void Write(Severity severity, Component component, int id, std::string_view message,
           std::initializer_list<Attribute> attributes = {});
void WriteDebug(int level, Component component, int id, std::string_view message,
                std::initializer_list<Attribute> attributes = {});

// A line whose attributes are one JSON object made elsewhere.
void WriteObject(Severity severity, Component component, int id, std::string_view message,
                 std::string_view json_object);

// Where lines go. Empty path = standard output. Returns false if the file cannot be opened.
struct SinkOptions {
  std::string path;
  bool append = false;
  bool quiet = false;      // only warnings and worse
  bool text_form = false;  // readable text instead of JSON
  bool syslog = false;     // to syslog(3) instead of a file
  int syslog_facility = 8;  // LOG_USER
  bool local_time = true;  // time stamps with the local offset; else +00:00
};
bool OpenSink(const SinkOptions& options);
void SetQuiet(bool quiet);
bool Quiet();
// logRotate: "rename" moves the file to <path>.<UTC time> and opens a new one; "reopen" opens again.
bool Rotate(bool rename, std::string* error);

// The last lines in memory (getLog: "global"), and those marked as start-up warnings.
std::vector<std::string> RecentLines(int64_t* total);
void AddStartupWarning(int id, std::string_view message,
                       std::initializer_list<Attribute> attributes = {});
std::vector<std::string> StartupWarnings();
// Name shown as "ctx" for lines of the calling thread, e.g. "conn12", "ReplCoord-0".
void SetThreadContext(std::string_view name);
std::string_view ThreadContext();

}  // namespace septet::log

#define P_LOG(severity, component, id, message, ...)                                       \
  ::septet::log::Write(::septet::log::Severity::severity, ::septet::log::Component::component, \
                       id, message __VA_OPT__(, {__VA_ARGS__}))
// A debug line of level 1..5, built only if shown.
#define P_LOG_DEBUG(level, component, id, message, ...)                                     \
  do {                                                                                      \
    if (::septet::log::Enabled(::septet::log::Component::component, level)) [[unlikely]]   \
      ::septet::log::WriteDebug(level, ::septet::log::Component::component, id,             \
                                message __VA_OPT__(, {__VA_ARGS__}));                       \
  } while (false)
