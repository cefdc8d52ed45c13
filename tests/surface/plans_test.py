#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever plan a query takes, its answer is that of the collection scan (S06-003, S06-041, S06-043 to S06-045).

Documents, indexes, filters and sorts are drawn at random; every index that may answer is forced by a hint.
Numeric path components are left out: there an index may answer otherwise.
PLANS_SEED=n repeats one seed, PLANS_ROUNDS=n plays longer.
"""
import datetime
import os
import random

from bson import Decimal128, Int64, MaxKey, MinKey, Timestamp

import surface
from surface import harness

SEED = int(os.environ.get("PLANS_SEED", "1"))
ROUNDS = int(os.environ.get("PLANS_ROUNDS", "30"))
QUERIES = 60
PATHS = ("a", "b", "c", "a.x", "b.y", "d")
FILTERED = PATHS + ("_id", "_id")
COMPARISONS = ("$gt", "$gte", "$lt", "$lte", "$eq", "$ne")
OTHERS = ("$in", "$nin", "$exists", "$type", "$not", "$elemMatch", "$size", "$all", "$mod", "$regex")
TYPES = ("number", "string", "array", "null", "object", "int", "bool", "date")
PARTIAL = ({"d": {"$gt": 2}}, {"a": {"$exists": True}}, {"d": {"$gte": 1, "$lt": 4}}, {"a": {"$gt": 0}})
# Of createIndexes with random keys: parallel arrays, a key or a name that is there already.
REFUSED = (171, 85, 86)


class Draw:
    """Random documents, filters, sorts and indexes of one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self):
        return self.random.randint(-3, 6)

    def scalar(self):
        pick = self.random
        return pick.choice((
            self.number, self.number, self.number, lambda: self.number() + 0.5, lambda: Int64(self.number()),
            lambda: Decimal128(str(self.number())), lambda: pick.choice("abcde"),
            lambda: pick.choice(("ab", "abc", "", "A")), lambda: None, lambda: pick.random() < 0.5,
            lambda: datetime.datetime(2020, 1, pick.randint(1, 4)), MinKey, MaxKey, lambda: float("nan"),
            lambda: float("inf"), lambda: {"x": pick.randint(0, 3)}, dict,
            lambda: Timestamp(pick.randint(1, 3), 1)))()

    def scalars(self, low, high):
        return [self.scalar() for _ in range(self.random.randint(low, high))]

    def value(self):
        kind = self.random.random()
        if kind < 0.7:
            return self.scalar()
        if kind < 0.88:
            return self.scalars(0, 3)
        if kind < 0.94:
            return {"x": self.scalar(), "y": self.scalars(0, 2)}
        return [{"x": self.scalar()}, {"x": self.scalars(0, 2), "y": self.random.randint(0, 3)}]

    def document(self, number):
        document = {"_id": number, **{f: self.value() for f in "abc" if self.random.random() < 0.8}}
        if self.random.random() < 0.9:
            document["d"] = self.random.randint(0, 5)
        return document

    def argument(self, operator):
        pick = self.random
        if operator in COMPARISONS:
            return self.scalar() if pick.random() < 0.9 else self.value()
        return {
            "$in": lambda: [self.value() for _ in range(pick.randint(0, 4))],
            "$nin": lambda: [self.value() for _ in range(pick.randint(0, 4))],
            "$exists": lambda: pick.random() < 0.5,
            "$type": lambda: pick.choice(TYPES),
            "$not": lambda: {pick.choice(COMPARISONS): pick.randint(0, 4)},
            "$elemMatch": lambda: pick.choice((
                {"$gt": pick.randint(-1, 3), "$lt": pick.randint(1, 6)}, {"x": {"$gte": pick.randint(0, 3)}},
                {"x": pick.randint(0, 3), "y": {"$lt": 3}})),
            "$size": lambda: pick.randint(0, 3),
            "$all": lambda: self.scalars(1, 2),
            "$mod": lambda: [pick.randint(1, 3), pick.randint(0, 2)],
            "$regex": lambda: pick.choice(("^a", "^ab", "b", "^a|^b", "^")),
        }[operator]()

    def filter(self, depth=0):
        pick = self.random
        if depth < 2 and pick.random() < 0.25:
            return {pick.choice(("$and", "$or", "$or", "$nor")):
                    [self.filter(depth + 1) for _ in range(pick.randint(1, 3))]}
        path = pick.choice(FILTERED)
        if pick.random() < 0.2:
            return {path: self.scalar()}
        operators = pick.choices(COMPARISONS * 2 + OTHERS, k=pick.choice((1, 1, 1, 2, 2, 3)))
        return {path: {o: self.argument(o) for o in operators}}

    def sort(self):
        """None, or an order without ties."""
        if self.random.random() < 0.4:
            return None
        paths = self.random.sample(PATHS, self.random.choice((0, 1, 1, 2)))
        return {p: self.random.choice((1, -1)) for p in [*paths, "_id"]}

    def index(self):
        paths = self.random.sample(PATHS, self.random.choice((1, 1, 2, 2, 3)))
        index = {"key": {p: self.random.choice((1, -1)) for p in paths}}
        kind = self.random.random()
        if kind < 0.12:
            index["sparse"] = True
        elif kind < 0.24:
            index["partialFilterExpression"] = self.random.choice(PARTIAL)
        elif kind < 0.45:
            index["key"]["_id"] = self.random.choice((1, -1))
            index["unique"] = True
        return index


class Plans(surface.OneMember):
    def test_every_plan_answers_as_the_collection_scan(self):
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest(f"PLANS_SEED={seed} PLANS_ROUNDS=1"):
                self.play(Draw(seed))

    def test_sparse_index_is_not_used_where_documents_are_missing(self):
        """S06-005: without a hint a sparse index never makes an answer incomplete."""
        name = surface.fresh()
        self.insert(name, {"_id": 1}, {"_id": 2, "a": 1}, {"_id": 3, "a": None})
        self.ok({"createIndexes": name, "indexes": [{"key": {"a": 1}, "name": "a", "sparse": True}]})
        for filter_, wanted in (({"a": None}, [1, 3]), ({"a": {"$gt": MinKey()}}, [1, 2, 3]),
                                ({"a": {"$lte": MaxKey()}}, [1, 2, 3]), ({"a": {"$ne": 1}}, [1, 3]),
                                ({"a": {"$exists": False}}, [1]), ({"a": {"$exists": True}}, [2, 3])):
            self.assertEqual(self.ids(name, filter_, {"_id": 1}, None), wanted, filter_)

    def play(self, draw):
        name = surface.fresh()
        documents = [draw.document(i) for i in range(draw.random.choice((10, 40, 80)))]
        self.insert(name, *documents)
        hints = [None, "_id_"] + self.create_indexes(name, draw)
        for _ in range(QUERIES):
            filter_, sort = draw.filter(), draw.sort()
            wanted = self.ids(name, filter_, sort, {"$natural": 1})
            for hint in hints:
                found = self.ids(name, filter_, sort, hint)
                if sort is None and isinstance(found, list):
                    found = sorted(found)
                self.assertEqual(found, sorted(wanted) if sort is None and isinstance(wanted, list) else wanted,
                                 (filter_, sort, hint, self.first_batch({"listIndexes": name})))
            if isinstance(wanted, list):
                self.assertEqual(self.ok({"count": name, "query": filter_})["n"], len(wanted), filter_)
                if sort is not None:
                    self.assertEqual(self.ids(name, filter_, sort, None, skip=2, limit=3), wanted[2:5],
                                     (filter_, sort))

    def create_indexes(self, name, draw):
        """Some random ones; the names of those that hold every document, so that a hint cannot lose any."""
        complete = []
        for i in range(draw.random.randint(1, 3)):
            index = draw.index()
            reply = self.reply({"createIndexes": name, "indexes": [{"name": f"i{i}", **index}]})
            if reply["ok"] != 1:
                self.assertIn(reply["code"], REFUSED, (index, reply))
            elif index.keys() <= {"key", "unique"}:
                complete.append(f"i{i}")
        return complete

    def ids(self, name, filter_, sort, hint, **options):
        """The _ids found, or the code of the error."""
        command = {"find": name, "filter": filter_, "batchSize": 1000, **options}
        if sort is not None:
            command["sort"] = sort
        if hint is not None:
            command["hint"] = hint
        reply = self.reply(command)
        return [d["_id"] for d in reply["cursor"]["firstBatch"]] if reply["ok"] == 1 else reply["code"]


if __name__ == "__main__":
    harness.main()
