#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes, command by command: every argument of the manual's page, what it does, what it refuses.

Expected values: the manual's pages of the commands; recorded answers.
"""
import datetime
import threading
import time

from bson import Int64, ObjectId, Timestamp

import surface
from surface import harness

ITEMS = [{"_id": i, "n": i, "tag": "ab"[i % 2], "tags": ["x", i]} for i in range(10)]


class Reads(surface.OneMember):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for command in ({"create": "capped", "capped": True, "size": 65536},
                        {"createIndexes": "items", "indexes": [{"key": {"n": 1}, "name": "n_1"}]},
                        {"insert": "items", "documents": ITEMS},
                        {"insert": "words", "documents": [{"_id": 1, "w": "b"}, {"_id": 2, "w": "A"},
                                                          {"_id": 3, "w": "a"}]}):
            cls.server.command("test", command)

    def ids(self, **fields):
        return [d["_id"] for d in self.first_batch({"find": "items", **fields})]

    def test_find(self):
        """S02-001: filter, sort, skip, limit, projection, hint, min, max, let, singleBatch, batchSize."""
        for fields, ids in (
                ({"filter": {"n": {"$gte": 7}}}, [7, 8, 9]),
                ({"sort": {"n": -1}, "limit": 2}, [9, 8]),
                ({"sort": {"tag": 1, "n": -1}, "skip": 4, "limit": 2}, [0, 9]),
                ({"hint": "n_1", "min": {"n": 3}, "max": {"n": 6}}, [3, 4, 5]),
                ({"hint": {"n": 1}, "limit": 1}, [0]),
                ({"hint": {"$natural": -1}, "limit": 2}, [9, 8]),
                ({"filter": {"$expr": {"$eq": ["$n", "$$wanted"]}}, "let": {"wanted": 4}}, [4]),
                ({"filter": {"n": {"$lt": 3}}, "allowDiskUse": True, "noCursorTimeout": False,
                  "allowPartialResults": False, "oplogReplay": True, "comment": "c", "maxTimeMS": 10000,
                  "readConcern": {"level": "local"}}, [0, 1, 2]),
                ({"batchSize": 3, "singleBatch": True}, [0, 1, 2])):
            with self.subTest(fields=fields):
                self.assertEqual(self.ids(**fields), ids)
        self.assertEqual(self.first_batch({"find": "items", "filter": {"_id": 1}, "projection": {"n": 1, "_id": 0}}),
                         [{"n": 1}])
        self.assertEqual(self.first_batch({"find": "items", "filter": {"n": 3}, "returnKey": True}), [{"n": 3}])
        shown = self.first_batch({"find": "items", "filter": {"_id": 3}, "showRecordId": True})[0]
        self.assertIsInstance(shown["$recordId"], int)
        words = self.first_batch({"find": "words", "sort": {"w": 1, "_id": 1},
                                  "collation": {"locale": "en", "strength": 2}})
        self.assertEqual([d["w"] for d in words], ["A", "a", "b"])

    def test_find_closes_its_cursor(self):
        """S02-001: a limit that is reached, singleBatch and batchSize 0."""
        for fields, count, ended in (({"limit": 3, "batchSize": 3}, 3, True),
                                     ({"limit": 3, "batchSize": 2}, 2, False),
                                     ({"batchSize": 0}, 0, False), ({"batchSize": 100}, 10, True)):
            cursor = self.ok({"find": "items", **fields})["cursor"]
            self.assertEqual((len(cursor["firstBatch"]), cursor["id"] == 0), (count, ended), fields)
            if not ended:
                more = self.ok({"getMore": cursor["id"], "collection": "items"})["cursor"]
                self.assertEqual((len(more["nextBatch"]), more["id"]), (fields.get("limit", 10) - count, 0))

    def test_find_refuses(self):
        """S02-001, S12-110: negative numbers, hints of no index, sorts and types that are none."""
        for fields, code, name in (({"limit": -1}, 51024, None), ({"skip": -1}, 51024, None),
                                   ({"batchSize": -1}, 51024, None), ({"hint": "none"}, 2, "BadValue"),
                                   ({"sort": {"n": 2}}, 15975, None), ({"sort": "n"}, 14, "TypeMismatch"),
                                   ({"filter": {"$nope": 1}}, 2, "BadValue"),
                                   ({"tailable": True}, 2, "BadValue"),
                                   ({"awaitData": True}, 9, "FailedToParse")):
            with self.subTest(fields=fields):
                self.fails({"find": "items", **fields}, code, name)

    def test_tailable(self):
        """S02-001: a cursor at the end of a capped collection stays open and sees what comes."""
        self.insert("capped", {"_id": 1})
        cursor = self.ok({"find": "capped", "tailable": True, "awaitData": True, "batchSize": 10})["cursor"]
        self.assertEqual((len(cursor["firstBatch"]), cursor["id"] != 0), (1, True))
        got = {}

        def wait():
            with surface.wire.Connection(self.server.address) as other:
                got.update(other.reply("test", {"getMore": cursor["id"], "collection": "capped",
                                                "maxTimeMS": 20000}))
        thread = threading.Thread(target=wait)
        thread.start()
        self.insert("capped", {"_id": 2})
        thread.join(20)
        self.assertEqual(got["cursor"]["nextBatch"], [{"_id": 2}])
        self.assertEqual(got["cursor"]["id"], cursor["id"])

    def test_get_more(self):
        """S02-002, S12-020: batchSize; unknown ids, other collections, maxTimeMS on an ordinary cursor."""
        cursor = self.ok({"find": "items", "batchSize": 2})["cursor"]["id"]
        more = self.ok({"getMore": cursor, "collection": "items", "batchSize": 3, "comment": 1})["cursor"]
        self.assertEqual([d["_id"] for d in more["nextBatch"]], [2, 3, 4])
        self.fails({"getMore": cursor, "collection": "other"}, 13, "Unauthorized")
        self.fails({"getMore": cursor, "collection": "items", "maxTimeMS": 100}, 2, "BadValue",
                   "cannot set maxTimeMS on getMore command for a non-awaitData cursor")
        self.fails({"getMore": Int64(12345), "collection": "items"}, 43, "CursorNotFound",
                   "cursor id 12345 not found")
        self.fails({"getMore": Int64(0), "collection": "items"}, 2, "BadValue")
        self.fails({"getMore": 5, "collection": "items"}, 14, "TypeMismatch")
        self.fails({"getMore": cursor, "collection": ""}, 73, "InvalidNamespace")
        self.assertEqual(len(self.ok({"getMore": cursor, "collection": "items"})["cursor"]["nextBatch"]), 5)
        self.fails({"getMore": cursor, "collection": "items"}, 43, "CursorNotFound")

    def test_get_more_of_a_session(self):
        """S02-002, S12-110: a cursor belongs to the session that opened it, or to none."""
        session = surface.lsid()
        cursor = self.ok({"find": "items", "batchSize": 1, "lsid": session})["cursor"]["id"]
        self.fails({"getMore": cursor, "collection": "items"}, 50737)
        self.fails({"getMore": cursor, "collection": "items", "lsid": surface.lsid()}, 50738)
        self.ok({"getMore": cursor, "collection": "items", "lsid": session})
        cursor = self.ok({"find": "items", "batchSize": 1})["cursor"]["id"]
        self.fails({"getMore": cursor, "collection": "items", "lsid": session}, 50736)

    def test_kill_cursors(self):
        """S02-003: killed, unknown; the killed one is gone."""
        cursor = self.ok({"find": "items", "batchSize": 2})["cursor"]["id"]
        reply = self.ok({"killCursors": "items", "cursors": [cursor, Int64(99)]})
        self.assertEqual([reply[k] for k in ("cursorsKilled", "cursorsNotFound", "cursorsAlive", "cursorsUnknown")],
                         [[cursor], [99], [], []])
        self.fails({"getMore": cursor, "collection": "items"}, 43, "CursorNotFound")
        self.fails({"killCursors": "items"}, 40414)
        self.fails({"killCursors": "items", "cursors": 5}, 14, "TypeMismatch")

    def test_count(self):
        """S02-009: query, skip, limit of either sign, hint, collation; a missing collection holds none."""
        for fields, n in (({}, 10), ({"query": {"tag": "a"}}, 5), ({"limit": 3}, 3), ({"limit": -3}, 3),
                          ({"skip": 8}, 2), ({"skip": 2, "limit": 20}, 8), ({"hint": "n_1"}, 10),
                          ({"query": {"n": {"$gt": 4}}, "hint": {"n": 1}}, 5), ({"fields": {"a": 1}}, 10),
                          ({"query": None}, 10)):
            with self.subTest(fields=fields):
                self.assertEqual(self.ok({"count": "items", **fields})["n"], n)
        self.assertEqual(self.ok({"count": "missing"})["n"], 0)
        self.assertEqual(self.ok({"count": "words", "query": {"w": "a"},
                                  "collation": {"locale": "en", "strength": 2}})["n"], 2)
        self.fails({"count": "items", "skip": -1}, 51024)

    def test_distinct(self):
        """S02-010: of a field, of array elements, with query and collation; numbers across types are one."""
        for fields, values in (({"key": "tag"}, ["a", "b"]), ({"key": "n", "query": {"n": {"$lt": 2}}}, [0, 1]),
                               ({"key": "missing"}, [])):
            self.assertEqual(sorted(self.ok({"distinct": "items", **fields})["values"]), values)
        self.assertEqual(set(self.ok({"distinct": "items", "key": "tags", "query": {"_id": {"$lt": 2}}})["values"]),
                         {"x", 0, 1})
        self.insert("types", {"a": 1}, {"a": 1.0}, {"a": Int64(1)}, {"a": [1, 2]}, {"a": "1"})
        self.assertEqual(len(self.ok({"distinct": "types", "key": "a"})["values"]), 3)
        reply = self.ok({"distinct": "words", "key": "w", "collation": {"locale": "en", "strength": 2}})
        self.assertEqual(sorted(w.lower() for w in reply["values"]), ["a", "b"])
        self.assertEqual(self.ok({"distinct": "missing", "key": "a"})["values"], [])
        self.fails({"distinct": "items"}, 40414)
        self.fails({"distinct": "items", "key": 1}, 14, "TypeMismatch")

    def test_distinct_sorts_its_values(self):
        """S02-010 (recorded): ascending over types, whatever the order of the documents."""
        self.insert("mixed", {"a": {"z": 1}}, {"a": "x"}, {"a": "X"}, {"a": [2, [3]]}, {"a": None}, {"a": 1})
        self.assertEqual(self.ok({"distinct": "mixed", "key": "a"})["values"],
                         [None, 1, 2, "X", "x", {"z": 1}, [3]])

    def test_find_metadata(self):
        """S03-067 (recorded): {$meta: sortKey, indexKey, recordId}; what is not there is refused."""
        for fields, key in (({"sort": {"tags": -1}, "limit": 1},
                            ["x"]), ({"sort": {"n": -1, "tag": 1}, "limit": 1}, [9, "b"])):
            row = self.first_batch({"find": "items", "projection": {"k": {"$meta": "sortKey"}}, **fields})[0]
            self.assertEqual(row["k"], key)
        row = self.first_batch({"find": "items", "filter": {"n": 4}, "projection": {"k": {"$meta": "indexKey"}}})[0]
        self.assertEqual(row["k"], {"n": 4})
        self.fails({"find": "items", "projection": {"k": {"$meta": "sortKey"}}}, 2, "BadValue",
                   "cannot use sortKey $meta projection without a sort")
        self.fails({"find": "items", "projection": {"k": {"$meta": "textScore"}}}, 40218)

    def test_resume_tokens(self):
        """S02-001: $_requestResumeToken tells the last record of a batch, $_resumeAfter goes on behind it."""
        scan = {"find": "items", "hint": {"$natural": 1}, "$_requestResumeToken": True}
        cursor = self.ok({**scan, "batchSize": 4})["cursor"]
        token = cursor["postBatchResumeToken"]
        self.assertEqual([d["_id"] for d in cursor["firstBatch"]], [0, 1, 2, 3])
        more = self.ok({"getMore": Int64(cursor["id"]), "collection": "items", "batchSize": 2})["cursor"]
        self.assertGreater(more["postBatchResumeToken"]["$recordId"], token["$recordId"])
        rest = self.first_batch({**scan, "$_resumeAfter": token})
        self.assertEqual([d["_id"] for d in rest], [4, 5, 6, 7, 8, 9])
        self.fails({**scan, "$_resumeAfter": {"$recordId": Int64(10**9)}}, 211, "KeyNotFound")
        self.fails({**scan, "hint": "n_1"}, 2, "BadValue")
        self.fails({"find": "items", "$_resumeAfter": token}, 2, "BadValue")

    def test_min_max_codes(self):
        """S03-066 (recorded): 51173 no hint, 51174 another index, 51175 an empty range, 291 with $natural."""
        for fields, code, name in (
    ({
        "min": {
            "n": 1}}, 51173, None), ({
                "min": {
                    "tag": 1}, "hint": "n_1"}, 51174, None), ({
                        "min": {
                            "n": 3}, "max": {
                                "n": 2}, "hint": "n_1"}, 51175, None), ({
                                    "min": {
                                        "n": 3}, "hint": {
                                            "$natural": 1}}, 291, "NoQueryExecutionPlans")):
            with self.subTest(fields=fields):
                self.fails({"find": "items", **fields}, code, name)

    def test_aggregate(self):
        """S02-008, S12-111: cursor, explain, allowDiskUse, hint, let, collation, collectionless; what it refuses."""
        count = [{"$match": {"n": {"$gte": 4}}}, {"$count": "n"}]
        self.assertEqual(self.first_batch({"aggregate": "items", "pipeline": count, "cursor": {}}), [{"n": 6}])
        cursor = self.ok({"aggregate": "items", "pipeline": [], "cursor": {"batchSize": 4}})["cursor"]
        self.assertEqual((len(cursor["firstBatch"]), cursor["ns"]), (4, "test.items"))
        self.assertEqual(len(self.ok({"getMore": cursor["id"], "collection": "items"})["cursor"]["nextBatch"]), 6)
        self.assertEqual(len(self.first_batch({
            "aggregate": "items", "cursor": {}, "allowDiskUse": True, "hint": "n_1", "comment": "c",
            "bypassDocumentValidation": True, "maxTimeMS": 10000, "readConcern": {"level": "majority"},
            "let": {"x": 3}, "pipeline": [{"$match": {"$expr": {"$lt": ["$n", "$$x"]}}}]})), 3)
        words = self.first_batch({"aggregate": "words", "pipeline": [{"$sort": {"w": 1, "_id": 1}}], "cursor": {},
                                  "collation": {"locale": "en", "strength": 2}})
        self.assertEqual([d["_id"] for d in words], [2, 3, 1])
        self.assertEqual(self.ok({"aggregate": 1, "pipeline": [{"$currentOp": {}}, {"$limit": 1}], "cursor": {}},
                                 "admin")["cursor"]["ns"], "admin.$cmd.aggregate")
        reply = self.ok({"aggregate": "items", "pipeline": count, "explain": True})
        self.assertTrue("stages" in reply or "queryPlanner" in reply, reply)
        for fields, code, name, text in (
                ({"pipeline": []}, 9, "FailedToParse",
                 "The 'cursor' option is required, except for aggregate with the explain argument"),
                ({"pipeline": {}, "cursor": {}}, 14, "TypeMismatch",
                "'pipeline' option must be specified as an array"),
                ({"pipeline": [7], "cursor": {}}, 14, "TypeMismatch",
                 "Each element of the 'pipeline' array must be an object"),
                ({"pipeline": [{"$match": {}, "$limit": 1}], "cursor": {}}, 40323, None,
                 "A pipeline stage specification object must contain exactly one field."),
                ({"pipeline": [{"$nope": 1}], "cursor": {}}, 40324, None,
                 "Unrecognized pipeline stage name: '$nope'"),
                ({"pipeline": [{"$facet": {"a": [{"$out": "c"}]}}], "cursor": {}}, 40600, None, "$out"),
                ({"pipeline": [{"$out": "c"}, {"$match": {}}], "cursor": {}}, 40601, None,
                 "$out can only be the final stage in the pipeline"),
                ({"pipeline": [{"$match": {}}, {"$indexStats": {}}], "cursor": {}}, 40602, None,
                 "$indexStats is only valid as the first stage in a pipeline")):
            with self.subTest(fields=fields):
                self.fails({"aggregate": "items", **fields}, code, name, text)

    def test_explain(self):
        """S02-011, S02-132: each command that it wraps, each verbosity; what it refuses."""
        find = {"find": "items", "filter": {"n": 3}}
        for verbosity, sections in (("queryPlanner", ()), ("executionStats", ("executionStats",)),
                                    ("allPlansExecution", ("executionStats",)), (None, ("executionStats",))):
            command = {"explain": find, **({"verbosity": verbosity} if verbosity else {})}
            reply = self.ok(command)
            self.assertEqual(reply["queryPlanner"]["winningPlan"]["stage"], "FETCH")
            self.assertEqual(reply["queryPlanner"]["winningPlan"]["inputStage"]["indexName"], "n_1")
            self.assertEqual("executionStats" in reply, "executionStats" in sections)
            for name in ("command", "serverInfo", "serverParameters"):
                self.assertIn(name, reply)
            if sections:
                stats = reply["executionStats"]
                self.assertEqual([stats[k] for k in ("executionSuccess", "nReturned", "totalKeysExamined",
                                                     "totalDocsExamined")], [True, 1, 1, 1])
        self.assertIn("allPlansExecution", self.ok({"explain": find})["executionStats"])
        for command in ({"aggregate": "items", "pipeline": [{"$match": {"n": 1}}], "cursor": {}},
                        {"count": "items", "query": {"n": 1}}, {"distinct": "items", "key": "n"},
                        {"update": "items", "updates": [{"q": {"n": 1}, "u": {"$set": {"z": 1}}}]},
                        {"delete": "items", "deletes": [{"q": {"n": 1}, "limit": 1}]},
                        {"findAndModify": "items", "query": {"n": 1}, "remove": True}):
            with self.subTest(command=command):
                reply = self.ok({"explain": command, "verbosity": "executionStats"})
                self.assertIn("queryPlanner", reply)
                self.assertIn("executionStats", reply)
        self.assertEqual(self.ok({"count": "items"})["n"], 10)
        self.fails({"explain": {"insert": "items", "documents": [{}]}},
                   20, "IllegalOperation", "Cannot explain cmd: insert")
        self.fails({"explain": {"nope": 1}}, 59, "CommandNotFound", "Explain failed due to unknown command: nope")
        self.fails({"explain": find, "verbosity": "loud"}, 9, "FailedToParse")


class Writes(surface.OneMember):
    def setUp(self):
        super().setUp()
        self.name = surface.fresh()

    def write(self, kind, *statements, **fields):
        field = {"update": "updates", "delete": "deletes"}[kind]
        return self.ok({kind: self.name, field: list(statements), **fields})

    def test_insert(self):
        """S02-004: _id is added or moved to the front; a top-level empty timestamp becomes now."""
        self.insert(self.name, {"a": 1})
        document = self.all_of(self.name)[0]
        self.assertEqual(list(document), ["_id", "a"])
        self.assertIsInstance(document["_id"], ObjectId)
        self.assertLess(abs(document["_id"].generation_time.timestamp() - time.time()), 5)
        self.insert(self.name, {"b": 1, "_id": 7, "a": Timestamp(0, 0), "in": {"t": Timestamp(0, 0)}})
        document = self.first_batch({"find": self.name, "filter": {"_id": 7}})[0]
        self.assertEqual(list(document), ["_id", "b", "a", "in"])
        self.assertLess(abs(document["a"].time - time.time()), 5)
        self.assertEqual(document["in"]["t"], Timestamp(0, 0))

    def test_insert_refuses(self):
        """S02-004: ids that are arrays or regular expressions."""
        import re  # pylint: disable=import-outside-toplevel
        for document, text in (({"_id": [1]}, "can't use an array for _id"),
                               ({"_id": re.compile("a")}, "can't use a regex for _id")):
            reply = self.ok({"insert": self.name, "documents": [document]})
            self.assertEqual([(e["code"], e["errmsg"]) for e in reply["writeErrors"]], [(2, text)], reply)
        self.fails({"insert": self.name, "documents": {"a": 1}}, 14, "TypeMismatch")

    def test_insert_past_validation(self):
        """S02-004: bypassDocumentValidation."""
        self.ok({"create": self.name, "validator": {"a": {"$exists": True}}})
        self.assertEqual(self.ok({"insert": self.name, "documents": [{"_id": 1}]})["writeErrors"][0]["code"], 121)
        self.assertEqual(self.ok({"insert": self.name, "documents": [{"_id": 1}],
                                  "bypassDocumentValidation": True})["n"], 1)

    def test_update(self):
        """S02-005: q, u of the three kinds, multi, upsert, collation, arrayFilters, hint, let, c."""
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"n": 1}, "name": "n_1"}]})
        self.insert(self.name, {"_id": 1, "n": 1, "a": [1, 5, 9]}, {"_id": 2, "n": 1, "w": "A"})
        for statement, fields, n in (
                ({"q": {"n": 1}, "u": {"$set": {"s": 1}}, "multi": True}, {}, 2),
                ({"q": {"n": 1}, "u": {"$set": {"t": 1}}}, {}, 1),
                ({"q": {"_id": 1}, "u": {"$inc": {"a.$[big]": 100}}, "arrayFilters": [{"big": {"$gte": 5}}]}, {}, 1),
                ({"q": {"w": "a"}, "u": {"$set": {"c": 1}}, "collation": {"locale": "en", "strength": 2}}, {}, 1),
                ({"q": {"n": 1, "_id": 2}, "u": {"$set": {"h": 1}}, "hint": "n_1"}, {}, 1),
                ({"q": {"$expr": {"$eq": ["$_id", "$$id"]}}, "u": [{"$set": {"p": "$$id", "k": "$$k"}}],
                  "c": {"k": 7}}, {"let": {"id": 2}}, 1),
                ({"q": {"_id": 3}, "u": {"_id": 3, "whole": True}, "upsert": True}, {}, 1)):
            with self.subTest(statement=statement):
                self.assertEqual(self.write("update", statement, **fields)["n"], n)
        self.assertEqual(self.all_of(self.name), [
            {"_id": 1, "n": 1, "a": [1, 105, 109], "s": 1, "t": 1},
            {"_id": 2, "n": 1, "w": "A", "s": 1, "c": 1, "h": 1, "p": 2, "k": 7}, {"_id": 3, "whole": True}])

    def test_update_refuses(self):
        """S02-005, S12-002, S12-004, S12-018: statement by statement, each with its code."""
        self.insert(self.name, {"_id": 1, "n": 1, "s": "text"})
        for statement, code in (
                ({"q": {}, "u": {"a": 1}, "multi": True}, 9), ({"q": {}, "u": {"$nope": {"a": 1}}}, 9),
                ({"q": {"_id": 1}, "u": {"$set": {"_id": 2}}}, 66), ({"q": {"_id": 1}, "u": {"_id": 2}}, 66),
                ({"q": {"_id": 1}, "u": {"$set": {"a": 1, "a.b": 1}}}, 40),
                ({"q": {"_id": 1}, "u": {"$set": {"s.x": 1}}}, 28),
                ({"q": {"_id": 1}, "u": {"$inc": {"s": 1}}}, 14), ({"q": {"_id": 1}, "u": {"$set": {"": 1}}}, 56),
                ({"q": {"_id": 1}, "u": {"$set": {"a..b": 1}}}, 56), ({"q": {"$nope": 1},
                "u": {"$set": {"a": 1}}}, 2),
                ({"q": {"a": 1, "$and": [{"a": 2}]}, "u": {"$set": {"b": 1}}, "upsert": True}, 54),
                ({"q": {"_id": 1}, "u": {"$set": {"s": 1}}, "hint": "none"}, 2)):
            with self.subTest(statement=statement):
                reply = self.write("update", statement)
                self.assertEqual([e["code"] for e in reply.get("writeErrors", [])], [code], reply)
        self.assertEqual(self.all_of(self.name), [{"_id": 1, "n": 1, "s": "text"}])

    def test_shape_of_statements_comes_first(self):
        """S02-005, S02-006 (recorded): a statement of the wrong shape fails the command before anything is written."""
        self.insert(self.name, {"_id": 1, "a": 1}, {"_id": 2, "a": 2})
        good = {"q": {"_id": 1}, "u": {"$set": {"a": 9}}}
        for u, code, name, text in ((5, 9, "FailedToParse", "Update argument must be either an object or an array"),
                              ([5], 14, "TypeMismatch", "Each element of the 'pipeline' array must be an object"),
                              ([{"$set": {"a": 1}, "$unset": "b"}], 40323, None,
                               "A pipeline stage specification object must contain exactly one field.")):
            with self.subTest(u=u):
                self.fails({"update": self.name, "updates": [good, {"q": {}, "u": u}]}, code, name, text)
        self.fails({"delete": self.name, "deletes": [{"q": {"_id": 1}, "limit": 1}, {
                   "q": {}, "limit": 2}]}, 9, "FailedToParse",
                   "The limit field in delete objects must be 0 or 1. Got 2")
        self.assertEqual(self.all_of(self.name), [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])

    def test_multi_update_that_fails_counts_nothing(self):
        """S05-088 (recorded): n is 0 if a multi update meets a duplicate key."""
        self.insert(self.name, {"_id": 1, "a": 1}, {"_id": 2, "a": 2})
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"a": 1}, "name": "a_1", "unique": True}]})
        reply = self.write("update", {"q": {}, "u": {"$set": {"a": 7}}, "multi": True})
        self.assertEqual((reply["n"], reply["nModified"], reply["writeErrors"][0]["code"]), (0, 0, 11000))

    def test_write_stages(self):
        """S04-025, S04-026: $merge and $out respect the target's validator; bypassDocumentValidation does not."""
        target = surface.fresh("t")
        self.ok({"create": target, "validator": {"a": {"$gt": 1}}})
        self.insert(self.name, {"_id": 1, "a": 1}, {"_id": 2, "a": 2})
        for stage in ({"$merge": target}, {"$out": target}):
            with self.subTest(stage=stage):
                self.fails({"aggregate": self.name, "pipeline": [stage],
                           "cursor": {}}, 121, "DocumentValidationFailure")
        self.ok({"aggregate": self.name, "pipeline": [{"$merge": target}], "cursor": {},
                 "bypassDocumentValidation": True})
        self.assertEqual(self.all_of(target), [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])

    def test_unknown_index_options(self):
        """S02-035 (recorded): refused, unless they are to be ignored; all indexes there is told by a note."""
        spec = {"key": {"a": 1}, "name": "a_1", "foo": 1}
        self.fails({"createIndexes": self.name, "indexes": [spec]}, 197, "InvalidIndexSpecificationOption")
        reply = self.ok({"createIndexes": self.name, "indexes": [spec], "ignoreUnknownIndexOptions": True})
        self.assertIn("createdCollectionAutomatically", reply)
        reply = self.ok({"createIndexes": self.name, "indexes": [{"key": {"a": 1}, "name": "a_1"}]})
        self.assertEqual((reply["note"], "createdCollectionAutomatically" in reply),
                         ("all indexes already exist", False))

    def test_delete(self):
        """S02-006: limit 1 and 0, collation, hint, let, ordered; limit must be there and be one of them."""
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"n": 1}, "name": "n_1"}]})
        self.insert(self.name, *({"_id": i, "n": i % 3, "w": "Aab"[i % 3]} for i in range(9)))
        for statement, fields, n in (
                ({"q": {"n": 0}, "limit": 1}, {}, 1), ({"q": {"n": 0}, "limit": 0}, {}, 2),
                ({"q": {"w": "A"}, "limit": 1, "collation": {"locale": "en", "strength": 2}}, {}, 1),
                ({"q": {"n": 1}, "limit": 1, "hint": {"n": 1}}, {}, 1),
                ({"q": {"$expr": {"$eq": ["$n", "$$k"]}}, "limit": 0}, {"let": {"k": 2}}, 3)):
            with self.subTest(statement=statement):
                self.assertEqual(self.write("delete", statement, **fields)["n"], n)
        self.assertEqual([d["n"] for d in self.all_of(self.name)], [1])
        for limit in (2, -1):
            self.fails({"delete": self.name, "deletes": [{"q": {}, "limit": limit}]}, 9, "FailedToParse",
                       f"The limit field in delete objects must be 0 or 1. Got {limit}")
        self.fails({"delete": self.name, "deletes": [{"q": {}}]}, 40414)
        self.assertEqual(len(self.all_of(self.name)), 1)

    def test_find_and_modify(self):
        """S02-007: query, sort, update of each kind, new, fields, upsert, remove, arrayFilters, hint, let."""
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"n": 1}, "name": "n_1"}]})
        self.insert(self.name, *({"_id": i, "n": i, "a": [i, 9], "w": "aAb"[i]} for i in range(3)))

        def value(name="findAndModify", **fields):
            return self.ok({name: self.name, **fields})["value"]
        self.assertEqual(value(sort={"n": -1}, update={"$inc": {"n": 10}}, new=True, fields={"n": 1}),
                         {"_id": 2, "n": 12})
        self.assertEqual(value("findandmodify", query={"_id": 0}, update=[{"$set": {"n": {"$add": ["$n", 5]}}}],
                               fields={"n": 1, "_id": 0}), {"n": 0})
        self.assertEqual(value(query={"_id": 1}, update={"$set": {"a.$[x]": 0}}, arrayFilters=[{"x": 9}], new=True,
                               hint="_id_", fields={"a": 1})["a"], [1, 0])
        self.assertEqual(value(query={"w": "A"}, sort={"_id": 1}, update={"$set": {"c": 1}}, new=True,
                               collation={"locale": "en", "strength": 2})["_id"], 0)
        self.assertEqual(value(query={"$expr": {"$eq": ["$_id", "$$k"]}}, let={"k": 1}, remove=True,
                               maxTimeMS=10000)["_id"], 1)
        self.assertEqual(value(query={"_id": 50}, update={"$setOnInsert": {"u": 1}}, upsert=True, new=True),
                         {"_id": 50, "u": 1})
        self.assertEqual(value(query={"_id": 51}, update={"_id": 51, "r": 1}, upsert=True), None)
        for fields in ({"remove": True, "update": {"a": 1}}, {"remove": True, "new": True},
                       {"remove": True, "upsert": True}, {}):
            self.fails({"findAndModify": self.name, "query": {}, **fields}, 9, "FailedToParse")
        self.fails({"findAndModify": self.name, "query": {"_id": {"$gt": 50}, "x": 1}, "upsert": True,
                    "update": {"$set": {"_id": 0}}}, 11000, "DuplicateKey")

    def test_dates(self):
        """S03-043: $currentDate writes the server's time."""
        self.insert(self.name, {"_id": 1})
        self.write("update", {"q": {"_id": 1}, "u": {"$currentDate": {"d": True, "t": {"$type": "timestamp"}}}})
        document = self.all_of(self.name)[0]
        self.assertLess(abs(document["d"] - datetime.datetime.utcnow()), datetime.timedelta(seconds=5))
        self.assertLess(abs(document["t"].time - time.time()), 5)


if __name__ == "__main__":
    harness.main()
