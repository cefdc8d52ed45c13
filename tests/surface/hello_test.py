#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hello and its older names: what a client sends, and each field of the reply with its BSON type.

Expected values: the manual's page of hello, the drivers' specifications of server discovery, handshake and
wire version.
"""
import datetime
import signal
import struct
import tempfile
import time
import unittest

import bson
from bson import Int64, ObjectId, Timestamp

import surface
from surface import harness, wire

ALWAYS = {  # field: BSON type as the driver reads it
    "topologyVersion": dict, "maxBsonObjectSize": int, "maxMessageSizeBytes": int, "maxWriteBatchSize": int,
    "localTime": datetime.datetime, "logicalSessionTimeoutMinutes": int, "connectionId": int,
    "minWireVersion": int, "maxWireVersion": int, "readOnly": bool, "ok": float,
}
OF_A_SET = {"hosts": list, "setName": str, "setVersion": int, "secondary": bool, "me": str, "lastWrite": dict,
            "$clusterTime": dict, "operationTime": Timestamp}
OF_PRIMARY = {"primary": str, "electionId": ObjectId}
FOREIGN = ("msg", "serviceId", "iscryptd", "configsvr", "automationServiceDescriptor")


class Fields(surface.OneMember):
    MEMBERS = {0: {"tags": {"dc": "east", "rack": "7"}}}

    def has(self, reply, fields):
        for name, kind in fields.items():
            self.assertIn(name, reply)
            self.assertIs(type(reply[name]), kind, name)

    def test_types(self):
        """S00-002, S01-088, S01-090, S01-092, S01-093, S01-113: every field there, with its type."""
        reply = self.ok({"hello": 1})
        self.has(reply, {**ALWAYS, **OF_A_SET, **OF_PRIMARY, "isWritablePrimary": bool})
        self.assertIs(reply["readOnly"], False)
        self.assertLess(abs(datetime.datetime.utcnow() - reply["localTime"]), datetime.timedelta(seconds=5))
        self.assertEqual(reply["ok"], 1.0)

    def test_limits_and_versions(self):
        """S00-001, S00-003, S01-087, S01-089, S01-091: the numbers drivers compute with."""
        reply = self.ok({"hello": 1})
        self.assertEqual([reply[k] for k in ("maxBsonObjectSize", "maxMessageSizeBytes", "maxWriteBatchSize",
                                             "logicalSessionTimeoutMinutes", "minWireVersion",
                                             "maxWireVersion")],
                         [16777216, 48000000, 100000, 30, 0, 21])
        build = self.ok({"buildInfo": 1})
        self.assertRegex(build["version"], r"^7\.0\.\d+$")
        self.assertEqual(build["versionArray"][:2], [7, 0])
        self.assertEqual(".".join(str(n) for n in build["versionArray"][:3]), build["version"])

    def test_names(self):
        """S01-074, S01-085, S01-094, S02-049: one of the two names of "writable", helloOk only when asked."""
        for command, shown, hidden in (("hello", "isWritablePrimary", "ismaster"),
                                       ("isMaster", "ismaster", "isWritablePrimary"),
                                       ("ismaster", "ismaster", "isWritablePrimary")):
            with self.subTest(command=command):
                reply = self.ok({command: 1})
                self.assertIs(reply[shown], True)
                self.assertNotIn(hidden, reply)
                self.assertIs(self.connect().reply("admin", {command: 1, "helloOk": True})["helloOk"], True)
                self.assertNotIn("helloOk", self.connect().reply("admin", {command: 1}))

    def test_words_by_hello_ok(self):
        """S01-049, S01-074: a client that said helloOk is told of primaries, another of masters."""
        with harness.ReplicaSet(1, initiate=False) as ghost:
            for asked, word in ((True, "not primary"), (False, "not master")):
                with wire.Connection(ghost.servers[0].address) as connection:
                    hello = {"isMaster": 1, **({"helloOk": True} if asked else {})}
                    connection.command("admin", hello)
                    reply = connection.reply("test", {"insert": "c", "documents": [{}]})
                    self.assertEqual(reply["code"], 10107, reply)
                    self.assertIn(word, reply["errmsg"])

    def test_identity(self):
        """S01-098, S01-099, S01-101, S01-102, S01-103, S01-107: names, version, tags as in the config."""
        reply = self.ok({"hello": 1})
        config = self.ok({"replSetGetConfig": 1}, "admin")["config"]
        address = self.server.address
        self.assertEqual([reply[k] for k in ("setName", "setVersion", "hosts", "primary", "me", "secondary")],
                         [config["_id"], config["version"], [address], address, address, False])
        self.assertEqual(reply["tags"], {"dc": "east", "rack": "7"})

    def test_election_id(self):
        """S01-104: 7fffffff, then the term, big-endian."""
        term = self.ok({"replSetGetStatus": 1}, "admin")["term"]
        self.assertEqual(self.ok({"hello": 1})["electionId"].binary, struct.pack(">IQ", 0x7fffffff, term))

    def test_last_write(self):
        """S01-105: optimes and dates of the last write and of the last that a majority has."""
        self.insert(surface.fresh(), {"_id": 1})
        last = self.ok({"hello": 1})["lastWrite"]
        self.has(last, {"opTime": dict, "lastWriteDate": datetime.datetime, "majorityOpTime": dict,
                        "majorityWriteDate": datetime.datetime})
        for name in ("opTime", "majorityOpTime"):
            self.has(last[name], {"ts": Timestamp, "t": Int64})
        self.assertEqual(last["opTime"]["ts"].time,
                         int((last["lastWriteDate"] - datetime.datetime(1970, 1, 1)).total_seconds()))

    def test_topology_version(self):
        """S01-086: the process by an ObjectId, and a counter that a reconfig moves."""
        before = self.ok({"hello": 1})["topologyVersion"]
        self.has(before, {"processId": ObjectId, "counter": Int64})
        config = self.ok({"replSetGetConfig": 1}, "admin")["config"]
        config["version"] += 1
        harness.wait_until("reconfig", lambda: self.reply({"replSetReconfig": config}, "admin")["ok"] == 1)
        after = self.ok({"hello": 1})["topologyVersion"]
        self.assertEqual(after["processId"], before["processId"])
        self.assertGreater(after["counter"], before["counter"])

    def test_awaitable(self):
        """S01-079: waits while nothing changes, answers at once to another process's version."""
        version = self.ok({"hello": 1})["topologyVersion"]
        begin = time.monotonic()
        self.ok({"hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 300})
        self.assertGreaterEqual(time.monotonic() - begin, 0.29)
        begin = time.monotonic()
        self.ok({"hello": 1, "topologyVersion": {"processId": ObjectId(), "counter": Int64(0)},
                 "maxAwaitTimeMS": 20000})
        self.assertLess(time.monotonic() - begin, 10)
        self.fails({"hello": 1, "topologyVersion": version}, 31368)
        self.fails({"hello": 1, "maxAwaitTimeMS": 100}, 31368)
        self.fails({"hello": 1, "topologyVersion": version, "maxAwaitTimeMS": -1}, 31373)

    def test_compression(self):
        """S01-033, S01-076, S01-095: what both know, in the server's order; nothing in common: nothing."""
        for asked, given in ((["zlib", "zstd", "snappy"], ["snappy", "zstd", "zlib"]), (["zlib"], ["zlib"]),
                             (["zlib", "lz77"], ["zlib"])):
            reply = self.connect().reply("admin", {"hello": 1, "compression": asked})
            self.assertEqual(reply["compression"], given)
        for asked in ({"compression": ["lz77"]}, {"compression": []}, {}):
            reply = self.connect().reply("admin", {"hello": 1, **asked})
            self.assertFalse(reply.get("compression"), reply)

    def test_client_metadata(self):
        """S01-057, S01-075, S12-055: sizes of the client document; driver and os needed; sent once."""
        driver = {"name": "d", "version": "1"}
        system = {"type": "Linux"}

        def hello(client):
            return self.connect().reply("admin", {"hello": 1, "client": client})
        good = {"driver": driver, "os": system, "application": {"name": "n" * 128}}
        self.assertEqual(hello(good)["ok"], 1)
        self.assertEqual(hello({**good, "env": {"name": "aws.lambda"}, "platform": "p"})["ok"], 1)
        for client, code, name in (
                ({"os": system}, 183, "ClientMetadataMissingField"),
                ({"driver": driver}, 183, "ClientMetadataMissingField"),
                ({**good, "application": {"name": "n" * 129}}, 184, "ClientMetadataAppNameTooLarge"),
                ({**good, "platform": "p" * 512}, 185, "ClientMetadataDocumentTooLarge")):
            reply = hello(client)
            self.assertEqual((reply["ok"], reply.get("code"), reply.get("codeName")), (0, code, name), reply)
        self.ok({"hello": 1, "client": good})
        self.fails({"hello": 1, "client": good}, 186, "ClientMetadataCannotBeMutated")

    def test_metadata_is_shown(self):
        """S01-075: currentOp tells whose connection it is."""
        self.ok({"hello": 1, "client": {"driver": {"name": "tester", "version": "1"}, "os": {"type": "Linux"},
                                        "application": {"name": "shown"}}})
        operations = self.ok({"currentOp": 1, "$ownOps": True}, "admin")["inprog"]
        mine = [op for op in operations if op.get("appName") == "shown"]
        self.assertTrue(mine, operations)
        self.assertEqual(mine[0]["clientMetadata"]["driver"], {"name": "tester", "version": "1"})

    def test_unknown_fields(self):
        """S01-081, S01-109: fields of later drivers are passed over; nothing of a mongos is ever said."""
        reply = self.ok({"hello": 1, "backpressure": "2", "somethingOf2030": {"a": 1}, "forShell": True,
                         "hostInfo": "a:1", "internalClient": {"minWireVersion": 0, "maxWireVersion": 21}})
        for name in FOREIGN:
            self.assertNotIn(name, reply)

    def test_authentication_of_unknown_users(self):
        """Of a user that does not exist, and a first step that fails, nothing is said."""
        reply = self.ok({"hello": 1, "saslSupportedMechs": "admin.nobody"})
        self.assertNotIn("saslSupportedMechs", reply)
        reply = self.ok({"hello": 1, "speculativeAuthenticate": {
            "saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": b"n,,n=nobody,r=abc", "db": "admin"}})
        self.assertNotIn("speculativeAuthenticate", reply)

    def test_cluster_time(self):
        """S01-111, S01-129, S01-130: unsigned, as long as nobody logs in."""
        reply = self.ok({"hello": 1})
        self.assertEqual(reply["$clusterTime"]["signature"], {"hash": bytes(20), "keyId": 0})
        self.assertIsInstance(reply["$clusterTime"]["signature"]["keyId"], Int64)
        self.assertGreaterEqual(reply["$clusterTime"]["clusterTime"], reply["operationTime"])


class OtherMembers(unittest.TestCase):
    def test_roles(self):
        """S01-100, S01-103, S01-106: passives, a hidden and delayed member, and what each says of itself."""
        members = {1: {"priority": 0}, 2: {"priority": 0, "hidden": True, "secondaryDelaySecs": Int64(1)}}
        with harness.ReplicaSet(3, members=members) as replicas:
            addresses = [s.address for s in replicas.servers]
            hellos = [s.hello() for s in replicas.servers]
            for hello in hellos:
                self.assertEqual(hello["hosts"], addresses[:1])
                self.assertEqual(hello["passives"], addresses[1:2])
                self.assertNotIn("arbiters", hello)
                self.assertEqual(hello["primary"], addresses[0])
            self.assertEqual([h["me"] for h in hellos], addresses)
            self.assertEqual([(h["isWritablePrimary"], h["secondary"]) for h in hellos],
                             [(True, False), (False, True), (False, True)])
            self.assertEqual(["electionId" in h for h in hellos], [True, False, False])
            self.assertEqual([h.get("passive") for h in hellos], [None, True, True])
            self.assertEqual([h.get("hidden") for h in hellos], [None, None, True])
            self.assertEqual([h.get("secondaryDelaySecs") for h in hellos], [None, None, 1])
            for hello in hellos:
                for name in ("arbiterOnly", "buildIndexes", "tags"):
                    self.assertNotIn(name, hello)

    def test_quiesce(self):
        """S01-112, S01-115, S12-034: a member that stops says so, and for how long it still answers."""
        with harness.ReplicaSet(2, arguments=("--setParameter", "enableTestCommands=1")) as replicas:
            server = replicas.servers[0]
            server.admin({"configureFailPoint": "failCommand", "mode": {"times": 1},
                          "data": {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 1500}})
            before = server.hello()["topologyVersion"]
            with wire.Connection(server.address) as busy, wire.Connection(server.address) as waiting:
                waiting.send("admin", {"hello": 1, "topologyVersion": before, "maxAwaitTimeMS": 20000})
                busy.send("test", {"find": "c"})
                harness.wait_until("the find runs", lambda: [op for op in server.admin({"currentOp": 1})["inprog"]
                                                             if "find" in op.get("command", {})])
                server.process.send_signal(signal.SIGTERM)
                reply = waiting.receive()
                while reply["ok"] == 1:  # it steps down first
                    reply = waiting.reply("admin", {"hello": 1, "topologyVersion": reply["topologyVersion"],
                                                    "maxAwaitTimeMS": 20000})
                self.assertEqual((reply["code"], reply["codeName"]), (91, "ShutdownInProgress"))
                self.assertEqual(reply["topologyVersion"]["processId"], before["processId"])
                self.assertGreater(reply["topologyVersion"]["counter"], before["counter"])
                self.assertIsInstance(reply["remainingQuiesceTimeMillis"], Int64)
                self.assertTrue(0 < reply["remainingQuiesceTimeMillis"] <= 15000, reply)
            self.assertEqual(server.process.wait(20), 0)

    def test_before_initiate(self):
        """S01-108: a member of a set that nobody has initiated."""
        with harness.ReplicaSet(1, initiate=False) as replicas:
            hello = replicas.servers[0].hello()
            self.assertEqual((hello["isreplicaset"], hello["isWritablePrimary"], hello["secondary"]),
                             (True, False, False))
            self.assertEqual(hello["info"], "Does not have a valid replica set config")
            for name in ("setName", "hosts", "primary", "me", "electionId"):
                self.assertNotIn(name, hello)

    def test_standalone(self):
        """S01-085, S01-111, S01-129: writable, and nothing of a set; no cluster time."""
        with tempfile.TemporaryDirectory(prefix="septet-") as folder:
            server = harness.Server(folder, 0).start()
            self.addCleanup(server.kill)
            hello = server.hello()
            self.assertIs(hello["isWritablePrimary"], True)
            for name in [*OF_A_SET, *OF_PRIMARY, "isreplicaset", *FOREIGN]:
                self.assertNotIn(name, hello)
            self.assertEqual(bson.Int64(hello["topologyVersion"]["counter"]), 0)


if __name__ == "__main__":
    harness.main()
