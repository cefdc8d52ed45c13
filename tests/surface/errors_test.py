#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Error codes: one small command for each code that clients see, and the code and name it must get.

Expected values: recorded answers of a real server, the manual's page of error codes; the numbers that have no
name are those recorded.
"""
import datetime
import struct
import threading
import unittest

import bson

import surface
from surface import harness, wire

PIPELINES = {  # code: pipelines (a lone stage stands for itself)
    # S12-111
    40323: [{}], 40324: [{"match": {}}], 40600: [{"$facet": {"a": [{"$out": "x"}]}}],
    40601: [[{"$out": "d"}, {"$match": {}}]], 40602: [[{"$match": {}}, {"$collStats": {}}]],
    # S12-112
    15959: [{"$match": None}, {"$match": 5}], 15969: [{"$project": 1}, {"$project": "x"}],
    31249: [{"$unset": ["c", "c.d"]}, {"$project": {"c": 1, "c.d": 1}}], 31250: [{"$project": {"c.d": 1, "c": 1}}],
    31253: [{"$project": {"a": 0, "b": 1}}], 31254: [{"$project": {"a": 1, "b": 0}}],
    40176: [{"$addFields": {"c": 1, "c.d": 2}}], 40272: [{"$addFields": "x"}, {"$set": 1}],
    51270: [{"$project": {"c": {}}}], 51272: [{"$project": {}}],
    # S12-113
    15947: [{"$group": []}, {"$group": 1}], 15948: [{"$count": "_id"}], 15952: [{"$group": {"_id": 1,
    "n": {"$nope": 1}}}],
    15955: [{"$group": {"n": {"$sum": 1}}}], 40234: [{"$group": {"_id": 1, "n": {}}}, {"$group": {"_id": 1, "n": 1}}],
    40235: [{"$group": {"_id": 1, "a.b": {"$sum": 1}}}], 40236: [{"$group": {"_id": 1, "$n": {"$sum": 1}}}],
    40238: [{"$group": {"_id": 1, "n": {"$sum": 1, "$avg": 1}}}],
    # S12-114
    15956: [{"$skip": -1}], 15957: [{"$limit": "x"}], 15958: [{"$limit": 0}, {"$limit": -1}], 15972: [{"$skip": "x"}],
    15973: [{"$sort": 1}], 15975: [{"$sort": {"a": 0}}, {"$sort": {"a": 2}}], 15976: [{"$sort": {}}],
    28745: [{"$sample": 1}], 28747: [{"$sample": {"size": -1}}], 28748: [{"$sample": {"size": 1, "foo": 1}}],
    28749: [{"$sample": {}}], 40156: [{"$count": 1}], 40157: [{"$count": ""}], 40158: [{"$count": "$n"}],
    40159: [{"$count": "a\0b"}],
    # S12-115
    15981: [{"$unwind": ["$tags"]}, {"$unwind": 1}], 28808: [{"$unwind": {"path": 1}}],
    28809: [{"$unwind": {"path": "$t", "preserveNullAndEmptyArrays": 1}}],
    28810: [{"$unwind": {"path": "$t", "includeArrayIndex": ""}}], 28811: [{"$unwind": {"path": "$t", "foo": 1}}],
    28818: [{"$unwind": "tags"}], 28822: [{"$unwind": {"path": "$t", "includeArrayIndex": "$i"}}],
    # S12-117
    40169: [{"$facet": {}}], 40228: [{"$replaceRoot": {"newRoot": 1}}], 17053: [{"$redact": 1}],
}
EXPRESSIONS = {  # code: expressions of a $project
    # S12-121
    16411: ["$a\0b"], 16866: ["$$"], 16867: [{"$map": {"input": "$a", "as": "$x", "in": 1}}],
    16868: [{"$map": {"input": "$a", "as": "x.y", "in": 1}}], 17276: ["$$nope"],
    # S12-122
    16020: [{"$eq": ["$i"]}, {"$divide": [1]}], 31325: [{"$nope": 1}],
    # S12-123, S12-124
    16006: [{"$hour": "$s"}], 16007: [{"$toLower": "$list"}],
    18533: [{"$dateToString": {"date": "$d", "format": 1}}], 18534: [{"$dateToString": {"date": "$d", "foo": 1}}],
    18535: [{"$dateToString": {"date": "$d", "format": "x%"}}], 18536: [{"$dateToString": {"date": "$d",
    "format": "%q"}}],
    18628: [{"$dateToString": {"format": "%Y"}}], 18629: [{"$dateToString": "$d"}],
    40485: [{"$year": {"date": "$d", "timezone": "+5"}}], 40515: [{"$dateFromParts": {"year": "2021"}}],
    40516: [{"$dateFromParts": {"month": 1}}], 40518: [{"$dateFromParts": {"year": 2021, "foo": 1}}],
    40519: [{"$dateFromParts": 2021}], 40522: [{"$dateToParts": {}}], 40523: [{"$dateFromParts": {"year": 0}}],
    40525: [{"$dateFromParts": {"isoWeekYear": 2021, "month": 1}}], 40535: [{"$year": {"date": "$d", "foo": 1}}],
    40536: [{"$year": ["$d", "$d"]}], 40539: [{"$year": {"timezone": "UTC"}}],
    40541: [{"$dateFromString": {"dateString": "2021-03-14", "foo": 1}}],
    40684: [{"$dateFromString": {"dateString": "2021", "format": 1}}],
    241: [{"$toInt": "x"}, {"$toDate": "x"}, {"$toObjectId": "x"}, {"$convert": {"input": "x", "to": "int"}}],
    # S12-125
    51108: [{"$regexFind": {"input": "$s", "regex": "x", "options": "g"}}],
    40066: [{"$switch": {"branches": [{"case": False, "then": 1}]}}], 17124: [{"$size": "$s"}],
    28765: [{"$ln": "$s"}], 16702: [{"$concat": [1]}],
}
FINDS = {  # code: arguments of a find
    15974: [{"sort": {"a": None}}], 15975: [{"sort": {"a": 0}}], 17312: [{"sort": {"a": {"b": 1}}}],
    31253: [{"projection": {"a": 0, "b": 1}}], 31254: [{"projection": {"a": 1, "b": 0}}],
    31394: [{"filter": {"o.k": 2}, "projection": {"o.$.v": 1}}],
    31395: [{"filter": {"list": 3}, "projection": {"list.$": 0}}],
    51246: [{"filter": {"list": {"$ne": 99}}, "projection": {"list.$": 1}}],
    40353: [{"sort": {"a.": 1}}],
    51075: [{"filter": {"a": {"$regex": bson.Regex("B", "i"), "$options": "m"}}}],
    51091: [{"filter": {"a": {"$regex": "a{2,1}"}}}, {"filter": {"a": {"$regex": "("}}}],
    2: [{"filter": {"$nope": 1}}, {"filter": {"a": {"$nope": 1}}}, {"filter": {"$and": []}},
    {"filter": {"a": {"$in": 1}}},
        {"filter": {"a": {"$size": -1}}}, {"filter": {"a": {"$mod": [0, 0]}}}],
    14: [{"filter": 5}, {"sort": "x"}, {"limit": "x"}],
    40415: [{"colour": 1}],
}
NAMES = {2: "BadValue", 14: "TypeMismatch", 241: "ConversionFailure"}


class Codes(surface.OneMember):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.command("test", {"insert": "c", "documents": [
            {"_id": 1, "a": 1, "i": 1, "s": "text", "list": [3, 4], "o": [{"k": 2, "v": 1}],
             "d": datetime.datetime(2021, 3, 14)}]})

    def each(self, table, command):
        for code, cases in table.items():
            for case in cases:
                with self.subTest(code=code, case=case):
                    self.fails(command(case), code, NAMES.get(code))

    def test_pipelines(self):
        """S12-111, S12-112, S12-113, S12-114, S12-115, S12-117: stages that are put wrongly."""
        self.each(PIPELINES, lambda case: {"aggregate": "c", "cursor": {},
                                           "pipeline": case if isinstance(case, list) else [case]})

    def test_expressions(self):
        """S12-065, S12-121, S12-122, S12-123, S12-124: expressions that are put or evaluated wrongly."""
        self.each(EXPRESSIONS, lambda case: {"aggregate": "c", "cursor": {}, "pipeline": [{"$project": {"r": case}}]})

    def test_finds(self):
        """S12-002, S12-007, S12-093, S12-112, S12-114, S12-125: filters, sorts and projections."""
        self.each(FINDS, lambda case: {"find": "c", **case})

    def test_write_statements(self):
        """S12-018: what an update or an insert may not do, as recorded."""
        one = {"_id": 1}
        for code, statement in (
                (28, {"q": one, "u": {"$rename": {"a": "i.c"}}}), (28, {"q": one, "u": {"$set": {"a.b": 1}}}),
                (40, {"q": one, "u": {"$set": {"a": 1, "a.b": 1}}}), (40, {"q": one, "u": {"$set": {"a": 1},
                "$inc": {"a": 1}}}),
                (53, {"q": {"_id": [1]}, "u": {"$set": {"b": 1}}, "upsert": True}),
                (54, {"q": {"_id": 9, "a.b": 1, "a": {"b": 1}}, "u": {"$set": {"z": 1}}, "upsert": True}),
                (56, {"q": one, "u": {"$rename": {"a": ""}}}), (66, {"q": one, "u": {"$rename": {"_id": "b"}}}),
                (66, {"q": one, "u": {"$unset": {"_id": 1}}}), (66, {"q": one, "u": {"_id": 2}})):
            with self.subTest(statement=statement):
                reply = self.ok({"update": "c", "updates": [statement]})
                self.assertEqual([e["code"] for e in reply["writeErrors"]], [code], reply)
        reply = self.ok({"insert": "c", "documents": [{"_id": {"$a": 1}}]})
        self.assertEqual([(e["code"], e["errmsg"]) for e in reply["writeErrors"]],
                         [(52, "$a is not valid for storage.")])

    def test_named(self):
        """S12-004, S12-016, S12-017, S12-022, S12-027, S12-028, S12-042: commands on what is not there, or is."""
        for command, code, name in (
                ({"explain": []}, 9, "FailedToParse"),
                ({"listIndexes": "missing"}, 26, "NamespaceNotFound"), ({"collMod": "missing"}, 26,
                "NamespaceNotFound"),
                ({"dropIndexes": "c", "index": "none"}, 27, "IndexNotFound"),
                ({"find": "c", "filter": {"$text": {"$search": "x"}}}, 27, "IndexNotFound"),
                ({"create": "c", "capped": True, "size": 4096}, 48, "NamespaceExists"),
                ({"create": "n", "temp": True}, 72, "InvalidOptions"), ({"find": ""}, 73, "InvalidNamespace"),
                ({"create": "n", "capped": True, "size": -1}, 51024, "Location51024"),
                ({"validate": "c", "background": True, "full": True}, 115, "CommandNotSupported")):
            with self.subTest(command=command):
                self.fails(command, code, name)

    def test_dropped_under_a_cursor(self):
        """S12-054: getMore after the collection or its database was dropped."""
        for database in ("test", "dropped"):
            name = surface.fresh()
            self.insert(name, *({"_id": i, "a": i} for i in range(10)), database=database)
            cursor = self.ok({"find": name, "batchSize": 2}, database)["cursor"]["id"]
            self.ok({"drop": name} if database == "test" else {"dropDatabase": 1}, database)
            self.fails({"getMore": cursor, "collection": name}, 175, "QueryPlanKilled", database=database)
            self.fails({"getMore": cursor, "collection": name}, 43, "CursorNotFound", database=database)

    def test_memory(self):
        """S12-077: a sort that needs more than its memory and may not use the disk."""
        self.insert("big", *({"_id": i, "s": "x" * 1000000} for i in range(8)))
        rows = [{"$project": {"s": 1, "n": {"$range": [0, 20]}}}, {"$unwind": "$n"}]
        sort = {"aggregate": "big", "pipeline": rows + [{"$sort": {"n": 1}}, {"$count": "n"}], "cursor": {}}
        self.fails({**sort, "allowDiskUse": False}, 292, "QueryExceededMemoryLimitNoDiskUseAllowed")
        self.assertEqual(self.first_batch({**sort, "allowDiskUse": True}), [{"n": 160}])

    def test_view_that_tails(self):
        """S12-053: as recorded."""
        self.ok({"create": "v", "viewOn": "c", "pipeline": []})
        self.fails({"find": "v", "tailable": True}, 168, "InvalidPipelineOperator",
                   "Tailable cursors are not supported in aggregation.")

    def test_no_plan(self):
        """S12-076: a filter that only an index that is not there could answer."""
        self.fails({"find": "c", "filter": {"a": {"$near": [1, 2]}}}, 291, "NoQueryExecutionPlans")

    def test_killed_cursor(self):
        """S12-063: the session's cursors end with it; a waiting getMore is told."""
        self.ok({"create": "tail", "capped": True, "size": 4096})
        self.insert("tail", {"_id": 1})
        cursor = self.ok({"find": "tail", "tailable": True, "awaitData": True})["cursor"]["id"]
        other = self.connect()
        got = {}
        thread = threading.Thread(target=lambda: got.update(other.reply(
            "test", {"getMore": cursor, "collection": "tail", "maxTimeMS": 20000})))
        thread.start()
        harness.wait_until("it waits", lambda: [op for op in self.ok({"currentOp": 1}, "admin")["inprog"]
                                                if op.get("op") == "getmore"])
        self.ok({"killCursors": "tail", "cursors": [cursor]})
        thread.join(20)
        self.assertEqual((got["ok"], got.get("code") in (43, 237)), (0, True), got)


class Frames(surface.OneMember):
    def raw(self, payload, flags=0):
        """The answer to an OP_MSG of these sections, or None if the connection ended."""
        connection = self.connect()
        connection._send(wire.OP_MSG, struct.pack("<I", flags) + payload)  # pylint: disable=protected-access
        try:
            return connection.receive()
        except OSError:
            return None

    def test_frames(self):
        """S12-013, S12-059, S12-110: malformed documents, unknown flags, wrong checksums, no database."""
        body = bson.encode({"ping": 1, "$db": "admin"})
        self.assertEqual(self.raw(b"\0" + body)["ok"], 1)
        for payload, flags, code in ((b"\0" + body, 1 << 5, 223), (b"\0" + body + b"\1\2\3\4", 1, 288),
                                     (b"\0" + body[:-8] + b"\xff" * 7 + b"\0", 0, 22),
                                     (b"\0" + bson.encode({"ping": 1}), 0, 40571)):
            with self.subTest(flags=flags, code=code):
                reply = self.raw(payload, flags)
                self.assertTrue(reply is None or (reply["ok"], reply["code"]) == (0, code), reply)
        reply = self.raw(b"\0" + bson.encode({"ping": 1}))
        self.assertEqual((reply["ok"], reply["code"]), (0, 40571))

    def test_op_query(self):
        """S01-003, S01-047, S13-016: old drivers begin with OP_QUERY, and in small letters."""
        for name, field in (("ismaster", "ismaster"), ("isMaster", "ismaster"), ("buildinfo", "version")):
            connection = self.connect()
            payload = struct.pack("<i", 4) + b"admin.$cmd\0" + struct.pack("<ii", 0, -1) + bson.encode({name: 1})
            asked = connection._send(2004, payload)  # pylint: disable=protected-access
            header = connection._exactly(16)  # pylint: disable=protected-access
            length, _, answered, opcode = struct.unpack("<iiii", header)
            body = connection._exactly(length - 16)  # pylint: disable=protected-access
            self.assertEqual((answered, opcode), (asked, 1))
            self.assertEqual(struct.unpack_from("<iqii", body)[1:], (0, 0, 1))
            self.assertIn(field, bson.decode(body[20:]))


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    harness.main()
