#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a server with SIGKILL under load, again and again, and checks what it promised.

Each round: four writers insert and update with {j: true} (one node) or {w: "majority", j: true} (--primary, the
primary of three members); the server is killed at a random moment and started again; then every
acknowledged write must be there and `validate` must find nothing wrong on every member.
usage: tools/kill_loop.py [--rounds N] [--primary] [--seed S]
"""
import argparse
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "cluster"))
import harness  # noqa: E402
import pymongo  # noqa: E402
from pymongo.errors import PyMongoError  # noqa: E402

WRITERS = 4


class Writer(threading.Thread):
    """Inserts {_id: [writer, n]} and counts up its own document; remembers what was acknowledged."""

    def __init__(self, uri, number, base, concern):
        super().__init__()
        self.client = pymongo.MongoClient(uri, retryWrites=False, serverSelectionTimeoutMS=1000,
                                          socketTimeoutMS=3000, **concern)
        self.number = number
        self.next = base
        self.acknowledged = []
        self.counter = 0
        self.attempted_counter = 0
        self.stop = False

    def run(self):
        collection = self.client.loop.documents
        while not self.stop:
            key = f"{self.number}-{self.next}"
            self.next += 1
            try:
                collection.insert_one({"_id": key, "x": self.next % 97, "text": "t" * 200})
                self.acknowledged.append(key)
                self.attempted_counter += 1
                self.client.loop.counters.update_one({"_id": self.number}, {"$inc": {"n": 1}}, upsert=True)
                self.counter += 1
            except PyMongoError:
                if not self.stop:
                    time.sleep(0.02)
        self.client.close()


def check(members, writers, expected):
    """Lost keys, counters that went back, and collections that do not validate."""
    problems = []
    for server in members:
        client = pymongo.MongoClient(harness.HOST, server.port, directConnection=True,
                                     readPreference="secondaryPreferred")
        try:
            present = {d["_id"] for d in client.loop.documents.find({}, {"_id": 1})}
            lost = expected - present
            if lost:
                problems.append(f"{server.address}: {len(lost)} acknowledged inserts lost, e.g. {sorted(lost)[:3]}")
            by_index = client.loop.documents.count_documents({"x": {"$gte": 0}})
            if by_index != len(present):
                problems.append(f"{server.address}: {by_index} documents by index, {len(present)} by scan")
            for writer in writers:
                found = client.loop.counters.find_one({"_id": writer.number}) or {"n": 0}
                if found["n"] < writer.floor:
                    problems.append(f"{server.address}: counter {writer.number} is {found['n']}, "
                                    f"acknowledged {writer.floor}")
            for name in ("documents", "counters"):
                report = client.loop.command("validate", name, full=True)
                if not report["valid"]:
                    problems.append(f"{server.address}: {name} is not valid: {report['errors']}")
        finally:
            client.close()
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--primary", action="store_true", help="kill the primary of three members")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    args = parser.parse_args()
    chance = random.Random(args.seed)
    print(f"kill_loop: {args.rounds} rounds, seed {args.seed}")
    concern = {"w": "majority", "j": True} if args.primary else {"w": 1, "j": True}
    expected = set()
    floors = {n: 0 for n in range(WRITERS)}
    bases = {n: 0 for n in range(WRITERS)}
    failures = 0
    members = harness.ReplicaSet(3 if args.primary else 1)
    try:
        client = members.client(**concern)
        client.loop.documents.create_index("x")
        client.loop.counters.insert_many([{"_id": n, "n": 0} for n in range(WRITERS)])
        client.close()
        for number in range(1, args.rounds + 1):
            writers = [Writer(members.uri(), n, bases[n], concern) for n in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.2, 1.2))
            victim = members.primary() or members.servers[0]
            victim.kill()
            for writer in writers:
                writer.stop = True
            for writer in writers:
                writer.join()
                expected.update(writer.acknowledged)
                bases[writer.number] = writer.next
                # A counter is at least what was acknowledged since the round began.
                floors[writer.number] += writer.counter
                writer.floor = floors[writer.number]
            victim.start()
            members.wait_healthy()
            members.wait_equal()
            problems = check(members.servers, writers, expected)
            acknowledged = sum(len(w.acknowledged) for w in writers)
            print(f"round {number}: {acknowledged} acknowledged, {len(expected)} in all"
                  + "".join(f"\n  PROBLEM {p}" for p in problems), flush=True)
            failures += len(problems)
    finally:
        members.close()
    print(f"kill_loop: {args.rounds} rounds, {len(expected)} acknowledged inserts, "
          f"{'nothing lost, validate clean' if failures == 0 else str(failures) + ' problems'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
