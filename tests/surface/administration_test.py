#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an administrator types now and then: the log, connections, maintenance of a collection, and what is refused."""
import glob
import json
import unittest

import surface
from surface import harness

REMOVED = ("geoSearch", "geoNear", "group", "$eval", "parallelCollectionScan", "copydb", "clone", "repairDatabase",
           "touch", "cloneCollection", "getFreeMonitoringStatus", "setFreeMonitoring", "authSchemaUpgrade")


class Administration(surface.OneMember):
    def log_lines(self):
        return self.server.log_lines()

    def test_messages_of_an_application(self):
        """S02-102, S13-009: the text stands in the log."""
        self.ok({"logApplicationMessage": "the nightly import begins"}, "admin")
        self.assertTrue(harness.wait_until("the line", lambda: any(
            "the nightly import begins" in json.dumps(line) for line in self.log_lines())))

    def test_log_rotation(self):
        """S02-106, S13-009: the old log gets a name of its own, the new one goes on."""
        self.ok({"logRotate": "server"}, "admin")
        self.assertEqual(len(glob.glob(self.server.log + ".*")), 1)
        self.ok({"logApplicationMessage": "after the rotation"}, "admin")
        self.assertTrue(harness.wait_until("the line", lambda: any(
            "after the rotation" in json.dumps(line) for line in self.log_lines())))
        self.fails({"logRotate": "nothing"}, 2, "BadValue", database="admin")

    def test_connections(self):
        """S02-099, S02-100, S02-108, S13-009."""
        pools = self.ok({"connPoolStats": 1}, "admin")
        for field in ("numClientConnections", "totalInUse", "totalAvailable", "totalCreated", "totalRefreshing",
                      "pools", "hosts", "replicaSets"):
            self.assertIn(field, pools)
        self.ok({"dropConnections": 1, "hostAndPort": ["127.0.0.1:1"]}, "admin")
        self.fails({"dropConnections": 1}, 40414, database="admin")
        self.assertEqual(self.ok({"lockInfo": 1}, "admin")["lockInfo"], [])

    def test_parameters(self):
        """S02-072, S02-097, S13-009: the old value comes back; what is fixed at the start stays."""
        was = self.ok({"setParameter": 1, "cursorTimeoutMillis": 123456}, "admin")["was"]
        self.assertEqual(self.ok({"getParameter": 1, "cursorTimeoutMillis": 1}, "admin")["cursorTimeoutMillis"], 123456)
        self.assertEqual(self.ok({"setParameter": 1, "cursorTimeoutMillis": was}, "admin")["was"], 123456)
        self.fails({"setParameter": 1, "nothingOfTheKind": 1}, 72, "InvalidOptions", database="admin")
        self.assertEqual(self.ok({"getParameter": 1, "authSchemaVersion": 1}, "admin")["authSchemaVersion"], 5)

    def test_maintenance_of_a_collection(self):
        """S02-026, S02-030, S02-031, S02-037, S02-105, S02-137: what the shell's helpers send."""
        name = surface.fresh()
        self.insert(name, *({"_id": i, "a": i} for i in range(10)))
        self.ok({"createIndexes": name, "indexes": [{"key": {"a": 1}, "name": "a_1"}]})
        report = self.ok({"validate": name, "full": True})
        self.assertEqual((report["valid"], report["nrecords"], report["keysPerIndex"]), (True, 10, {"_id_": 10, "a_1": 10}))
        self.fails({"reIndex": name}, 20, "IllegalOperation", "reIndex is only allowed on a standalone")
        self.ok({"compact": name, "force": True})
        self.ok({"convertToCapped": name, "size": 100000})
        options = self.first_batch({"listCollections": 1, "filter": {"name": name}})[0]["options"]
        self.assertEqual(options, {"capped": True, "size": 100096})
        locked = self.ok({"fsync": 1, "lock": True}, "admin")
        self.assertEqual(locked["lockCount"], 1)
        self.assertEqual(self.ok({"fsyncUnlock": 1}, "admin")["lockCount"], 0)
        self.fails({"fsyncUnlock": 1}, 20, "IllegalOperation", database="admin")

    def test_sections_of_the_server_status(self):
        """S11-070, S11-081, S11-082, S11-086, S11-088."""
        status = self.ok({"serverStatus": 1}, "admin")
        for field in ("bytesIn", "bytesOut", "physicalBytesIn", "physicalBytesOut", "numRequests", "compression"):
            self.assertIn(field, status["network"])
        for field in ("activeSessionsCount", "sessionsCollectionJobCount", "transactionReaperJobCount",
                      "sessionCatalogSize"):
            self.assertIn(field, status["logicalSessionRecordCache"])
        for field in ("name", "supportsCommittedReads", "supportsPendingDrops", "supportsSnapshotReadConcern",
                      "readOnly", "persistent", "backupCursorOpen"):
            self.assertIn(field, status["storageEngine"])
        self.assertIn("mechanisms", status["security"]["authentication"])
        for old in ("dur", "backgroundFlushing"):
            self.assertNotIn(old, status)

    def test_what_is_gone(self):
        """S02-016, S02-060, S02-072: commands that 7.0 has removed are unknown."""
        for name in REMOVED:
            with self.subTest(command=name):
                self.fails({name: 1}, 59, "CommandNotFound", f"no such command: '{name}'", database="admin")


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    harness.main()
