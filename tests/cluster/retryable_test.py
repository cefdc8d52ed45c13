#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Retryable writes sent twice by raw commands, on one primary, after a failover and by a driver (S08-004..010)."""
import unittest
import uuid

import bson
from bson.int64 import Int64

import harness

MAJORITY = {"w": "majority", "wtimeout": 20000}


def new_session():
    return {"id": bson.Binary(uuid.uuid4().bytes, bson.binary.UUID_SUBTYPE)}


class Retryable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(3, settings=harness.FAST_SETTINGS)
        cls.addClassCleanup(cls.set.close)

    def setUp(self):
        self.primary = self.set.wait_healthy()
        self.lsid = new_session()
        self.number = 0

    def numbered(self, command):
        self.number += 1
        return {**command, "lsid": self.lsid, "txnNumber": Int64(self.number), "writeConcern": MAJORITY}

    def send(self, command):
        return self.primary.command("test", command)

    def documents(self, collection):
        return self.send({"find": collection, "sort": {"_id": 1}})["cursor"]["firstBatch"]

    @staticmethod
    def stable(reply):
        """The reply without what differs between two runs."""
        return {k: v for k, v in reply.items()
                if k not in ("operationTime", "$clusterTime", "electionId", "opTime", "retriedStmtIds",
                             "retriedStmtId")}

    def twice(self, command):
        """Sends the same statement twice and checks that the second answer is the first's."""
        first = self.send(command)
        second = self.send(command)
        self.assertEqual(self.stable(first), self.stable(second))
        return first, second

    def statements(self, collection):
        """One of each retryable kind, and the documents they leave."""
        self.send({"insert": collection, "documents": [{"_id": i, "n": 0} for i in range(6)],
                   "writeConcern": MAJORITY})
        commands = [
            {"insert": collection, "documents": [{"_id": "a"}, {"_id": "b"}]},
            {"update": collection, "updates": [{"q": {"_id": 0}, "u": {"$inc": {"n": 1}}},
                                               {"q": {"_id": 1}, "u": {"$inc": {"n": 5}}}]},
            {"update": collection, "updates": [
                {"q": {"_id": "new"}, "u": {"$inc": {"n": 1}}, "upsert": True}]},
            {"delete": collection, "deletes": [{"q": {"n": 0, "_id": {"$gte": 2}}, "limit": 1}]},
            {"findAndModify": collection, "query": {"_id": 4}, "update": {"$inc": {"n": 2}}, "new": True},
            {"findAndModify": collection, "query": {"_id": 4}, "update": {"$inc": {"n": 2}}},
            {"findAndModify": collection, "query": {"_id": 5}, "remove": True}]
        after = [{"_id": 0, "n": 1}, {"_id": 1, "n": 5}, {"_id": 3, "n": 0}, {"_id": 4, "n": 4},
                 {"_id": "a"}, {"_id": "b"}, {"_id": "new", "n": 1}]
        return [self.numbered(c) for c in commands], after

    def test_a_long_insert_gives_its_session_back(self):
        """Long enough to go on in a worker; the session's next write must not wait for ever."""
        documents = [{"n": i} for i in range(60000)]
        for collection in ("long1", "long2"):
            reply = self.send({**self.numbered({"insert": collection, "documents": documents}),
                               "writeConcern": {"w": 1}})
            self.assertEqual(reply["n"], len(documents))
        self.assertEqual(self.send(self.numbered({"insert": "long1", "documents": [{"n": -1}]}))["n"], 1)

    def test_each_kind_twice(self):
        """S01-120, S08-004, S08-005, S08-010."""
        commands, after = self.statements("twice")
        for command in commands:
            with self.subTest(command=next(iter(command.items()))):
                _, second = self.twice(command)
                kind = next(iter(command))
                if kind == "findAndModify":
                    self.assertEqual(second["retriedStmtId"], 0)
                else:
                    count = len(command.get("documents") or command.get("updates") or command["deletes"])
                    self.assertEqual(second["retriedStmtIds"], list(range(count)))
        self.assertEqual(self.documents("twice"), after)

    def test_each_kind_again_after_a_failover(self):
        """S08-009: The successor knows what its predecessor executed: kill -9, then the same bytes again."""
        commands = []
        answers = []
        sessions, after = [], None
        # A session remembers its newest number only, so each statement has one of its own.
        statements, after = self.statements("failover")
        for command in statements:
            command = {**command, "lsid": new_session()}
            sessions.append(command["lsid"])
            commands.append(command)
            answers.append(self.send(command))
        killed = self.primary
        killed.kill()
        self.primary = self.set.wait_primary()
        for command, answer in zip(commands, answers):
            with self.subTest(command=next(iter(command.items()))):
                self.assertEqual(self.stable(self.send(command)), self.stable(answer))
        self.assertEqual(self.documents("failover"), after)
        killed.start()
        self.set.wait_healthy()
        self.set.wait_equal()
        # And after an orderly hand-over, by the one that was killed or the third.
        self.primary.admin({"replSetStepDown": 10})
        self.primary = self.set.wait_primary(other_than=self.primary)
        for command, answer in zip(commands, answers):
            self.assertEqual(self.stable(self.send(command)), self.stable(answer))
        self.assertEqual(self.documents("failover"), after)

    def test_partly_executed_batch(self):
        """S08-005: Only statements that were not executed run: the second attempt has the first's and one more."""
        first = self.numbered({"insert": "partly", "documents": [{"_id": 1}, {"_id": 2}]})
        self.send(first)
        again = {**first, "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]}
        reply = self.send(again)
        self.assertEqual((reply["n"], reply["retriedStmtIds"]), (3, [0, 1]))
        self.assertEqual(self.documents("partly"), [{"_id": 1}, {"_id": 2}, {"_id": 3}])

    def test_older_number_is_refused(self):
        """S08-006, S12-061."""
        old = self.numbered({"insert": "older", "documents": [{"_id": 1}]})
        self.send(old)
        self.send(self.numbered({"insert": "older", "documents": [{"_id": 2}]}))
        reply = self.primary.reply("test", old)
        self.assertEqual((reply["ok"], reply["code"], reply["codeName"]), (0, 225, "TransactionTooOld"))

    def test_a_number_means_one_findandmodify(self):
        """S08-005: a retry that asks for something else than was done is refused, not made up."""
        self.primary.command("test", {"insert": "other", "documents": [{"_id": i} for i in range(3)]})
        for first, second, code in (
                ({"findAndModify": "other", "query": {"_id": 1}, "remove": True}, {"update": {"$set": {"a": 1}}}, 40606),
                ({"insert": "other", "documents": [{"_id": 9}]}, {"remove": True}, 40608)):
            done = self.numbered(first)
            self.send(done)
            reply = self.primary.reply("test", {
                "findAndModify": "other", "query": {"_id": 2}, **second,
                "lsid": done["lsid"], "txnNumber": done["txnNumber"]})
            self.assertEqual(reply.get("code"), code, reply)
        last = self.numbered({"findAndModify": "other", "query": {"_id": 0}, "update": {"$set": {"a": 2}}})
        self.send(last)
        self.assertEqual(self.primary.reply("test", {**last, "new": True})["code"], 40611)
        again = {key: value for key, value in last.items() if key != "update"}
        reply = self.primary.reply("test", {**again, "remove": True})
        self.assertEqual((reply["lastErrorObject"], reply["value"]),
                         ({"n": 1, "updatedExisting": True}, {"_id": 0}))

    def test_multi_statements_cannot_be_retried(self):
        """S08-007."""
        for command in ({"update": "multi", "updates": [{"q": {}, "u": {"$set": {"a": 1}}, "multi": True}]},
                        {"delete": "multi", "deletes": [{"q": {}, "limit": 0}]}):
            reply = self.primary.reply("test", self.numbered(command))
            self.assertEqual((reply["ok"], reply["n"]), (1, 0), reply)
            self.assertEqual([e["code"] for e in reply["writeErrors"]], [72], reply)

    def test_transactions_are_refused_and_not_half_done(self):
        command = self.numbered({"insert": "transaction", "documents": [{"_id": 1}]})
        command.pop("writeConcern", None)
        reply = self.primary.reply("test", {**command, "startTransaction": True, "autocommit": False})
        self.assertEqual((reply["ok"], reply["code"]), (0, 20), reply)
        self.assertEqual(self.primary.command("test", {"count": "transaction"})["n"], 0)

    def test_labels_of_a_secondary(self):
        """S01-124, S01-125, S01-126."""
        secondary = next(s for s in self.set.servers if s is not self.primary)
        reply = secondary.reply("test", self.numbered({"insert": "labels", "documents": [{"_id": 1}]}))
        self.assertEqual((reply["code"], sorted(reply["errorLabels"])),
                         (10107, ["NoWritesPerformed", "RetryableWriteError"]))
        reply = secondary.reply("test", {"insert": "labels", "documents": [{"_id": 1}]})
        self.assertNotIn("errorLabels", reply)

    def test_a_driver_increments_through_failovers_exactly_once(self):
        client = self.set.client(retryWrites=True, w="majority", heartbeatFrequencyMS=500)
        try:
            counter = client.test.counter
            counter.insert_one({"_id": "c", "n": 0})
            for i in range(60):
                if i == 20:
                    self.primary.kill()
                if i == 40:
                    self.primary.start()
                    self.set.wait_healthy().admin({"replSetStepDown": 5})
                counter.update_one({"_id": "c"}, {"$inc": {"n": 1}})
            self.assertEqual(counter.find_one({"_id": "c"})["n"], 60)
        finally:
            client.close()
        self.set.wait_healthy()
        self.set.wait_equal()


if __name__ == "__main__":
    harness.main()
