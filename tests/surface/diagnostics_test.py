#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a shell and an operator ask: identity, parameters, running operations, profile, logs, serverStatus.

Expected values: the manual's pages of the commands and of serverStatus; what mongosh sends on connecting.
"""
import json
import os
import threading

from bson import Int64

import surface
from surface import harness, wire

SECTIONS = {  # serverStatus: section -> fields that tools read
    "": ("host", "version", "process", "pid", "uptime", "uptimeMillis", "uptimeEstimate", "localTime", "ok"),
    "connections": ("current", "available", "totalCreated", "rejected", "active", "threaded", "exhaustIsMaster",
                    "exhaustHello", "awaitingTopologyChanges"),
    "network": ("bytesIn", "bytesOut", "physicalBytesIn", "physicalBytesOut", "numRequests",
                "numSlowDNSOperations", "numSlowSSLOperations", "compression"),
    "opcounters": ("insert", "query", "update", "delete", "getmore", "command"),
    "opcountersRepl": ("insert", "query", "update", "delete", "getmore", "command"),
    "asserts": ("regular", "warning", "msg", "user", "tripwire", "rollovers"),
    "mem": ("bits", "resident", "virtual", "supported"),
    "globalLock": ("totalTime", "currentQueue", "activeClients"),
    "extra_info": ("note", "page_faults", "user_time_us", "system_time_us", "maximum_resident_set_kb"),
    "opLatencies": ("reads", "writes", "commands", "transactions"),
    "repl": ("topologyVersion", "setName", "setVersion", "isWritablePrimary", "secondary", "hosts", "primary", "me",
             "electionId", "lastWrite", "rbid"),
    "transactions": ("currentActive", "currentInactive", "currentOpen", "totalStarted", "totalCommitted",
                     "totalAborted", "retriedCommandsCount", "retriedStatementsCount"),
    "storageEngine": ("name", "supportsCommittedReads", "supportsPendingDrops",
                      "supportsSnapshotReadConcern", "readOnly", "persistent", "backupCursorOpen"),
}
SHARDING = ("addShard", "removeShard", "listShards", "enableSharding", "shardCollection", "moveChunk", "split",
            "balancerStart", "balancerStop", "balancerStatus", "addShardToZone", "flushRouterConfig", "isdbgrid")


class Identity(surface.OneMember):
    def test_small_ones(self):
        """S02-054, S02-055, S02-058, S02-061: logout, connectionStatus, whatsmyuri, atlasVersion."""
        self.ok({"logout": 1})
        nobody = {"authenticatedUsers": [], "authenticatedUserRoles": []}
        self.assertEqual(self.ok({"connectionStatus": 1})["authInfo"], nobody)
        self.assertEqual(self.ok({"connectionStatus": 1, "showPrivileges": True})["authInfo"],
                         {**nobody, "authenticatedUserPrivileges": []})
        host, port = self.connection.socket.getsockname()
        self.assertEqual(self.ok({"whatsmyuri": 1})["you"], f"{host}:{port}")
        self.fails({"atlasVersion": 1}, 59, "CommandNotFound", "no such command: 'atlasVersion'", "admin")

    def test_build_info(self):
        """S02-056: every field, under both names."""
        for name in ("buildInfo", "buildinfo"):
            reply = self.ok({name: 1})
            for field in ("version", "gitVersion", "modules", "allocator", "javascriptEngine", "sysInfo",
                          "versionArray", "openssl", "buildEnvironment", "bits", "debug", "maxBsonObjectSize",
                          "storageEngines"):
                self.assertIn(field, reply)
            self.assertEqual((reply["bits"], reply["maxBsonObjectSize"]), (64, 16777216))
            for field in ("distmod", "distarch", "cc", "target_arch", "target_os"):
                self.assertIn(field, reply["buildEnvironment"])

    def test_list_commands(self):
        """S02-057, S02-126: help and flags of each; {help: 1} answers instead of running."""
        commands = self.ok({"listCommands": 1})["commands"]
        for shown in commands.values():
            self.assertGreaterEqual(shown.keys(), {"help", "requiresAuth", "secondaryOk", "adminOnly",
                                                   "apiVersions", "deprecatedApiVersions"})
        self.assertEqual((commands["find"]["apiVersions"], commands["serverStatus"]["apiVersions"]), (["1"], []))
        self.assertEqual((commands["shutdown"]["adminOnly"], commands["find"]["adminOnly"]), (True, False))
        self.assertIn("insert", self.ok({"insert": "c", "help": 1})["help"])
        self.assertEqual(self.ok({"count": "c"})["n"], 0)

    def test_host_and_options(self):
        """S02-094, S02-095, S02-126: hostInfo, getCmdLineOpts."""
        reply = self.ok({"hostInfo": 1}, "admin")
        self.assertEqual(reply["os"]["type"], "Linux")
        self.assertEqual(reply["system"]["numCores"], os.cpu_count())
        for field in ("currentTime", "hostname", "cpuAddrSize", "memSizeMB", "memLimitMB", "cpuArch", "numaEnabled"):
            self.assertIn(field, reply["system"])
        self.assertIn("kernelVersion", reply["extra"])
        reply = self.ok({"getCmdLineOpts": 1}, "admin")
        self.assertEqual(reply["argv"][1:3], ["--port", str(self.server.port)])
        self.assertEqual(reply["parsed"]["net"]["port"], self.server.port)
        self.assertEqual(reply["parsed"]["replication"], {"replSetName": harness.SET_NAME})

    def test_parameters(self):
        """S00-004, S02-096, S02-097, S11-058: one, all, with details; set, refused, unknown."""
        self.assertEqual(self.ok({"getParameter": 1, "featureCompatibilityVersion": 1, "authSchemaVersion": 1},
                                 "admin").items() & {("authSchemaVersion", 5)}, {("authSchemaVersion", 5)})
        self.assertEqual(self.ok({"getParameter": 1, "featureCompatibilityVersion": 1}, "admin")
                         ["featureCompatibilityVersion"], {"version": "7.0"})
        every = self.ok({"getParameter": "*"}, "admin")
        for name in ("enableTestCommands", "featureCompatibilityVersion", "authSchemaVersion", "requireApiVersion",
                     "acceptApiVersion2", "logLevel", "logComponentVerbosity", "quiet", "traceExceptions",
                     "maxLogSizeKB", "redactEncryptedFields"):
            self.assertIn(name, every)
        shown = self.ok({"getParameter": {"showDetails": True}, "logLevel": 1}, "admin")["logLevel"]
        self.assertEqual(shown, {"value": 0, "settableAtRuntime": True, "settableAtStartup": True})
        self.assertEqual(self.ok({"setParameter": 1, "logLevel": 1}, "admin")["was"], 0)
        self.assertEqual(self.ok({"getParameter": 1, "logLevel": 1}, "admin")["logLevel"], 1)
        self.ok({"setParameter": 1, "logLevel": 0}, "admin")
        self.fails({"getParameter": 1, "noSuchParameter": 1}, 72, "InvalidOptions", "no option found to get", "admin")
        self.assertEqual(self.reply({"setParameter": 1, "noSuchParameter": 1}, "admin")["code"], 72)

    def test_what_mongosh_sends(self):
        """S02-123, S02-124, S02-126: connecting, and what "show" asks; the only error is atlasVersion's."""
        session = surface.lsid()
        client = {"driver": {"name": "nodejs|mongosh", "version": "6.8.0|2.3.1"}, "os": {"type": "Linux"},
                  "platform": "Node.js v20, LE", "application": {"name": "mongosh 2.3.1"}}
        self.ok({"isMaster": 1, "helloOk": True, "client": client, "compression": ["none"]}, "admin")
        for command in ({"hello": 1}, {"buildInfo": 1}, {"getParameter": 1, "featureCompatibilityVersion": 1},
                        {"getCmdLineOpts": 1}, {"ping": 1}, {"getLog": "startupWarnings"}, {"connectionStatus": 1},
                        {"listDatabases": 1, "nameOnly": False}, {"getLog": "*"}, {"getLog": "global"}):
            self.ok({**command, "lsid": session, "$readPreference": {"mode": "primaryPreferred"}}, "admin")
        self.fails({"atlasVersion": 1, "lsid": session}, 59, "CommandNotFound", database="admin")
        self.ok({"listCollections": 1, "nameOnly": True, "authorizedCollections": True, "lsid": session})
        self.first_batch({"find": "system.profile", "sort": {"ts": -1}, "limit": 5, "lsid": session})
        self.ok({"endSessions": [session]}, "admin")

    def test_logs(self):
        """S02-093: names; lines of JSON; at most 1024."""
        self.assertEqual(self.ok({"getLog": "*"}, "admin")["names"], ["global", "startupWarnings"])
        reply = self.ok({"getLog": "global"}, "admin")
        self.assertGreaterEqual(reply["totalLinesWritten"], len(reply["log"]))
        self.assertLessEqual(len(reply["log"]), 1024)
        for line in reply["log"]:
            self.assertGreaterEqual(json.loads(line).keys(), {"t", "s", "c", "id", "ctx", "msg"})
        self.fails({"getLog": "none"}, 96, "OperationFailed", database="admin")

    def test_operators_commands(self):
        """S02-099, S02-102, S02-106, S02-108, S13-009: each answers; a message and a rotation show in the log."""
        for command in ({"connPoolStats": 1}, {"dropConnections": 1, "hostAndPort": ["127.0.0.1:1"]},
                        {"setParameter": 1, "quiet": False}, {"profile": -1}, {"killOp": 1, "op": 123456}):
            self.ok(command, "admin")
        self.ok({"logApplicationMessage": "hello of an application"}, "admin")
        harness.wait_until("the message", lambda: [x for x in self.server.log_lines()
                                                   if "hello of an application" in json.dumps(x)])
        self.ok({"logRotate": 1}, "admin")
        rotated = [f for f in os.listdir(self.server.folder) if f.startswith("septetd.log.")]
        self.assertEqual(len(rotated), 1)

    def test_sharding_is_absent(self):
        """S02-119, S02-139: what only a router knows is answered with 59."""
        for name in SHARDING:
            self.fails({name: 1}, 59, "CommandNotFound", f"no such command: '{name}'", "admin")

    def test_sessions(self):
        """S02-043, S02-044, S02-138, S08-001, S08-002: ids of clients, refreshed, ended, killed with cursors."""
        self.insert("c", *({"_id": i} for i in range(5)))
        for kill in ({"killSessions": None}, {"killAllSessions": []}, {"killAllSessionsByPattern": []},
                     {"endSessions": None}):
            with self.subTest(kill=kill):
                session = surface.lsid()
                cursor = self.ok({"find": "c", "batchSize": 1, "lsid": session})["cursor"]["id"]
                self.ok({"refreshSessions": [session]}, "admin")
                name, value = next(iter(kill.items()))
                self.ok({name: [session] if value is None else value}, "admin")
                if name != "endSessions":
                    self.fails({"getMore": cursor, "collection": "c", "lsid": session}, 43, "CursorNotFound")
        for bad in ({"id": 1}, {}, 7):
            self.assertEqual(self.reply({"ping": 1, "lsid": bad})["ok"], 0)


class Operations(surface.OneMember):
    ARGUMENTS = ("--slowms", "40", "--setParameter", "enableTestCommands=1")

    def blocked(self, connection, **fields):
        """A find that holds for a while, on its own connection."""
        self.ok({"configureFailPoint": "failCommand", "mode": {"times": 1},
                 "data": {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 2000}}, "admin")
        connection.send("test", {"find": "c", "comment": "held", **fields})

    def held(self, **filters):
        return [op for op in self.ok({"currentOp": 1, **filters}, "admin")["inprog"]
                if op.get("command", {}).get("comment") == "held"]

    def test_current_op(self):
        """S02-090, S02-127, S04-008, S11-056: the command and the stage, with every field; admin only."""
        other = self.connect()
        other.command("admin", {"hello": 1, "client": {"driver": {"name": "d", "version": "1"},
                                                       "os": {"type": "x"}, "application": {"name": "held"}}})
        self.blocked(other, lsid=surface.lsid())
        op = harness.wait_until("the find is shown", self.held)[0]
        for name, value in (("type", "op"), ("active", True), ("op", "query"), ("ns", "test.c"), ("appName", "held"),
                            ("killPending", None), ("numYields", 0), ("threaded", True),
                            ("isFromUserConnection", True)):
            self.assertEqual(op.get(name), value, name)
        for name in ("host", "desc", "connectionId", "client", "clientMetadata", "currentOpTime", "opid", "lsid",
                     "secs_running", "microsecs_running", "redacted", "command", "locks", "waitingForLock",
                     "lockStats", "waitingForFlowControl", "flowControlStats"):
            self.assertIn(name, op)
        staged = self.first_batch({"aggregate": 1, "cursor": {}, "pipeline": [
            {"$currentOp": {"allUsers": True, "idleConnections": False, "truncateOps": False}},
            {"$match": {"opid": op["opid"]}}]}, "admin")
        self.assertEqual([d["command"]["comment"] for d in staged], ["held"])
        self.assertEqual(self.held(ns="test.none"), [])
        self.assertEqual(len(self.held(appName="held")), 1)
        self.fails({"currentOp": 1}, 13, "Unauthorized", "currentOp may only be run against the admin database.")
        other.receive()

    def test_kill_op(self):
        """S02-091, S02-127, S12-063: what runs is interrupted with 11601."""
        other = self.connect()
        got = {}
        self.insert("many", *({"_id": i} for i in range(3000)))
        command = {"aggregate": "many", "comment": "held", "cursor": {}, "pipeline": [
            {"$lookup": {"from": "many", "pipeline": [{"$match": {"$expr": {"$eq": ["$_id", -1]}}}], "as": "x"}},
            {"$count": "n"}]}
        thread = threading.Thread(target=lambda: got.update(other.reply("test", command)))
        thread.start()
        op = harness.wait_until("the aggregate is shown", self.held)[0]
        self.assertEqual(self.ok({"killOp": 1, "op": op["opid"]}, "admin")["info"], "attempting to kill op")
        thread.join(20)
        self.assertEqual((got["ok"], got["code"], got["codeName"]), (0, 11601, "Interrupted"))
        self.fails({"killOp": 1, "op": 1}, 13, "Unauthorized")

    def test_max_time(self):
        """S01-138, S12-024: maxTimeMS ends what takes longer, with 50."""
        self.insert("long", *({"_id": i} for i in range(3000)))
        self.fails({"aggregate": "long", "maxTimeMS": 20, "cursor": {}, "pipeline": [
            {"$lookup": {"from": "long", "pipeline": [{"$match": {"$expr": {"$eq": ["$_id", -1]}}}], "as": "x"}},
            {"$count": "n"}]}, 50, "MaxTimeMSExpired")

    def test_max_time_over_batches(self):
        """S03-070: what a find or an aggregate may take includes its getMores."""
        self.insert("batches", *({"_id": i} for i in range(3000)))
        cursor = self.ok({"aggregate": "batches", "maxTimeMS": 50, "cursor": {"batchSize": 0}, "pipeline": [
            {"$lookup": {"from": "batches", "pipeline": [{"$match": {"$expr": {"$eq": ["$_id", -1]}}}], "as": "x"}},
            {"$count": "n"}]})["cursor"]["id"]
        self.fails({"getMore": cursor, "collection": "batches"}, 50, "MaxTimeMSExpired")

    def test_profile(self):
        """S02-092, S11-025, S11-053, S11-055: levels, slowms, sampleRate, filter; what an entry tells."""
        reply = self.ok({"profile": -1}, "profiled")
        self.assertEqual((reply["was"], reply["slowms"], reply["sampleRate"]), (0, 40, 1.0))
        self.ok({"profile": 2, "slowms": 50, "sampleRate": 1.0}, "profiled")
        self.insert("c", {"_id": 1, "a": 1}, {"_id": 2, "a": 2}, database="profiled")
        self.first_batch({"find": "c", "filter": {"a": 1}, "comment": "x"}, "profiled")
        reply = self.ok({"profile": 0}, "profiled")
        self.assertEqual((reply["was"], reply["slowms"]), (2, 50))
        entry = harness.wait_until("the find's entry", lambda: self.first_batch(
            {"find": "system.profile", "filter": {"op": "query", "ns": "profiled.c"}}, "profiled"))[0]
        for name, value in (("planSummary", "COLLSCAN"), ("docsExamined", 2), ("keysExamined", 0), ("nreturned", 1),
                            ("cursorExhausted", True), ("protocol", "op_msg")):
            self.assertEqual(entry.get(name), value, name)
        for name in ("command", "numYield", "locks", "responseLength", "millis", "ts", "client", "allUsers", "user"):
            self.assertIn(name, entry)
        reply = self.ok({"profile": 1, "filter": {"ns": "profiled.other"}}, "profiled")
        self.assertEqual(self.ok({"profile": 0, "filter": "unset"}, "profiled")["filter"], {"ns": "profiled.other"})

    def test_slow_log(self):
        """S11-053, S11-054: at slowms and above one line with the operation's figures."""
        self.insert("slow", *({"_id": i, "a": i} for i in range(10)))
        self.ok({"configureFailPoint": "failCommand", "mode": {"times": 1},
                 "data": {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 60}}, "admin")
        self.first_batch({"find": "slow", "filter": {"a": {"$gt": 5}}, "comment": "slow one"})

        def line():
            return [x["attr"] for x in self.server.log_lines()
                    if x["msg"] == "Slow query" and x["attr"]["command"].get("comment") == "slow one"]
        attr = harness.wait_until("the line", line)[0]
        for name, value in (("type", "command"), ("ns", "test.slow"), ("planSummary", "COLLSCAN"),
                            ("docsExamined", 10), ("keysExamined", 0), ("nreturned", 4), ("cursorExhausted", True),
                            ("isFromUserConnection", True), ("protocol", "op_msg")):
            self.assertEqual(attr.get(name), value, name)
        self.assertGreaterEqual(attr["durationMillis"], 60)
        for name in ("command", "numYields", "reslen", "remote"):
            self.assertIn(name, attr)

    def test_server_status(self):
        """S02-089, S11-068, S11-069, S11-071..S11-074, S11-076, S11-078, S11-079: fields that tools read."""
        reply = self.ok({"serverStatus": 1}, "admin")
        for section, fields in SECTIONS.items():
            place = reply[section] if section else reply
            for field in fields:
                with self.subTest(section=section, field=field):
                    self.assertIn(field, place)
        self.assertEqual(reply["process"], "mongod")
        self.assertIsInstance(reply["pid"], Int64)
        self.assertEqual(reply["globalLock"]["currentQueue"].keys(), {"total", "readers", "writers"})
        self.assertEqual(reply["globalLock"]["activeClients"].keys(), {"total", "readers", "writers"})
        for name in ("snappy", "zstd", "zlib"):
            for side in ("compressor", "decompressor"):
                self.assertEqual(reply["network"]["compression"][name][side].keys(), {"bytesIn", "bytesOut"})
        for kind in ("reads", "writes", "commands", "transactions"):
            self.assertEqual(reply["opLatencies"][kind].keys() & {"latency", "ops"}, {"latency", "ops"})

    def test_server_status_counts(self):
        """S02-089, S11-069, S11-071: figures that move, and sections that can be left out."""
        before = self.ok({"serverStatus": 1}, "admin")
        self.insert("counted", {"_id": 1}, {"_id": 2})
        self.first_batch({"find": "counted"})
        self.ok({"update": "counted", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})
        self.ok({"delete": "counted", "deletes": [{"q": {"_id": 2}, "limit": 1}]})
        other = self.connect()
        other.command("admin", {"ping": 1})
        after = self.ok({"serverStatus": 1, "metrics": 0, "repl": 0}, "admin")
        moved = {k: after["opcounters"][k] - before["opcounters"][k] for k in ("insert", "query", "update", "delete")}
        self.assertEqual(moved, {"insert": 2, "query": 1, "update": 1, "delete": 1})
        self.assertGreaterEqual(after["opcounters"]["command"] - before["opcounters"]["command"], 2)
        self.assertEqual(after["connections"]["totalCreated"] - before["connections"]["totalCreated"], 1)
        self.assertGreater(after["network"]["numRequests"], before["network"]["numRequests"] + 4)
        self.assertGreater(after["network"]["bytesIn"], before["network"]["bytesIn"])
        for section in ("metrics", "repl"):
            self.assertIn(section, before)
            self.assertNotIn(section, after)

    def test_fsync(self):
        """S02-105: writes wait while it is locked; unlocking twice is refused with 20."""
        self.assertEqual(self.ok({"fsync": 1, "lock": True}, "admin")["lockCount"], 1)
        other = self.connect()
        other.send("test", {"insert": "locked", "documents": [{"_id": 1}]})
        self.assertEqual(self.ok({"count": "locked"})["n"], 0)
        self.assertEqual(self.ok({"fsyncUnlock": 1}, "admin")["lockCount"], 0)
        self.assertEqual(other.receive()["n"], 1)
        self.fails({"fsyncUnlock": 1}, 20, "IllegalOperation", "fsyncUnlock called when not locked", "admin")

    def test_fail_points(self):
        """S02-114, S02-115, S02-147: what driver suites set before their tests."""
        fail = {"configureFailPoint": "failCommand", "mode": {"times": 2},
                "data": {"failCommands": ["insert"], "errorCode": 91, "errorLabels": ["Own"]}}
        self.ok(fail, "admin")
        for _ in range(2):
            reply = self.fails({"insert": "f", "documents": [{}]}, 91, "ShutdownInProgress")
            self.assertEqual(reply["errorLabels"], ["Own"])
        self.insert("f", {})
        self.ok({**fail, "mode": "alwaysOn", "data": {"failCommands": ["ping"], "closeConnection": True}}, "admin")
        with wire.Connection(self.server.address) as other:
            with self.assertRaises(OSError):
                other.command("admin", {"ping": 1})
        self.assertEqual(self.ok({"configureFailPoint": "failCommand", "mode": "off"}, "admin")["ok"], 1)
        self.ok({"killAllSessions": []}, "admin")


if __name__ == "__main__":
    harness.main()
