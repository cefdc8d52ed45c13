#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of 2011: only the opcodes and flags that drivers had then, byte by byte, against a primary and
its secondary. Each test names the rows of the surface list that it proves (S01-003 to S01-049).

Source of what is expected: the manual's pages "Legacy Opcodes", "Meta-Operators" and "getLastError" of
2.x, and what the drivers of that time insist on.
"""
import os
import struct
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "cluster"))
import bson  # noqa: E402
import harness  # noqa: E402
import wire  # noqa: E402

DB = "legacy"


class Legacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(2, settings=harness.FAST_SETTINGS, members={1: {"priority": 0}})
        cls.addClassCleanup(cls.set.close)
        cls.primary, cls.secondary = cls.set.servers

    def setUp(self):
        self.connection = self.connect(self.primary)
        self.name = self._testMethodName
        self.ns = f"{DB}.{self.name}"

    def connect(self, server):
        connection = wire.Connection2011(server.address)
        self.addCleanup(connection.close)
        return connection

    def insert(self, *documents, flags=0):
        self.connection.insert(self.ns, *documents, flags=flags)
        return self.last_error()

    def last_error(self, **arguments):
        return self.connection.last_error(DB, **arguments)

    def find(self, query, count=0, **options):
        reply = self.connection.query(self.ns, query, count, **options)
        self.assertTrue(reply.flags & wire.AWAIT_CAPABLE)  # S01-040
        self.assertFalse(reply.flags & wire.QUERY_FAILURE, reply)
        return reply

    def ids(self, query=None, **options):
        return [d["_id"] for d in self.find({} if query is None else query, **options).documents]

    # The first message, and commands.

    def test_first_message(self):
        """S01-003, S01-017, S01-038."""
        for name in ("ismaster", "isMaster", "isMaster"):
            request = self.connection.send_query("admin.$cmd", {name: 1}, -1)
            reply = self.connection.receive_reply()
            self.assertEqual((reply.response_to, reply.cursor_id, reply.starting_from), (request, 0, 0))
            answer, = reply.documents
            self.assertIs(answer["ismaster"], True)
            self.assertEqual((answer["maxBsonObjectSize"], answer["ok"]), (16 * 1024 * 1024, 1))
            self.assertEqual(answer["setName"], harness.SET_NAME)
            self.assertEqual(set(answer["hosts"]) | set(answer.get("passives", [])),
                             {s.address for s in self.set.servers})

    def test_commands_by_their_names_of_then(self):
        """What every driver sent, by the names of then."""
        self.insert({"_id": 1, "a": 1}, {"_id": 2, "a": 1})
        run = self.connection.run
        for command in ({"buildinfo": 1}, {"listDatabases": 1}, {"serverStatus": 1},
                        {"availablequeryoptions": 1}, {"whatsmyuri": 1}):
            self.assertEqual(run("admin", command)["ok"], 1, command)
        for command in ({"collstats": self.name}, {"dbstats": 1}, {"datasize": self.ns},
                        {"validate": self.name}):
            self.assertEqual(run(DB, command)["ok"], 1, command)
        self.assertEqual(run(DB, {"count": self.name, "query": {"a": 1}})["n"], 2)
        self.assertEqual(run(DB, {"distinct": self.name, "key": "a"})["values"], [1])
        changed = run(DB, {"findandmodify": self.name, "query": {"_id": 1}, "update": {"$set": {"a": 5}},
                           "new": True})
        self.assertEqual(changed["value"], {"_id": 1, "a": 5})
        wrapped = run(DB, {"$query": {"count": self.name}, "$readPreference": {"mode": "primary"}})
        self.assertEqual(wrapped["n"], 2)
        self.connection.insert(f"{DB}.system.indexes", {"ns": self.ns, "key": {"a": 1}, "name": "a_1"})
        self.assertIsNone(self.last_error()["err"])
        self.assertEqual(run(DB, {"deleteIndexes": self.name, "index": "a_1"})["ok"], 1)
        unknown = run(DB, {"nosuchcommand": 1})
        self.assertEqual((unknown["ok"], unknown["code"]), (0, 59))

    # Writes.

    def test_insert_many(self):
        """S01-009."""
        told = self.insert(*({"_id": i, "pad": "x" * 1000} for i in range(3000)))
        self.assertEqual((told["err"], told["n"], told["ok"]), (None, 0, 1))
        self.assertEqual(self.connection.run(DB, {"count": self.name})["n"], 3000)
        self.insert({"a": "no id"})
        found, = self.find({"a": "no id"}).documents
        self.assertIsInstance(found["_id"], bson.ObjectId)

    def test_continue_on_error(self):
        """S01-009."""
        self.insert({"_id": 1})
        told = self.insert({"_id": 2}, {"_id": 1}, {"_id": 3})
        self.assertIn("E11000", told["err"])
        self.assertEqual((told["code"], told["n"]), (11000, 0))
        self.assertEqual(self.ids(), [1, 2])
        told = self.insert({"_id": 1}, {"_id": 4}, {"_id": 1}, {"_id": 5}, flags=wire.CONTINUE_ON_ERROR)
        self.assertEqual(told["code"], 11000)
        self.assertEqual(self.ids(), [1, 2, 4, 5])

    def update(self, selector, update, flags=0):
        self.connection.update(self.ns, selector, update, flags)
        return self.last_error()

    def test_updates(self):
        """S01-010, S01-043."""
        self.insert(*({"_id": i, "a": i % 2} for i in range(6)))
        told = self.update({"a": 1}, {"$set": {"b": 1}})
        self.assertEqual((told["n"], told["updatedExisting"], told["err"]), (1, True, None))
        told = self.update({"a": 1}, {"$set": {"b": 2}}, wire.MULTI)
        self.assertEqual((told["n"], told["updatedExisting"]), (3, True))
        told = self.update({"a": 7}, {"$set": {"b": 2}}, wire.MULTI)
        self.assertEqual((told["n"], told["updatedExisting"]), (0, False))
        told = self.update({"_id": 9}, {"$inc": {"c": 3}}, wire.UPSERT)
        self.assertEqual((told["n"], told["updatedExisting"], told["upserted"]), (1, False, 9))
        told = self.update({"_id": 9}, {"$inc": {"c": 3}}, wire.UPSERT | wire.MULTI)
        self.assertEqual((told["n"], told["updatedExisting"]), (1, True))
        self.assertNotIn("upserted", told)
        told = self.update({"name": "new"}, {"name": "new", "level": 1}, wire.UPSERT)
        self.assertIsInstance(told["upserted"], bson.ObjectId)
        self.update({"_id": 0}, {"replaced": True})
        self.assertEqual(self.find({"_id": 0}).documents, [{"_id": 0, "replaced": True}])
        told = self.update({"_id": 0}, {"x": 1}, wire.MULTI)
        self.assertIn("multi", told["err"])
        told = self.update({"_id": 0}, {"$nosuch": {"x": 1}})
        self.assertTrue(told["err"])
        self.assertEqual((told["n"], told["ok"]), (0, 1))

    def test_deletes(self):
        """S01-011."""
        self.insert(*({"_id": i, "a": i % 2} for i in range(6)))
        for selector, flags, n in (({"a": 1}, wire.SINGLE_REMOVE, 1), ({"a": 1}, 0, 2), ({"a": 1}, 0, 0),
                                   ({}, 0, 3)):
            self.connection.delete(self.ns, selector, flags)
            told = self.last_error()
            self.assertEqual((told["n"], told["err"]), (n, None))
            self.assertNotIn("updatedExisting", told)

    def test_write_and_question_in_one_packet(self):
        """S01-029: every driver's "safe mode" sent the write and getlasterror together."""
        held = []
        direct = self.connection.socket
        self.connection.socket = type("Held", (), {"sendall": lambda _, data: held.append(data)})()
        for i in range(50):
            self.connection.insert(self.ns, {"_id": i % 40})
            self.connection.send_query(f"{DB}.$cmd", {"getlasterror": 1}, -1)
        self.connection.socket = direct
        direct.sendall(b"".join(held))
        for i in range(50):
            told, = self.connection.receive_reply().documents
            self.assertEqual(told.get("code"), None if i < 40 else 11000, told)

    # getLastError.

    def test_concerns(self):
        """S01-043."""
        for arguments in ({"w": 2, "wtimeout": 10000}, {"w": "majority"}, {"j": True}, {"fsync": True},
                          {"w": 2, "j": True, "wtimeout": 10000}, {"w": 0}, {"w": 1}, {"safe": True}):
            self.connection.insert(self.ns, {"a": 1})
            told = self.last_error(**arguments)
            self.assertEqual((told["err"], told["ok"]), (None, 1), (arguments, told))
            self.assertIn("connectionId", told)
            self.assertIn("lastOp", told)
        self.connection.insert(self.ns, {"_id": "copied"})
        self.assertIsNone(self.last_error(w=2, wtimeout=10000)["err"])
        found = self.connect(self.secondary).query(self.ns, {"_id": "copied"}, flags=wire.SLAVE_OK)
        self.assertEqual(found.documents, [{"_id": "copied"}])

    def test_wtimeout(self):
        """S01-043."""
        self.secondary.pause()
        try:
            self.connection.insert(self.ns, {"_id": 1})
            told = self.last_error(w=2, wtimeout=200)
        finally:
            self.secondary.resume()
        self.assertEqual((told["wtimeout"], told["err"], told["n"], told["ok"]), (True, "timeout", 0, 1))
        self.assertGreaterEqual(told["waited"], 200)
        self.assertEqual(self.ids(), [1])
        self.set.wait_healthy()

    def test_unknown_mode(self):
        """S01-043."""
        self.connection.insert(self.ns, {"_id": 1})
        told = self.last_error(w="nosuchmode")
        self.assertTrue(told["err"])
        self.assertEqual(told["code"], 79)

    def test_belongs_to_its_connection(self):
        """S01-043."""
        other = self.connect(self.primary)
        self.insert({"_id": 1})
        self.connection.insert(self.ns, {"_id": 1})
        self.assertIsNone(other.last_error(DB)["err"])
        self.assertEqual(self.last_error()["code"], 11000)
        self.find({})
        self.assertIsNone(self.last_error()["err"], "a query is not forgotten")

    def test_previous_and_reset(self):
        """getPrevError and resetError."""
        self.insert({"_id": 1})
        self.connection.insert(self.ns, {"_id": 1})
        told = self.connection.run(DB, {"getpreverror": 1})
        self.assertIn("E11000", told["err"])
        self.assertEqual(self.connection.run(DB, {"reseterror": 1})["ok"], 1)
        self.assertIsNone(self.connection.run(DB, {"getpreverror": 1})["err"])
        self.assertIsNone(self.last_error()["err"])

    # Queries and cursors.

    def fill(self, count):
        self.assertIsNone(self.insert(*({"_id": i, "a": -i} for i in range(count)))["err"])

    def test_query(self):
        """S01-006."""
        self.fill(10)
        self.assertEqual(self.ids({"_id": {"$gte": 3}}, skip=2), [5, 6, 7, 8, 9])
        self.assertEqual(self.find({"_id": 3}, fields={"_id": 0, "a": 1}).documents, [{"a": -3}])
        self.assertEqual(self.ids(flags=wire.NO_CURSOR_TIMEOUT, skip=8), [8, 9])
        self.assertEqual(self.find({"nothing": 1}).documents, [])

    def test_batches(self):
        """S01-007, S01-039."""
        self.fill(250)
        reply = self.find({})
        self.assertEqual((len(reply.documents), reply.starting_from), (101, 0))
        self.assertNotEqual(reply.cursor_id, 0)
        more = self.connection.get_more(self.ns, reply.cursor_id, 100)
        self.assertEqual((len(more.documents), more.starting_from), (100, 101))
        self.assertEqual(more.cursor_id, reply.cursor_id)
        other = self.connect(self.primary)  # a pool asks on any of its connections
        last = other.get_more(self.ns, more.cursor_id)
        self.assertEqual((len(last.documents), last.starting_from, last.cursor_id), (49, 201, 0))
        for count, wanted, open_after in ((10, 10, True), (2, 2, True), (1, 1, False), (-1, 1, False),
                                          (-10, 10, False), (-300, 250, False), (300, 250, False)):
            reply = self.find({}, count)
            self.assertEqual((len(reply.documents), reply.cursor_id != 0), (wanted, open_after), count)

    def test_kill_cursors(self):
        """S01-008, S01-040."""
        self.fill(50)
        cursors = [self.find({}, 5).cursor_id for _ in range(3)]
        self.assertEqual(len(set(cursors) - {0}), 3)
        self.connection.kill_cursors(*cursors[:2], 4711)
        for cursor in cursors[:2]:
            gone = self.connection.get_more(self.ns, cursor, 5)
            self.assertTrue(gone.flags & wire.CURSOR_NOT_FOUND)
            self.assertEqual((gone.cursor_id, gone.documents), (0, []))
        self.assertEqual(len(self.connection.get_more(self.ns, cursors[2], 5).documents), 5)

    def test_query_failure(self):
        """S01-040."""
        reply = self.connection.query(self.ns, {"a": {"$nosuch": 1}})
        self.assertEqual(reply.flags & wire.QUERY_FAILURE, wire.QUERY_FAILURE)
        self.assertEqual((reply.cursor_id, len(reply.documents)), (0, 1))
        self.assertIn("$nosuch", reply.documents[0]["$err"])
        self.assertEqual(reply.documents[0]["code"], 2)

    def test_wrapped_queries(self):
        """S01-041."""
        self.fill(20)
        for query in ({"$query": {"_id": {"$lt": 3}}, "$orderby": {"_id": -1}},
                      {"query": {"_id": {"$lt": 3}}, "orderby": {"_id": -1}},
                      {"$orderby": {"_id": -1}, "$query": {"_id": {"$lt": 3}}},
                      {"$query": {"_id": {"$lt": 3}}, "$orderby": {"a": 1}, "$hint": {"_id": 1},
                       "$comment": "why", "$maxTimeMS": 5000}):
            self.assertEqual(self.ids(query), [2, 1, 0], query)
        self.assertEqual(self.ids({"$query": {}, "$snapshot": True}), list(range(20)))
        self.assertEqual(self.ids({"$query": {}, "$min": {"_id": 17}, "$hint": {"_id": 1}}), [17, 18, 19])
        self.assertEqual(self.ids({"$query": {}, "$max": {"_id": 2}, "$hint": "_id_"}), [0, 1])
        self.assertEqual(self.find({"$query": {"_id": 4}, "$returnKey": True, "$hint": {"_id": 1}}).documents,
                         [{"_id": 4}])
        shown, = self.find({"$query": {"_id": 4}, "$showDiskLoc": True}).documents
        self.assertEqual(shown["a"], -4)
        self.assertGreater(len(shown), 2)
        refused = self.connection.query(self.ns, {"$query": {}, "$hint": {"nosuch": 1}})
        self.assertTrue(refused.flags & wire.QUERY_FAILURE)

    def test_explain(self):
        """S01-041."""
        self.fill(20)
        for count in (0, -1, -5):
            reply = self.find({"$query": {"_id": {"$lt": 5}}, "$explain": True}, count)
            self.assertEqual((len(reply.documents), reply.cursor_id), (1, 0))
            self.assertIn("queryPlanner", reply.documents[0])
        self.assertEqual(self.find({"$query": {"_id": {"$lt": 5}}, "$explain": 1})
                         .documents[0]["executionStats"]["nReturned"], 5)

    # Flags of queries.

    def test_exhaust(self):
        """S01-006: all batches come by themselves, each in answer to the one before."""
        self.fill(250)
        answered = self.connection.send_query(self.ns, {}, 100, flags=wire.EXHAUST)
        seen = []
        while True:
            reply = self.connection.receive_reply()
            self.assertEqual((reply.response_to, reply.starting_from), (answered, len(seen)))
            seen += [d["_id"] for d in reply.documents]
            answered = reply.request_id
            if not reply.cursor_id:
                break
        self.assertEqual(seen, list(range(250)))
        self.assertIsNone(self.last_error()["err"])  # the connection is of use again

    def test_exhaust_of_one_batch(self):
        """S01-006."""
        self.fill(3)
        reply = self.find({}, flags=wire.EXHAUST)
        self.assertEqual((len(reply.documents), reply.cursor_id), (3, 0))

    def test_tailable_and_await_data(self):
        """S01-006."""
        self.connection.run(DB, {"create": self.name, "capped": True, "size": 100000})
        self.fill(3)
        reply = self.find({}, flags=wire.TAILABLE | wire.AWAIT_DATA)
        self.assertEqual(len(reply.documents), 3)
        self.assertNotEqual(reply.cursor_id, 0)
        more = self.connection.get_more(self.ns, reply.cursor_id)  # comes empty after a second
        self.assertEqual((more.documents, more.cursor_id), ([], reply.cursor_id))
        other = self.connect(self.primary)
        writer = threading.Timer(0.2, lambda: other.insert(self.ns, {"_id": "late"}))
        writer.start()
        found = []
        for _ in range(20):
            more = self.connection.get_more(self.ns, reply.cursor_id)
            found += more.documents
            if found:
                break
        writer.join()
        self.assertEqual(found, [{"_id": "late"}])
        self.assertEqual(more.starting_from, 3)

    def test_tailable_without_await_returns_at_once(self):
        """S01-006."""
        self.connection.run(DB, {"create": self.name, "capped": True, "size": 100000})
        self.fill(1)
        cursor = self.find({}, flags=wire.TAILABLE).cursor_id
        self.connection.socket.settimeout(0.9)
        for _ in range(3):
            more = self.connection.get_more(self.ns, cursor)
            self.assertEqual((more.documents, more.cursor_id), ([], cursor))

    def test_tailable_wants_a_capped_collection(self):
        """S01-006."""
        self.fill(1)
        reply = self.connection.query(self.ns, {}, flags=wire.TAILABLE)
        self.assertTrue(reply.flags & wire.QUERY_FAILURE)
        self.assertEqual(reply.documents[0]["code"], 2)

    # Secondaries.

    def test_slave_ok(self):
        """S01-042."""
        self.fill(3)
        self.last_error(w=2, wtimeout=10000)
        secondary = self.connect(self.secondary)
        refused = secondary.query(self.ns, {})
        self.assertTrue(refused.flags & wire.QUERY_FAILURE)
        self.assertEqual(refused.documents[0]["code"], 13435)
        self.assertRegex(refused.documents[0]["$err"], "not master")  # S01-049
        self.assertEqual(len(secondary.query(self.ns, {}, flags=wire.SLAVE_OK).documents), 3)
        preferred = {"$query": {}, "$readPreference": {"mode": "secondaryPreferred"}}
        self.assertEqual(len(secondary.query(self.ns, preferred).documents), 3)
        part = secondary.query(self.ns, {}, 2, flags=wire.SLAVE_OK)
        self.assertEqual(len(secondary.get_more(self.ns, part.cursor_id, 2).documents), 1)
        self.assertEqual(secondary.run(DB, {"count": self.name}, flags=wire.SLAVE_OK)["n"], 3)
        refused = secondary.run(DB, {"count": self.name})
        self.assertEqual((refused["ok"], refused["code"]), (0, 13435))

    def test_writes_at_a_secondary(self):
        """S01-049."""
        secondary = self.connect(self.secondary)
        for write in (lambda: secondary.insert(self.ns, {"_id": 1}),
                      lambda: secondary.update(self.ns, {"_id": 1}, {"$set": {"a": 1}}, wire.UPSERT),
                      lambda: secondary.delete(self.ns, {})):
            write()
            told = secondary.last_error(DB)
            self.assertRegex(told["err"], "not master")
            self.assertIn(told["code"], (10107, 10058))
        told = secondary.run("admin", {"ismaster": 1})
        self.assertEqual((told["ismaster"], told["secondary"]), (False, True))

    # Collections that were none.

    def test_pseudo_collections(self):
        """S01-045."""
        self.fill(1)
        self.connection.insert(f"{DB}.system.indexes",
                               {"ns": self.ns, "key": {"a": 1}, "name": "a_1", "unique": True})
        self.assertIsNone(self.last_error()["err"])
        self.assertEqual(self.insert({"_id": "new", "a": 0})["code"], 11000)
        listed = self.connection.query(f"{DB}.system.indexes", {"ns": self.ns})
        self.assertEqual({d["name"]: d["key"] for d in listed.documents}, {"_id_": {"_id": 1}, "a_1": {"a": 1}})
        names = [d["name"] for d in self.connection.query(f"{DB}.system.namespaces", {}).documents]
        self.assertIn(self.ns, names)
        self.assertIn("inprog", self.connection.query("admin.$cmd.sys.inprog", {}, -1).documents[0])
        killed, = self.connection.query("admin.$cmd.sys.killop", {"op": 2000000000}, -1).documents
        self.assertEqual(killed["info"], "attempting to kill op")
        self.assertEqual(self.connection.run("admin", {"fsync": 1, "lock": True})["ok"], 1)
        unlocked, = self.connection.query("admin.$cmd.sys.unlock", {}, -1).documents
        self.assertEqual(unlocked["ok"], 1, unlocked)

    # What nobody understands.

    def test_opcodes_that_close(self):
        """S01-012, S01-013, S01-014."""
        for opcode in (2010, 2011, 1000, 2003, 4242):
            connection = self.connect(self.primary)
            payload = b"\x00" * 20
            connection.socket.sendall(struct.pack("<iiii", 16 + len(payload), 1, 0, opcode) + payload)
            self.assertEqual(connection.socket.recv(1), b"", opcode)


if __name__ == "__main__":
    harness.main()
