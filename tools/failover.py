#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how long writes stop when the primary goes: three members, default settings.

--kills times the primary is killed with SIGKILL, --steps times it is told to step down (replSetStepDown).
Four writers insert with {w: "majority"} through the driver; a gap is the longest silence
between two acknowledged inserts (of all writers) after the kill or the command.
usage: tools/failover.py [--kills 20] [--steps 20]
"""
import argparse
import os
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "cluster"))
import harness  # noqa: E402
import pymongo  # noqa: E402
from pymongo.errors import PyMongoError  # noqa: E402

WRITERS = 4


class Writer(threading.Thread):
    """Inserts without a pause and notes when each insert was begun and acknowledged."""

    def __init__(self, uri):
        super().__init__(daemon=True)
        self.client = pymongo.MongoClient(uri, w="majority", retryWrites=True, serverSelectionTimeoutMS=30000)
        self.acknowledged = []
        self.stop = False

    def run(self):
        while not self.stop:
            began = time.monotonic()
            try:
                self.client.failover.writes.insert_one({"t": began})
                self.acknowledged.append((began, time.monotonic()))
            except PyMongoError:
                pass
        self.client.close()


def gap(writers, start, seconds=60.0):
    """Milliseconds of the longest silence between two acknowledgements from `start` on, once writes flow again."""
    end = start + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
        now = time.monotonic()
        times = sorted(done for w in writers for _, done in w.acknowledged[-20000:] if done > start)
        # Flowing: acknowledged within the last tenth of a second, and a second has passed since the silence.
        if not times or now - times[-1] > 0.1:
            continue
        silences = [(b - a, b) for a, b in zip([start] + times, times)]
        longest, over_at = max(silences)
        if now - over_at > 1.0:
            return longest * 1000
    raise TimeoutError("writes did not flow again within a minute")


def report(name, gaps):
    ordered = sorted(gaps)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(f"{name}: " + " ".join(f"{g:.0f}" for g in gaps))
    print(f"{name} of {len(gaps)}: min {ordered[0]:.0f} ms, median {statistics.median(gaps):.0f} ms, "
          f"p95 {p95:.0f} ms, max {ordered[-1]:.0f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    members = harness.ReplicaSet(3)
    writers = [Writer(members.uri()) for _ in range(WRITERS)]
    try:
        for writer in writers:
            writer.start()
        time.sleep(1)
        for name, count in (("kill -9", args.kills), ("step-down", args.steps)):
            gaps = []
            for _ in range(count):
                members.wait_healthy()
                time.sleep(1.0)
                primary = members.primary()
                start = time.monotonic()
                if name == "kill -9":
                    primary.kill()
                else:
                    threading.Thread(target=step_down, args=(primary,), daemon=True).start()
                gaps.append(gap(writers, start))
                if name == "kill -9":
                    primary.start()
                else:
                    members.wait_primary(other_than=primary)
            if gaps:
                report(name, gaps)
    finally:
        for writer in writers:
            writer.stop = True
        members.close()


def step_down(primary):
    try:
        primary.admin({"replSetStepDown": 1, "secondaryCatchUpPeriodSecs": 1})
    except Exception as error:  # pylint: disable=broad-except
        print(f"step-down: {error}")


if __name__ == "__main__":
    main()
