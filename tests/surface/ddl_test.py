#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Collections, databases, views and indexes: create, drop, rename, collMod, the lists, the statistics.

Expected values: the manual's pages of the commands; recorded answers.
"""
import uuid

from bson import Int64

import surface
from surface import harness

ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}


class Collections(surface.OneMember):
    def setUp(self):
        super().setUp()
        self.name = surface.fresh()

    def listed(self, **fields):
        cursor = self.ok({"listCollections": 1, **fields}, "lists")["cursor"]
        self.assertEqual((cursor["id"], cursor["ns"]), (0, "lists.$cmd.listCollections"))
        return {d["name"]: d for d in cursor["firstBatch"]}

    def test_create(self):
        """S02-018, S12-022: again the same is ok, otherwise 48; options that do not fit are refused."""
        options = {"capped": True, "size": 4096, "max": 10}
        self.ok({"create": self.name, **options})
        self.ok({"create": self.name, **options})
        self.fails({"create": self.name}, 48, "NamespaceExists")
        self.insert("there", {"_id": 1})
        self.ok({"create": "there"})
        self.fails({"create": "there", "capped": True, "size": 4096}, 48, "NamespaceExists")
        self.fails({"create": surface.fresh(), "capped": True}, 72, "InvalidOptions")
        self.fails({"create": ""}, 73, "InvalidNamespace")
        self.fails({"create": "a$b"}, 73, "InvalidNamespace")

    def test_drop(self):
        """S02-019: of what is there with its number of indexes; of what is not there ok as well, from 7.0."""
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"a": 1}, "name": "a"}]})
        reply = self.ok({"drop": self.name})
        self.assertEqual((reply["ns"], reply["nIndexesWas"]), (f"test.{self.name}", 2))
        reply = self.ok({"drop": self.name})
        self.assertNotIn("nIndexesWas", reply)

    def test_drop_database(self):
        """S02-020: tells the name if there was one."""
        self.insert("c", {"_id": 1}, database="going")
        self.assertEqual(self.ok({"dropDatabase": 1}, "going")["dropped"], "going")
        self.assertNotIn("dropped", self.ok({"dropDatabase": 1}, "going"))
        self.assertNotIn("going", [d["name"] for d in self.ok({"listDatabases": 1}, "admin")["databases"]])

    def test_rename(self):
        """S02-021, S12-016: not over what is there, unless asked; admin only."""
        self.insert(self.name, {"_id": 1})
        self.insert("target", {"_id": 2})
        rename = {"renameCollection": f"test.{self.name}", "to": "test.target"}
        self.fails(rename, 48, "NamespaceExists", database="admin")
        self.ok({**rename, "dropTarget": True}, "admin")
        self.assertEqual(self.all_of("target"), [{"_id": 1}])
        self.fails(rename, 26, "NamespaceNotFound", database="admin")
        self.fails({**rename, "to": "test.x"}, 13, "Unauthorized",
                   "renameCollection may only be run against the admin database.", database="test")

    def test_list_collections(self):
        """S02-023, S02-134: names, types, options, uuid, idIndex; filter, nameOnly, batchSize."""
        self.ok({"create": "plain"}, "lists")
        self.ok({"create": "capped", "capped": True, "size": 4096}, "lists")
        self.ok({"create": "view", "viewOn": "plain", "pipeline": [{"$match": {"a": 1}}]}, "lists")
        shown = self.listed()
        self.assertEqual(shown["plain"]["type"], "collection")
        self.assertEqual((shown["plain"]["options"], shown["plain"]["idIndex"]), ({}, ID_INDEX))
        info = shown["plain"]["info"]
        self.assertIs(info["readOnly"], False)
        self.assertIsInstance(info["uuid"], uuid.UUID)
        self.assertEqual(shown["capped"]["options"], {"capped": True, "size": 4096})
        self.assertEqual((shown["view"]["type"], shown["view"]["info"], shown["view"]["options"]),
                         ("view", {"readOnly": True}, {"viewOn": "plain", "pipeline": [{"$match": {"a": 1}}]}))
        self.assertEqual(self.listed(filter={"name": "plain"}).keys(), {"plain"})
        self.assertEqual(self.listed(filter={"options.capped": True}).keys(), {"capped"})
        self.assertEqual(self.listed(filter={"name": "capped"}, nameOnly=True, authorizedCollections=True),
                         {"capped": {"name": "capped", "type": "collection"}})
        cursor = self.ok({"listCollections": 1, "cursor": {"batchSize": 1}}, "lists")["cursor"]
        self.assertEqual(len(cursor["firstBatch"]), 1)
        rest = self.ok({"getMore": cursor["id"], "collection": "$cmd.listCollections"}, "lists")["cursor"]
        self.assertGreaterEqual(len(rest["nextBatch"]), 2)

    def test_list_databases(self):
        """S02-024, S12-006: sizes and the empty flag; filter, nameOnly; admin only."""
        self.insert("c", {"_id": 1}, database="first")
        reply = self.ok({"listDatabases": 1}, "admin")
        shown = {d["name"]: d for d in reply["databases"]}
        self.assertGreaterEqual(shown.keys(), {"config", "local", "first"})
        self.assertIs(shown["first"]["empty"], False)
        self.assertEqual(shown["first"].keys(), {"name", "sizeOnDisk", "empty"})
        self.assertIn("totalSize", reply)
        self.assertIn("totalSizeMb", reply)
        reply = self.ok({"listDatabases": 1, "nameOnly": True, "filter": {"name": "first"}}, "admin")
        self.assertEqual((reply["databases"], "totalSize" in reply), ([{"name": "first"}], False))
        self.fails({"listDatabases": 1}, 13, "Unauthorized",
                   "listDatabases may only be run against the admin database.")

    def test_list_indexes(self):
        """S02-025, S12-016, S12-052: a cursor over the specifications; missing 26, a view 166."""
        specs = [{"v": 2, "key": {"a": 1, "b": -1}, "name": "ab", "unique": True},
                 {"v": 2, "key": {"c": 1}, "name": "c", "sparse": True, "expireAfterSeconds": 60}]
        self.ok({"createIndexes": self.name, "indexes": specs})
        cursor = self.ok({"listIndexes": self.name})["cursor"]
        self.assertEqual((cursor["id"], cursor["ns"]), (0, f"test.{self.name}"))
        self.assertEqual(sorted(cursor["firstBatch"], key=lambda d: d["name"]), [ID_INDEX] + specs)
        cursor = self.ok({"listIndexes": self.name, "cursor": {"batchSize": 2}})["cursor"]
        self.assertEqual(len(cursor["firstBatch"]), 2)
        more = self.ok({"getMore": cursor["id"], "collection": self.name})["cursor"]
        self.assertEqual((len(more["nextBatch"]), more["id"]), (1, 0))
        self.fails({"listIndexes": "missing"}, 26, "NamespaceNotFound", "ns does not exist: test.missing")
        self.ok({"create": "aView", "viewOn": self.name})
        self.fails({"listIndexes": "aView"}, 166, "CommandNotSupportedOnView")

    def test_views(self):
        """S07-008, S07-009, S12-052: read through the pipeline; what writes is refused with 166."""
        self.insert(self.name, *({"_id": i, "a": i % 2} for i in range(6)))
        view = surface.fresh("view")
        self.ok({"create": view, "viewOn": self.name, "pipeline": [{"$match": {"a": 1}}]})
        self.assertEqual([d["_id"] for d in self.all_of(view)], [1, 3, 5])
        self.assertEqual(self.ok({"count": view, "query": {"_id": {"$gt": 1}}})["n"], 2)
        self.assertEqual(sorted(self.ok({"distinct": view, "key": "_id"})["values"]), [1, 3, 5])
        self.assertEqual(self.first_batch({"aggregate": view, "pipeline": [
                         {"$count": "n"}], "cursor": {}}), [{"n": 3}])
        for command in ({"insert": view, "documents": [{}]}, {"update": view, "updates": [{"q": {}, "u": {"a": 1}}]},
                        {"delete": view, "deletes": [{"q": {}, "limit": 1}]},
                        {"findAndModify": view, "query": {}, "remove": True},
                        {"createIndexes": view, "indexes": [{"key": {"a": 1}, "name": "a"}]},
                        {"dropIndexes": view, "index": "*"}, {"collStats": view}):
            with self.subTest(command=command):
                reply = self.reply(command)
                codes = [e["code"] for e in reply.get("writeErrors", [])] or [reply.get("code")]
                self.assertEqual(codes, [166], reply)
        for stage in ({"$out": "c"}, {"$merge": {"into": "c"}}):
            self.fails({"create": surface.fresh(), "viewOn": self.name, "pipeline": [{"$match": {}}, stage]}, 167,
                       "OptionNotSupportedOnView", "in location 1 of the pipeline cannot be used in the view definition")

    def test_statistics(self):
        """S02-027, S02-028, S02-029, S02-125: counts and sizes, scaled; zeros of what is missing."""
        self.insert(self.name, *({"_id": i, "s": "x" * 100} for i in range(50)), database="figures")
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"s": 1}, "name": "s"}]}, "figures")
        size = 50 * 128  # length, int32 _id, string s of 100 bytes: 4 + 9 + 3 + 4 + 101 + ... as dataSize says
        stats = self.ok({"collStats": self.name}, "figures")
        measured = self.ok({"dataSize": f"figures.{self.name}"}, "figures")
        self.assertEqual((measured["numObjects"], stats["count"], stats["nindexes"]), (50, 50, 2))
        self.assertEqual((stats["size"], stats["avgObjSize"]), (measured["size"], measured["size"] // 50))
        self.assertLess(abs(size - stats["size"]), 1000)
        self.assertEqual((stats["ns"], stats["capped"], stats["scaleFactor"]), (f"figures.{self.name}", False, 1))
        self.assertEqual(stats["indexSizes"].keys(), {"_id_", "s"})
        self.assertEqual(stats["totalIndexSize"], sum(stats["indexSizes"].values()))
        self.assertEqual(stats["totalSize"], stats["storageSize"] + stats["totalIndexSize"])
        for name in ("freeStorageSize", "indexDetails", "indexBuilds"):
            self.assertIn(name, stats)
        scaled = self.ok({"collstats": self.name, "scale": 1024}, "figures")
        self.assertEqual((scaled["size"], scaled["scaleFactor"]), (stats["size"] // 1024, 1024))
        reply = self.ok({"collStats": "missing"}, "figures")
        self.assertEqual([reply[k] for k in ("size", "count", "storageSize", "nindexes")], [0, 0, 0, 0])
        whole = self.ok({"dbStats": 1, "freeStorage": 1}, "figures")
        self.assertEqual((whole["db"], whole["collections"], whole["views"], whole["objects"], whole["indexes"],
                          whole["dataSize"]), ("figures", 1, 0, 50, 2, stats["size"]))
        for name in ("avgObjSize", "storageSize", "freeStorageSize", "indexSize", "totalSize", "scaleFactor",
                     "fsUsedSize", "fsTotalSize"):
            self.assertIn(name, whole)
        staged = self.first_batch({"aggregate": self.name, "pipeline": [
            {"$collStats": {"storageStats": {}, "count": {}, "latencyStats": {"histograms": True}}}], "cursor": {}},
            "figures")[0]
        self.assertEqual((staged["storageStats"]["count"], staged["count"]), (50, 50))
        self.assertEqual(staged["latencyStats"].keys(), {"reads", "writes", "commands", "transactions"})
        self.assertIn("localTime", staged)
        self.assertIn("host", staged)

    def test_coll_mod(self):
        """S02-022, S06-017: an index's expiry and hiding, told as old and new; the validator."""
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"t": 1}, "name": "t", "expireAfterSeconds": 100}]})
        reply = self.ok({"collMod": self.name, "index": {"name": "t", "expireAfterSeconds": 3600}})
        self.assertEqual((reply["expireAfterSeconds_old"], reply["expireAfterSeconds_new"]), (100, 3600))
        reply = self.ok({"collMod": self.name, "index": {"keyPattern": {"t": 1}, "hidden": True}})
        self.assertEqual((reply["hidden_old"], reply["hidden_new"]), (False, True))
        plan = self.ok({"explain": {"find": self.name, "filter": {"t": 1}}, "verbosity": "queryPlanner"})
        self.assertEqual(plan["queryPlanner"]["winningPlan"]["stage"], "COLLSCAN")
        self.ok({"collMod": self.name, "validator": {"a": 1}, "validationLevel": "moderate",
                 "validationAction": "warn"})
        options = self.first_batch({"listCollections": 1, "filter": {"name": self.name}})[0]["options"]
        self.assertEqual(options, {"validator": {"a": 1}, "validationLevel": "moderate", "validationAction": "warn"})
        self.fails({"collMod": "missing"}, 26, "NamespaceNotFound")
        self.fails({"collMod": self.name, "index": {"name": "none", "hidden": True}}, 27, "IndexNotFound")

    def test_validation(self):
        """S07-018, S07-019, S07-020: strict or moderate, error or warn, and off."""
        self.insert(self.name, {"_id": "bad"})
        self.ok({"collMod": self.name, "validator": {"a": {"$type": "int"}}})

        def update(key):
            reply = self.ok({"update": self.name, "updates": [{"q": {"_id": key}, "u": {"$inc": {"n": 1}}}]})
            return [e["code"] for e in reply.get("writeErrors", [])]

        def insert():
            reply = self.ok({"insert": self.name, "documents": [{"x": 1}]})
            return [e["code"] for e in reply.get("writeErrors", [])]
        self.assertEqual((update("bad"), insert()), ([121], [121]))
        self.ok({"collMod": self.name, "validationLevel": "moderate"})
        self.assertEqual((update("bad"), insert()), ([], [121]))
        self.ok({"collMod": self.name, "validationLevel": "off"})
        self.assertEqual((update("bad"), insert()), ([], []))
        self.ok({"collMod": self.name, "validationLevel": "strict", "validationAction": "warn"})
        self.assertEqual((update("bad"), insert()), ([], []))

    def test_validate(self):
        """S02-030: a sound collection."""
        self.insert(self.name, {"_id": 1, "a": 1})
        self.ok({"createIndexes": self.name, "indexes": [{"key": {"a": 1}, "name": "a"}]})
        for fields in ({}, {"full": True}):
            reply = self.ok({"validate": self.name, **fields})
            self.assertEqual((reply["ns"], reply["valid"], reply["nrecords"], reply["nIndexes"],
                              reply["keysPerIndex"], reply["errors"], reply["nInvalidDocuments"]),
                             (f"test.{self.name}", True, 1, 2, {"_id_": 1, "a": 1}, [], 0))
            for name in ("uuid", "repaired", "warnings", "extraIndexEntries", "missingIndexEntries",
                         "corruptRecords", "indexDetails"):
                self.assertIn(name, reply)
        self.fails({"validate": "missing"}, 26, "NamespaceNotFound")


class Indexes(surface.OneMember):
    def setUp(self):
        super().setUp()
        self.name = surface.fresh()

    def create(self, *specs, **fields):
        return {"createIndexes": self.name, "indexes": list(specs), **fields}

    def test_create(self):
        """S02-035, S02-131, S06-015, S06-022: numbers before and after; the same again builds nothing."""
        a = {"key": {"a": 1}, "name": "a_1"}
        reply = self.ok(self.create(a))
        self.assertEqual([reply[k] for k in ("numIndexesBefore", "numIndexesAfter",
                         "createdCollectionAutomatically")], [1, 2, True])
        reply = self.ok(self.create(a))
        self.assertEqual([reply.get(k) for k in ("numIndexesBefore", "numIndexesAfter", "note")],
                         [2, 2, "all indexes already exist"])
        for quorum in ("votingMembers", "majority", 1, 0):
            self.ok(self.create(a, commitQuorum=quorum))
        self.ok(self.create({"key": {"b": 1}, "name": "b_1", "v": 1, "background": True}))
        reply = self.ok(self.create({"key": {"c": 1}, "name": "c_1"}, {"key": {"d": 1}, "name": "d_1"}))
        self.assertEqual([reply["numIndexesBefore"], reply["numIndexesAfter"]], [3, 5])

    def test_create_refuses(self):
        """S02-035, S12-004, S12-032, S06-014: each wrong specification with its code."""
        self.ok(self.create({"key": {"a": 1}, "name": "a_1"}))
        for spec, code, name in (
                ({"key": {"a": 1}}, 9, "FailedToParse"), ({"name": "x"}, 9, "FailedToParse"),
                ({"key": {}, "name": "x"}, 67, "CannotCreateIndex"),
                ({"key": {"x": 0}, "name": "x"}, 67, "CannotCreateIndex"),
                ({"key": {"x": "strange"}, "name": "x"}, 67, "CannotCreateIndex"),
                ({"key": {"x": 1}, "name": "*"}, 2, "BadValue"),
                ({"key": {"x": 1}, "name": "x", "v": 0}, 67, "CannotCreateIndex"),
                ({"key": {"x": 1}, "name": "x", "colour": 1}, 197, "InvalidIndexSpecificationOption"),
                ({"key": {"x": 1}, "name": "x", "expireAfterSeconds": "y"}, 67, "CannotCreateIndex"),
                ({"key": {"x": 1}, "name": "x", "partialFilterExpression": {"a": {"$ne": 1}}}, 67,
                "CannotCreateIndex"),
                ({"key": {"a": 1}, "name": "other"}, 85, "IndexOptionsConflict"),
                ({"key": {"a": 1}, "name": "a_1", "unique": True}, 85, "IndexOptionsConflict"),
                ({"key": {"b": 1}, "name": "a_1"}, 86, "IndexKeySpecsConflict")):
            with self.subTest(spec=spec):
                self.fails(self.create(spec), code, name)
        self.fails({"createIndexes": self.name}, 40414)
        self.fails(self.create(), 2, "BadValue", "Must specify at least one index to create")

    def test_unknown_options_of_dumps(self):
        """S02-142, S13-015: mongorestore sends what old servers stored, and asks to pass over it."""
        spec = {"key": {"a": 1}, "name": "a_1", "ns": f"test.{self.name}", "v": 1, "safe": True, "dropDups": True,
                "strange": 7}
        self.ok(self.create(spec, ignoreUnknownIndexOptions=True))
        shown = {d["name"]: d for d in self.first_batch({"listIndexes": self.name})}["a_1"]
        self.assertNotIn("strange", shown)
        self.assertEqual(shown["key"], {"a": 1})

    def test_unique_over_duplicates(self):
        """S06-024, S12-091: a build over documents that clash fails with 11000 and leaves nothing."""
        self.insert(self.name, {"_id": 1, "a": 5}, {"_id": 2, "a": 5})
        reply = self.fails(self.create({"key": {"a": 1}, "name": "a_1", "unique": True}), 11000, "DuplicateKey")
        self.assertEqual((reply["keyPattern"], reply["keyValue"]), ({"a": 1}, {"a": 5}))
        self.assertEqual(self.first_batch({"listIndexes": self.name}), [ID_INDEX])

    def test_parallel_arrays(self):
        """S12-032: two arrays in one compound key are refused with 171."""
        self.ok(self.create({"key": {"a": 1, "b": 1}, "name": "ab"}))
        reply = self.ok({"insert": self.name, "documents": [{"a": [1, 2], "b": [3]}]})
        self.assertEqual([e["code"] for e in reply["writeErrors"]], [171], reply)

    def test_drop(self):
        """S02-036, S12-017: by name, by key, by list, all; _id stays; unknown ones and collections."""
        specs = [{"key": {k: 1}, "name": f"{k}_1"} for k in "abcdef"]
        self.ok(self.create(*specs))
        drop = {"dropIndexes": self.name}
        self.assertEqual(self.ok({**drop, "index": "a_1"})["nIndexesWas"], 7)
        self.assertEqual(self.ok({**drop, "index": {"b": 1}})["nIndexesWas"], 6)
        self.assertEqual(self.ok({"deleteIndexes": self.name, "index": ["c_1", "d_1"]})["nIndexesWas"], 5)
        reply = self.ok({**drop, "index": "*"})
        self.assertEqual((reply["nIndexesWas"], reply["msg"]), (3, "non-_id indexes dropped for collection"))
        self.fails({**drop, "index": "_id_"}, 72, "InvalidOptions", "cannot drop _id index")
        self.fails({**drop, "index": "none"}, 27, "IndexNotFound", "index not found with name [none]")
        self.fails({**drop, "index": {"z": 1}}, 27, "IndexNotFound", "can't find index with key: { z: 1 }")
        self.fails({"dropIndexes": "missing", "index": "*"}, 26, "NamespaceNotFound")
        self.assertEqual(self.first_batch({"listIndexes": self.name}), [ID_INDEX])

    def test_hidden(self):
        """S02-131, S06-017: created hidden, shown so, still unique."""
        self.ok(self.create({"key": {"a": 1}, "name": "a_1", "hidden": True, "unique": True}))
        self.assertIs(self.first_batch({"listIndexes": self.name})[1]["hidden"], True)
        self.insert(self.name, {"a": 1})
        reply = self.ok({"insert": self.name, "documents": [{"a": 1}]})
        self.assertEqual(reply["writeErrors"][0]["code"], 11000)

    def test_time_to_live(self):
        """S06-006: expireAfterSeconds is bounded, on one field."""
        for seconds in (0, 2147483647, Int64(60)):
            self.ok({"createIndexes": surface.fresh(), "indexes": [
                {"key": {"t": 1}, "name": "t", "expireAfterSeconds": seconds}]})
        for key, seconds in (({"t": 1}, -1), ({"t": 1}, Int64(2147483648)), ({"t": 1, "u": 1}, 60), ({"_id": 1}, 60)):
            reply = self.reply(self.create({"key": key, "name": "t", "expireAfterSeconds": seconds}))
            self.assertEqual((reply["ok"], reply.get("code") in (67, 197)), (0, True), reply)


if __name__ == "__main__":
    harness.main()
