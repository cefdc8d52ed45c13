#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rollback: what only a lost primary wrote (w: 1) is undone when it returns, and kept in rollback files.

The primary is left alone by killing its peers; so nothing of the lost branch can reach them.
Expected: replication.md 5 - removed.*.bson under <dbpath>/rollback holds the documents as they were before
the rollback, no majority-acknowledged write is lost, every member ends with equal data.
"""
import glob
import os
import unittest

import bson

import harness

W1 = {"w": 1, "j": True}
MAJORITY = {"w": "majority", "wtimeout": 15000}


def rollback_documents(server):
    """Every document of the member's rollback files."""
    documents = []
    for path in glob.glob(os.path.join(server.data, "rollback", "**", "removed.*.bson"), recursive=True):
        with open(path, "rb") as f:
            documents += bson.decode_all(f.read())
    return documents


class Rollback(unittest.TestCase):
    def setUp(self):
        self.set = harness.ReplicaSet(3, settings=harness.FAST_SETTINGS)
        self.addCleanup(self.set.close)
        self.primary = self.set.wait_healthy()
        self.others = [s for s in self.set.servers if s is not self.primary]
        self.insert(self.primary, "kept", [{"_id": i, "n": 0} for i in range(20)], MAJORITY)
        self.primary.command("game", {"createIndexes": "kept", "indexes": [{"key": {"n": 1}, "name": "n_1"}]})
        self.wait_all_applied()

    def wait_all_applied(self):
        self.insert(self.primary, "marks", [{"_id": "start"}], {"w": 3, "wtimeout": 15000})

    @staticmethod
    def insert(server, collection, documents, concern):
        reply = server.command("game", {"insert": collection, "documents": documents,
                                        "writeConcern": concern})
        if "writeErrors" in reply or "writeConcernError" in reply:
            raise AssertionError(reply)

    def branch(self, write):
        """Lets the primary do write(primary) unseen by its peers; they elect another, which goes on."""
        rbid = self.primary.admin({"replSetGetRBID": 1})["rbid"]
        for server in self.others:
            server.kill()
        write(self.primary)
        self.primary.kill()
        for server in self.others:
            server.start()
        successor = self.set.wait_primary()
        self.insert(successor, "kept", [{"_id": "of the successor"}], MAJORITY)
        self.primary.start()
        self.set.wait_healthy()
        self.insert(self.set.wait_primary(), "marks", [{"_id": "end"}], {"w": 3, "wtimeout": 20000})
        contents = self.set.wait_equal()
        self.set.validate()
        self.assertGreater(self.primary.admin({"replSetGetRBID": 1})["rbid"], rbid)
        return {name: [bson.decode(d) for d in documents.values()]
                for name, (_, documents) in contents.items()}

    def test_inserts_updates_and_deletes(self):
        def write(primary):
            self.insert(primary, "kept", [{"_id": f"lost {i}"} for i in range(5)], W1)
            primary.command("game", {"update": "kept", "writeConcern": W1, "updates": [
                {"q": {"_id": 3}, "u": {"$set": {"n": 300}}},
                {"q": {"_id": 3}, "u": {"$inc": {"n": 33}}},
                {"q": {"_id": 4}, "u": {"_id": 4, "replaced": True}}]})
            primary.command("game", {"delete": "kept", "writeConcern": W1, "deletes": [
                {"q": {"_id": {"$gte": 15, "$lte": 19}}, "limit": 0}]})
        contents = self.branch(write)
        kept = {d["_id"]: d for d in contents["game.kept"]}
        self.assertEqual(set(kept), set(range(20)) | {"of the successor"})
        self.assertEqual((kept[3], kept[4]), ({"_id": 3, "n": 0}, {"_id": 4, "n": 0}))
        removed = rollback_documents(self.primary)
        for lost in ([{"_id": f"lost {i}"} for i in range(5)]
                     + [{"_id": 3, "n": 333}, {"_id": 4, "replaced": True}]):
            self.assertIn(lost, removed)

    def test_collections_and_indexes(self):
        self.insert(self.primary, "to_drop", [{"_id": 1}], {"w": 3, "wtimeout": 15000})

        def write(primary):
            self.insert(primary, "born_lost", [{"_id": i} for i in range(3)], W1)
            primary.command("game", {"createIndexes": "kept", "writeConcern": W1, "commitQuorum": 1,
                                     "indexes": [{"key": {"lost": 1}, "name": "lost_1"}]})
            primary.command("game", {"dropIndexes": "kept", "index": "n_1", "writeConcern": W1})
            primary.command("game", {"drop": "to_drop", "writeConcern": W1})
        contents = self.branch(write)
        self.assertNotIn("game.born_lost", contents)
        self.assertEqual(contents["game.to_drop"], [{"_id": 1}])
        indexes = self.primary.command("game", {"listIndexes": "kept",
                                                "$readPreference": {"mode": "secondaryPreferred"}})
        self.assertEqual([i["name"] for i in indexes["cursor"]["firstBatch"]], ["_id_", "n_1"])

    def test_retried_write_of_the_lost_branch_is_executed_once_more(self):
        """A statement whose effect was rolled back must be executed by a retry, one that survived must not."""
        import uuid
        session = bson.Binary(uuid.uuid4().bytes, bson.binary.UUID_SUBTYPE)

        def increment(number, concern):
            return {"update": "kept", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}],
                    "lsid": {"id": session}, "txnNumber": bson.int64.Int64(number),
                    "writeConcern": concern}
        self.primary.command("game", increment(1, MAJORITY))
        self.branch(lambda primary: primary.command("game", increment(2, W1)))
        primary = self.set.wait_primary()
        self.assertEqual(primary.command("game", increment(2, MAJORITY))["nModified"], 1)
        reply = primary.command("game", increment(2, MAJORITY))
        self.assertEqual(reply["retriedStmtIds"], [0])
        found = primary.command("game", {"find": "kept", "filter": {"_id": 1}})
        self.assertEqual(found["cursor"]["firstBatch"], [{"_id": 1, "n": 2}])

    def test_no_files_when_told_so(self):
        self.primary.admin({"setParameter": 1, "createRollbackDataFiles": False})
        self.primary.kill()
        self.primary.arguments = ["--setParameter", "createRollbackDataFiles=false"]
        self.primary.start()
        self.primary = self.set.wait_healthy()
        self.others = [s for s in self.set.servers if s is not self.primary]
        for server in self.others:
            server.arguments = ["--setParameter", "createRollbackDataFiles=false"]
        self.primary.arguments = ["--setParameter", "createRollbackDataFiles=false"]
        contents = self.branch(lambda primary: self.insert(primary, "kept", [{"_id": "lost"}], W1))
        self.assertNotIn({"_id": "lost"}, contents["game.kept"])
        self.assertEqual(rollback_documents(self.primary), [])


if __name__ == "__main__":
    harness.main()
