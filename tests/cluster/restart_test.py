#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Members that go and come: restart and catch-up, initial sync of a new one, the whole set off and on."""
import threading
import unittest

from bson import Binary, Decimal128

import harness
import wire

DOCUMENTS = 3000


def fill(primary, collection, count=DOCUMENTS):
    """Documents of many types, and indexes of several kinds."""
    for start in range(0, count, 500):
        documents = [{"_id": i, "name": f"player {i}", "score": i * 7 % 1000, "tags": [i % 3, str(i % 5)],
                      "money": Decimal128(f"{i}.25"), "blob": Binary(bytes([i % 256]) * 20),
                      "at": {"x": i / 3, "y": None}} for i in range(start, min(start + 500, count))]
        primary.command("game", {"insert": collection, "documents": documents})
    primary.command("game", {"createIndexes": collection, "indexes": [
        {"key": {"score": -1, "name": 1}, "name": "score_-1_name_1"},
        {"key": {"tags": 1}, "name": "tags_1"},
        {"key": {"name": 1}, "name": "name_1", "unique": True},
        {"key": {"at.x": 1}, "name": "partial", "partialFilterExpression": {"score": {"$gt": 500}}}]})


class Restart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(3, settings=harness.FAST_SETTINGS)
        cls.addClassCleanup(cls.set.close)

    def setUp(self):
        self.primary = self.set.wait_healthy()
        self.secondary = next(s for s in self.set.running() if s is not self.primary)

    def write_all(self, key):
        reply = self.set.wait_primary().command("game", {
            "insert": "marks", "documents": [{"_id": key}],
            "writeConcern": {"w": len(self.set.running()), "wtimeout": 20000}})
        self.assertNotIn("writeConcernError", reply)

    def test_1_initial_sync_of_an_added_member(self):
        """The clone sees documents, indexes and DDL while writers go on."""
        fill(self.primary, "players")
        self.primary.command("game", {"create": "log", "capped": True, "size": 100000, "max": 50})
        self.primary.command("game", {"insert": "log", "documents": [{"_id": i} for i in range(80)]})
        self.primary.command("game", {"create": "strict", "validator": {"a": {"$type": "int"}}})
        stop = threading.Event()
        written = []
        writer = threading.Thread(target=self.write_until, args=(stop, written))
        writer.start()
        try:
            server = self.set.new_server().start()
            self.set.add(server)
            self.set.wait_state(server, 2)
        finally:
            stop.set()
            writer.join()
        self.assertGreater(len(written), 0)
        self.write_all("added")
        contents = self.set.wait_equal()
        self.assertEqual(len(contents["game.players"][1]), DOCUMENTS)
        self.assertEqual(len(contents["game.players"][0]), 5)
        self.assertEqual(len(contents["game.log"][1]), 50)
        self.assertEqual(len(contents["game.busy"][1]), len(written))
        self.set.validate()
        # Restarted, the new member stays a secondary without another clone.
        server.stop()
        server.start()
        self.set.wait_state(server, 2)
        self.write_all("added and restarted")
        self.set.wait_equal()

    def write_until(self, stop, written):
        with wire.Connection(self.primary.address) as connection:
            while not stop.is_set():
                key = len(written)
                connection.command("game", {"insert": "busy", "documents": [{"_id": key, "n": 0}]})
                connection.command("game", {"update": "busy", "updates": [
                    {"q": {"_id": key // 2}, "u": {"$inc": {"n": 1}}}]})
                written.append(key)

    def test_2_a_stopped_member_catches_up(self):
        self.assertEqual(self.secondary.stop(), 0)
        fill(self.primary, "missed", 1000)
        self.primary.command("game", {"update": "missed", "updates": [
            {"q": {"score": {"$lt": 100}}, "u": {"$set": {"low": True}}, "multi": True}]})
        self.primary.command("game", {"delete": "missed", "deletes": [{"q": {"_id": {"$lt": 10}}, "limit": 0}]})
        self.primary.command("game", {"dropIndexes": "missed", "index": "tags_1"})
        self.primary.command("game", {"insert": "dropped", "documents": [{"_id": 1}]})
        self.primary.command("game", {"drop": "dropped"})
        self.secondary.start()
        self.set.wait_state(self.secondary, 2)
        self.write_all("caught up")
        self.set.wait_equal()
        self.set.validate()

    def test_3_a_killed_member_catches_up(self):
        self.secondary.kill()
        fill(self.primary, "missed_too", 500)
        self.secondary.start()
        self.set.wait_state(self.secondary, 2)
        self.write_all("killed and back")
        self.set.wait_equal()

    def test_4_the_primary_stops_cleanly_and_returns(self):
        self.assertEqual(self.primary.stop(), 0)
        self.set.wait_primary()
        self.write_all("without the old primary")
        self.primary.start()
        self.set.wait_healthy()
        self.write_all("with it again")
        self.set.wait_equal()

    def test_5_the_whole_set_is_killed_and_returns(self):
        before = self.set.wait_equal()
        for server in self.set.servers:
            server.kill()
        for server in self.set.servers:
            server.start()
        self.set.wait_healthy()
        after = self.set.wait_equal()
        self.assertEqual({k: v for k, v in before.items() if k.startswith("game.")},
                         {k: v for k, v in after.items() if k.startswith("game.")})
        self.write_all("all back")
        self.set.validate()

    def test_6_a_paused_primary_finds_its_successor(self):
        self.primary.pause()
        try:
            successor = self.set.wait_primary(other_than=self.primary)
            successor.command("game", {"insert": "marks", "documents": [{"_id": "meanwhile"}],
                                       "writeConcern": {"w": "majority", "wtimeout": 10000}})
        finally:
            self.primary.resume()
        self.assertIs(self.set.wait_healthy(), successor)
        self.set.wait_equal()


if __name__ == "__main__":
    harness.main()
