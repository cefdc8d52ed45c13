#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The oplog as tailers, mongodump and change data capture read it.

Expected values: entries as the manual and the tailing libraries describe them.
"""
import datetime
import unittest
import uuid

from bson import Int64, Timestamp

import surface
from surface import harness


class Entries(surface.OneMember):
    def setUp(self):
        super().setUp()
        self.name = surface.fresh()
        self.begin = self.newest()["ts"]

    def newest(self):
        return self.first_batch({"find": "oplog.rs", "sort": {"$natural": -1}, "limit": 1}, "local")[0]

    def entries(self, *namespaces):
        """What came since setUp for these namespaces of database test, in order."""
        return self.first_batch({"find": "oplog.rs", "batchSize": 1000, "filter": {
            "ts": {"$gt": self.begin}, "ns": {"$in": [f"test.{n}" for n in namespaces]}}}, "local")

    def test_frame(self):
        """S08-058, S08-059, S08-060, S13-004: ts, t, v, wall; op, ns, ui of an insert."""
        reply = self.ok({"insert": self.name, "documents": [{"_id": 1, "a": "x"}]})
        entry = self.entries(self.name)[-1]
        self.assertEqual((entry["op"], entry["ns"], entry["o"], entry["v"]),
                         ("i", f"test.{self.name}", {"_id": 1, "a": "x"}, 2))
        self.assertEqual(entry["ts"], reply["opTime"]["ts"])
        self.assertEqual((type(entry["t"]), entry["t"], type(entry["v"])), (Int64, reply["opTime"]["t"], Int64))
        self.assertLess(abs(entry["wall"] - datetime.datetime.utcnow()), datetime.timedelta(seconds=10))
        info = self.first_batch({"listCollections": 1, "filter": {"name": self.name}})[0]["info"]
        self.assertEqual((type(entry["ui"]), entry["ui"]), (uuid.UUID, info["uuid"]))

    def test_writes(self):
        """S08-059, S08-061, S08-062: insert, update, replacement, delete; o2 and the key of a delete."""
        self.insert(self.name, {"_id": 1, "a": 1})
        for update in ({"$set": {"a": 2}}, {"_id": 1, "b": 3}):
            self.ok({"update": self.name, "updates": [{"q": {"_id": 1}, "u": update}]})
        self.ok({"delete": self.name, "deletes": [{"q": {"b": 3}, "limit": 1}]})
        entries = self.entries(self.name)
        self.assertEqual([e["op"] for e in entries], ["i", "u", "u", "d"])
        self.assertEqual([e.get("o2") for e in entries[1:3]], [{"_id": 1}, {"_id": 1}])
        self.assertEqual(entries[2]["o"], {"_id": 1, "b": 3})
        self.assertEqual(entries[3]["o"], {"_id": 1})

    def test_updates(self):
        """S08-063: $v 2 with a diff: i inserts, u updates, d deletes, s<field> goes down, a marks an array."""
        self.insert(self.name, {"_id": 1, "a": 1, "gone": 1, "sub": {"x": 1, "y": 2}, "list": [1, 2, 3]})

        def diff(update):
            self.ok({"update": self.name, "updates": [{"q": {"_id": 1}, "u": update}]})
            entry = self.entries(self.name)[-1]["o"]
            self.assertEqual(entry["$v"], 2)
            return entry["diff"]
        self.assertEqual(diff({"$set": {"a": 2}}), {"u": {"a": 2}})
        self.assertEqual(diff({"$set": {"new": 1}}), {"i": {"new": 1}})
        self.assertEqual(diff({"$unset": {"gone": 1}}), {"d": {"gone": False}})
        self.assertEqual(diff({"$set": {"sub.x": 5}}), {"ssub": {"u": {"x": 5}}})
        self.assertEqual(diff({"$inc": {"list.1": 10}}), {"slist": {"a": True, "u1": 12}})
        self.assertEqual(diff({"$push": {"list": 4}}), {"slist": {"a": True, "u3": 4}})
        self.assertEqual(diff([{"$set": {"a": {"$add": ["$a", 1]}}}]), {"u": {"a": 3}})
        self.assertEqual(len(self.entries(self.name)), 8)
        self.ok({"update": self.name, "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 3}}}]})
        self.assertEqual(len(self.entries(self.name)), 8, "an update that changes nothing has no entry (S03-058)")

    def test_commands(self):
        """S08-059, S08-065: c entries of create, createIndexes, collMod, dropIndexes, renameCollection, drop."""
        other = surface.fresh()
        for command in ({"create": self.name, "capped": False},
                        {"createIndexes": self.name, "indexes": [{"key": {"a": 1}, "name": "a_1"}]},
                        {"collMod": self.name, "validator": {"a": 1}}, {"dropIndexes": self.name, "index": "a_1"}):
            self.ok(command)
        self.ok({"renameCollection": f"test.{self.name}", "to": f"test.{other}"}, "admin")
        self.ok({"drop": other})
        entries = self.entries("$cmd")
        self.assertEqual({e["op"] for e in entries}, {"c"})
        self.assertEqual([next(iter(e["o"])) for e in entries],
                         ["create", "createIndexes", "collMod", "dropIndexes", "renameCollection", "drop"])
        self.assertEqual([e["o"][next(iter(e["o"]))] for e in entries],
                         [self.name] * 4 + [f"test.{self.name}", other])
        self.assertEqual(entries[0]["o"]["idIndex"], {"v": 2, "key": {"_id": 1}, "name": "_id_"})
        self.assertEqual(entries[4]["o"]["to"], f"test.{other}")
        self.assertEqual({e["ns"] for e in entries}, {"test.$cmd"})

    def test_retryable(self):
        """S08-064: lsid, txnNumber, stmtId and prevOpTime chain the statements of a retryable write."""
        session = surface.lsid()
        self.ok({"insert": self.name, "documents": [{"_id": 1}, {"_id": 2}], "lsid": session, "txnNumber": Int64(5)})
        entries = self.entries(self.name)
        self.assertEqual([(e["lsid"]["id"], e["txnNumber"], e["stmtId"]) for e in entries],
                         [(session["id"].as_uuid(), 5, 0), (session["id"].as_uuid(), 5, 1)])
        self.assertEqual(entries[0]["prevOpTime"], {"ts": Timestamp(0, 0), "t": -1})
        self.assertEqual(entries[1]["prevOpTime"], {"ts": entries[0]["ts"], "t": entries[0]["t"]})

    def test_tailing(self):
        """S02-148, S07-006: a tailable cursor from a timestamp on sees each new entry."""
        cursor = self.ok({"find": "oplog.rs", "filter": {"ts": {"$gte": self.begin}, "ns": f"test.{self.name}"},
                          "tailable": True, "awaitData": True, "oplogReplay": True}, "local")["cursor"]
        self.assertEqual((cursor["firstBatch"], cursor["id"] != 0), ([], True))
        other = self.connect()
        seen = []
        for i in range(3):
            other.command("test", {"insert": self.name, "documents": [{"_id": i}]})
        while len(seen) < 3:
            seen += self.ok({"getMore": cursor["id"], "collection": "oplog.rs", "maxTimeMS": 2000},
                            "local")["cursor"]["nextBatch"]
        self.assertEqual([e["o"]["_id"] for e in seen], [0, 1, 2])


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    harness.main()
