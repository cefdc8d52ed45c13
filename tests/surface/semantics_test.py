#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where servers that speak the protocol differ most: null and missing, arrays, types, order, projections.

A case is documents, a read, and what comes back. Expected values: the manual's pages of the operators, of
comparison and sort order, of arrays in queries, and of types.
"""
import datetime
import unittest

import bson
from bson import Decimal128, Int64, ObjectId

import surface
from surface import harness

DAY = datetime.datetime(2026, 3, 31, 12)


def ids(documents):
    return [d["_id"] for d in documents]


class Reads(surface.OneMember):
    def load(self, *documents, **create):
        name = surface.fresh()
        if create:
            self.ok({"createIndexes": name, "indexes": [create]})
        self.insert(name, *documents)
        return name

    def find(self, name, filter_, **fields):
        return self.first_batch({"find": name, "filter": filter_, "sort": {"_id": 1}, **fields})

    def aggregate(self, name, *pipeline):
        return self.first_batch({"aggregate": name, "pipeline": list(pipeline), "cursor": {}})

    def each(self, documents, cases):
        name = self.load(*documents)
        for filter_, found in cases:
            with self.subTest(filter=filter_):
                self.assertEqual(ids(self.find(name, filter_)), found)

    def value(self, expression):
        """What an expression gives, or Missing."""
        if not hasattr(self, "one"):
            self.one = self.load({"_id": 1, "n": None, "s": "ab\u00e9ab", "list": [1, "x", None], "d": DAY})
        row = self.aggregate(self.one, {"$project": {"_id": 0, "r": expression}})[0]
        return row.get("r", "missing")

    def test_arrays_in_filters(self):
        """S05-038, S05-039, S05-040, S05-080: an array matches as a whole and by its elements."""
        self.each([{"_id": 1, "a": [1, 2]}, {"_id": 2, "a": [[1, 2], 3]}, {"_id": 3, "a": []}, {"_id": 4,
            "a": [None]},
                   {"_id": 5, "a": None}, {"_id": 6}, {"_id": 7, "a": [2, 1]}, {"_id": 8, "a": "x"}], (
            ({"a": [1, 2]}, [1, 2]), ({"a": []}, [3]), ({"a": {"$size": 0}}, [3]), ({"a": None}, [4, 5, 6]),
            ({"a": {"$size": 2}}, [1, 2, 7]), ({"a": {"$all": [1, 2]}}, [1, 7]), ({"a": {"$elemMatch": {"$gt": 1,
            "$lt": 3}}}, [1, 7]),
            ({"a": {"$type": "array"}}, [1, 2, 3, 4, 7]), ({"a": {"$type": "null"}}, [4, 5]),
            ({"a": {"$gt": 1}}, [1, 2, 7]), ({"a.0": 1}, [1]), ({"a": {"$ne": 1}}, [2, 3, 4, 5, 6, 8])))

    def test_null_and_missing(self):
        """S05-048, S05-051, S05-053, S05-054, S05-097: expressions tell them apart, filters and sorts do not."""
        name = self.load({"_id": 1, "a": None}, {"_id": 2}, {"_id": 3, "a": 1})
        rows = self.aggregate(name, {"$sort": {"_id": 1}}, {"$project": {
            "eq": {"$eq": ["$a", None]}, "or": {"$ifNull": ["$a", "none"]}, "copy": "$a"}})
        self.assertEqual(rows, [{"_id": 1, "eq": True, "or": "none", "copy": None}, {
                         "_id": 2, "eq": False, "or": "none"}, {"_id": 3, "eq": False, "or": 1, "copy": 1}])
        groups = self.aggregate(name, {"$group": {"_id": "$a", "n": {"$sum": 1}}}, {"$sort": {"n": 1}})
        self.assertEqual(groups, [{"_id": 1, "n": 1}, {"_id": None, "n": 2}])
        pushed = self.aggregate(name, {"$sort": {"_id": 1}}, {"$group": {"_id": 1, "all": {"$push": "$a"}}})
        self.assertEqual(pushed, [{"_id": 1, "all": [None, 1]}])
        for order, found in ((1, [1, 2, 3]), (-1, [3, 1, 2])):
            self.assertEqual(ids(self.first_batch({"find": name, "sort": {"a": order, "_id": 1}})), found)

    def test_order_of_types(self):
        """S03-062, S04-082, S04-084, S05-076, S05-080: sorts and expressions compare across types, filters do not."""
        values = [bson.MinKey(), [], None, 5, "a", {"x": 1}, [7], b"b", ObjectId(), True, DAY, bson.MaxKey()]
        order = [
    "minkey",
    "empty",
    "null",
    "int",
    "array",
    "string",
    "object",
    "binary",
    "oid",
    "bool",
    "date",
     "maxkey"]
        names = [
    "minkey",
    "empty",
    "null",
    "int",
    "string",
    "object",
    "array",
    "binary",
    "oid",
    "bool",
    "date",
     "maxkey"]
        name = self.load(*({"_id": n, "v": v} for n, v in zip(names, values)))
        self.assertEqual(ids(self.first_batch({"find": name, "sort": {"v": 1}})), [
                         "minkey", "empty", "null"] + order[3:])
        self.assertEqual(ids(self.first_batch({"find": name, "sort": {"v": -1}})),
                         order[:2:-1] + ["null", "empty", "minkey"])
        self.assertEqual(ids(self.find(name, {"v": {"$gt": 4}})), ["array", "int"])
        self.assertEqual(self.value({"$cmp": ["a", 5]}), 1)
        for expression, result in (({"$gt": ["a", 5]}, True), ({"$lt": [None, 5]}, True), ({"$gte": [[1],
            {"a": 1}]}, True),
                                   ({"$lte": [True, "z"]}, False), ({"$cmp": [1, 1.0]}, 0), ({"$cmp": [1, 2]}, -1)):
            self.assertEqual(self.value(expression), result, expression)
        self.assertIn("string", ids(self.find(name, {"$expr": {"$gt": ["$v", 5]}})))

    def test_sort_by_arrays(self):
        """S03-062: the least element ascending, the greatest descending; an empty array before null."""
        name = self.load({"_id": 1, "a": [3, 9]}, {"_id": 2, "a": 5}, {
                         "_id": 3, "a": []}, {"_id": 4, "a": None}, {"_id": 5, "a": [1, 7]})
        self.assertEqual(ids(self.first_batch({"find": name, "sort": {"a": 1}})), [3, 4, 5, 1, 2])
        self.assertEqual(ids(self.first_batch({"find": name, "sort": {"a": -1}})), [1, 5, 2, 4, 3])

    def test_documents_as_values(self):
        """S05-019, S05-020, S05-083: order of fields counts; what was sent comes back byte by byte."""
        name = self.load({"_id": 1, "d": {"a": 1, "b": 2}}, {"_id": 2, "d": {"b": 2, "a": 1}})
        self.assertEqual(ids(self.find(name, {"d": {"a": 1, "b": 2}})), [1])
        sent = {"_id": 3, "z": Int64(1), "y": 1.0, "x": 1, "w": Decimal128("1.10"), "v": {"b": 1, "a": [None, -0.0]}}
        self.insert(name, sent)
        got = self.find(name, {"_id": 3})[0]
        self.assertEqual(bson.encode(got), bson.encode(sent))
        self.ok({"update": name, "updates": [{"q": {"_id": 1}, "u": {"$set": {"l": [{"a": 1, "b": 2}]}}},
                                             {"q": {"_id": 1}, "u": {"$addToSet": {"l": {"b": 2, "a": 1}}}},
                                             {"q": {"_id": 1}, "u": {"$addToSet": {"l": {"a": 1, "b": 2}}}}]})
        self.assertEqual(len(self.find(name, {"_id": 1})[0]["l"]), 2)

    def test_dates(self):
        """S05-063: milliseconds since 1970, also before it; no zone is kept."""
        for date in (datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), datetime.datetime(1, 1, 1),
                     datetime.datetime(9999, 12, 31, 23, 59, 59, 999000)):
            name = self.load({"_id": 1, "d": date})
            self.assertEqual(self.find(name, {"d": date}), [{"_id": 1, "d": date}])
        zone = datetime.timezone(datetime.timedelta(hours=2))
        name = self.load({"_id": 1, "d": datetime.datetime(2026, 1, 1, 2, tzinfo=zone)})
        self.assertEqual(self.find(name, {})[0]["d"], datetime.datetime(2026, 1, 1))

    def test_projections(self):
        """S03-030, S05-059, S05-079, S05-099: order, arrays on the way, _id alone, literals."""
        name = self.load({"_id": 1, "c": 3, "b": [{"x": 1, "y": 2}, 5, {"y": 3}], "a": 1})
        for projection, result in (
    ({
        "a": 1, "c": 1}, {
            "_id": 1, "c": 3, "a": 1}), ({
                "_id": 0}, {
                    "c": 3, "b": [
                        {
                            "x": 1, "y": 2}, 5, {
                                "y": 3}], "a": 1}), ({
                                    "b.x": 1}, {
                                        "_id": 1, "b": [
                                            {
                                                "x": 1}, {}]}), ({
                                                    "b.y": 0, "c": 0}, {
                                                        "_id": 1, "b": [
                                                            {
                                                                "x": 1}, 5, {}], "a": 1}), ({
                                                                    "a": 1, "n": {
                                                                        "$literal": 1}, "m": "$c"}, {
                                                                            "_id": 1, "a": 1, "n": 1, "m": 3})):
            with self.subTest(projection=projection):
                got = self.find(name, {}, projection=projection)[0]
                self.assertEqual((got, list(got)), (result, list(result)))

    def test_numbers(self):
        """S05-027, S05-028, S05-031, S05-033, S04-142, S04-143, S05-100: types of results, rounding, nulls."""
        for expression, result, kind in (
                ({"$divide": [6, 3]}, 2.0, float), ({"$mod": [7, 4]}, 3, int), ({"$mod": [7.5, 4]}, 3.5, float),
                ({"$mod": [Int64(7), 4]}, 3, Int64), ({"$toInt": 3.9}, 3, int), ({"$toLong": -3.9}, -3, Int64),
                ({"$sum": ["a", "b"]}, 0, int), ({"$sum": "$list"}, 1, int), ({"$min": [None, 5, "$nope"]}, 5, int),
                ({"$max": [None, 5]}, 5, int), ({"$add": [Decimal128("0.1"), Decimal128("0.2")]}, Decimal128("0.3"), Decimal128)):
            with self.subTest(expression=expression):
                got = self.value(expression)
                self.assertEqual((got, type(got)), (result, kind))
        self.fails({"aggregate": self.one,
    "pipeline": [{"$project": {"r": {"$toInt": 3e10}}}],
    "cursor": {}},
    241,
     "ConversionFailure")
        rounded = self.value({"$divide": [Decimal128("2"), Decimal128("3")]})
        self.assertEqual(str(rounded), "0.6666666666666666666666666666666667")

    def test_expressions(self):
        """S04-095, S04-101, S04-118, S04-124, S05-064: dates back in time, literals, regexes, substrings, zones."""
        for expression, result in (
                ({"$dateSubtract": {"startDate": "$d", "unit": "month",
                "amount": 1}}, datetime.datetime(2026, 2, 28, 12)),
                ({"$dateSubtract": {"startDate": "$d", "unit": "hour",
                "amount": 13}}, datetime.datetime(2026, 3, 30, 23)),
                ({"$literal": "$s"}, "$s"), ({"$const": {"$add": [1, 2]}}, {"$add": [1, 2]}),
                ({"$regexFindAll": {"input": "$s", "regex": "a(b)"}}, [{"match": "ab", "idx": 0,
                "captures": ["b"]}, {"match": "ab", "idx": 3, "captures": ["b"]}]),
                ({"$size": {"$regexFindAll": {"input": "$s", "regex": "x*"}}}, 5), ({"$substr": ["$s", 0, 2]}, "ab"),
                ({"$hour": {"date": "$d", "timezone": "Europe/Berlin"}}, 14), ({"$hour": {"date": "$d",
                "timezone": "+0530"}}, 17),
                ({"$hour": {"date": "$d", "timezone": "-03:00"}}, 9), ({"$hour": {"date": "$d",
                "timezone": "+02"}}, 14)):
            with self.subTest(expression=expression):
                self.assertEqual(self.value(expression), result)

    def test_stages(self):
        """S04-017, S04-024, S04-032, S04-036, S04-038, S04-166, S04-177, S04-178, S05-032, S05-078, S05-094."""
        name = self.load(*({"_id": i, "k": "aab"[i % 3], "n": i, "refs": [i, i + 1]} for i in range(200)))
        self.assertEqual(ids(self.aggregate(name, {"$match": {"n": {"$gte": 5}}}, {
                         "$sort": {"n": 1}}, {"$skip": 2}, {"$limit": Int64(2)})), [7, 8])
        self.assertEqual(self.aggregate(name, {"$sortByCount": "$k"}), [
                         {"_id": "a", "count": 134}, {"_id": "b", "count": 66}])
        for size, count in ((3, 3), (150, 150), (500, 200)):
            got = self.aggregate(name, {"$sample": {"size": size}}, {"$group": {"_id": "$_id"}}, {"$count": "n"})
            self.assertEqual(got, [{"n": count}])
        rows = self.aggregate(name, {"$limit": 5}, {"$project": {"t": "$$NOW"}})
        self.assertEqual(len({r["t"] for r in rows}), 1)
        self.assertLess(abs(rows[0]["t"] - datetime.datetime.utcnow()), datetime.timedelta(seconds=10))
        counted = self.aggregate(
    name, {
        "$match": {
            "n": {
                "$lt": 50}}}, {
                    "$skip": 10}, {
                        "$limit": 100}, {
                            "$group": {
                                "_id": 1, "n": {
                                    "$sum": 1}}})
        self.assertEqual(counted, [{"_id": 1, "n": 40}])
        self.assertIs(type(counted[0]["n"]), int)
        reply = self.ok({"count": name})
        self.assertEqual((reply["n"], type(reply["n"]), type(reply["ok"])), (200, int, float))
        joined = self.aggregate(
    name, {
        "$match": {
            "_id": 5}}, {
                "$lookup": {
                    "from": name, "localField": "refs", "foreignField": "_id", "as": "found"}})
        self.assertEqual(sorted(ids(joined[0]["found"])), [5, 6])

    def test_lookup_unwind_match(self):
        """S13-020: $lookup, $unwind that keeps the unmatched, then $match on what was joined."""
        left = self.load({"_id": 1, "r": 1}, {"_id": 2, "r": 9}, {"_id": 3, "r": 2})
        right = self.load({"_id": 1, "x": True}, {"_id": 2, "x": False})
        join = [{"$lookup": {"from": right, "localField": "r", "foreignField": "_id", "as": "j"}},
                {"$unwind": {"path": "$j", "preserveNullAndEmptyArrays": True}}]
        for filter_, found in (
    ({}, [
        1, 2, 3]), ({
            "j.x": True}, [1]), ({
                "j.x": {
                    "$ne": True}}, [
                        2, 3]), ({
                            "j": {
                                "$exists": False}}, [2]), ({
                                    "j.x": None}, [2])):
            self.assertEqual(ids(self.aggregate(left, *
    join, {"$match": filter_}, {"$sort": {"_id": 1}})), found, filter_)

    def test_query_options(self):
        """S03-064, S03-065, S03-069, S03-071, S03-072, S03-073: limits after sorts, hints, let, tailing ordinary ones."""
        name = self.load({"_id": 1, "n": 2}, {"_id": 2, "n": 1}, {"_id": 3}, key={"n": 1}, name="n_1", sparse=True)
        for fields, found in (
    ({
        "sort": {
            "n": -1}, "skip": 1, "limit": 1}, [2]), ({
                "limit": 0, "sort": {
                    "_id": 1}}, [
                        1, 2, 3]), ({
                            "hint": "n_1"}, [
                                2, 1]), ({
                                    "hint": {
                                        "n": 1}}, [
                                            2, 1]), ({
                                                "batchSize": 0}, []), ({
                                                    "batchSize": 1, "singleBatch": True, "sort": {
                                                        "_id": 1}}, [1]), ({
                                                            "sort": {
                                                                "n": 1}, "allowDiskUse": True}, [
                                                                    3, 2, 1]), ({
                                                                        "filter": {
                                                                            "$expr": {
                                                                                "$eq": [
                                                                                    "$n", "$$x"]}}, "let": {
                                                                                        "x": 2}}, [1])):
            self.assertEqual(ids(self.first_batch({"find": name, **fields})), found, fields)
        self.fails({"find": name, "hint": "none"}, 2, "BadValue")
        self.fails({"find": name, "let": {"X": 1}, "filter": {"$expr": "$$X"}}, 16867)
        self.fails({"find": name, "tailable": True}, 2, "BadValue")

    def test_indexes(self):
        """S05-042, S05-050, S05-093, S05-109, S06-044: multikey, sparse, and what a list of values is once."""
        name = self.load({"_id": 1, "a": [1, 1]}, key={"a": 1}, name="a_1", unique=True)
        reply = self.ok({"insert": name, "documents": [{"_id": 2, "a": [3, 1]}]})
        self.assertEqual([e["code"] for e in reply["writeErrors"]], [11000])
        sparse = self.load({"_id": 1, "a": None}, {"_id": 2}, {"_id": 3, "a": 1},
                           key={"a": 1}, name="a_1", sparse=True)
        self.assertEqual(ids(self.first_batch({"find": sparse, "hint": "a_1"})), [1, 3])
        many = self.load({"_id": 1, "a": [2, 12]}, {"_id": 2, "a": [5]}, {
                         "_id": 3, "a": [[6]]}, key={"a": 1}, name="a_1")
        for filter_, found in (({"a": {"$gt": 4, "$lt": 8}}, [1, 2]), ({
                               "a": {"$elemMatch": {"$gt": 4, "$lt": 8}}}, [2])):
            self.assertEqual(ids(self.find(many, filter_, hint="a_1")), found)
            self.assertEqual(ids(self.find(many, filter_, hint={"$natural": 1})), found)
        self.assertEqual(self.ok({"distinct": many, "key": "a", "query": {"_id": 3}})["values"], [[6]])
        self.fails({"createIndexes": many, "indexes": [{"key": {"a": 1}, "name": "b"}]}, 85, "IndexOptionsConflict")
        self.fails({"createIndexes": many, "indexes": [
                   {"key": {"b": 1}, "name": "a_1"}]}, 86, "IndexKeySpecsConflict")

    def test_updates(self):
        """S05-057, S05-082, S05-104, S05-110, S05-111, S13-018, S13-019, S13-013: paths, upserts, implicit collections."""
        name = self.load({"_id": 1, "a": [1, 2]}, {"_id": 2}, {"_id": 3, "a": [{"b": 1}]})
        self.ok({"update": name, "updates": [{"q": {"_id": {"$lt": 3}}, "u": {"$set": {"a.0": 9}}, "multi": True}]})
        self.assertEqual(self.find(name, {"_id": {"$lt": 3}}), [{"_id": 1, "a": [9, 2]}, {"_id": 2, "a": {"0": 9}}])
        reply = self.ok({"update": name, "updates": [{"q": {"_id": 3}, "u": {"$inc": {"a.b": 1}}}]})
        self.assertEqual([e["code"] for e in reply["writeErrors"]], [28])
        reply = self.ok({"findAndModify": name, "query": {"_id": 7, "x": {"$eq": 5}, "y": {"$gt": 1}, "s.t": 1},
                         "update": {"$setOnInsert": {"z": 1}}, "upsert": True})
        self.assertEqual((reply["value"], reply["lastErrorObject"]),
                         (None, {"n": 1, "updatedExisting": False, "upserted": 7}))
        self.assertEqual(self.find(name, {"_id": 7}), [{"_id": 7, "s": {"t": 1}, "x": 5, "z": 1}])
        self.fails({"findAndModify": name, "query": {"_id": 7, "z": 2}, "update": {
                   "$set": {"q": 1}}, "upsert": True}, 11000, "DuplicateKey")
        for command in ({"update": "made1", "updates": [{"q": {"_id": 1}, "u": {"a": 1}, "upsert": True}]},
            {"insert": "made2", "documents": [{}]},
                        {"createIndexes": "made3", "indexes": [{"key": {"a": 1}, "name": "a"}]},
                        {"aggregate": name, "pipeline": [{"$out": "made4"}], "cursor": {}}):
            self.ok(command)
        made = {d["name"] for d in self.first_batch({"listCollections": 1, "filter": {"name": {"$regex": "^made"}}})}
        self.assertEqual(made, {"made1", "made2", "made3", "made4"})
        self.assertEqual(self.first_batch({"listCollections": 1}, "nothingHere"), [])

    def test_wide_gaps(self):
        """S13-005, S13-006, S13-007, S13-012, S13-033: capped, collation, schemas, sessions at the end, disk use."""
        self.ok({"create": "log", "capped": True, "size": 4096, "max": 3})
        self.insert("log", *({"_id": i} for i in range(5)))
        self.assertEqual(ids(self.first_batch({"find": "log"})), [2, 3, 4])
        name = self.load({"_id": 1, "w": "b"}, {"_id": 2, "w": "A"}, {"_id": 3, "w": "a"}, {"_id": 4, "w": "\u00e4"},
                         key={"w": 1}, name="w", collation={"locale": "de", "strength": 1})
        collation = {"locale": "de", "strength": 1}
        self.assertEqual(ids(self.find(name, {"w": "a"}, collation=collation)), [2, 3, 4])
        self.assertEqual(ids(self.find(name, {"w": "a"})), [3])
        self.ok({"create": "strict", "validator": {"$jsonSchema": {"bsonType": "object",
                "required": ["a"], "properties": {"a": {"bsonType": "int", "minimum": 3}}}}})
        reply = self.ok({"insert": "strict", "ordered": False, "documents": [
                        {"a": 5}, {"a": 1}, {"b": 1}, {"a": "x"}]})
        self.assertEqual((reply["n"], [e["code"] for e in reply["writeErrors"]]), (1, [121, 121, 121]))
        session = surface.lsid()
        self.ok({"find": "log", "lsid": session})
        self.ok({"refreshSessions": [session]}, "admin")
        self.ok({"endSessions": [session]}, "admin")
        self.ok({"find": "log", "allowDiskUse": True, "sort": {"a": 1}})
        self.ok({"collStats": "log"})

    def test_explain(self):
        """S06-028, S06-031, S06-033, S06-034, S06-036, S06-040, S05-073: what tools read of a plan."""
        name = self.load(*({"_id": i, "n": i, "w": f"w{i:03}"} for i in range(50)), key={"w": 1}, name="w_1")
        reply = self.ok({"explain": {"find": name, "filter": {"n": {"$lt": 10}},
                        "sort": {"n": 1}}, "verbosity": "executionStats"})
        self.assertIn(reply["explainVersion"], ("1", "2"))
        self.assertGreaterEqual(reply["serverInfo"].keys(), {"host", "port", "version", "gitVersion"})
        sort = reply["executionStats"]["executionStages"]
        self.assertEqual((sort["stage"], sort["sortPattern"], sort["nReturned"]), ("SORT", {"n": 1}, 10))
        self.assertGreaterEqual(sort.keys(),
    {"memLimit",
    "type",
    "totalDataSizeSorted",
    "usedDisk",
    "works",
    "advanced",
    "needTime",
    "isEOF",
     "executionTimeMillisEstimate"})
        scan = sort["inputStage"]
        self.assertEqual((scan["stage"], scan["docsExamined"], scan["direction"],
                         scan["filter"]), ("COLLSCAN", 50, "forward", {"n": {"$lt": 10}}))
        for regex, tight in (("^w00", True), ("w00", False)):
            reply = self.ok({"explain": {"find": name, "filter": {"w": {"$regex": regex}},
                            "hint": "w_1"}, "verbosity": "executionStats"})
            plan = reply["queryPlanner"]["winningPlan"]
            self.assertEqual((plan["stage"], plan["inputStage"]["stage"],
                             plan["inputStage"]["indexName"]), ("FETCH", "IXSCAN", "w_1"))
            self.assertEqual(reply["executionStats"]["totalKeysExamined"] < 15, tight)
        for command, stage, fields in (
                ({"update": name, "updates": [{"q": {"n": 1}, "u": {"$set": {"z": 1}}}]}, "UPDATE", {"nMatched": 1,
                "nWouldModify": 1, "nWouldUpsert": 0}),
                ({"delete": name, "deletes": [{"q": {"n": {"$lt": 5}}, "limit": 0}]}, "DELETE", {"nWouldDelete": 5})):
            found = self.ok({"explain": command, "verbosity": "executionStats"})["executionStats"]["executionStages"]
            self.assertEqual((found["stage"], {k: found.get(k) for k in fields}), (stage, fields))
        self.assertEqual(self.ok({"count": name, "query": {"z": {"$exists": False}}})["n"], 50)

    def test_cursor_while_writing(self):
        """S05-106: a cursor goes on while others update and delete; no document comes twice."""
        name = self.load(*({"_id": i, "n": i} for i in range(300)), key={"n": 1}, name="n_1")
        cursor = self.ok({"find": name, "filter": {"n": {"$gte": 0}}, "hint": "n_1", "batchSize": 50})["cursor"]
        got = ids(cursor["firstBatch"])
        other = self.connect()
        other.command("test", {"update": name, "updates": [
                      {"q": {"_id": {"$lt": 10}}, "u": {"$set": {"n": 1000}}, "multi": True}]})
        other.command("test", {"delete": name, "deletes": [{"q": {"_id": {"$gte": 250}}, "limit": 0}]})
        while cursor["id"]:
            cursor = self.ok({"getMore": cursor["id"], "collection": name})["cursor"]
            got += ids(cursor["nextBatch"])
        self.assertEqual(len(got), len(set(got)))
        self.assertGreaterEqual(len(got), 250)


class TimeToLive(surface.OneMember):
    ARGUMENTS = ("--setParameter", "ttlMonitorSleepSecs=1")

    def test_expiry(self):
        """S05-068, S06-006: the least date of an array counts; what is no date, or not there, stays."""
        self.ok({"createIndexes": "t", "indexes": [{"key": {"t": 1}, "name": "t", "expireAfterSeconds": 60}]})
        past, future = datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)
        self.insert("t", {"_id": 1, "t": past}, {"_id": 2, "t": future}, {"_id": 3, "t": [future, past, "x"]},
                    {"_id": 4, "t": [future]}, {"_id": 5, "t": "2020"}, {"_id": 6}, {"_id": 7, "t": 5})
        harness.wait_until("two have expired", lambda: ids(self.all_of("t")) == [2, 4, 5, 6, 7])


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    harness.main()
