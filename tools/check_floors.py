#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every #include goes down the house (docs/ARCHITECTURE).

One folder is one floor. A file may include its own folder, what its row names and what those may
include. PURE folders may not name threads, clocks, files, sockets or unseeded randomness.
Run from anywhere; exits 1 and prints file:line for each breach.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# folder: (folders it may include beside its own, pure)
FLOORS = {
    "base": ([], False),
    "bson": (["base"], True),
    "wire/codec": (["bson"], True),
    "replication/core": (["bson"], True),
    "storage": (["bson"], False),
    "election": (["replication/core"], True),
    "wire/net": (["wire/codec"], False),
    "index": (["storage"], True),
    "replication/oplog": (["storage", "replication/core"], False),
    "catalog": (["index", "replication/oplog"], False),
    "query/expression": (["catalog"], False),
    "query/match": (["query/expression"], False),
    "query/projection": (["query/match"], False),
    "query/update": (["query/projection"], False),
    "query/exec": (["query/projection"], False),
    "query/plan": (["query/exec"], False),
    "query/write": (["query/plan", "query/update"], False),
    "query/stage": (["query/write"], False),
    "query": (["query/stage"], False),
    "txn": (["catalog"], False),
    "auth": (["catalog"], False),
    "replication/driver": (["query", "txn", "auth", "election", "wire/net"], False),
    "commands": (["replication/driver"], False),
    "server": (["commands"], False),
    "lb-frontend": (["base", "bson", "wire/codec", "wire/net"], False),
}
FREE = ("tests", "tools")
# Reached through a lower floor but not to be named: commands know no wire protocol.
DENIED = {"commands": ["wire/codec", "wire/net"]}
PURE_BANNED_HEADERS = {"thread", "mutex", "fstream", "random", "condition_variable", "future",
                       "sys/socket.h", "filesystem"}
PURE_BANNED_TEXT = re.compile(r"::now\s*\(|std::rand\b|\bboost/asio|\brocksdb/")
ASIO_ONLY_IN = "base/asio.h"
ROCKS_ONLY_IN = "storage/rocks/"
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]')


def allowed(folder, seen=None):
    seen = seen if seen is not None else set()
    if folder in seen:
        raise SystemExit(f"the table has a cycle through {folder}")
    result = {folder}
    for dep in FLOORS[folder][0]:
        result |= allowed(dep, seen | {folder})
    return result


def floor_of(path):
    """The longest row that is a prefix of the path's folder."""
    parts = path.split("/")[:-1]
    for n in range(len(parts), 0, -1):
        name = "/".join(parts[:n])
        if name in FLOORS:
            return name
    return None


def sources():
    for top in sorted({name.split("/")[0] for name in FLOORS}):
        for folder, _, files in os.walk(os.path.join(ROOT, top)):
            for name in sorted(files):
                if name.endswith((".cc", ".h", ".def")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def check_file(path, breaches):
    floor = floor_of(path)
    reach = allowed(floor) - set(DENIED.get(floor, []))
    is_test = path.endswith("_test.cc") or "/testing/" in path
    pure = FLOORS[floor][1] and not is_test
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            where = f"{path}:{number}"
            match = INCLUDE.match(line)
            if match:
                kind, target = match.groups()
                own = floor_of(target) if kind == '"' else None
                if own and own not in reach and not is_test:
                    breaches.append(f"{where}: {floor} may not include {target}")
                if kind == "<" and pure and target in PURE_BANNED_HEADERS:
                    breaches.append(f"{where}: {floor} is pure, <{target}> is banned")
                if "boost/asio" in target and path != ASIO_ONLY_IN:
                    breaches.append(f"{where}: only {ASIO_ONLY_IN} includes Asio")
                if target.startswith("rocksdb/") and not path.startswith(ROCKS_ONLY_IN):
                    breaches.append(f"{where}: only {ROCKS_ONLY_IN} includes RocksDB")
            elif pure and PURE_BANNED_TEXT.search(line.split("//")[0]):
                breaches.append(f"{where}: {floor} is pure: {line.strip()}")


def main():
    for name in FLOORS:
        allowed(name)
    breaches = []
    count = 0
    for path in sources():
        if floor_of(path) is None:
            breaches.append(f"{path}: in no floor of the table")
            continue
        count += 1
        check_file(path, breaches)
    for breach in breaches:
        print(breach)
    print(f"check_floors: {count} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
