#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, and files that are damaged: nothing acknowledged is lost, and what is wrong is said.

The disk is a small tmpfs in a mount namespace of the test's own; where none can be made the test is skipped
with a line. Expected: codes OutOfDiskSpace (14031) and DataCorruptionDetected (301) of the manual's list.
"""
import glob
import os
import subprocess
import sys
import tempfile
import unittest

import harness
import wire

MB = 1 << 20
DISK_MB = 600
FILLER_MB = 300
DOCUMENT_BYTES = 100_000
OUT_OF_DISK_SPACE = 14031
DATA_CORRUPTION = 301
INSIDE = "SEPTET_DISK_TEST_INSIDE"


def enter_namespace():
    """Runs this script again in a mount namespace; returns only inside of it."""
    if os.environ.get(INSIDE):
        return
    command = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    try:
        able = subprocess.run([*command, "sh", "-c", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d"],
                              capture_output=True, check=False)
    except FileNotFoundError:
        able = None
    if able is None or able.returncode != 0:
        print("skipped: no mount namespace can be made here")
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


class Disk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="septet-disk-")
        self.addCleanup(os.rmdir, self.folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", self.folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder], check=True)
        self.server = harness.Server(self.folder, 0, set_name=harness.SET_NAME,
                                     arguments=("--oplogSize", "990"))
        self.server.log = os.path.join(tempfile.gettempdir(), os.path.basename(self.folder) + ".log")
        self.addCleanup(self.drop_log)
        self.addCleanup(self.server.kill)

    def drop_log(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.errors + result.failures):
            print(self.server.log_tail(), file=sys.stderr)
        os.unlink(self.server.log)

    def start(self):
        self.server.start()
        harness.wait_until("primary", lambda: self.server.hello()["isWritablePrimary"])

    def initiate(self):
        self.server.start()
        self.server.admin({"replSetInitiate": {"_id": harness.SET_NAME,
                                               "members": [{"_id": 0, "host": self.server.address}]}})
        harness.wait_until("primary", lambda: self.server.hello()["isWritablePrimary"])

    @staticmethod
    def insert(connection, key, **write_concern):
        return connection.reply("test", {"insert": "c", "documents": [
            {"_id": key, "s": os.urandom(DOCUMENT_BYTES)}], "writeConcern": {"w": 1, "j": True, **write_concern}})

    @staticmethod
    def succeeded(reply):
        return reply["ok"] == 1 and "writeErrors" not in reply and "writeConcernError" not in reply

    @staticmethod
    def code_of(reply):
        return reply.get("code") or reply["writeErrors"][0]["code"]

    def fill(self, connection, first):
        """Inserts until the first refusal; returns the next key and the refusal."""
        for key in range(first, first + 2 * DISK_MB * MB // DOCUMENT_BYTES):
            reply = self.insert(connection, key)
            if not self.succeeded(reply):
                return key, reply
        self.fail("the disk is never full")
        return None

    def check(self, keys):
        with wire.Connection(self.server.address, 60) as connection:
            self.assertEqual(connection.command("test", {"count": "c"})["n"], keys)
            self.assertTrue(connection.command("test", {"validate": "c", "full": True})["valid"])

    def test_full_disk(self):
        filler = os.path.join(self.folder, "filler")
        with open(filler, "wb") as f:
            f.write(bytes(FILLER_MB * MB))
        self.initiate()
        with wire.Connection(self.server.address, 60) as connection:
            keys, refusal = self.fill(connection, 0)
            self.assertGreater(keys, 100)
            self.assertEqual(self.code_of(refusal), OUT_OF_DISK_SPACE, refusal)
            for _ in range(20):
                self.assertEqual(self.code_of(self.insert(connection, "full")), OUT_OF_DISK_SPACE)
            update = connection.reply("test", {"update": "c", "updates": [{"q": {"_id": 1}, "u": {"a": 1}}]})
            self.assertEqual(self.code_of(update), OUT_OF_DISK_SPACE, update)
            # Reads go on.
            self.assertEqual(connection.command("test", {"count": "c", "query": {"_id": {"$gte": 0}}})["n"], keys)
            found = connection.command("test", {"find": "c", "filter": {"_id": keys - 1}})
            self.assertEqual(len(found["cursor"]["firstBatch"]), 1)
            self.assertTrue(self.server.hello()["isWritablePrimary"])
            # Space back means writes back, without a restart.
            os.unlink(filler)
            harness.wait_until("a write", lambda: self.succeeded(self.insert(connection, keys)))
            keys += 1
        self.check(keys)
        self.server.kill()
        self.start()
        self.check(keys)

    def test_killed_and_started_on_a_full_disk(self):
        filler = os.path.join(self.folder, "filler")
        with open(filler, "wb") as f:
            f.write(bytes(FILLER_MB * MB))
        self.initiate()
        with wire.Connection(self.server.address, 60) as connection:
            keys, _ = self.fill(connection, 0)
        self.server.kill()
        os.unlink(filler)
        self.start()
        self.check(keys)
        with wire.Connection(self.server.address, 60) as connection:
            harness.wait_until("a write", lambda: self.succeeded(self.insert(connection, keys)))

    def test_damaged_file_is_named(self):
        self.initiate()
        with wire.Connection(self.server.address, 60) as connection:
            for key in range(750):  # more than stays in memory
                self.assertTrue(self.succeeded(self.insert(connection, key)))
        self.server.stop()
        tables = glob.glob(os.path.join(self.server.data, "**", "*.sst"), recursive=True)
        damaged = [table for table in tables if os.path.getsize(table) > MB]
        for table in damaged:
            with open(table, "r+b") as f:
                f.seek(os.path.getsize(table) // 2)
                f.write(b"\xff" * 4096)
        self.server.start()
        reply = self.server.reply("test", {"aggregate": "c", "cursor": {}, "pipeline": [
            {"$group": {"_id": None, "n": {"$sum": {"$bsonSize": "$$ROOT"}}}}], "$readPreference": {
                "mode": "primaryPreferred"}})
        self.assertEqual((reply["ok"], reply.get("code")), (0, DATA_CORRUPTION), reply)
        self.assertTrue(any(os.path.basename(table) in reply["errmsg"] for table in damaged), reply)
        # What does not touch the damage goes on.
        self.assertEqual(self.server.reply("test", {"find": "other"})["ok"], 1)


if __name__ == "__main__":
    enter_namespace()
    harness.main()
