#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what a real server answered (../shared/recorded) against this one and compares, case by case.

Prints a table by file. known_differences.txt lists every case that differs, with its cause; the run fails if
another case differs, or if a listed one agrees again (then its line goes).
usage: tests/replay/replay.py [--file NAME] [--id ID] [--show] [--target HOST:PORT] [--write-list]
"""
import argparse
import collections
import json
import os
import re
import socket
import struct
import sys
import uuid
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "cluster"))
sys.path.insert(0, HERE)
import harness  # noqa: E402
from ejson_bson import Array, Pairs, decode, encode, loads  # noqa: E402

FOLDER = os.path.join(os.path.dirname(ROOT), "shared", "recorded")
LIST = os.path.join(HERE, "known_differences.txt")
SKIPPED = 77
DATABASE = "recorded"

# Replies whose values belong to the server that gave them: only the fields' names are compared.
SHAPE_ONLY = {"serverStatus", "hostInfo", "top", "buildInfo", "buildinfo", "getCmdLineOpts", "getLog",
              "connectionStatus", "whatsmyuri", "connPoolStats", "hello", "isMaster", "ismaster",
              "replSetGetConfig", "replSetGetStatus", "collStats", "collstats", "dbStats", "dbstats",
              "validate", "dataSize", "datasize", "dbHash", "dbhash", "listCommands", "currentOp",
              "getParameter", "startSession", "listDatabases", "getDiagnosticData", "explain", "lockInfo", "features"}
DROPPED = {"$clusterTime", "operationTime", "electionId", "opTime", "localTime", "topologyVersion",
           "lsid", "uuid", "queryHash", "planCacheKey", "executionTimeMillis", "lastCommittedOpTime",
           "connectionId",
           "retriedStmtIds", "retriedStmtId"}  # newer than the recorded version; the manual has them
# There in both, but never the same.
UNEQUAL = {"lastOp"}


NEWER = re.compile(r"unknown group operator '\$|Unrecognized expression '\$|Unknown expression \$"
                   r"|Unrecognized pipeline stage name: '\$[a-z]")


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request_id = 0

    def run(self, database, command):
        body = encode(Pairs(command) + [("$db", database)])
        self.request_id += 1
        self.socket.sendall(struct.pack("<iiiiIB", 21 + len(body), self.request_id, 0, 2013, 0, 0) + body)
        header = self._read(16)
        size = struct.unpack_from("<i", header)[0]
        return decode(self._read(size - 16)[5:])

    def _read(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            if not part:
                raise ConnectionResetError("the server closed the connection")
            data += part
        return data


def number_of(value):
    """A number by value, whatever its type; None for anything else."""
    if isinstance(value, Pairs) and len(value) == 1:
        name, text = value[0]
        if name in ("$numberInt", "$numberLong"):
            return int(text)
        if name == "$numberDouble":
            number = float(text)
            whole = number == number and abs(number) < 2**53 and number == int(number)
            return int(number) if whole else repr(number)
    return None


def is_integer_name(name):
    return name.isascii() and name.isdigit() and str(int(name)) == name and int(name) < 2**32 - 1


def normal(value):
    """What two equal replies have in common."""
    number = number_of(value)
    if number is None and isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        number = repr(float(value))
    # A large double, which the recording's client wrote as an integer with its shortest digits.
    if isinstance(number, int) and abs(number) >= 2**53 and number == int(Decimal(repr(float(number)))):
        number = repr(float(number))
    if number is not None:
        return ("number", str(number))
    if isinstance(value, Pairs):
        pairs = [(k, "*" if k in UNEQUAL else normal(v)) for k, v in value if k not in DROPPED]
        # The recording was made by a client in whose documents names that are integers come first, ascending.
        return Pairs(sorted((p for p in pairs if is_integer_name(p[0])), key=lambda p: int(p[0]))
                     + [p for p in pairs if not is_integer_name(p[0])])
    if isinstance(value, Array):
        return Array(normal(v) for v in value)
    return value


def strip_ids(value):
    """Generated ObjectIds and session texts differ on every run."""
    text = json.dumps(value, sort_keys=False)
    text = re.sub(r'\["\$oid", "[0-9a-f]{24}"\]', '["$oid", "*"]', text)
    text = re.sub(r"ObjectId\('[0-9a-f]{24}'\)", "ObjectId('*')", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "*", text)
    text = re.sub(r"current clusterTime: { ts: Timestamp\(\d+, \d+\)", "current clusterTime: *", text)
    text = re.sub(r", lsid: \{ id: UUID.*", "...", text)
    return text


def shape(value):
    return sorted(k for k, _ in value if k not in DROPPED) if isinstance(value, Pairs) else type(value).__name__


class Replayer:
    def __init__(self, address):
        self.connection = Connection(address)
        self.sessions = {}
        self.state = None

    def reset(self, case):
        if case.get("db") is not None or self.state is None:
            self.state = case.get("db") or Pairs()
            self.dirty = True

    def load(self, case):
        self.connection.run(DATABASE, [("dropDatabase", 1)])
        for name, documents in self.state:
            if not documents:
                self.connection.run(DATABASE, [("create", name)])
            for at in range(0, len(documents), 500):
                reply = self.connection.run(
                    DATABASE, [("insert", name), ("documents", Array(documents[at:at + 500]))])
                if reply.get("writeErrors"):
                    raise RuntimeError(f"cannot load {name}: {reply}")
        for name, specs in case.get("indexes") or Pairs():
            self.connection.run(DATABASE, [("createIndexes", name), ("indexes", specs)])

    def command(self, command, cursors):
        out = Pairs()
        for name, value in command:
            if name == "lsid" and isinstance(value, Pairs):
                key = json.dumps(value)
                fresh = self.sessions.setdefault(key, uuid.uuid4().hex)
                import base64  # pylint: disable=import-outside-toplevel
                value = Pairs([("id", Pairs([("$binary", Pairs([
                    ("base64", base64.b64encode(bytes.fromhex(fresh)).decode()), ("subType", "04")]))]))])
            out.append((name, value))
        return out

    def run_case(self, case):
        """Differences of one case: a list of (what, expected, got)."""
        self.sessions = {}
        self.reset(case)
        changes = any(not self.is_read(step.get("cmd")) for step in case.get("run"))
        if self.dirty or case.get("indexes"):
            self.load(case)
            self.dirty = False
        differences = []
        for step in case.get("run"):
            command = self.command(step.get("cmd"), None)
            reply = self.connection.run(step.get("on") or DATABASE, command)
            reply = self.join_batches(command, reply, step.get("on") or DATABASE)
            self.compare(command, step.get("reply"), reply, differences)
        after = case.get("after")
        if after is not None:
            self.compare_after(after, differences)
        if changes or case.get("indexes"):
            self.dirty = True
        return differences

    @staticmethod
    def is_read(command):
        return command[0][0] in ("find", "aggregate", "count", "distinct", "getMore", "ping") and \
            "$out" not in json.dumps(command) and "$merge" not in json.dumps(command)

    def join_batches(self, command, reply, database):
        cursor = reply.get("cursor")
        if not isinstance(cursor, Pairs) or cursor.get("firstBatch") is None:
            return reply
        documents = Array(cursor.get("firstBatch"))
        at = number_of(cursor.get("id"))
        name = cursor.get("ns").split(".", 1)[1]
        tailable = command.get("tailable")
        while at and not tailable:
            session = [p for p in command if p[0] == "lsid"]
            more = self.connection.run(database, [("getMore", Pairs([("$numberLong", str(at))])),
                                                  ("collection", name)] + session)
            inner = more.get("cursor")
            if inner is None:
                return more
            documents += inner.get("nextBatch")
            at = number_of(inner.get("id"))
        rest = Pairs((k, v) for k, v in cursor if k not in ("firstBatch", "id"))
        joined = Pairs([("ns", cursor.get("ns")), ("docs", documents)]) + [p for p in rest if p[0] != "ns"]
        return Pairs((k, Pairs(joined) if k == "cursor" else v) for k, v in reply)

    def compare(self, command, expected, got, differences):
        name = command[0][0]
        if name in SHAPE_ONLY and number_of(expected.get("ok")) == 1 and number_of(got.get("ok")) == 1:
            missing = [k for k in shape(expected) if k not in shape(got)]
            if missing and name != "explain":
                differences.append((f"{name} fields", missing, "absent"))
            return
        want = self.fold(expected)
        have = self.fold(got)
        # What came after the recorded version is known here: no difference to speak of.
        if NEWER.search(str(want.get("errmsg"))) and want.get("errmsg") != have.get("errmsg"):
            return
        if strip_ids(want) != strip_ids(have):
            differences.append((name, want, have))

    @staticmethod
    def fold(reply):
        pairs = normal(reply)
        cursor = pairs.get("cursor")
        if isinstance(cursor, Pairs):
            cursor = Pairs((k, v) for k, v in cursor if k in ("ns", "docs"))
            cursor.sort(key=lambda p: p[0])
            pairs = Pairs((k, cursor if k == "cursor" else v) for k, v in pairs)
        errors = pairs.get("writeErrors")
        if isinstance(errors, Array):
            sorted_errors = Array(Pairs(sorted(e, key=lambda p: p[0])) for e in errors)
            pairs = Pairs((k, sorted_errors if k == "writeErrors" else v) for k, v in pairs)
        return Pairs(sorted(pairs, key=lambda p: p[0]))

    def compare_after(self, after, differences):
        for name, documents in after:
            reply = self.connection.run(DATABASE, [("find", name), ("sort", Pairs([("$natural", 1)])),
                                                   ("batchSize", 100000)])
            cursor = reply.get("cursor")
            have = Array(cursor.get("firstBatch")) if cursor is not None else Array()
            key = lambda d: strip_ids(normal(d))  # noqa: E731
            want_texts = sorted(key(d) for d in documents)
            have_texts = sorted(key(d) for d in have)
            if want_texts != have_texts:
                differences.append((f"after {name}", want_texts, have_texts))


def known_differences():
    known = {}
    try:
        with open(LIST, encoding="utf-8") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    case, _, cause = line.strip().partition(": ")
                    known[case] = cause
    except FileNotFoundError:
        pass
    return known


def kind_of(difference):
    what, want, have = difference
    error = lambda r: r.get("errmsg") if isinstance(r, Pairs) else None  # noqa: E731
    if error(have) and not error(want):
        return f"{what}: unexpected error: {str(error(have))[:90]}"
    if error(want) and not error(have):
        return f"{what}: no error; expected: {str(error(want))[:80]}"
    if error(want) and error(have):
        return f"{what}: other error: {str(error(want))[:60]} | {str(error(have))[:60]}"
    return f"{what}: other values"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--file")
    parser.add_argument("--id")
    parser.add_argument("--show", action="store_true", help="print every difference whole")
    parser.add_argument("--kinds", type=int, default=0, help="print the N most frequent kinds of differences")
    parser.add_argument("--target", help="host:port of a running primary")
    parser.add_argument("--write-list", action="store_true", help="write the list of differences anew")
    args = parser.parse_args()
    if not os.path.isdir(FOLDER):
        print(f"replay: skipped, there is no folder {os.path.relpath(FOLDER, ROOT)}")
        return SKIPPED
    sets = None
    if args.target is None:
        sets = harness.ReplicaSet(1, arguments=["--setParameter", "enableTestCommands=1"])
    try:
        return replay(args, args.target or sets.primary().address)
    finally:
        if sets is not None:
            sets.close()


def replay(args, address):
    known = known_differences()
    kinds = collections.Counter()
    new, stale, listed = [], [], []
    print(f"{'file':26} {'cases':>6} {'agree':>6} {'per cent':>9}")
    totals = [0, 0]
    for name in sorted(os.listdir(FOLDER)):
        if not name.endswith(".jsonl") or (args.file and args.file not in name):
            continue
        replayer = Replayer(address)
        cases = agree = 0
        for line in open(os.path.join(FOLDER, name), encoding="utf-8"):
            case = loads(line)
            label = case.get("id")
            if args.id and args.id != label:
                replayer.reset(case)
                continue
            cases += 1
            try:
                differences = replayer.run_case(case)
            except (OSError, RuntimeError, ValueError, struct.error, OverflowError) as error:
                differences = [("replay", str(error)[:200], type(error).__name__)]
                replayer.connection = Connection(address)
                replayer.dirty = True
            key = f"{name[:-6]}/{label}"
            if not differences:
                agree += 1
                if key in known:
                    stale.append(key)
                continue
            listed.append((key, kind_of(differences[0])))
            kinds.update(kind_of(d) for d in differences[:1])
            if key not in known:
                new.append((key, kind_of(differences[0])))
            if args.show:
                for what, want, have in differences:
                    print(f"--- {key} {what}\n  expected {json.dumps(want)[:1500]}\n  got      {json.dumps(have)[:1500]}")
        totals[0] += cases
        totals[1] += agree
        if cases:
            print(f"{name:26} {cases:6} {agree:6} {100 * agree / cases:8.1f}%", flush=True)
    if totals[0]:
        print(f"{'all':26} {totals[0]:6} {totals[1]:6} {100 * totals[1] / totals[0]:8.1f}%")
    for kind, count in kinds.most_common(args.kinds):
        print(f"{count:5}  {kind}")
    if args.write_list:
        write_list(known, listed)
        return 0
    if args.file or args.id:
        return 0
    for key, kind in new[:40]:
        print(f"NEW difference {key}: {kind}")
    for key in stale:
        print(f"AGREES again, take it off the list: {key}")
    return 1 if new or stale else 0


def write_list(known, listed):
    with open(LIST, "w", encoding="utf-8") as f:
        f.write("# Cases of tests/replay that differ from the recording, each with its cause. The list only shrinks.\n")
        for key, kind in sorted(listed):
            f.write(f"{key}: {known.get(key, ' '.join(kind.split()))}\n")


if __name__ == "__main__":
    sys.exit(main())
