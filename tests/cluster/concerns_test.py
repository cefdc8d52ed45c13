#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write concerns, read concerns and read preferences against three members (S08-027..049)."""
import threading
import time
import unittest

from bson import Timestamp

import harness
import wire


class Concerns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        def tags(number):
            return {"tags": {"dc": "east" if number < 2 else "west", "rack": str(number)}}
        cls.set = harness.ReplicaSet(
            3, members={i: tags(i) for i in range(3)},
            settings={"electionTimeoutMillis": 20000, "heartbeatTimeoutSecs": 20,
                      "getLastErrorModes": {"twoPlaces": {"dc": 2}, "threeRacks": {"rack": 3}}})
        cls.addClassCleanup(cls.set.close)
        cls.primary = cls.set.wait_healthy()
        cls.secondaries = [s for s in cls.set.servers if s is not cls.primary]
        cls.next_id = 0

    def insert(self, concern, server=None, **fields):
        type(self).next_id += 1
        command = {"insert": "c", "documents": [{"_id": self.next_id}], **fields}
        if concern is not None:
            command["writeConcern"] = concern
        return (server or self.primary).reply("test", command)

    def acknowledged(self, concern):
        reply = self.insert(concern)
        self.assertEqual((reply["ok"], reply["n"]), (1, 1), reply)
        self.assertNotIn("writeConcernError", reply)

    def find(self, server, level=None, key=None, **fields):
        command = {"find": "c", "filter": {"_id": self.next_id if key is None else key}, **fields}
        if level:
            command["readConcern"] = {"level": level}
        return server.reply("test", command)

    def found(self, server, level=None, key=None, **fields):
        reply = self.find(server, level, key, **fields)
        self.assertEqual(reply["ok"], 1, reply)
        return len(reply["cursor"]["firstBatch"]) == 1

    def test_write_concerns_that_can_be_satisfied(self):
        """S08-035, S08-036, S08-037, S08-039: numbers, majority, named modes, j."""
        for concern in (None, {"w": 1}, {"w": 2}, {"w": 3}, {"w": "majority"}, {"w": 1, "j": True},
                        {"w": 3, "j": True, "wtimeout": 20000}, {"w": "twoPlaces", "wtimeout": 20000},
                        {"w": "threeRacks", "wtimeout": 20000}, {"j": True}, {}):
            with self.subTest(concern=concern):
                self.acknowledged(concern)

    def test_acknowledged_by_all_means_readable_everywhere(self):
        for _ in range(20):
            self.acknowledged({"w": 3})
            for server in self.secondaries:
                self.assertTrue(self.found(server, **{"$readPreference": {"mode": "secondary"}}))

    def test_unacknowledged(self):
        """S01-024, S01-030, S08-034: with moreToCome no reply at all, without it a short one."""
        type(self).next_id += 1
        with wire.Connection(self.primary.address) as connection:
            connection.send("test", {"insert": "c", "documents": [{"_id": self.next_id}],
                                     "writeConcern": {"w": 0}}, wire.MORE_TO_COME)
            self.assertEqual(connection.command("admin", {"ping": 1})["ok"], 1)
        self.assertTrue(harness.wait_until("the document", lambda: self.found(self.primary)))
        self.assertEqual(self.insert({"w": 0})["ok"], 1)

    def test_unsatisfiable(self):
        """S01-119, S08-035, S08-037, S12-031, S12-039: the write stands, the concern is told."""
        for concern, code in (({"w": 4}, 100), ({"w": "nowhere"}, 79)):
            reply = self.insert(concern)
            self.assertEqual((reply["ok"], reply["n"]), (1, 1), reply)
            self.assertEqual(reply["writeConcernError"]["code"], code, reply)
            self.assertTrue(self.found(self.primary))
        self.assertEqual(self.insert({"w": 4})["writeConcernError"]["errmsg"],
                         "Not enough data-bearing nodes")
        self.assertIn("No write concern mode named 'nowhere' found in replica set configuration",
                      self.insert({"w": "nowhere"})["writeConcernError"]["errmsg"])

    def test_invalid(self):
        """S08-041."""
        for concern, code in (({"w": 51}, 9), ({"w": -1}, 9), ({"x": 1}, 9),
                              (7, 14)):
            with self.subTest(concern=concern):
                reply = self.insert(concern)
                self.assertEqual((reply["ok"], reply.get("code")), (0, code), reply)

    def test_timeout_keeps_the_write(self):
        """S01-119, S08-040, S12-026."""
        self.secondaries[0].pause()
        try:
            self.acknowledged({"w": 2, "wtimeout": 10000})
            self.acknowledged({"w": "majority", "wtimeout": 10000})
            began = time.monotonic()
            reply = self.insert({"w": 3, "wtimeout": 300})
            self.assertGreaterEqual(time.monotonic() - began, 0.29)
            error = reply["writeConcernError"]
            self.assertEqual((reply["n"], error["code"], error["codeName"]), (1, 64, "WriteConcernFailed"))
            self.assertTrue(error["errInfo"]["wtimeout"])
            self.assertEqual(error["errInfo"]["writeConcern"]["w"], 3)
            self.assertTrue(self.found(self.primary))
            waiter = {}
            thread = threading.Thread(target=lambda: waiter.update(self.insert({"w": 3})))
            thread.start()
        finally:
            self.secondaries[0].resume()
        thread.join(20)
        self.assertEqual(waiter["n"], 1)
        self.assertNotIn("writeConcernError", waiter)

    def test_majority_read_waits_for_the_majority(self):
        """S03-074, S08-027, S08-028, S08-030: what each level sees while no majority answers."""
        self.acknowledged({"w": 3})
        for server in self.secondaries:
            server.pause()
        try:
            self.assertEqual(self.insert({"w": 1})["n"], 1)
            self.assertTrue(self.found(self.primary, "local"))
            self.assertTrue(self.found(self.primary, "available"))
            self.assertFalse(self.found(self.primary, "majority"))
            reply = self.find(self.primary, "linearizable", maxTimeMS=300)
            self.assertEqual((reply["ok"], reply["code"]), (0, 50), reply)
            reply = self.insert({"w": "majority", "wtimeout": 200})
            self.assertEqual(reply["writeConcernError"]["code"], 64)
        finally:
            for server in self.secondaries:
                server.resume()
        self.acknowledged({"w": "majority", "wtimeout": 20000})
        self.assertTrue(self.found(self.primary, "majority"))
        self.assertTrue(self.found(self.primary, "majority", self.next_id - 1))

    def test_linearizable(self):
        """S08-030."""
        self.acknowledged({"w": "majority"})
        self.assertTrue(self.found(self.primary, "linearizable", maxTimeMS=20000))
        reply = self.find(self.secondaries[0], "linearizable",
                          **{"$readPreference": {"mode": "secondary"}})
        self.assertEqual((reply["ok"], reply["code"]), (0, 10107), reply)

    def test_after_cluster_time_waits_on_a_secondary(self):
        """S01-133, S01-134, S08-032: read what another member wrote, by cluster time."""
        for _ in range(20):
            reply = self.insert({"w": 1})
            command = {"find": "c", "filter": {"_id": self.next_id},
                       "readConcern": {"level": "local", "afterClusterTime": reply["operationTime"]},
                       "$readPreference": {"mode": "secondary"}, "$clusterTime": reply["$clusterTime"]}
            for server in self.secondaries:
                found = server.command("test", command)
                self.assertEqual(found["cursor"]["firstBatch"], [{"_id": self.next_id}])
                self.assertGreaterEqual(found["operationTime"], reply["operationTime"])
                self.assertIsInstance(found["operationTime"], Timestamp)

    def test_unknown_read_concern(self):
        """S12-004."""
        reply = self.find(self.primary, "strange")
        self.assertEqual((reply["ok"], reply["code"]), (0, 9), reply)

    def test_read_preference(self):
        """S01-115, S01-146, S01-147, S12-089: what a secondary answers to each mode."""
        self.acknowledged({"w": 3})
        for server in self.secondaries:
            reply = self.find(server)
            self.assertEqual((reply["ok"], reply["code"]), (0, 13435), reply)
            # A client that did not say helloOk is told in the old words (S01-049).
            self.assertEqual(reply["errmsg"], "not master and slaveOk=false")
            self.assertIn("topologyVersion", reply)
            for mode in ("secondary", "secondaryPreferred", "primaryPreferred", "nearest"):
                self.assertTrue(self.found(server, **{"$readPreference": {"mode": mode}}), mode)
            self.assertEqual(self.find(server, **{"$readPreference": {"mode": "primary"}})["code"], 13435)
        self.assertTrue(self.found(self.primary))

    def test_writes_to_a_secondary(self):
        """S01-115, S01-145, S12-089."""
        reply = self.insert({"w": 1}, self.secondaries[0])
        self.assertEqual((reply["ok"], reply["code"], reply["codeName"]), (0, 10107, "NotWritablePrimary"))
        self.assertIn("topologyVersion", reply)

    def test_a_driver_reads_from_secondaries(self):
        self.acknowledged({"w": 3})
        client = self.set.client()
        try:
            for mode in ("secondary", "secondaryPreferred", "nearest", "primary"):
                database = client.get_database("test", read_preference=harness.read_preference(mode))
                self.assertEqual(database.c.find_one({"_id": self.next_id}), {"_id": self.next_id}, mode)
        finally:
            client.close()

    def test_defaults_of_the_cluster(self):
        """S08-045, S08-046."""
        reply = self.primary.admin({"getDefaultRWConcern": 1})
        self.assertEqual(reply["defaultWriteConcern"], {"w": "majority", "wtimeout": 0})
        self.assertEqual(reply["defaultReadConcern"], {"level": "local"})


class MajorityReads(unittest.TestCase):
    """On one member, where an acknowledgement comes sooner than the next snapshot was due."""

    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(1)
        cls.addClassCleanup(cls.set.close)
        cls.primary = cls.set.primary()

    def test_acknowledged_by_a_majority_means_read_by_a_majority_read(self):
        """S08-028, S08-036, S08-045: while others write, so that the commit point never stands still."""
        self.write_and_read("quiet")
        stop = threading.Event()
        noise = [0, 0]

        def write(number):
            with wire.Connection(self.primary.address) as connection:
                while not stop.is_set():
                    connection.command("test", {"insert": "noise", "documents": [{"a": 1}],
                                                "writeConcern": {"w": 1}})
                    noise[number] += 1
        writers = [threading.Thread(target=write, args=(n,)) for n in range(2)]
        for writer in writers:
            writer.start()
        try:
            self.write_and_read("noisy")
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.assertGreater(min(noise), 10)

    def write_and_read(self, name):
        """Inserts with the default w:majority, each read by a majority read at once."""
        with wire.Connection(self.primary.address) as connection:
            for i in range(200):
                key = f"{name} {i}"
                reply = connection.command("test", {"insert": "rm", "documents": [{"_id": key}]})
                self.assertEqual(reply["n"], 1, reply)
                found = connection.command("test", {"find": "rm", "filter": {"_id": key},
                                                    "readConcern": {"level": "majority"}})
                self.assertEqual(len(found["cursor"]["firstBatch"]), 1, (key, found))

    def test_get_last_error_of_a_majority_means_the_same(self):
        """S08-036 as drivers of 2011 ask for it: OP_INSERT, then getLastError on the connection."""
        with wire.Connection2011(self.primary.address) as connection:
            for i in range(100):
                connection.insert("test.gle", {"_id": i})
                told = connection.command("test", {"getLastError": 1, "w": "majority"})
                self.assertIsNone(told["err"], told)
                found = connection.command("test", {"find": "gle", "filter": {"_id": i},
                                                    "readConcern": {"level": "majority"}})
                self.assertEqual(len(found["cursor"]["firstBatch"]), 1, (i, found))

    def test_majority_read_sees_the_last_write_before_a_pause(self):
        for i in range(20):
            with wire.Connection(self.primary.address) as connection:
                for n in range(3):
                    connection.command("test", {"insert": "pause", "documents": [{"_id": f"{i} {n}"}],
                                                "writeConcern": {"w": 1}})
                harness.wait_until("the last write in majority reads", lambda c=connection, k=f"{i} 2": c.command(
                    "test", {"find": "pause", "filter": {"_id": k}, "readConcern": {"level": "majority"}}
                )["cursor"]["firstBatch"], seconds=2)


if __name__ == "__main__":
    harness.main()
