#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What monitoring reads: mongostat, mongotop, exporters. Each figure they draw is there, a number, and moves."""
import unittest

from bson import Int64

import surface
from surface import harness

# Dotted paths of serverStatus that mongostat's columns and an exporter's dashboards are made of.
STATUS = """
asserts.regular asserts.warning asserts.msg asserts.user asserts.rollovers
connections.current connections.available connections.totalCreated connections.active
electionMetrics.electionTimeout.called electionMetrics.stepUpCmd.successful electionMetrics.numCatchUps
extra_info.page_faults
globalLock.totalTime globalLock.currentQueue.readers globalLock.currentQueue.writers
globalLock.activeClients.readers globalLock.activeClients.writers
mem.bits mem.resident mem.virtual
metrics.commands.find.total metrics.commands.find.failed metrics.commands.insert.total
metrics.cursor.open.total metrics.cursor.open.noTimeout metrics.cursor.open.pinned metrics.cursor.timedOut
metrics.document.deleted metrics.document.inserted metrics.document.returned metrics.document.updated
metrics.getLastError.wtime.num metrics.getLastError.wtime.totalMillis metrics.getLastError.wtimeouts
metrics.operation.scanAndOrder metrics.operation.writeConflicts
metrics.queryExecutor.scanned metrics.queryExecutor.scannedObjects metrics.queryExecutor.collectionScans.total
metrics.repl.apply.batches.num metrics.repl.apply.batches.totalMillis metrics.repl.apply.ops
metrics.repl.buffer.count metrics.repl.buffer.sizeBytes
metrics.repl.network.bytes metrics.repl.network.getmores.num metrics.repl.network.getmores.totalMillis
metrics.repl.network.ops
metrics.ttl.deletedDocuments metrics.ttl.passes
network.bytesIn network.bytesOut network.numRequests
opLatencies.reads.latency opLatencies.reads.ops opLatencies.writes.latency opLatencies.writes.ops
opLatencies.commands.latency opLatencies.commands.ops
opcounters.insert opcounters.query opcounters.update opcounters.delete opcounters.getmore opcounters.command
opcountersRepl.insert opcountersRepl.update opcountersRepl.delete
transactions.retriedCommandsCount transactions.currentActive transactions.totalStarted
uptime uptimeMillis uptimeEstimate
""".split()

TOP = ("total", "readLock", "writeLock", "queries", "getmore", "insert", "update", "remove", "commands")


def at(document, path):
    for name in path.split("."):
        document = document[name]
    return document


class Monitoring(surface.OneMember):
    def status(self, **fields):
        return self.ok({"serverStatus": 1, **fields}, "admin")

    def test_every_figure_is_a_number(self):
        """S02-144, S02-145, S11-077, S11-080, S11-085, S13-029: serverStatus as mongostat asks for it."""
        status = self.status(recordStats=0)
        for path in STATUS:
            with self.subTest(path=path):
                self.assertIsInstance(at(status, path), (int, Int64, float))
        self.assertEqual(status["process"], "mongod")
        self.assertEqual(status["storageEngine"]["name"], "rocksdb")
        self.assertEqual(status["security"], {"authentication": {"mechanisms": {}}})
        self.assertIs(status["flowControl"]["enabled"], False)
        # Whose engine is not WiredTiger shows no section of that name; mongostat leaves its columns empty.
        self.assertNotIn("wiredTiger", status)

    def test_figures_move(self):
        """S11-071, S11-077: what was done shows between two samples."""
        name = surface.fresh()
        before = self.status()
        self.insert(name, *({"_id": i, "a": i % 3} for i in range(10)))
        self.first_batch({"find": name, "filter": {"a": 1}, "sort": {"b": 1}})
        self.ok({"update": name, "updates": [{"q": {"_id": 1}, "u": {"$set": {"b": 1}}}]})
        self.ok({"delete": name, "deletes": [{"q": {"_id": 2}, "limit": 1}]})
        self.reply({"find": name, "filter": {"$foo": 1}})
        after = self.status()
        for path, grown in (("metrics.document.inserted", 10), ("metrics.document.updated", 1),
                            ("metrics.document.deleted", 1), ("metrics.document.returned", 3),
                            ("metrics.commands.find.total", 2), ("metrics.commands.find.failed", 1),
                            ("metrics.queryExecutor.collectionScans.total", 1), ("metrics.operation.scanAndOrder", 1),
                            ("opcounters.insert", 10), ("opcounters.update", 1), ("opcounters.delete", 1)):
            with self.subTest(path=path):
                self.assertEqual(at(after, path) - at(before, path), grown)
        for path in ("network.bytesIn", "network.numRequests", "opLatencies.writes.ops", "opLatencies.reads.ops",
                     "opLatencies.writes.latency", "metrics.queryExecutor.scannedObjects"):
            with self.subTest(path=path):
                self.assertGreater(at(after, path), at(before, path))

    def test_top(self):
        """S02-098, S02-144: mongotop shows the time that each collection took between two samples."""
        name = surface.fresh()
        self.insert(name, {"_id": 1})
        first = self.ok({"top": 1}, "admin")["totals"]
        self.assertEqual(first["note"], "all times in microseconds")
        self.insert(name, {"_id": 2})
        self.first_batch({"find": name})
        second = self.ok({"top": 1}, "admin")["totals"]
        ns = f"test.{name}"
        for part in TOP:
            self.assertEqual(second[ns][part].keys(), {"time", "count"})
        self.assertEqual(second[ns]["insert"]["count"] - first[ns]["insert"]["count"], 1)
        self.assertEqual(second[ns]["queries"]["count"] - first[ns]["queries"]["count"], 1)
        self.assertGreater(second[ns]["writeLock"]["time"], first[ns]["writeLock"]["time"])

    def test_what_an_exporter_asks(self):
        """S02-101, S02-145: in the order of a scrape; what there is not is refused cleanly."""
        name = surface.fresh()
        self.insert(name, {"_id": 1, "a": 1})
        data = self.ok({"getDiagnosticData": 1}, "admin")["data"]
        for part in ("start", "serverStatus", "replSetGetStatus", "local.oplog.rs.stats", "systemMetrics", "end"):
            self.assertIn(part, data)
        status = self.ok({"replSetGetStatus": 1}, "admin")
        member = status["members"][0]
        for field in ("state", "stateStr", "health", "uptime", "optimeDate", "name"):
            self.assertIn(field, member)
        for field in ("term", "heartbeatIntervalMillis", "optimes"):
            self.assertIn(field, status)
        self.assertIn("members", self.ok({"replSetGetConfig": 1}, "admin")["config"])
        sizes = self.ok({"dbStats": 1, "freeStorage": 1})
        for field in ("collections", "objects", "dataSize", "storageSize", "indexes", "indexSize", "freeStorageSize",
                      "indexFreeStorageSize", "totalFreeStorageSize", "fsUsedSize", "fsTotalSize"):
            with self.subTest(field=field):
                self.assertIsInstance(sizes[field], (int, Int64, float))
        self.assertGreaterEqual(sizes["fsTotalSize"], sizes["fsUsedSize"])
        stats = self.first_batch({"aggregate": name, "cursor": {}, "pipeline": [
            {"$collStats": {"latencyStats": {"histograms": True}, "storageStats": {"scale": 1}}}]})[0]
        self.assertEqual(stats["storageStats"]["count"], 1)
        self.assertGreater(stats["latencyStats"]["writes"]["ops"], 0)
        usage = self.first_batch({"aggregate": name, "cursor": {}, "pipeline": [{"$indexStats": {}}]})
        self.assertEqual([u["name"] for u in usage], ["_id_"])
        self.assertIn("inprog", self.ok({"currentOp": 1}, "admin"))
        self.assertEqual(self.ok({"getParameter": 1, "featureCompatibilityVersion": 1}, "admin")[
            "featureCompatibilityVersion"]["version"], "7.0")
        for sort in (1, -1):
            entry = self.connection.command("local", {"find": "oplog.rs", "sort": {"$natural": sort}, "limit": 1,
                                                      "projection": {"ts": 1}})["cursor"]["firstBatch"]
            self.assertEqual(len(entry), 1)
        self.assertEqual(self.connection.reply("admin", {"balancerStatus": 1})["code"], 59)


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    harness.main()
