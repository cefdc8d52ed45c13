// SPDX-License-Identifier: Apache-2.0
// septetd: reads its options, goes into the background if asked, serves until a signal or the shutdown
// command ends it. Exit codes: S11-040.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/log.h"
#include "base/strings.h"
#include "commands/parameters.h"
#include "server/data_directory.h"
#include "server/options.h"
#include "server/server.h"

namespace septet::server {
namespace {

enum ExitCode {
  kClean = 0,
  kGeneric = 1,
  kBadOptions = 2,
  kCannotListen = 48,
  kForkFailed = 50,
  kChildNotReady = 51,
  kUncaught = 100,  // data directory locked or missing, damaged data
};

// Parent and child of --fork: the child tells by this pipe that it serves.
int ready_pipe = -1;

void TellParent() {
  if (ready_pipe >= 0) {
    const char ready = 1;
    if (write(ready_pipe, &ready, 1) != 1) {
      std::fprintf(stderr, "the parent process is gone\n");
    }
    close(ready_pipe);
    ready_pipe = -1;
  }
}

// In the parent: waits until the child serves or ends, and exits. In the child: returns.
void GoToBackground() {
  std::printf("about to fork child process, waiting until server is ready for connections.\n");
  std::fflush(stdout);
  int fds[2];
  const bool piped = pipe2(fds, O_CLOEXEC) == 0;
  const pid_t child = piped ? fork() : -1;
  if (child < 0) {
    std::perror("fork failed");
    std::exit(kForkFailed);
  }
  if (child == 0) {
    close(fds[0]);
    ready_pipe = fds[1];
    setsid();
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    return;
  }
  close(fds[1]);
  std::printf("forked process: %d\n", child);
  char ready = 0;
  if (read(fds[0], &ready, 1) == 1) {
    std::printf("child process started successfully, parent exiting\n");
    std::fflush(stdout);
    std::_Exit(kClean);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kChildNotReady;
  std::printf("ERROR: child process failed, exited with %d\n"
              "To see additional information in this output, start without the \"--fork\" option.\n",
              code);
  std::fflush(stdout);
  std::_Exit(code == kClean ? kChildNotReady : code);
}

bool OpenLog(const ServerOptions& options) {
  log::SinkOptions sink;
  sink.path = options.log_path;
  sink.append = options.log_append;
  sink.quiet = options.quiet;
  sink.syslog = options.syslog;
  sink.syslog_facility = options.syslog_facility;
  sink.local_time = !options.log_utc;
  sink.text_form = options.log_path.empty() && !options.syslog && isatty(STDOUT_FILENO) != 0;
  if (!log::OpenSink(sink)) {
    std::fprintf(stderr, "Cannot open the log file %s\n", options.log_path.c_str());
    return false;
  }
  for (const auto& [name, level] : options.component_verbosity) {
    for (const log::ComponentRow& row : log::Components()) {
      if (row.parameter_name == name) {
        log::SetVerbosity(row.component, level);
      }
    }
  }
  return true;
}

sigset_t HandledSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
    sigaddset(&set, signal);
  }
  return set;
}

// Waits for signals until the process ends. SIGUSR1 rotates the log; the others end the server, a second
// time at once.
void HandleSignals(Server* server) {
  log::SetThreadContext("SignalHandler");
  const sigset_t set = HandledSignals();
  bool ending = false;
  while (true) {
    int number = 0;
    if (sigwait(&set, &number) != 0) {
      continue;
    }
    if (number == SIGUSR1) {
      if (const Status s = server->RotateLog(); !s.ok()) {
        P_LOG(kError, kControl, 23168, "Log rotation failed", {"reason", TextOf(s)});
      }
      continue;
    }
    if (ending) {
      std::_Exit(kClean);
    }
    ending = true;
    P_LOG(kInfo, kControl, 23377, "Received signal", {"signal", number},
          {"error", std::string_view(strsignal(number))});
    server->RequestShutdown(server->SignalQuiesce());
  }
}

int ExitCodeOf(const Status& status) {
  switch (CodeOf(status)) {
    case ErrorCode::kSocketException:
    case ErrorCode::kHostNotFound:
      return kCannotListen;
    case ErrorCode::kBadValue:
      return kBadOptions;
    default:
      return kUncaught;
  }
}

int Serve(const ServerOptions& options, std::vector<std::string> argv) {
  const sigset_t set = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // threads inherit it; one thread waits for them
  signal(SIGPIPE, SIG_IGN);
  log::SetThreadContext("initandlisten");
  if (!options.pid_file.empty()) {
    std::ofstream(options.pid_file) << getpid() << "\n";
  }
  Server server(options, std::move(argv));
  const Status started = server.Start();
  int code = kClean;
  if (!started.ok()) {
    code = ExitCodeOf(started);
    P_LOG(kError, kControl, 20557, "DBException in initAndListen, terminating",
          {"error", TextOf(started)});
    // Where no log is looked at, a person is: say it in plain words too.
    if (isatty(STDERR_FILENO) != 0) {
      std::fprintf(stderr, "%s\n", std::string(TextOf(started)).c_str());
    }
  } else {
    TellParent();
    std::thread(HandleSignals, &server).detach();
    server.AwaitShutdown();
  }
  log::SetThreadContext("shutdown");
  server.Stop();
  if (!options.pid_file.empty()) {
    unlink(options.pid_file.c_str());
  }
  P_LOG(kInfo, kControl, 20565, "Now exiting");
  P_LOG(kInfo, kControl, 23138, "Shutting down", {"exitCode", code});
  std::fflush(nullptr);
  std::_Exit(code);  // the signal thread still waits
}

// --shutdown: ends the server that runs on the data directory.
int ShutDownOther(const ServerOptions& options) {
  const int pid = DataDirectory::RunningProcess(options.dbpath);
  if (pid == 0) {
    std::fprintf(stderr, "There doesn't seem to be a server running with dbpath: %s\n",
                 options.dbpath.c_str());
    return kGeneric;
  }
  std::printf("killing process with pid: %d\n", pid);
  std::fflush(stdout);
  if (kill(pid, SIGTERM) != 0) {
    std::perror("kill");
    return kGeneric;
  }
  while (DataDirectory::RunningProcess(options.dbpath) == pid) {
    usleep(20'000);
  }
  return kClean;
}

int Main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  const auto options = ParseOptions({words.begin() + 1, words.end()});
  if (!options.ok()) {
    std::fprintf(stderr, "%s\ntry '%s --help' for more information\n",
                 std::string(TextOf(options.status())).c_str(), argv[0]);
    return kBadOptions;
  }
  if (options->help) {
    std::fputs(HelpText().c_str(), stdout);
    return kClean;
  }
  if (options->version) {
    std::fputs(VersionText().c_str(), stdout);
    return kClean;
  }
  if (options->output_config) {
    std::fputs(OptionsAsYaml(*options).c_str(), stdout);
    return kClean;
  }
  if (options->shutdown) {
    return ShutDownOther(*options);
  }
  if (options->fork) {
    GoToBackground();
  }
  if (!OpenLog(*options)) {
    return kGeneric;
  }
  return Serve(*options, words);
}

}  // namespace
}  // namespace septet::server

int main(int argc, char** argv) {
#ifdef SEPTET_RELEASE
  // Debian's library is built with its checks: the graph of lock orders is 2 to 3 % of a profile of writes.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  return septet::server::Main(argc, argv);
}
