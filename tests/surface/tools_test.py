#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What backup tools, importers, mappers and the shell's rs helpers send, command by command, GridFS.

Expected values: the manual's pages of the tools and helpers; the GridFS specification.
"""
import datetime
import os

from bson import Int64, ObjectId, Timestamp

import surface
from surface import harness


class Tools(surface.OneMember):
    def test_mongodump(self):
        """S02-141: everything it reads, and the oplog from a point on."""
        self.insert("c", *({"_id": i} for i in range(300)), database="dumped")
        self.ok({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]}, "dumped")
        begin = self.ok({"isMaster": 1}, "admin")["lastWrite"]["opTime"]["ts"]
        self.assertEqual(self.ok({"getParameter": 1, "authSchemaVersion": 1}, "admin")["authSchemaVersion"], 5)
        self.assertIn("dumped", [d["name"]
                      for d in self.ok({"listDatabases": 1, "nameOnly": True}, "admin")["databases"]])
        self.assertEqual([d["name"] for d in self.first_batch({"listCollections": 1, "filter": {}, "cursor": {}},
                                                              "dumped")], ["c"])
        self.assertEqual(len(self.first_batch({"listIndexes": "c", "cursor": {}}, "dumped")), 2)
        self.assertEqual(self.ok({"count": "c"}, "dumped")["n"], 300)
        cursor = self.ok({"find": "c", "filter": {}, "hint": {"_id": 1}, "noCursorTimeout": True}, "dumped")["cursor"]
        got = [d["_id"] for d in cursor["firstBatch"]]
        got += [d["_id"]
            for d in self.ok({"getMore": cursor["id"], "collection": "c"}, "dumped")["cursor"]["nextBatch"]]
        self.assertEqual(got, list(range(300)))
        for name in ("system.users", "system.roles", "system.version"):
            self.first_batch({"find": name}, "admin")
        self.insert("c", {"_id": "later"}, database="dumped")
        tail = self.first_batch({"find": "oplog.rs", "filter": {"ts": {"$gte": begin}}, "oplogReplay": True,
                                 "noCursorTimeout": True}, "local")
        self.assertEqual(tail[0]["ts"], begin)
        self.assertIn({"_id": "later"}, [e["o"] for e in tail])
        first = self.first_batch({"find": "oplog.rs", "sort": {"$natural": 1}, "limit": 1}, "local")[0]["ts"]
        self.assertIsInstance(first, Timestamp)

    def test_mongorestore(self):
        """S02-142: collections with their options, documents past validation, indexes of older servers."""
        self.ok({"create": "r", "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_", "ns": "restored.r"},
                 "validator": {"a": {"$exists": True}}}, "restored")
        reply = self.ok({"insert": "r", "documents": [{"_id": i} for i in range(10)], "ordered": False,
                         "bypassDocumentValidation": True, "writeConcern": {"w": "majority"}}, "restored")
        self.assertEqual(reply["n"], 10)
        self.ok({"createIndexes": "r", "ignoreUnknownIndexOptions": True, "indexes": [
            {"v": 1, "key": {"a": 1}, "name": "a_1", "ns": "restored.r", "background": True, "bits": 26}]},
                "restored")
        self.ok({"collMod": "r", "validationLevel": "moderate"}, "restored")
        self.ok({"insert": "tempusers", "documents": [{"_id": "x"}]}, "admin")
        self.ok({"drop": "tempusers"}, "admin")
        self.ok({"dropIndexes": "r", "index": "*"}, "restored")

    def test_import(self):
        """S02-143: insert and upsert modes of an importer."""
        self.insert("i", {"_id": 1, "k": "a", "n": 1})
        reply = self.ok({"update": "i", "ordered": False, "bypassDocumentValidation": True, "updates": [
            {"q": {"k": "a"}, "u": {"$set": {"n": 5}}, "upsert": True},
            {"q": {"k": "b"}, "u": {"k": "b", "n": 7}, "upsert": True}]})
        self.assertEqual((reply["n"], reply["nModified"], len(reply["upserted"])), (2, 1, 1))
        found = self.first_batch({"find": "i", "sort": {"k": 1}, "projection": {"_id": 0}})
        self.assertEqual(found, [{"k": "a", "n": 5}, {"k": "b", "n": 7}])

    def test_gridfs(self):
        """S02-143, S07-028: a file in chunks of 255 kB with its two indexes, read whole and in part."""
        content = os.urandom(700000)
        size = 255 * 1024
        key = ObjectId()
        self.assertEqual(self.first_batch({"find": "fs.files", "projection": {"_id": 1}, "limit": 1}, "files"), [])
        for name, index in (("fs.files", {"filename": 1, "uploadDate": 1}), ("fs.chunks", {"files_id": 1, "n": 1})):
            text = "_".join(f"{k}_{v}" for k, v in index.items())
            self.ok({"createIndexes": name, "indexes": [{"key": index, "name": text, "unique": name == "fs.chunks"}]},
                    "files")
        chunks = [content[at:at + size] for at in range(0, len(content), size)]
        self.insert("fs.chunks", *({"files_id": key, "n": n, "data": chunk} for n, chunk in enumerate(chunks)),
                    database="files")
        self.insert("fs.files", {"_id": key, "length": len(content), "chunkSize": size, "filename": "a name",
                                 "uploadDate": datetime.datetime(2026, 1, 1)}, database="files")
        found = self.first_batch({"find": "fs.files", "filter": {"filename": "a name"}, "sort": {"uploadDate": -1},
                                  "limit": 1}, "files")[0]
        parts = self.first_batch({"find": "fs.chunks", "filter": {
                                 "files_id": found["_id"]}, "sort": {"n": 1}}, "files")
        self.assertEqual(b"".join(p["data"] for p in parts), content)
        part = self.first_batch({"find": "fs.chunks", "filter": {"files_id": key, "n": {"$gte": 1}}, "sort": {"n": 1},
                                 "limit": 1}, "files")
        self.assertEqual(part[0]["data"], chunks[1])
        reply = self.ok({"insert": "fs.chunks", "documents": [{"files_id": key, "n": 1}]}, "files")
        self.assertEqual(reply["writeErrors"][0]["code"], 11000)
        self.ok({"delete": "fs.chunks", "deletes": [{"q": {"files_id": key}, "limit": 0}]}, "files")
        self.assertEqual(self.ok({"count": "fs.chunks"}, "files")["n"], 0)

    def test_mapper(self):
        """S02-146: what a mapper does with a schema: create, sync indexes, write in bulk, read, aggregate."""
        session = surface.lsid()

        def run(command):
            return self.ok({**command, "lsid": session}, "mapped")
        run({"create": "users"})
        run({"createIndexes": "users", "indexes": [{"key": {"email": 1}, "name": "email_1", "unique": True,
                                                    "background": True}]})
        run({"createIndexes": "users", "indexes": [{"key": {"old": 1}, "name": "old_1", "background": True}]})
        names = [d["name"] for d in run({"listIndexes": "users", "cursor": {}})["cursor"]["firstBatch"]]
        self.assertEqual(sorted(names), ["_id_", "email_1", "old_1"])
        run({"dropIndexes": "users", "index": "old_1"})
        reply = run({"insert": "users", "documents": [{"_id": 1, "email": "a", "__v": 0}], "ordered": True,
                     "txnNumber": Int64(1)})
        self.assertEqual(reply["n"], 1)
        reply = run({"update": "users", "txnNumber": Int64(2), "updates": [
            {"q": {"_id": 1, "__v": 0}, "u": {"$push": {"tags": {"$each": ["x"]}}, "$inc": {"__v": 1}}},
            {"q": {"email": "b"}, "u": {"$set": {"n": 1}, "$setOnInsert": {"__v": 0}}, "upsert": True}]})
        self.assertEqual((reply["n"], reply["nModified"], len(reply["upserted"])), (2, 1, 1))
        found = run({"aggregate": "users", "cursor": {}, "pipeline": [
            {"$match": {"email": "a"}}, {"$lookup": {"from": "users", "localField": "email", "foreignField": "email",
                                                     "as": "same"}}, {"$unwind": "$same"},
            {"$project": {"tags": 1, "__v": 1, "same._id": 1}}]})["cursor"]["firstBatch"]
        self.assertEqual(found, [{"_id": 1, "__v": 1, "tags": ["x"], "same": {"_id": 1}}])

    def test_driver_suites(self):
        """S02-147: what the drivers' own tests ask before they begin."""
        self.ok({"killAllSessions": []}, "admin")
        self.assertIn("enableTestCommands", self.ok({"getParameter": "*"}, "admin"))
        self.ok({"serverStatus": 1}, "admin")
        self.insert("d", {})
        self.ok({"collMod": "d"})


class Helpers(surface.OneMember):
    def config(self):
        return self.server.admin({"replSetGetConfig": 1})["config"]

    def reconfig(self, change):
        def attempt():
            config = self.config()
            change(config)
            config["version"] += 1
            return self.server.reply("admin", {"replSetReconfig": config})["ok"] == 1
        harness.wait_until("the reconfig", attempt)

    def test_rs(self):
        """S02-129: rs.status, conf, initiate, add, addArb, remove, reconfig, stepDown, freeze, syncFrom."""
        self.ok({"replSetGetStatus": 1}, "admin")
        self.fails({"replSetInitiate": {}}, 23, "AlreadyInitialized", database="admin")
        stored = self.first_batch({"find": "system.replset"}, "local")[0]
        self.assertEqual((stored["_id"], stored["members"]), (harness.SET_NAME, self.config()["members"]))
        second = self.set.new_server().start()
        self.reconfig(lambda c: c["members"].append({"_id": 1, "host": second.address, "priority": 0, "votes": 0}))
        self.set.wait_state(second, 2)
        second.admin({"replSetFreeze": 1})
        second.admin({"replSetSyncFrom": self.server.address})
        self.reconfig(lambda c: c["members"].pop())
        self.set.wait_state(second, 10)
        self.ok({"replSetStepDown": 1, "secondaryCatchUpPeriodSecs": 0, "force": True}, "admin")
        self.set.wait_primary()

    def test_arbiter(self):
        """S01-100, S01-106, S02-129, S08-055: a set with an arbiter, and what that says of itself."""
        with harness.ReplicaSet(2, members={1: {"arbiterOnly": True}}) as replicas:
            primary, arbiter = replicas.servers
            replicas.wait_state(arbiter, 7)
            self.assertEqual(primary.hello()["arbiters"], [arbiter.address])
            hello = harness.wait_until("it knows the primary",
                                       lambda: arbiter.hello().get("primary") and arbiter.hello())
            self.assertEqual((hello["arbiterOnly"], hello["secondary"],
                             hello["isWritablePrimary"]), (True, False, False))
            self.assertEqual([m["stateStr"] for m in replicas.status(primary)["members"]], ["PRIMARY", "ARBITER"])


if __name__ == "__main__":
    harness.main()
