#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Administrative commands on a set of two: what they change is the same on every member (S02-026, S02-031,
S02-033, S02-085, S02-086, S02-087, S08-047)."""
import threading
import unittest

import bson
import pymongo

import harness


class Administration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(2)
        cls.addClassCleanup(cls.set.close)
        cls.primary = cls.set.wait_healthy()
        cls.secondary = [s for s in cls.set.servers if s is not cls.primary][0]

    def admin(self, command, server=None):
        return (server or self.primary).reply("admin", command)

    def hashes(self, database):
        """dbHash of each member, once all have written everything."""
        self.set.wait_equal()
        out = []
        for server in (self.primary, self.secondary):
            reply = server.reply(database, {"dbHash": 1, "$readPreference": {"mode": "secondaryPreferred"}})
            self.assertEqual(reply["ok"], 1, reply)
            out.append((reply["collections"], reply["capped"], reply["uuids"], reply["md5"]))
        return out

    def test_convert_to_capped_is_the_same_on_every_member(self):
        documents = [{"_id": i, "text": "x" * 200} for i in range(100)]
        self.primary.command("capped", {"insert": "c", "documents": documents})
        self.assertEqual(self.primary.command("capped", {"convertToCapped": "c", "size": 8192})["ok"], 1)
        self.primary.command("capped", {"insert": "c", "documents": [{"_id": 1000}]})
        first, second = self.hashes("capped")
        self.assertEqual(first, second)
        self.assertEqual(first[1], ["c"])
        found = self.primary.command("capped", {"find": "c", "batchSize": 1000})["cursor"]["firstBatch"]
        self.assertEqual(found[-1]["_id"], 1000)
        self.assertLess(len(found), 60)

    def test_writers_go_on_while_collections_change_under_them(self):
        """S02-021, S02-026, S02-035: no writer hangs or loses a document over changed, replaced collections."""
        client = self.set.client()
        client.writers.c.insert_many([{"_id": -i, "a": i, "t": "x" * 200} for i in range(1, 3001)])
        stop = threading.Event()
        written, failures = [], []

        def write(number):
            own = self.set.client()
            for i in range(number, 10**6, 4):
                if stop.is_set():
                    return
                try:
                    own.writers.c.insert_one({"_id": i, "a": i})
                    own.writers.c.update_one({"_id": -(i % 3000) - 1}, {"$inc": {"n": 1}})
                    own.writers.c.update_many({"a": i}, {"$set": {"b": 1}})
                    written.append(i)
                except pymongo.errors.PyMongoError as error:
                    failures.append(error)
                    return

        writers = [threading.Thread(target=write, args=(n,)) for n in range(1, 5)]
        for writer in writers:
            writer.start()
        for _ in range(3):
            client.writers.c.create_index("a")
            client.writers.command("convertToCapped", "c", size=50_000_000)
            client.writers.c.create_index("b")
            client.writers.command("collMod", "c", validationLevel="moderate")
            client.writers.c.drop_indexes()
        stop.set()
        for writer in writers:
            writer.join(30)
            self.assertFalse(writer.is_alive())
        self.assertEqual(failures, [])
        found = {d["_id"] for d in client.writers.c.find({}, {"_id": 1})}
        self.assertEqual([i for i in written if i not in found], [])
        self.assertGreater(len(written), 0)
        self.set.wait_equal()
        self.set.validate()

    def test_a_collection_moves_to_another_database_on_every_member(self):
        self.primary.command("here", {"insert": "c", "documents": [{"_id": i, "a": i} for i in range(1200)]})
        self.primary.command("here", {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})
        self.assertEqual(self.admin({"renameCollection": "here.c", "to": "there.d"})["ok"], 1)
        first, second = self.hashes("there")
        self.assertEqual(first, second)
        self.assertEqual(list(first[0]), ["d"])
        self.assertEqual(self.hashes("here")[1][0], {})
        self.assertEqual(self.primary.command("there", {"count": "d"})["n"], 1200)
        self.set.validate()

    def test_a_secondary_counts_what_it_applies(self):
        """S11-071, S11-077: opcountersRepl and metrics.repl."""
        self.set.wait_equal()
        before = self.admin({"serverStatus": 1}, self.secondary)
        self.primary.command("counted", {"insert": "c", "documents": [{"_id": i} for i in range(50)]})
        self.primary.command("counted", {"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})
        self.primary.command("counted", {"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]})
        self.set.wait_equal()
        after = self.admin({"serverStatus": 1}, self.secondary)
        grown = {name: after["opcountersRepl"][name] - before["opcountersRepl"][name]
                 for name in ("insert", "update", "delete", "command")}
        self.assertEqual((grown["insert"], grown["update"], grown["delete"]), (50, 1, 1))
        self.assertGreaterEqual(grown["command"], 1)
        for path in (("apply", "ops"), ("network", "ops"), ("network", "bytes"), ("apply", "batches", "num"),
                     ("network", "getmores", "num")):
            old, new = before["metrics"]["repl"], after["metrics"]["repl"]
            for name in path:
                old, new = old[name], new[name]
            self.assertGreater(new, old, path)
        self.assertEqual(self.admin({"serverStatus": 1})["opcountersRepl"]["insert"], 0)

    def test_oplog_note(self):
        reply = self.admin({"appendOplogNote": 1, "data": {"note": "here"}, "writeConcern": {"w": 2}})
        self.assertEqual(reply["ok"], 1, reply)
        for server in (self.primary, self.secondary):
            entries = server.command("local", {
                "find": "oplog.rs", "filter": {"op": "n", "o.note": "here"},
                "$readPreference": {"mode": "secondaryPreferred"}})["cursor"]["firstBatch"]
            self.assertEqual([e["o"] for e in entries], [{"note": "here"}])
        self.assertEqual(self.admin({"appendOplogNote": 1})["code"], 4)
        self.assertEqual(self.admin({"appendOplogNote": 1, "data": {},
                                     "maxClusterTime": bson.Timestamp(1, 1)})["code"], 209)
        self.assertEqual(self.admin({"appendOplogNote": 1, "data": {}}, self.secondary)["code"], 10107)

    def test_default_concerns_hold_on_every_member(self):
        self.assertEqual(self.admin({"getDefaultRWConcern": 1})["defaultWriteConcernSource"], "implicit")
        for wrong, code in (({}, 2), ({"defaultWriteConcern": {"w": 0}}, 2),
                            ({"defaultReadConcern": {"level": "linearizable"}}, 2),
                            ({"defaultReadConcern": {"level": "snapshot"}}, 2),
                            ({"defaultWriteConcern": {"w": 7}}, 100)):
            self.assertEqual(self.admin({"setDefaultRWConcern": 1, **wrong})["code"], code, wrong)
        reply = self.admin({"setDefaultRWConcern": 1, "defaultWriteConcern": {"w": 2, "wtimeout": 0},
                            "defaultReadConcern": {"level": "majority"}})
        self.assertEqual(reply["ok"], 1, reply)
        self.assertEqual(reply["defaultWriteConcern"], {"w": 2, "wtimeout": 0})
        self.assertEqual(reply["defaultReadConcern"], {"level": "majority"})
        self.assertEqual(self.admin({"setDefaultRWConcern": 1, "defaultWriteConcern": {}})["code"], 20)

        def known():
            shown = self.admin({"getDefaultRWConcern": 1}, self.secondary)
            return (shown["defaultWriteConcern"]["w"], shown["defaultReadConcernSource"]) == (2, "global")
        harness.wait_until("the secondary knows the defaults", known)
        self.primary.command("test", {"create": "w", "writeConcern": {"w": 2}})
        self.secondary.pause()
        try:
            # A query that names no level does not see what the other member does not have.
            self.primary.command("test", {"insert": "w", "documents": [{"_id": 0}], "writeConcern": {"w": 1}})
            for level, found in ((None, 0), ("majority", 0), ("local", 1)):
                query = {"find": "w", **({"readConcern": {"level": level}} if level else {})}
                batch = self.primary.command("test", query)["cursor"]["firstBatch"]
                self.assertEqual(len(batch), found, level)
            # A write that names no concern waits for both members.
            waiting = self.primary.reply("test", {"insert": "w", "documents": [{"_id": 1}], "maxTimeMS": 300})
            self.assertIn("writeConcernError", waiting)
        finally:
            self.secondary.resume()
        reply = self.admin({"setDefaultRWConcern": 1, "defaultReadConcern": {},
                            "defaultWriteConcern": {"w": "majority"}})
        self.assertEqual(reply["defaultReadConcernSource"], "implicit")

    def test_apply_ops_replicates(self):
        self.primary.command("apply", {"create": "c"})
        ops = [{"op": "i", "ns": "apply.c", "o": {"_id": 1, "a": 1}},
               {"op": "u", "ns": "apply.c", "o2": {"_id": 1}, "o": {"$v": 2, "diff": {"u": {"a": 2}}}},
               {"op": "c", "ns": "apply.$cmd", "o": {"create": "d"}}]
        reply = self.admin({"applyOps": ops})
        self.assertEqual((reply["ok"], reply["applied"], reply["results"]), (1, 3, [True] * 3), reply)
        first, second = self.hashes("apply")
        self.assertEqual(first, second)
        self.assertEqual(sorted(first[0]), ["c", "d"])

    def test_compact(self):
        self.primary.command("compact", {"insert": "c", "documents": [{"_id": i} for i in range(1000)]})
        refused = self.primary.reply("compact", {"compact": "c"})
        self.assertIn("will not run compact on an active replica set primary", refused["errmsg"])
        self.assertEqual(self.primary.reply("compact", {"compact": "c", "force": True})["ok"], 1)
        self.set.wait_equal()
        self.assertEqual(self.secondary.reply("compact", {"compact": "c"})["ok"], 1)
        self.assertEqual(self.primary.reply("compact", {"reIndex": "c"})["code"], 20)


if __name__ == "__main__":
    harness.main()
