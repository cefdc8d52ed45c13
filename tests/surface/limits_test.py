#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Limits a client meets: sizes of messages, documents, batches and names, numbers of indexes, life of cursors.

Expected values: the manual's page of limits and thresholds, hello's own numbers.
"""
import struct
import time

import bson
from bson import Int64

import surface
from surface import harness, wire

MB = 1 << 20
MAX_DOCUMENT = 16 * MB
MAX_MESSAGE = 48000000


def document_of(size, key=1):
    """A document of exactly this many bytes."""
    empty = len(bson.encode({"_id": key, "s": ""}))
    return {"_id": key, "s": "x" * (size - empty)}


class Limits(surface.OneMember):
    def insert_sequence(self, collection, documents):
        """An insert whose documents go as a sequence (kind 1), as drivers send it."""
        body = bson.encode({"insert": collection, "$db": "test"})
        sequence = b"documents\0" + b"".join(bson.encode(d) for d in documents)
        payload = (struct.pack("<I", 0) + b"\0" + body
                   + b"\1" + struct.pack("<i", 4 + len(sequence)) + sequence)
        self.connection._send(wire.OP_MSG, payload)  # pylint: disable=protected-access
        return self.connection.receive()

    def test_largest_message(self):
        """S01-050, S01-051: three documents of nearly 16 MB pass; a longer message ends the connection."""
        name = surface.fresh()
        reply = self.insert_sequence(name, [document_of(15900000, i) for i in range(3)])
        self.assertEqual((reply["ok"], reply["n"]), (1, 3), reply)
        for length in (MAX_MESSAGE + 1, 15, -1):
            connection = self.connect()
            connection.socket.sendall(struct.pack("<iiii", length, 1, 0, wire.OP_MSG))
            with self.assertRaises(OSError):
                connection.receive()

    def test_largest_document(self):
        """S01-050: 16,777,216 bytes are stored, one byte more is not."""
        name = surface.fresh()
        self.assertEqual(self.insert_sequence(name, [document_of(MAX_DOCUMENT)])["n"], 1)
        reply = self.insert_sequence(name, [document_of(MAX_DOCUMENT + 1, 2)])
        self.assertTrue(reply["ok"] == 0 or reply["writeErrors"], reply)
        self.assertEqual(self.ok({"count": name})["n"], 1)
        self.assertEqual(len(self.first_batch({"find": name})[0]["s"]), len(document_of(MAX_DOCUMENT)["s"]))

    def test_documents_that_grow(self):
        """S12-090, S12-127: an update past 16 MB, and a stage that makes a document past it."""
        name = surface.fresh()
        for i in range(2):
            self.insert(name, document_of(9 * MB, i))
        reply = self.ok({"update": name, "updates": [{"q": {"_id": 1}, "u": {"$set": {"t": "y" * (8 * MB)}}}]})
        self.assertEqual([e["code"] for e in reply["writeErrors"]], [17419], reply)
        self.fails({"aggregate": name, "cursor": {}, "pipeline": [
            {"$group": {"_id": None, "all": {"$push": "$s"}}}]}, 10334, "BSONObjectTooLarge")

    def test_write_batches(self):
        """S01-052, S12-009: 1 to 100,000 statements."""
        name = surface.fresh()
        text = "Write batch sizes must be between 1 and 100000. Got {} operations."
        statement = {"q": {"_id": -1}, "limit": 1}
        for command in ({"insert": name, "documents": []}, {"update": name, "updates": []},
                        {"delete": name, "deletes": []}):
            self.fails(command, 16, "InvalidLength", text.format(0))
        self.fails({"delete": name, "deletes": [statement] * 100001}, 16, "InvalidLength", text.format(100001))
        self.assertEqual(self.ok({"insert": name, "documents": [{"a": 1}] * 100000})["n"], 100000)

    def test_batches_of_cursors(self):
        """S01-054: 101 documents first, then all that fit; never more than 16 MB."""
        name = surface.fresh()
        self.insert(name, *({"_id": i} for i in range(300)))
        cursor = self.ok({"find": name})["cursor"]
        self.assertEqual(len(cursor["firstBatch"]), 101)
        more = self.ok({"getMore": cursor["id"], "collection": name})["cursor"]
        self.assertEqual((len(more["nextBatch"]), more["id"]), (199, 0))
        large = surface.fresh()
        for i in range(0, 20, 2):
            self.insert(large, document_of(MB + 1000, i), document_of(MB + 1000, i + 1))
        cursor = self.ok({"find": large, "batchSize": 1000})["cursor"]
        self.assertEqual(len(cursor["firstBatch"]), 15)  # sixteen do not fit
        more = self.ok({"getMore": cursor["id"], "collection": large})["cursor"]
        self.assertEqual((len(more["nextBatch"]), more["id"]), (5, 0))

    def test_await_data(self):
        """S01-056: a tailable cursor waits one second where the client does not say how long."""
        name = surface.fresh()
        self.ok({"create": name, "capped": True, "size": 4096})
        self.insert(name, {"_id": 1})
        cursor = self.ok({"find": name, "tailable": True, "awaitData": True})["cursor"]
        begin = time.monotonic()
        more = self.ok({"getMore": cursor["id"], "collection": name})["cursor"]
        self.assertEqual(more["nextBatch"], [])
        self.assertEqual(more["id"], cursor["id"])
        self.assertGreaterEqual(time.monotonic() - begin, 0.95)
        begin = time.monotonic()
        self.ok({"getMore": cursor["id"], "collection": name, "maxTimeMS": 100})
        self.assertLess(time.monotonic() - begin, 0.9)

    def test_indexes(self):
        """S01-062, S12-032: 64 a collection, 32 fields each; long names and long keys are allowed."""
        name = surface.fresh()
        specs = [{"key": {f"f{i}": 1}, "name": f"f{i}"} for i in range(63)]
        self.assertEqual(self.ok({"createIndexes": name, "indexes": specs})["numIndexesAfter"], 64)
        self.fails({"createIndexes": name, "indexes": [{"key": {"g": 1}, "name": "g"}]}, 67, "CannotCreateIndex")
        other = surface.fresh()
        wide = {f"f{i}": 1 for i in range(33)}
        reply = self.reply({"createIndexes": other, "indexes": [{"key": wide, "name": "wide"}]})
        self.assertEqual(reply["ok"], 0, reply)
        wide.pop("f0")
        self.ok({"createIndexes": other, "indexes": [{"key": wide, "name": "n" * 500}]})
        self.insert(other, {"_id": 1, "f1": "k" * 5000})
        self.assertEqual(len(self.first_batch({"find": other, "filter": {"f1": "k" * 5000}, "hint": "n" * 500})), 1)

    def test_names(self):
        """S01-064, S12-028: 63 bytes for a database, 255 for database and collection together."""
        self.insert("c", {"_id": 1}, database="d" * 63)
        self.fails({"insert": "c", "documents": [{}]}, 73, "InvalidNamespace", database="d" * 64)
        longest = "n" * (255 - len("test."))
        self.insert(longest, {"_id": 1})
        self.fails({"insert": longest + "n", "documents": [{}]}, 73, "InvalidNamespace")
        self.fails({"create": longest + "n"}, 73, "InvalidNamespace")

    def test_long_lists(self):
        """S01-066: $in holds as many values as a document may."""
        name = surface.fresh()
        self.insert(name, *({"_id": i, "a": i} for i in range(5)))
        found = self.first_batch({"find": name, "filter": {"a": {"$in": list(range(3, 100000))}}})
        self.assertEqual([d["_id"] for d in found], [3, 4])


class Idle(surface.OneMember):
    ARGUMENTS = ("--setParameter", "clientCursorMonitorFrequencySecs=1")

    def test_cursors_end(self):
        """S01-055, S12-020: ten minutes by default, as set otherwise; noCursorTimeout lives on."""
        self.assertEqual(self.ok({"getParameter": 1, "cursorTimeoutMillis": 1}, "admin")["cursorTimeoutMillis"],
                         600000)
        self.insert("c", *({"_id": i} for i in range(10)))
        idle = self.ok({"find": "c", "batchSize": 2})["cursor"]["id"]
        kept = self.ok({"find": "c", "batchSize": 2, "noCursorTimeout": True})["cursor"]["id"]
        self.assertIsInstance(idle, int)
        self.ok({"setParameter": 1, "cursorTimeoutMillis": Int64(300)}, "admin")
        harness.wait_until("the idle cursor has ended", lambda: self.ok(
            {"serverStatus": 1}, "admin")["metrics"]["cursor"]["timedOut"] >= 1, 15)
        self.fails({"getMore": Int64(idle), "collection": "c"}, 43, "CursorNotFound")
        self.assertEqual(len(self.ok({"getMore": Int64(kept), "collection": "c"})["cursor"]["nextBatch"]), 8)


if __name__ == "__main__":
    harness.main()
