# SPDX-License-Identifier: Apache-2.0
"""Replica sets of real septetd processes on free loopback ports, for every test that needs more than one.

A ReplicaSet starts, stops, kills, pauses and resumes members, changes their configuration, waits for
states, and compares and validates what the members hold. Everything lives in a temporary folder and goes
away with the set, whatever happens to the test. On a failure main() prints the end of every member's log
and the command that reruns the test.

The binary: $SEPTETD, else build/release/server/septetd, else build/dev/server/septetd.
Thread rule: a ReplicaSet belongs to one thread; the connections that tests open are their own.
"""
import atexit
import contextlib
import ctypes
import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import weakref

import bson
from bson.raw_bson import RawBSONDocument
from bson.codec_options import CodecOptions
import pymongo
from pymongo.read_preferences import ReadPreference

import wire

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SET_NAME = "my_project"
HOST = "127.0.0.1"
LOG_LINES_SHOWN = 40
# Faster than the defaults, so that a silent member is noticed within a test's time.
FAST_SETTINGS = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500}

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_live_sets = weakref.WeakSet()


def find_binary():
    """The server under test, or None if nothing is built."""
    named = os.environ.get("SEPTETD")
    if named:
        return named if os.access(named, os.X_OK) else None
    for preset in ("release", "dev"):
        path = os.path.join(ROOT, "build", preset, "server", "septetd")
        if os.access(path, os.X_OK):
            return path
    return None


def free_port():
    """A port below the ephemeral range that nobody listens on now."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
                return port
            except OSError:
                continue


def wait_until(what, condition, seconds=30.0, interval=0.05):
    """Calls condition() until it returns something true, and returns that; TimeoutError otherwise.

    Errors of connections and commands count as "not yet"; the last one is told at the end.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = None
        except (OSError, wire.CommandError, pymongo.errors.PyMongoError) as error:
            last = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s still not: {what}" + (f" ({last})" if last else ""))
        time.sleep(interval)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """One septetd process; its data outlives stop() and kill()."""

    def __init__(self, folder, number, set_name=None, arguments=()):
        self.number = number
        self.port = free_port()
        self.folder = os.path.join(folder, f"member-{number}")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "septetd.log")
        self.set_name = set_name
        self.arguments = list(arguments)
        self.process = None
        self.paused = False
        os.makedirs(self.data)

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def launch(self):
        """Starts the process and waits for nothing."""
        binary = find_binary()
        if not binary:
            raise RuntimeError("no septetd: build it or set SEPTETD")
        command = [binary, "--port", str(self.port), "--bind_ip", HOST, "--dbpath", self.data,
                   "--logpath", self.log, "--logappend", "--unixSocketPrefix", self.folder]
        if self.set_name:
            command += ["--replSet", self.set_name]
        output = open(os.path.join(self.folder, "output"), "ab")  # pylint: disable=consider-using-with
        with output:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                command + self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=_die_with_parent)
        self.paused = False

    def start(self, seconds=30.0):
        """Starts the process and waits until it answers a ping."""
        if self.running:
            return self
        self.launch()
        deadline = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"member {self.number} ended with {self.process.returncode}:\n"
                                   + self.log_tail())
            try:
                wire.once(self.address, "admin", {"ping": 1}, timeout=2)
                return self
            except OSError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"member {self.number} does not answer:\n" + self.log_tail()) from None
            time.sleep(0.02)

    def stop(self, seconds=30.0):
        """SIGTERM and wait; returns the exit code."""
        if not self.running:
            return self.process.returncode if self.process else None
        self.resume()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise TimeoutError(f"member {self.number} did not stop within {seconds:g} s") from None

    def kill(self):
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.paused = False

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        if self.paused:
            self.process.send_signal(signal.SIGCONT)
            self.paused = False

    def reply(self, database, command, timeout=20.0):
        """The whole reply of this member to one raw command, ok or not."""
        return wire.once(self.address, database, command, timeout)

    def command(self, database, command, timeout=20.0):
        with wire.Connection(self.address, timeout) as connection:
            return connection.command(database, command)

    def admin(self, command, timeout=20.0):
        return self.command("admin", command, timeout)

    def hello(self):
        return self.admin({"hello": 1}, timeout=5)

    def client(self, **options):
        """A pymongo client of this member alone; the caller closes it."""
        options.setdefault("directConnection", True)
        options.setdefault("serverSelectionTimeoutMS", 10000)
        options.setdefault("socketTimeoutMS", 30000)
        return pymongo.MongoClient(HOST, self.port, **options)

    def log_lines(self):
        """What the server has logged, each line's document."""
        with open(self.log, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def log_tail(self, lines=LOG_LINES_SHOWN):
        text = ""
        for name in (os.path.join(self.folder, "output"), self.log):
            with contextlib.suppress(OSError):
                with open(name, encoding="utf-8", errors="replace") as f:
                    end = f.readlines()[-lines:]
                if end:
                    text += f"--- {name}, last {len(end)} lines\n" + "".join(end)
        return text


class ReplicaSet:
    """`count` members of a set, started and (unless initiate=False) initiated with the first as primary."""

    def __init__(self, count=3, initiate=True, settings=None, members=None, arguments=()):
        self.folder = tempfile.mkdtemp(prefix="septet-")
        self.arguments = arguments
        self.servers = []
        self._next = 0
        _live_sets.add(self)
        atexit.register(self.close)
        try:
            for _ in range(count):
                self.new_server().start()
            if initiate:
                self.initiate(settings=settings, members=members)
                self.wait_healthy()
        except BaseException:
            print(self.log_tails(), file=sys.stderr)
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.log_tails(), file=sys.stderr)
        self.close()

    def close(self):
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        _live_sets.discard(self)
        atexit.unregister(self.close)

    def log_tails(self):
        return "".join(server.log_tail() for server in self.servers)

    def new_server(self):
        """One more process of this set's name, not started, no member yet."""
        server = Server(self.folder, self._next, SET_NAME, self.arguments)
        self._next += 1
        self.servers.append(server)
        return server

    # Configuration.

    def config_document(self, settings=None, members=None):
        """The document of the manual's and every article's rs.initiate(); `members` adds fields by index."""
        document = {"_id": SET_NAME,
                    "members": [{"_id": s.number, "host": s.address} for s in self.servers]}
        for number, fields in (members or {}).items():
            document["members"][number].update(fields)
        if settings:
            document["settings"] = dict(settings)
        return document

    def initiate(self, settings=None, members=None):
        return self.servers[0].admin({"replSetInitiate": self.config_document(settings, members)})

    def config(self):
        return self.wait_primary().admin({"replSetGetConfig": 1})["config"]

    def reconfig(self, change, seconds=30.0):
        """Reads the config, applies change(config), sends it with the next version, until it is taken.

        Repeats while the primary is still installing the one before (its own automatic ones too).
        """
        def attempt():
            primary = self.wait_primary()
            config = primary.admin({"replSetGetConfig": 1})["config"]
            change(config)
            config["version"] += 1
            reply = primary.reply("admin", {"replSetReconfig": config})
            if reply["ok"] == 1:
                return config
            busy = reply["code"] in (109, 308) or "version must be greater" in reply["errmsg"]
            if not busy and reply["code"] not in (10107, 11602, 189):
                raise AssertionError(f"replSetReconfig {config}: {reply}")
            return None
        return wait_until("reconfig is taken", attempt, seconds)

    def add(self, server, **fields):
        def change(config):
            number = max(m["_id"] for m in config["members"]) + 1
            config["members"].append({"_id": number, "host": server.address, **fields})
        return self.reconfig(change)

    def remove(self, server):
        def change(config):
            config["members"] = [m for m in config["members"] if m["host"] != server.address]
        return self.reconfig(change)

    # States.

    def running(self):
        return [s for s in self.servers if s.running and not s.paused]

    def primary(self):
        """The writable primary of the newest election, or None."""
        found = []
        for server in self.running():
            with contextlib.suppress(OSError, wire.CommandError):
                hello = server.hello()
                if hello.get("isWritablePrimary"):
                    found.append((hello["electionId"], server))
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def wait_primary(self, seconds=30.0, other_than=None):
        def find():
            primary = self.primary()
            return primary if primary is not other_than else None
        return wait_until("a primary", find, seconds)

    def secondaries(self):
        return [s for s in self.running() if state_of(s) == 2]

    def wait_state(self, server, state, seconds=30.0):
        wait_until(f"member {server.number} in state {state}", lambda: state_of(server) == state, seconds)

    def wait_healthy(self, seconds=45.0, servers=None):
        """One writable primary, and every other running member says SECONDARY or ARBITER; the primary."""
        def healthy():
            members = servers or self.running()
            states = sorted(state_of(s) for s in members)
            return states.count(1) == 1 and all(s in (1, 2, 7) for s in states) and self.primary()
        try:
            return wait_until("one primary and only secondaries", healthy, seconds)
        except TimeoutError as error:
            states = {s.number: state_of(s) for s in self.running()}
            raise TimeoutError(f"{error}; states {states}") from None

    def status(self, server=None):
        return (server or self.wait_primary()).admin({"replSetGetStatus": 1})

    # Data.

    def uri(self, **options):
        hosts = ",".join(s.address for s in self.servers)
        extra = "".join(f"&{k}={v}" for k, v in options.items())
        return f"mongodb://{hosts}/?replicaSet={SET_NAME}{extra}"

    def client(self, **options):
        """A pymongo client of the whole set; the caller closes it."""
        options.setdefault("serverSelectionTimeoutMS", 30000)
        return pymongo.MongoClient([s.address for s in self.servers], replicaSet=SET_NAME, **options)

    def wait_equal(self, seconds=30.0, servers=None):
        """Every running member holds the same documents and indexes; the first difference otherwise."""
        difference = None
        deadline = time.monotonic() + seconds
        while True:
            members = servers or [s for s in self.running() if state_of(s) in (1, 2)]
            try:
                contents = [contents_of(s) for s in members]
                difference = next(filter(None, (first_difference(members[0], contents[0], s, c)
                                                for s, c in zip(members[1:], contents[1:]))), None)
                if difference is None:
                    return contents[0]
            except pymongo.errors.PyMongoError as error:
                difference = str(error)
            if time.monotonic() > deadline:
                raise AssertionError(f"members differ after {seconds:g} s: {difference}")
            time.sleep(0.2)

    def validate(self, servers=None):
        """validate({full: true}) of every collection on every running member."""
        for server in servers or [s for s in self.running() if state_of(s) in (1, 2)]:
            validate_all(server)


def read_preference(mode):
    """The driver's read preference of the wire's name, e.g. "secondaryPreferred"."""
    number = pymongo.read_preferences.read_pref_mode_from_name(mode)
    return pymongo.read_preferences.make_read_preference(number, None)


def state_of(server):
    """myState as the member itself says it; 0 while it has no configuration, -1 if it does not answer."""
    try:
        reply = server.reply("admin", {"replSetGetStatus": 1}, timeout=5)
    except OSError:
        return -1
    return reply.get("myState", 0) if reply["ok"] == 1 else reply.get("state", 0)


def user_collections(client):
    """(database, collection) of everything that replication keeps equal."""
    for database in sorted(client.list_database_names()):
        if database == "local":
            continue
        for info in client[database].list_collections():
            if info.get("type", "collection") == "collection":
                yield database, info["name"]


def contents_of(server):
    """{"db.coll": (indexes, {_id bytes: document bytes})} of one member."""
    client = server.client(read_preference=ReadPreference.SECONDARY_PREFERRED)
    raw = CodecOptions(document_class=RawBSONDocument)
    contents = {}
    try:
        for database, name in user_collections(client):
            collection = client[database].get_collection(name, codec_options=raw)
            documents = {}
            for document in collection.find():
                documents[bson.encode({"_id": document["_id"]})] = document.raw
            indexes = sorted(bson.encode(index) for index in
                             client[database][name].list_indexes())
            contents[f"{database}.{name}"] = (indexes, documents)
    finally:
        client.close()
    return contents


def first_difference(one, ours, other, theirs):
    """What differs between two contents, as text, or None."""
    if ours.keys() != theirs.keys():
        return f"collections of {one.address} {sorted(ours)} and {other.address} {sorted(theirs)}"
    for name, (indexes, documents) in ours.items():
        their_indexes, their_documents = theirs[name]
        if indexes != their_indexes:
            return (f"indexes of {name}: {one.address} {[bson.decode(i) for i in indexes]}, "
                    f"{other.address} {[bson.decode(i) for i in their_indexes]}")
        for key in documents.keys() | their_documents.keys():
            mine, its = documents.get(key), their_documents.get(key)
            if mine != its:
                shown = [bson.decode(d) if d else None for d in (mine, its)]
                return (f"{name}: {one.address} ({len(documents)} documents) has {shown[0]}, "
                        f"{other.address} ({len(their_documents)} documents) has {shown[1]}")
    return None


def validate_all(server):
    client = server.client(read_preference=ReadPreference.SECONDARY_PREFERRED)
    try:
        for database, name in user_collections(client):
            reply = client[database].command("validate", name, full=True)
            if not reply["valid"] or reply.get("errors"):
                raise AssertionError(f"validate {database}.{name} on {server.address}: {reply}")
    finally:
        client.close()


class _Result(unittest.TextTestResult):
    """Shows the members' logs with the first failure of each test."""

    def _show_logs(self):
        for replica_set in list(_live_sets):
            self.stream.writeln(replica_set.log_tails())

    def addError(self, test, err):
        super().addError(test, err)
        self._show_logs()

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._show_logs()


def print_rerun(ok):
    """The command that runs this script again the same way."""
    print(("ok; " if ok else "FAILED; ") + "run it again: "
          + (f"SEPTETD={shlex.quote(os.environ['SEPTETD'])} " if "SEPTETD" in os.environ else "")
          + shlex.join([os.path.relpath(sys.argv[0], os.getcwd())] + sys.argv[1:]), flush=True)


def skip_without_binary():
    """Ends the process with ctest's "skipped" if there is no server to test."""
    if not find_binary():
        print("skipped: no septetd is built (set SEPTETD or build the target septetd)")
        sys.exit(77)


class _Runner(unittest.TextTestRunner):
    resultclass = _Result

    def __init__(self, **options):
        super().__init__(**{**options, "stream": sys.stdout})


def main():
    """Runs the test cases of the calling script."""
    skip_without_binary()
    program = unittest.main(module="__main__", exit=False, verbosity=2, testRunner=_Runner)
    print_rerun(program.result.wasSuccessful())
    sys.exit(0 if program.result.wasSuccessful() else 1)
