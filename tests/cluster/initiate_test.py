#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A set's first minutes: before rs.initiate, the initiate itself, and what hello, status and config show.

Expected values: the manual's pages of replSetInitiate, hello and replSetGetStatus (S01 1.6, S08-050..055).
"""
import datetime
import os
import shutil
import tempfile
import unittest

from bson import ObjectId, Timestamp
from bson.int64 import Int64

import harness
import wire

STATUS_FIELDS = {
    "set": str, "date": datetime.datetime, "myState": int, "term": Int64, "syncSourceHost": str,
    "syncSourceId": int, "heartbeatIntervalMillis": Int64, "majorityVoteCount": int,
    "writeMajorityCount": int, "votingMembersCount": int, "writableVotingMembersCount": int,
    "optimes": dict, "members": list}
OPTIMES_FIELDS = ("lastCommittedOpTime", "lastCommittedWallTime", "readConcernMajorityOpTime",
                  "appliedOpTime", "durableOpTime", "lastAppliedWallTime", "lastDurableWallTime")
MEMBER_FIELDS = ("_id", "name", "health", "state", "stateStr", "uptime", "optime", "optimeDate",
                 "lastAppliedWallTime", "lastDurableWallTime", "syncSourceHost", "syncSourceId",
                 "configVersion", "configTerm", "lastHeartbeatMessage")
OTHER_FIELDS = ("optimeDurable", "optimeDurableDate", "lastHeartbeat", "lastHeartbeatRecv", "pingMs")
CONFIG_FIELDS = ["_id", "version", "term", "members", "protocolVersion",
                 "writeConcernMajorityJournalDefault", "settings"]
CONFIG_MEMBER_FIELDS = ["_id", "host", "arbiterOnly", "buildIndexes", "hidden", "priority", "tags",
                        "secondaryDelaySecs", "votes"]


# Memory if there is any to mount: the sooner the server listens, the more comes early.
FAST_DISK = "/dev/shm" if os.path.isdir("/dev/shm") else None


class JustStarted(unittest.TestCase):
    def test_commands_that_come_while_the_server_starts(self):
        """Whoever connects first is served; the process used to crash under an early replSetInitiate."""
        for number in range(10):
            folder = tempfile.mkdtemp(prefix="septet-", dir=FAST_DISK)
            self.addCleanup(shutil.rmtree, folder)
            server = harness.Server(folder, number, set_name=harness.SET_NAME)
            self.addCleanup(server.kill)
            server.launch()
            member = {"_id": 0, "host": server.address}
            harness.wait_until("an answer", lambda s=server, m=member: s.admin(
                {"replSetInitiate": {"_id": harness.SET_NAME, "members": [m]}}), interval=0)
            harness.wait_until("primary", lambda s=server: s.hello()["isWritablePrimary"])
            self.assertEqual(server.stop(), 0)


class NotInitiated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(2, initiate=False)
        cls.addClassCleanup(cls.set.close)
        cls.server = cls.set.servers[0]

    def fails(self, command, code, text=None):
        reply = self.server.reply("admin", command)
        self.assertEqual((reply["ok"], reply.get("code")), (0, code), reply)
        if text:
            self.assertIn(text, reply["errmsg"])

    def test_hello_says_that_it_waits_for_a_configuration(self):
        """S01-108."""
        hello = self.server.hello()
        self.assertFalse(hello["isWritablePrimary"])
        self.assertFalse(hello["secondary"])
        self.assertTrue(hello["isreplicaset"])
        self.assertNotIn("setName", hello)
        self.assertNotIn("hosts", hello)
        self.assertIsInstance(hello["topologyVersion"]["processId"], ObjectId)

    def test_status_and_config_are_refused(self):
        """S02-076, S02-077, S12-036."""
        self.fails({"replSetGetStatus": 1}, 94, "no replset config has been received")
        self.fails({"replSetGetConfig": 1}, 94)

    def test_writes_are_refused(self):
        """S01-145."""
        reply = self.server.reply("test", {"insert": "c", "documents": [{"_id": 1}]})
        self.assertEqual((reply["ok"], reply["code"]), (0, 10107), reply)

    def test_wrong_configurations_are_refused(self):
        """S02-074, S08-052, S12-035."""
        other = {"_id": "another", "members": [{"_id": 0, "host": self.server.address}]}
        self.fails({"replSetInitiate": other}, 93, "command line reports my_project")
        absent = {"_id": harness.SET_NAME,
                  "members": [{"_id": 0, "host": self.set.servers[1].address}]}
        self.fails({"replSetInitiate": absent}, 93)
        twice = {"_id": harness.SET_NAME, "members": [{"_id": 0, "host": self.server.address},
                                                      {"_id": 0, "host": self.set.servers[1].address}]}
        self.fails({"replSetInitiate": twice}, 93, "same _id field")
        unknown = {"_id": harness.SET_NAME,
                   "members": [{"_id": 0, "host": self.server.address, "colour": "red"}]}
        self.fails({"replSetInitiate": unknown}, 93)


class Initiated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(3, initiate=False)
        cls.addClassCleanup(cls.set.close)
        cls.reply = cls.set.initiate()
        cls.primary = cls.set.wait_healthy()
        cls.primary.command("test", {"insert": "c", "documents": [{"_id": 1}],
                                     "writeConcern": {"w": 3, "wtimeout": 10000}})
        cls.hosts = [s.address for s in cls.set.servers]

    def test_initiate_answered_ok(self):
        """S02-074."""
        self.assertEqual(self.reply["ok"], 1)

    def test_second_initiate_is_refused(self):
        """S02-074, S12-014."""
        reply = self.primary.reply("admin", {"replSetInitiate": self.set.config_document()})
        self.assertEqual((reply["ok"], reply["code"]), (0, 23), reply)

    def test_hello_of_the_primary(self):
        hello = self.primary.hello()
        self.assertTrue(hello["isWritablePrimary"])
        self.assertFalse(hello["secondary"])
        self.assertEqual(hello["setName"], harness.SET_NAME)
        self.assertEqual(sorted(hello["hosts"]), sorted(self.hosts))
        self.assertEqual(hello["me"], self.primary.address)
        self.assertEqual(hello["primary"], self.primary.address)
        self.assertIsInstance(hello["electionId"], ObjectId)
        self.assertGreaterEqual(hello["setVersion"], 1)
        self.assertIsInstance(hello["lastWrite"]["opTime"]["ts"], Timestamp)
        self.assertIn("majorityOpTime", hello["lastWrite"])
        self.assertEqual(hello["maxBsonObjectSize"], 16777216)
        self.assertEqual(hello["maxMessageSizeBytes"], 48000000)
        self.assertEqual(hello["maxWriteBatchSize"], 100000)
        self.assertEqual(hello["logicalSessionTimeoutMinutes"], 30)
        self.assertGreaterEqual(hello["maxWireVersion"], 17)
        self.assertIn("clusterTime", hello["$clusterTime"])
        self.assertIsInstance(hello["operationTime"], Timestamp)

    def test_hello_of_a_secondary(self):
        secondary = next(s for s in self.set.servers if s is not self.primary)
        hello = secondary.hello()
        self.assertFalse(hello["isWritablePrimary"])
        self.assertTrue(hello["secondary"])
        self.assertEqual(hello["primary"], self.primary.address)
        self.assertEqual(hello["me"], secondary.address)
        self.assertNotIn("electionId", hello)

    def test_is_master_uses_the_old_names(self):
        reply = self.primary.admin({"isMaster": 1})
        self.assertTrue(reply["ismaster"])
        self.assertEqual(reply["setName"], harness.SET_NAME)

    def test_status(self):
        """S02-077, S08-053, S08-054, S08-055, S13-003."""
        for server in self.set.servers:
            status = self.set.status(server)
            for name, kind in STATUS_FIELDS.items():
                self.assertIn(name, status)
                self.assertIsInstance(status[name], kind, name)
            self.assertEqual(status["set"], harness.SET_NAME)
            self.assertEqual(status["myState"], 1 if server is self.primary else 2)
            self.assertEqual((status["majorityVoteCount"], status["writeMajorityCount"],
                              status["votingMembersCount"], status["writableVotingMembersCount"]),
                             (2, 2, 3, 3))
            self.assertEqual(status["heartbeatIntervalMillis"], 2000)
            for name in OPTIMES_FIELDS:
                self.assertIn(name, status["optimes"])
            self.check_members(server, status["members"])
            self.assertIn("$clusterTime", status)
            self.assertIn("operationTime", status)

    def check_members(self, server, members):
        self.assertEqual([m["_id"] for m in members], [0, 1, 2])
        self.assertEqual([m["name"] for m in members], self.hosts)
        for member in members:
            for name in MEMBER_FIELDS:
                self.assertIn(name, member)
            own = member["name"] == server.address
            self.assertEqual(member.get("self", False), own)
            for name in OTHER_FIELDS:
                self.assertEqual(name in member, not own, f"{name} in {member}")
            is_primary = member["name"] == self.primary.address
            self.assertEqual(member["stateStr"], "PRIMARY" if is_primary else "SECONDARY")
            self.assertEqual(member["state"], 1 if is_primary else 2)
            self.assertEqual(member["health"], 1)
            if is_primary:
                self.assertIsInstance(member["electionTime"], Timestamp)
                self.assertIsInstance(member["electionDate"], datetime.datetime)

    def test_secondaries_follow_somebody(self):
        """S08-053."""
        for server in self.set.servers:
            status = self.set.status(server)
            if server is self.primary:
                self.assertEqual((status["syncSourceHost"], status["syncSourceId"]), ("", -1))
                self.assertIn("lastElectionReason", status["electionCandidateMetrics"])
            else:
                harness.wait_until("a sync source", lambda s=server: self.set.status(s)["syncSourceHost"])

    def test_config_shows_every_default(self):
        """S02-076, S08-050, S08-051."""
        config = self.primary.admin({"replSetGetConfig": 1})["config"]
        self.assertEqual(sorted(config), sorted(CONFIG_FIELDS))
        self.assertEqual(config["_id"], harness.SET_NAME)
        self.assertEqual(config["version"], 1)
        self.assertEqual(config["term"], 1)
        for member, host in zip(config["members"], self.hosts):
            self.assertEqual(list(member), CONFIG_MEMBER_FIELDS)
            self.assertEqual(member["host"], host)
            self.assertEqual((member["votes"], member["priority"], member["hidden"],
                              member["secondaryDelaySecs"]), (1, 1, False, 0))
        settings = config["settings"]
        self.assertEqual(
            {k: settings[k] for k in settings if k != "replicaSetId"},
            {"chainingAllowed": True, "heartbeatIntervalMillis": 2000, "heartbeatTimeoutSecs": 10,
             "electionTimeoutMillis": 10000, "catchUpTimeoutMillis": -1,
             "catchUpTakeoverDelayMillis": 30000, "getLastErrorModes": {},
             "getLastErrorDefaults": {"w": 1, "wtimeout": 0}})
        self.assertIsInstance(settings["replicaSetId"], ObjectId)

    def test_config_is_the_document_of_system_replset(self):
        """S07-032."""
        shown = self.primary.admin({"replSetGetConfig": 1})["config"]
        stored = self.primary.command("local", {"find": "system.replset"})["cursor"]["firstBatch"]
        self.assertEqual([d["_id"] for d in stored], [harness.SET_NAME])
        self.assertEqual(stored[0]["members"], shown["members"])

    def test_every_member_has_the_same_data(self):
        self.set.wait_equal()
        self.set.validate()

    def test_awaitable_hello_waits_and_answers(self):
        """S01-079."""
        hello = self.primary.hello()
        with wire.Connection(self.primary.address) as connection:
            same = connection.command("admin", {"hello": 1, "topologyVersion": hello["topologyVersion"],
                                                "maxAwaitTimeMS": 200})
        self.assertEqual(same["topologyVersion"], hello["topologyVersion"])


if __name__ == "__main__":
    harness.main()
