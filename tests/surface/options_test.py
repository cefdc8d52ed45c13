#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Options of the command line that must work, or must not stand in the way of a start.

Expected values: the manual's page of mongod's options and its old and new spellings.
"""
import os
import socket
import subprocess
import tempfile
import unittest

import surface
from surface import harness, wire


class Options(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="septet-")  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, *arguments, set_name=None):
        server = harness.Server(tempfile.mkdtemp(dir=self.folder), 0, set_name, arguments).start()
        self.addCleanup(server.kill)
        return server

    def parsed(self, server):
        return server.admin({"getCmdLineOpts": 1})["parsed"]

    def warnings(self, server):
        return [line["attr"]["warning"] for line in server.log_lines() if "warning" in line.get("attr", {})]

    def test_engine(self):
        """S11-026, S11-027, S11-029: files of a mongod carry its engine; they start, under their YAML names."""
        server = self.start("--storageEngine", "wiredTiger", "--wiredTigerCacheSizeGB", "0.25",
                            "--wiredTigerJournalCompressor", "snappy", "--wiredTigerCollectionBlockCompressor",
                            "zstd", "--wiredTigerIndexPrefixCompression", "true", "--journal")
        storage = self.parsed(server)["storage"]
        self.assertEqual(storage["engine"], "wiredTiger")
        self.assertEqual(storage["wiredTiger"]["engineConfig"], {"cacheSizeGB": 0.25, "journalCompressor": "snappy"})
        self.assertEqual(storage["wiredTiger"]["collectionConfig"], {"blockCompressor": "zstd"})
        self.assertEqual(storage["wiredTiger"]["indexConfig"], {"prefixCompression": True})

    def test_configuration_file(self):
        """S11-026, S11-027, S11-025, S11-017: the same as YAML."""
        path = os.path.join(self.folder, "mongod.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write("storage:\n  engine: wiredTiger\n  wiredTiger:\n    engineConfig:\n      cacheSizeGB: 0.3\n"
                    "  oplogMinRetentionHours: 2\noperationProfiling:\n  mode: slowOp\n  slowOpThresholdMs: 7\n"
                    "replication:\n  oplogSizeMB: 16\n")
        server = self.start("--config", path, set_name=harness.SET_NAME)
        self.assertEqual(self.parsed(server)["replication"], {"oplogSizeMB": 16, "replSetName": harness.SET_NAME})
        reply = server.command("any", {"profile": -1})
        self.assertEqual((reply["was"], reply["slowms"]), (1, 7))

    def test_oplog_size(self):
        """S11-017: the size of local.oplog.rs."""
        with harness.ReplicaSet(1, arguments=("--oplogSize", "16", "--oplogMinRetentionHours", "0.5")) as replicas:
            stats = replicas.servers[0].command("local", {"collStats": "oplog.rs"})
            self.assertEqual((stats["capped"], stats["maxSize"]), (True, 16 << 20))
            self.assertEqual(self.parsed(replicas.servers[0])["storage"]["oplogMinRetentionHours"], 0.5)

    def test_profiling(self):
        """S11-025: level and threshold from the start, for every database."""
        server = self.start("--profile", "2", "--slowms", "5", "--slowOpSampleRate", "0.5")
        reply = server.command("any", {"profile": -1})
        self.assertEqual((reply["was"], reply["slowms"], reply["sampleRate"]), (2, 5, 0.5))

    def test_port(self):
        """S11-004, S11-065: 27017 if nothing is said; no second port for HTTP."""
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((harness.HOST, 27017))
        except OSError:
            self.skipTest("port 27017 is taken")
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [harness.find_binary(), "--dbpath", self.folder, "--bind_ip", harness.HOST, "--unixSocketPrefix",
             self.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        reply = harness.wait_until("it answers", lambda: wire.once(f"{harness.HOST}:27017", "admin", {"ping": 1}))
        self.assertEqual(reply["ok"], 1)
        with socket.socket() as http:
            self.assertNotEqual(http.connect_ex((harness.HOST, 28017)), 0)

    def test_standalone(self):
        """S08-008, S08-044, S12-012, S12-030, S12-045: what needs a set is refused without one."""
        server = self.start()
        reply = server.reply("test", {"insert": "c", "documents": [{"_id": 1}], "writeConcern": {"w": 2}})
        self.assertEqual((reply["ok"], reply["code"], reply["errmsg"]),
                         (0, 2, "cannot use 'w' > 1 when a host is not replicated"))
        for concern in ({"w": 1}, {"w": "majority"}, {"w": 1, "j": True}):
            self.assertEqual(
    server.command(
        "test", {
            "insert": "c", "documents": [
                {}], "writeConcern": concern})["n"], 1)
        for command in ({"replSetGetStatus": 1}, {"replSetInitiate": None}):
            reply = server.reply("admin", command)
            self.assertEqual((reply["code"], reply["codeName"]), (76, "NoReplicationEnabled"), reply)
        reply = server.reply("test", {"insert": "c", "documents": [{}], "lsid": surface.lsid(),
                                      "txnNumber": surface.bson.Int64(1)})
        self.assertEqual(reply["code"], 20)
        self.assertTrue(reply["errmsg"].startswith("Transaction numbers"))
        reply = server.reply("test", {"find": "c", "readConcern": {
            "level": "local", "afterClusterTime": surface.bson.Timestamp(1, 1)}})
        self.assertEqual((reply["ok"], reply["code"] in (20, 123)), (0, True), reply)


if __name__ == "__main__":
    harness.main()
