#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What every reply and every command has in common: shapes, types, cluster time, generic arguments, connections.

Expected values: the manual's pages of command responses, write commands and error codes; recorded answers.
"""
import subprocess
import time
import uuid

import bson
from bson import Int64, ObjectId, Timestamp

import surface
from surface import harness

GOSSIP = {"$clusterTime", "operationTime"}
OF_WRITES = {"electionId", "opTime"}


class Replies(surface.OneMember):
    def shape(self, reply, **fields):
        """Exactly these fields, beside what every member of a set adds."""
        self.assertEqual({k: v for k, v in reply.items() if k not in GOSSIP | OF_WRITES}, fields)

    def test_errors(self):
        """S01-114, S01-116, S12-025: ok is a double, code an int32, codeName its name."""
        reply = self.reply({"noSuchThing": 1})
        self.shape(reply, ok=0.0, errmsg="no such command: 'noSuchThing'", code=59, codeName="CommandNotFound")
        self.assertIsInstance(reply["ok"], float)
        self.assertNotIsInstance(reply["code"], Int64)
        self.assertEqual(reply.keys() & GOSSIP, GOSSIP)

    def test_writes(self):
        """S01-117: n, nModified, upserted; electionId and opTime of the primary."""
        name = surface.fresh()
        reply = self.ok({"insert": name, "documents": [{"_id": 1}, {"_id": 2}]})
        self.shape(reply, n=2, ok=1.0)
        self.assertIsInstance(reply["electionId"], ObjectId)
        self.assertIsInstance(reply["opTime"]["ts"], Timestamp)
        self.assertIsInstance(reply["opTime"]["t"], Int64)
        reply = self.ok({"update": name, "updates": [
            {"q": {"_id": 1}, "u": {"$set": {"a": 1}}}, {"q": {"_id": 1}, "u": {"$set": {"a": 1}}},
            {"q": {"_id": "new"}, "u": {"$set": {"a": 1}}, "upsert": True}]})
        self.shape(reply, n=3, nModified=1, upserted=[{"index": 2, "_id": "new"}], ok=1.0)
        self.shape(self.ok({"delete": name, "deletes": [{"q": {}, "limit": 0}]}), n=3, ok=1.0)

    def test_write_errors(self):
        """S01-117, S01-118, S12-091: index, code, keyPattern and keyValue; ordered stops, unordered goes on."""
        name = surface.fresh()
        self.insert(name, {"_id": 1})
        batch = [{"_id": 2}, {"_id": 1}, {"_id": 3}, {"_id": 1}]
        error = {"code": 11000, "keyPattern": {"_id": 1}, "keyValue": {"_id": 1},
                 "errmsg": f"E11000 duplicate key error collection: test.{name} index: _id_ dup key: {{ _id: 1 }}"}
        reply = self.ok({"insert": name, "documents": batch})
        self.shape(reply, n=1, writeErrors=[{"index": 1, **error}], ok=1.0)
        self.ok({"delete": name, "deletes": [{"q": {"_id": {"$ne": 1}}, "limit": 0}]})
        reply = self.ok({"insert": name, "documents": batch, "ordered": False})
        self.shape(reply, n=2, writeErrors=[{"index": 1, **error}, {"index": 3, **error}], ok=1.0)

    def test_compound_duplicate(self):
        """S12-091, S13-021: the text that mappers parse names index and key."""
        name = surface.fresh()
        self.ok({"createIndexes": name, "indexes": [{"key": {"a": 1, "b.c": -1}, "name": "ab", "unique": True}]})
        self.insert(name, {"_id": 1, "a": "x", "b": {"c": None}})
        reply = self.ok({"update": name, "updates": [
            {"q": {"_id": 2}, "u": {"$set": {"a": "x"}}, "upsert": True}]})
        error = reply["writeErrors"][0]
        self.assertEqual((error["code"], error["keyPattern"], error["keyValue"]),
                         (11000, {"a": 1, "b.c": -1}, {"a": "x", "b.c": None}))
        self.assertEqual(error["errmsg"], f"E11000 duplicate key error collection: test.{name} index: ab "
                                          'dup key: { a: "x", b.c: null }')

    def test_validation(self):
        """S01-118, S12-044: 121 with the rule that failed."""
        name = surface.fresh()
        self.ok({"create": name, "validator": {"a": {"$gt": 5}}})
        reply = self.ok({"insert": name, "documents": [{"_id": 1, "a": 3}]})
        error = reply["writeErrors"][0]
        self.assertEqual((error["index"], error["code"], error["errmsg"]), (0, 121, "Document failed validation"))
        self.assertEqual(error["errInfo"], {"failingDocumentId": 1, "details": {
            "operatorName": "$gt", "specifiedAs": {"a": {"$gt": 5}}, "reason": "comparison failed",
            "consideredValue": 3}})

    def test_cursors(self):
        """S01-121: id is an int64, zero at the end; ns; firstBatch, then nextBatch."""
        name = surface.fresh()
        self.insert(name, *({"_id": i} for i in range(3)))
        reply = self.ok({"find": name, "batchSize": 2})
        cursor = reply["cursor"]
        self.assertEqual((cursor["ns"], cursor["firstBatch"]), (f"test.{name}", [{"_id": 0}, {"_id": 1}]))
        self.assertIsInstance(cursor["id"], Int64)
        self.assertNotEqual(cursor["id"], 0)
        reply = self.ok({"getMore": cursor["id"], "collection": name})
        self.shape(reply, cursor={"nextBatch": [{"_id": 2}], "id": 0, "ns": f"test.{name}"}, ok=1.0)
        self.assertIsInstance(reply["cursor"]["id"], Int64)
        self.shape(self.ok({"find": "missing"}),
                   cursor={"firstBatch": [], "id": 0, "ns": "test.missing"}, ok=1.0)

    def test_find_and_modify(self):
        """S01-122: lastErrorObject with n, updatedExisting or upserted; value null where there was none."""
        name = surface.fresh()
        command = {"findAndModify": name, "query": {"_id": 1}}
        self.shape(self.ok({**command, "update": {"$set": {"a": 1}}}),
                   lastErrorObject={"n": 0, "updatedExisting": False}, value=None, ok=1.0)
        self.shape(self.ok({**command, "update": {"$set": {"a": 1}}, "upsert": True}),
                   lastErrorObject={"n": 1, "updatedExisting": False, "upserted": 1}, value=None, ok=1.0)
        self.shape(self.ok({**command, "update": {"$set": {"a": 2}}}),
                   lastErrorObject={"n": 1, "updatedExisting": True}, value={"_id": 1, "a": 1}, ok=1.0)
        self.shape(self.ok({**command, "remove": True}),
                   lastErrorObject={"n": 1}, value={"_id": 1, "a": 2}, ok=1.0)
        self.shape(self.ok({**command, "remove": True}), lastErrorObject={"n": 0}, value=None, ok=1.0)

    def test_fields(self):
        """S01-123, S12-007, S12-093: unknown, missing, doubled and mistyped fields of commands."""
        self.fails({"find": "c", "colour": 1}, 40415, text="BSON field 'find.colour' is an unknown field.")
        self.fails({"create": "c", "colour": 1}, 40415, text="BSON field 'create.colour' is an unknown field.")
        self.fails({"insert": "c"}, 40414,
                   text="BSON field 'insert.documents' is missing but a required field")
        self.fails({"delete": "c", "deletes": [{"q": {}}]}, 40414,
                   text="BSON field 'delete.deletes.limit' is missing but a required field")
        self.fails({"find": 7}, 73, "InvalidNamespace")
        self.fails({"find": "c", "filter": 5}, 14, "TypeMismatch",
                   "BSON field 'find.filter' is the wrong type 'int', expected type 'object'")

    def test_operation_time(self):
        """S01-133: of a write its own optime; never beyond the cluster time."""
        name = surface.fresh()
        reply = self.ok({"insert": name, "documents": [{"_id": 1}]})
        self.assertEqual(reply["operationTime"], reply["opTime"]["ts"])
        self.assertGreaterEqual(reply["$clusterTime"]["clusterTime"], reply["operationTime"])

    def test_incoming_cluster_time(self):
        """S01-131, S01-140: the clock follows a client that is ahead, but not by years."""
        now = self.ok({"ping": 1})["$clusterTime"]
        ahead = Timestamp(now["clusterTime"].time + 60, 1)
        reply = self.ok({"ping": 1, "$clusterTime": {**now, "clusterTime": ahead},
                         "clientOperationKey": bson.Binary.from_uuid(uuid.uuid4())})
        self.assertGreaterEqual(reply["$clusterTime"]["clusterTime"], ahead)
        self.assertGreater(self.ok({"insert": surface.fresh(), "documents": [{}]})["operationTime"], ahead)
        years = Timestamp(now["clusterTime"].time + 2 * 366 * 86400, 1)
        self.fails({"ping": 1, "$clusterTime": {**now, "clusterTime": years}}, 205, "ClusterTimeFailsRateLimiter")

    def test_after_cluster_time(self):
        """S01-134, S08-032, S12-027: past times pass, future ones and strange levels do not."""
        future = Timestamp(int(time.time()) + 100000, 1)
        for level in ("local", "majority"):
            self.ok({"find": "c", "readConcern": {"level": level, "afterClusterTime": Timestamp(1, 1)}})
        self.fails({"find": "c", "readConcern": {"afterClusterTime": future}}, 72, "InvalidOptions",
                   "readConcern afterClusterTime value must not be greater than the current clusterTime. "
                   f"Requested clusterTime: {{ ts: Timestamp({future.time}, 1) }}; current clusterTime: {{ ts: ")
        for level in ("linearizable", "available"):
            self.fails({"find": "c", "readConcern": {"level": level, "afterClusterTime": Timestamp(1, 1)}}, 72,
                       "InvalidOptions", "afterClusterTime field can be set only if level is equal to "
                                         "majority, local, or snapshot")
        self.fails({"find": "c", "readConcern": {"afterClusterTime": 1}}, 14, "TypeMismatch",
                   '"afterClusterTime" had the wrong type. Expected timestamp, found int')

    def test_concerns_that_do_not_fit(self):
        """S08-031, S08-042, S12-027: a read concern on a write, a write concern on what writes nothing."""
        self.fails({"insert": "c", "documents": [{}], "readConcern": {"level": "majority"}}, 72, "InvalidOptions",
                   "Command insert does not support { readConcern: { level: \"majority\", provenance: "
                   "\"clientSupplied\" } } :: caused by :: read concern not supported")
        self.ok({"insert": surface.fresh(), "documents": [{}], "readConcern": {"level": "local"}})
        for command in ({"ping": 1}, {"find": "c"}, {"count": "c"}, {"distinct": "c", "key": "a"}):
            self.fails({**command, "writeConcern": {"w": 1}}, 72, "InvalidOptions",
                       "Command does not support writeConcern")
        name = surface.fresh()
        for command in ({"create": name}, {"createIndexes": name, "indexes": [{"key": {"a": 1}, "name": "a"}]},
                        {"insert": name, "documents": [{}]}, {"dropIndexes": name, "index": "a"},
                        {"collMod": name}, {"findAndModify": name, "query": {}, "remove": True},
                        {"aggregate": name, "pipeline": [], "cursor": {}}, {"drop": name}, {"dropDatabase": 1}):
            self.ok({**command, "writeConcern": {"w": 1}}, "concerned")

    def test_comment(self):
        """S01-139: of any type, on every command; the profile tells it, for getMore too."""
        name = surface.fresh()
        self.insert(name, *({"_id": i} for i in range(4)), database="commented")
        self.ok({"profile": 2}, "commented")
        for comment in ("text", 7, {"a": [1]}, None, True):
            self.ok({"ping": 1, "comment": comment})
        cursor = self.ok({"find": name, "comment": {"why": "this"}, "batchSize": 1}, "commented")["cursor"]
        self.ok({"getMore": cursor["id"], "collection": name}, "commented")
        self.ok({"insert": name, "documents": [{}], "comment": "other"}, "commented")
        self.ok({"profile": 0}, "commented")

        def told():
            return [(d["op"], d["command"].get("comment")) for d in self.first_batch(
                {"find": "system.profile", "filter": {"op": {"$in": ["query", "getmore", "insert"]},
                                                      "ns": f"commented.{name}"}, "sort": {"ts": 1}}, "commented")]
        harness.wait_until("three operations in the profile", lambda: len(told()) == 3)
        self.assertEqual(told(), [("query", {"why": "this"}), ("getmore", {"why": "this"}), ("insert", "other")])

    def test_requests_in_order(self):
        """S01-017, S01-029: many requests at once are answered one by one."""
        name = surface.fresh()
        for i in range(20):
            self.connection.send("test", {"insert": name, "documents": [{"_id": i}]})
            self.connection.send("test", {"count": name})
        replies = [self.connection.receive() for _ in range(40)]
        self.assertEqual([r["n"] for r in replies], [n for i in range(20) for n in (1, i + 1)])

    def test_sockets(self):
        """S01-152: the server's end sends keepalives."""
        port = self.connection.socket.getsockname()[1]
        self.ok({"ping": 1})
        shown = subprocess.run(["ss", "-tnoH", "state", "established", "dport", f"= :{port}"],
                               capture_output=True, text=True, check=True).stdout
        self.assertIn("timer:(keepalive", shown)


class StepDown(surface.OneMember):
    def interrupted_update(self):
        """The answer to an update that a step-down met while it ran; None if it was done before."""
        writer = self.connect()
        writer.send("test", {"update": "c", "updates": [{"q": {}, "u": {"$inc": {"n": 1}}, "multi": True}]})
        harness.wait_until("the update runs", lambda: [op for op in self.ok(
            {"currentOp": 1, "op": "update"}, "admin")["inprog"] if op.get("active")], interval=0.002)
        self.ok({"replSetStepDown": 2, "secondaryCatchUpPeriodSecs": 0, "force": True}, "admin")
        reply = self.reply({"insert": "c", "documents": [{}]})
        self.assertEqual((reply["ok"], reply["code"]), (0, 10107), reply)
        self.assertIn("topologyVersion", reply)
        reply = writer.receive()
        codes = [e["code"] for e in reply.get("writeErrors", [])] or [reply.get("code")]
        return codes[0]

    def test_step_down(self):
        """S01-144, S12-089: a running write is interrupted, connections and cursors go on, writes are refused."""
        self.insert("c", *({"_id": i} for i in range(60000)))
        for _ in range(5):
            cursor = self.ok({"find": "c", "batchSize": 2})["cursor"]["id"]
            code = self.interrupted_update()
            more = self.ok({"getMore": cursor, "collection": "c", "batchSize": 5})["cursor"]
            self.assertEqual(len(more["nextBatch"]), 5)
            self.set.wait_primary()
            self.assertEqual(self.ok({"insert": "after", "documents": [{}]})["n"], 1)
            if code is not None:
                break
        self.assertIn(code, (11602, 189))


if __name__ == "__main__":
    harness.main()
