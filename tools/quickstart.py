#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Starts, stops and wipes the replica set of tools/quickstart (which builds and then calls this)."""
import argparse
import datetime
import os
import shutil
import signal
import subprocess
import sys
import time

SET_NAME = "my_project"
HOST = "127.0.0.1"
MAX_MEMBERS = 7


def fail(text):
    print(f"quickstart: {text}", file=sys.stderr)
    sys.exit(1)


def default_directory(root):
    return os.path.join(root, "quickstart")


class Member:
    def __init__(self, directory, number, port):
        self.number = number
        self.port = port
        self.folder = os.path.join(directory, f"member-{number}")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "septetd.log")
        self.pid_file = os.path.join(self.folder, "septetd.pid")

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def pid(self):
        """Process id of the running server, or None."""
        try:
            with open(self.pid_file, encoding="ascii") as f:
                pid = int(f.read().strip())
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                return pid if b"septetd" in f.read() else None
        except (OSError, ValueError):
            return None

    def start(self, binary, cache_gb):
        if self.pid():
            return False
        os.makedirs(self.data, exist_ok=True)
        command = [binary, "--replSet", SET_NAME, "--port", str(self.port), "--dbpath", self.data,
                   "--logpath", self.log, "--logappend", "--pidfilepath", self.pid_file, "--fork",
                   "--wiredTigerCacheSizeGB", f"{cache_gb:.2f}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            fail(f"member {self.number} did not start (exit code {done.returncode}):\n"
                 f"{done.stdout}{done.stderr}its log: {self.log}")
        return True

    def stop(self):
        pid = self.pid()
        if not pid:
            return False
        os.kill(pid, signal.SIGTERM)
        for _ in range(300):
            if not self.pid():
                return True
            time.sleep(0.1)
        fail(f"member {self.number} (pid {pid}) does not stop; its log: {self.log}")
        return False


def cache_share(members):
    """GB of cache for each member: all of them together take what one server alone would take."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(0.25, memory * 0.4 / members / (1 << 30))


def existing_members(directory):
    """Members found under the directory, with the port each was last started on."""
    members = []
    for number in range(MAX_MEMBERS):
        port_file = os.path.join(directory, f"member-{number}", "port")
        try:
            with open(port_file, encoding="ascii") as f:
                members.append(Member(directory, number, int(f.read())))
        except (OSError, ValueError):
            continue
    return members


def client(member, timeout_ms=5000):
    import pymongo  # installed by tools/install-deps
    return pymongo.MongoClient(HOST, member.port, directConnection=True,
                               serverSelectionTimeoutMS=timeout_ms, socketTimeoutMS=20000)


def initiate(members):
    """Sends the config document to the first member; a set that is initiated already is left alone."""
    from pymongo.errors import OperationFailure
    config = {"_id": SET_NAME,
              "members": [{"_id": m.number, "host": m.address} for m in members]}
    connection = client(members[0])
    try:
        connection.admin.command("replSetInitiate", config)
        print(f"      rs.initiate({config})")
    except OperationFailure as error:
        if error.code != 23:  # AlreadyInitialized
            fail(f"rs.initiate failed: {error}")
        print("      the set is initiated already")
    finally:
        connection.close()


def wait_for_primary(members, seconds=60):
    """Until one member is primary and the others are secondaries; returns {port: state}."""
    states = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for member in members:
            connection = client(member, 1000)
            try:
                hello = connection.admin.command("hello")
                states[member.port] = ("PRIMARY" if hello.get("isWritablePrimary") else
                                       "SECONDARY" if hello.get("secondary") else "starting")
            except Exception:  # pylint: disable=broad-except
                states[member.port] = "not reachable"
            finally:
                connection.close()
        values = sorted(states.values())
        if values == sorted(["PRIMARY"] + ["SECONDARY"] * (len(members) - 1)):
            return states
        time.sleep(0.1)
    fail(f"no complete set after {seconds} s: {states}; see the logs: "
         + ", ".join(m.log for m in members))
    return states


def print_summary(args, members, states):
    hosts = ",".join(m.address for m in members)
    uri = f"mongodb://{hosts}/?replicaSet={SET_NAME}"
    shell = shutil.which("mongosh") or os.path.join(args.root, "tests/drivers/node_modules/.bin/mongosh")
    print("\nThe set is ready.\n")
    print(f"  shell        {os.path.relpath(shell) if not shutil.which('mongosh') else 'mongosh'} '{uri}'")
    print(f"  connection   {uri}")
    for m in members:
        print(f"  member {m.number}     port {m.port}  {states.get(m.port, ''):10} "
              f"log {m.log}  data {m.data}")
    where = "" if args.dir == default_directory(args.root) else f"--dir {args.dir} "
    print(f"\n  stop it      tools/quickstart {where}--stop\n  remove it    tools/quickstart {where}--wipe")


def start(args):
    binary = args.binary or os.path.join(args.root, "build/release/server/septetd")
    began = datetime.datetime.now()
    members = [Member(args.dir, n, args.port + n) for n in range(args.members)]
    for old in existing_members(args.dir):
        wanted = next((m for m in members if m.number == old.number), None)
        if wanted is None or wanted.port != old.port:
            fail(f"{args.dir} holds a set with other ports or more members (member {old.number} on "
                 f"port {old.port}); use its --members and --port, another --dir, or --wipe it first")
    print(f"[3/4] Starting {len(members)} members under {args.dir}")
    for member in members:
        started = member.start(binary, cache_share(len(members)))
        with open(os.path.join(member.folder, "port"), "w", encoding="ascii") as f:
            f.write(str(member.port))
        print(f"      member {member.number} {'started' if started else 'runs already'} on "
              f"{member.address}, pid {member.pid()}")
    print("[4/4] Initiating the set and waiting for its primary")
    initiate(members)
    states = wait_for_primary(members)
    print(f"      ready after {(datetime.datetime.now() - began).total_seconds():.1f} s")
    print_summary(args, members, states)


def stop(args):
    members = existing_members(args.dir)
    if not members:
        print(f"quickstart: no set under {args.dir}")
    for member in members:
        print(f"member {member.number} on port {member.port}: "
              f"{'stopped' if member.stop() else 'was not running'}")


def main():
    parser = argparse.ArgumentParser(prog="tools/quickstart", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", help=argparse.SUPPRESS)
    parser.add_argument("--binary", help=argparse.SUPPRESS)
    parser.add_argument("--members", type=int, default=3, help="1 to 7, default 3")
    parser.add_argument("--port", type=int, default=27017, help="first port, default 27017")
    parser.add_argument("--dir", help="where the members live, default quickstart/ in the project")
    parser.add_argument("--stop", action="store_true", help="stop the members, keep the data")
    parser.add_argument("--wipe", action="store_true", help="stop the members and delete their data")
    args = parser.parse_args()
    args.dir = os.path.abspath(args.dir or default_directory(args.root))
    if not 1 <= args.members <= MAX_MEMBERS:
        fail(f"--members must be 1 to {MAX_MEMBERS}, not {args.members}")
    if not 1 <= args.port <= 65535 - MAX_MEMBERS:
        fail(f"--port {args.port} is out of range")
    if args.stop or args.wipe:
        stop(args)
        if args.wipe:
            for member in existing_members(args.dir):
                shutil.rmtree(member.folder)
            if os.path.isdir(args.dir) and not os.listdir(args.dir):
                os.rmdir(args.dir)
            print(f"quickstart: {args.dir} is wiped")
        return
    start(args)


if __name__ == "__main__":
    main()
