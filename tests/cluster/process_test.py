#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The process as an operator meets it: options, files, signals, exit codes and the log (S11-001..052)."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import harness
import wire

BINARY = harness.find_binary()


def run(*arguments, timeout=30):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


class Process(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="septet-")  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data)
        self.port = harness.free_port()
        self.log = self.path("log")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def start(self, *arguments):
        """A server with its log on stdout; ends with the test."""
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [BINARY, "--dbpath", self.data, "--port", str(self.port), "--unixSocketPrefix", self.folder, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.end, process)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Waiting for connections" in line:
                return process, lines
        self.fail("".join(lines))
        return None

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        process.stdout.close()

    def command(self, command, database="admin"):
        return wire.once(f"{harness.HOST}:{self.port}", database, command, 10)

    def lines(self):
        with open(self.log, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def daemon(self, config):
        """Starts with --config, which forks; returns the process id of the pid file."""
        done = run("--config", config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(self.path("pid"), encoding="utf-8") as f:
            pid = int(f.read())
        self.addCleanup(self.kill, pid)
        self.assertIn(f"forked process: {pid}", done.stdout)
        self.assertIn("child process started successfully", done.stdout)
        return pid

    @staticmethod
    def kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def wait_gone(self, pid):
        harness.wait_until(f"the end of {pid}", lambda: not os.path.exists(f"/proc/{pid}"), seconds=20)

    def ini(self, *more):
        return self.write("septet.conf", "\n".join([
            "# as a server of 2011 was set up", "replSet = my_project", f"dbpath = {self.data}",
            f"port = {self.port}", f"logpath = {self.log}", f"pidfilepath = {self.path('pid')}",
            f"unixSocketPrefix = {self.folder}", "fork = true", *more, ""]))

    def test_ini_file_forks_serves_and_shuts_down(self):
        """S11-012, S11-013, S11-015, S11-016, S11-033, S11-043."""
        pid = self.daemon(self.ini("smallfiles = true", "nojournal = false"))
        self.assertEqual(self.command({"replSetInitiate": {"_id": "my_project", "members": [
            {"_id": 0, "host": f"{harness.HOST}:{self.port}"}]}})["ok"], 1)
        self.assertTrue(os.path.exists(self.path(f"mongodb-{self.port}.sock")))
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path(f"mongodb-{self.port}.sock"))
        done = run("--shutdown", "--dbpath", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"killing process with pid: {pid}", done.stdout)
        self.wait_gone(pid)
        self.assertFalse(os.path.exists(self.path("pid")))
        self.assertFalse(os.path.exists(self.path(f"mongodb-{self.port}.sock")))
        last = self.lines()[-1]
        self.assertEqual((last["id"], last["attr"]["exitCode"]), (23138, 0))

    def test_yaml_file(self):
        """S11-001: the same settings as YAML; --outputConfig prints what counts."""
        config = self.write("septet.yaml", f"""
storage: {{dbPath: {self.data}, wiredTiger: {{engineConfig: {{cacheSizeGB: 0.25}}}}}}
net: {{port: {self.port}, bindIp: localhost, unixDomainSocket: {{pathPrefix: {self.folder}}}}}
systemLog: {{destination: file, path: {self.log}, logAppend: true, verbosity: 0}}
processManagement: {{fork: true, pidFilePath: {self.path("pid")}}}
replication: {{replSetName: my_project, oplogSizeMB: 64}}
operationProfiling: {{slowOpThresholdMs: 50}}
setParameter: {{ttlMonitorSleepSecs: 7}}
""")
        self.daemon(config)
        options = self.command({"getCmdLineOpts": 1})["parsed"]
        self.assertEqual((options["replication"]["oplogSizeMB"], options["net"]["port"]), (64, self.port))
        self.assertEqual(self.command({"getParameter": 1, "ttlMonitorSleepSecs": 1})["ttlMonitorSleepSecs"], 7)
        self.assertEqual(self.command({"profile": -1}, "test")["slowms"], 50)
        printed = run("--config", config, "--outputConfig")
        self.assertEqual(printed.returncode, 0)
        self.assertIn('replSetName: "my_project"', printed.stdout)

    def test_signals(self):
        """S11-010, S11-038, S11-039: rotation by rename, then a clean end by SIGTERM."""
        pid = self.daemon(self.ini())
        os.kill(pid, signal.SIGUSR1)
        harness.wait_until("the renamed log", lambda: [n for n in os.listdir(self.folder) if n.startswith("log.20")])
        harness.wait_until("the new log", lambda: os.path.getsize(self.log) > 0)
        self.assertEqual(self.command({"ping": 1})["ok"], 1)
        os.kill(pid, signal.SIGTERM)
        self.wait_gone(pid)
        self.assertEqual(self.lines()[-1]["attr"]["exitCode"], 0)
        with open(os.path.join(self.data, "mongod.lock"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "")

    def test_reopen_for_logrotate(self):
        pid = self.daemon(self.ini("logRotate = reopen", "logappend = true"))
        os.rename(self.log, self.path("moved"))
        self.assertEqual(self.command({"logRotate": 1})["ok"], 1)
        harness.wait_until("the reopened log", lambda: os.path.exists(self.log))
        self.kill(pid)

    def test_an_older_log_is_kept(self):
        """S11-010: without logappend the log of the last run is renamed, not overwritten."""
        self.write("log", "precious\n")
        self.daemon(self.ini())
        kept = [n for n in os.listdir(self.folder) if n.startswith("log.20")]
        with open(self.path(kept[0]), encoding="utf-8") as f:
            self.assertEqual(f.read(), "precious\n")

    def test_bad_options(self):
        """S11-037, S11-040: exit 2, the option by name and the nearest valid one."""
        for arguments, told in (
                (["--replSett", "x"], "did you mean --replSet?"),
                (["--port", "99999"], "from 0 to 65535"),
                (["--fork", "--dbpath", self.data], "--fork has to be used with --logpath or --syslog"),
                (["--dbpath", self.data, "--setParameter", "nonsense=1"], "Unknown --setParameter 'nonsense'"),
                (["--master"], "--replSet"),
                (["--config", self.write("a.yaml", "net:\n  prot: 1\n")], "did you mean net.port"),
                (["--config", self.write("a.ini", "prot = 1\n")], "did you mean"),
                (["--config", self.path("absent")], "absent")):
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(told, done.stdout + done.stderr)

    def test_directories_that_cannot_be_used(self):
        """S11-003, S11-040, S11-041: exit 100, and the message names the directory."""
        done = run("--dbpath", self.path("absent"), "--port", str(self.port))
        self.assertEqual(done.returncode, 100)
        self.assertIn(f"Data directory {self.path('absent')} not found", done.stdout)
        self.start()
        done = run("--dbpath", self.data, "--port", str(harness.free_port()))
        self.assertEqual(done.returncode, 100)
        self.assertIn("Unable to lock the lock file", done.stdout)
        self.assertIn(self.data, done.stdout)
        self.assertEqual(self.command({"ping": 1})["ok"], 1)

    def test_port_in_use(self):
        """S11-040: exit 48."""
        with socket.socket() as other:
            other.bind((harness.HOST, 0))
            other.listen()
            done = run("--dbpath", self.data, "--port", str(other.getsockname()[1]))
        self.assertEqual(done.returncode, 48, done.stdout)
        self.assertIn("Address already in use", done.stdout)

    def test_version(self):
        """S11-002."""
        done = run("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.splitlines()[0], r"^db version v\d+\.\d+\.\d+$")
        self.assertIn("Build Info: {", done.stdout)

    def test_log_lines(self):
        """S11-047..050, S11-052: the lines people look for, on stdout, each one JSON document."""
        process, lines = self.start()
        with wire.Connection(f"{harness.HOST}:{self.port}") as connection:
            connection.command("admin", {"hello": 1, "client": {
                "application": {"name": "shop"}, "driver": {"name": "d", "version": "1"},
                "os": {"type": "Linux"}}})
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        entries = [json.loads(line) for line in lines + rest.splitlines()]
        ids = {e["id"] for e in entries}
        self.assertLessEqual({4615611, 23403, 51765, 21951, 23015, 23016, 22943, 22944, 51800, 23138}, ids)
        for entry in entries:
            self.assertEqual(list(entry)[:6], ["t", "s", "c", "id", "ctx", "msg"])
            self.assertIn("$date", entry["t"])

    def test_addresses(self):
        """S11-005: both loopbacks by default, nothing else; startup warnings only when others can connect."""
        self.start()
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as s:
                s.connect((address, self.port))
        self.assertEqual(self.command({"getLog": "startupWarnings"})["totalLinesWritten"], 0)

    def test_an_address_named_twice(self):
        self.start("--bind_ip", "localhost,127.0.0.1")
        self.assertEqual(self.command({"ping": 1})["ok"], 1)

    @unittest.skipIf(os.geteuid() != 0, "a network namespace of its own needs root")
    def test_warnings_when_others_can_connect(self):
        """S11-044: in a network namespace that has no network."""
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["unshare", "--net", BINARY, "--dbpath", self.data, "--port", str(self.port), "--bind_ip_all",
             "--unixSocketPrefix", self.folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.end, process)
        warnings = []
        for line in process.stdout:
            entry = json.loads(line)
            warnings += [entry["msg"]] if "startupWarnings" in entry.get("tags", []) else []
            if entry["msg"] == "Waiting for connections":
                break
        self.assertTrue(any("Access control is not enabled" in w for w in warnings), warnings)

    def test_killed_and_started_again(self):
        """A lock file and a socket left behind hinder nothing."""
        process, _ = self.start()
        self.assertEqual(self.command({"insert": "c", "documents": [{"_id": 1}],
                                       "writeConcern": {"w": 1, "j": True}}, "test")["n"], 1)
        process.kill()
        process.wait()
        self.start()
        self.assertEqual(self.command({"count": "c"}, "test")["n"], 1)

    def test_shutdown_command(self):
        """S02-104: the client sees the connection end, the process exits with 0."""
        process, _ = self.start()
        try:
            self.command({"shutdown": 1})
        except OSError:
            pass
        began = time.monotonic()
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertLess(time.monotonic() - began, 20)


if __name__ == "__main__":
    harness.main()
