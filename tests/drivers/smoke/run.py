#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the smoke program of one driver against three members, and kills their primary when it asks for it.

The program gets the set's URI as its argument. It prints the line FAILOVER and then waits for a line on
its input: meanwhile the primary is killed with SIGKILL. It prints what it did, and at the end the line ok.
usage: run.py node | python | ruby | php | c PROGRAM
"""
import os
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "cluster"))
import harness  # noqa: E402

SECONDS = 60


def skip(text):
    print(f"skipped: {text}")
    sys.exit(77)


def path(name):
    return os.path.join(HERE, name)


def works(command):
    """Whether the command ends well: the runtime and its driver are there."""
    return shutil.which(command[0]) and subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def command_of(driver):
    """The command line of a driver's smoke program; ends with "skipped" where its runtime is missing."""
    if driver == "node":
        if not shutil.which("node") or not os.path.isdir(path("../node_modules/mongodb")):
            skip("no node, or no tests/drivers/node_modules (tools/install-deps installs them)")
        return ["node", path("smoke.mjs")]
    if driver == "python":
        return [sys.executable, path("smoke.py")]
    if driver == "ruby":
        if not works(["/usr/bin/ruby", "-e", "require 'mongo'"]):
            skip("no ruby, or no ruby-mongo")
        return ["/usr/bin/ruby", "-W0", path("smoke.rb")]
    if driver == "php":
        if not works(["php", "-r", "exit(extension_loaded('mongodb') ? 0 : 1);"]):
            skip("no php, or no php-mongodb")
        return ["php", path("smoke.php")]
    if driver == "c" and len(sys.argv) > 2:
        return [sys.argv[2]]
    sys.exit(__doc__)


def play(command, replica_set):
    """Runs the program; returns its exit code and whether its last line was ok."""
    last = ""
    uri = replica_set.uri()
    # If this process dies, the program's input ends and so does the program.
    with subprocess.Popen(command + [uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, bufsize=1) as program:
        killer = threading.Timer(SECONDS, program.kill)
        killer.start()
        try:
            for line in program.stdout:
                last = line.strip()
                print(f"  {last}", flush=True)
                if last == "FAILOVER":
                    replica_set.wait_primary().kill()
                    program.stdin.write("killed\n")
                    program.stdin.flush()
        finally:
            program.stdin.close()
            code = program.wait()
            killer.cancel()
    return code, last == "ok"


def main():
    harness.skip_without_binary()
    command = command_of(sys.argv[1] if len(sys.argv) > 1 else "")
    with harness.ReplicaSet(3) as replica_set:
        code, ok = play(command, replica_set)
        if code != 0 or not ok:
            harness.print_rerun(False)
            raise AssertionError(f"{command} ended with {code}")
        for server in replica_set.servers:
            server.start()
        replica_set.wait_healthy()
        replica_set.wait_equal()
        replica_set.validate()
    harness.print_rerun(True)


if __name__ == "__main__":
    main()
