#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The oplog keeps to its size and its retention; a member left behind says so; an idle primary goes on.

Expected: the manual's "Replica Set Oplog" and "replSetResizeOplog" (S02_083); whole chunks of 16 MB go.
"""
import os
import time
import unittest

import harness
import wire

MB = 1 << 20
OPLOG_MB = 20
CHUNK_MB = 16
MAJORITY = {"w": "majority", "wtimeout": 30000}


def local(server, command):
    return server.command("local", {**command, "$readPreference": {"mode": "secondaryPreferred"}})


def oplog_size(server):
    return local(server, {"collStats": "oplog.rs"})["size"]


def entry(server, direction):
    batch = local(server, {"find": "oplog.rs", "sort": {"$natural": direction}, "limit": 1})
    return batch["cursor"]["firstBatch"][0]


class Waiting(unittest.TestCase):
    def test_waits_that_were_asked_for_are_not_slow_operations(self):
        """S11-052: a member that waits for entries, awaitData and an awaitable hello are not told as slow."""
        test_commands = ("--setParameter", "enableTestCommands=1")
        with harness.ReplicaSet(2, arguments=test_commands) as members:
            primary = members.primary()
            with wire.Connection(primary.address) as connection:
                hello = connection.command("admin", {"hello": 1})
                connection.command("admin", {"hello": 1, "maxAwaitTimeMS": 300,
                                             "topologyVersion": hello["topologyVersion"]})
                connection.command("test", {"create": "capped", "capped": True, "size": 100000})
                connection.command("test", {"insert": "capped", "documents": [{"_id": 1}]})
                tail = connection.command("test", {"find": "capped", "tailable": True, "awaitData": True})
                began = time.monotonic()
                more = connection.command("test", {"getMore": tail["cursor"]["id"], "collection": "capped",
                                                   "maxTimeMS": 300})
                self.assertEqual(more["cursor"]["nextBatch"], [])
                self.assertGreaterEqual(time.monotonic() - began, 0.25)
                # What is slow by itself is told.
                connection.command("admin", {"sleep": 1, "millis": 300})
            slow = [line["attr"]["command"] for line in primary.log_lines() if line["id"] == 51803]
            self.assertEqual([next(iter(command)) for command in slow], ["sleep"], slow)


class Oplog(unittest.TestCase):
    def make(self, *parameters):
        members = harness.ReplicaSet(3, settings=harness.FAST_SETTINGS, arguments=(
            "--oplogSize", str(OPLOG_MB), *(a for p in parameters for a in ("--setParameter", p))))
        self.addCleanup(members.close)
        return members, members.wait_healthy()

    @staticmethod
    def write(primary, megabytes):
        payload = os.urandom(MB // 4)
        for _ in range(megabytes):
            reply = primary.command("game", {"insert": "big", "writeConcern": MAJORITY, "documents": [
                {"payload": payload} for _ in range(4)]})
            assert reply["n"] == 4 and "writeConcernError" not in reply, reply

    def test_front_goes_and_a_member_left_behind_says_so(self):
        """S07-006, S08-066."""
        members, primary = self.make()
        first = entry(primary, 1)["ts"]
        behind = members.secondaries()[0]
        behind.stop()
        self.write(primary, 64)
        running = members.running()
        for server in running:
            harness.wait_until("the oplog is cut", lambda s=server: oplog_size(s) <= (OPLOG_MB + CHUNK_MB) * MB)
            self.assertGreaterEqual(oplog_size(server), OPLOG_MB * MB)
            self.assertGreater(entry(server, 1)["ts"], first)
            counted = local(server, {"collStats": "oplog.rs"})["count"]
            found = local(server, {"aggregate": "oplog.rs", "cursor": {}, "pipeline": [
                {"$count": "n"}]})["cursor"]["firstBatch"][0]["n"]
            self.assertLessEqual(abs(found - counted), 2)  # heartbeats of the set may add between the two
        behind.start()
        harness.wait_until("the member left behind is RECOVERING", lambda: harness.state_of(behind) == 3)
        # What is gone is gone after a restart too, and the rest is there.
        secondary = next(s for s in running if s is not primary)
        oldest = entry(secondary, 1)["ts"]
        secondary.kill()
        secondary.start()
        self.assertEqual(entry(secondary, 1)["ts"], oldest)
        members.wait_state(secondary, 2)

    def test_S02_083_retention_holds_what_size_would_drop(self):
        members, primary = self.make()
        for bad in ({"size": 1.0}, {"minRetentionHours": -1.0}):
            self.assertEqual(primary.reply("admin", {"replSetResizeOplog": 1, **bad})["code"], 2)
        for server in members.servers:
            server.admin({"replSetResizeOplog": 1, "minRetentionHours": 0.5})
        first = entry(primary, 1)["ts"]
        self.write(primary, 48)
        harness.wait_until("the oplog outgrew its size", lambda: oplog_size(primary) > 44 * MB)
        primary.command("game", {"insert": "marks", "documents": [{"_id": 1}], "writeConcern": MAJORITY})
        self.assertEqual(entry(primary, 1)["ts"], first)
        primary.admin({"replSetResizeOplog": 1, "minRetentionHours": 0.0})
        harness.wait_until("the oplog is cut", lambda: oplog_size(primary) <= (OPLOG_MB + CHUNK_MB) * MB)
        primary.admin({"replSetResizeOplog": 1, "size": 990.0})
        stats = local(primary, {"collStats": "oplog.rs"})
        self.assertEqual(stats["maxSize"], 990 * MB)

    def test_idle_primary_writes_noops(self):
        """S01-135."""
        _, primary = self.make("periodicNoopIntervalSecs=1")
        before = entry(primary, -1)["ts"]
        harness.wait_until("a no-op", lambda: entry(primary, -1)["o"] == {"msg": "periodic noop"})
        self.assertGreater(entry(primary, -1)["ts"], before)


if __name__ == "__main__":
    harness.main()
