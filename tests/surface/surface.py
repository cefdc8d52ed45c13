# SPDX-License-Identifier: Apache-2.0
"""What the tests of the surface list share: one real member of a set of one, and short ways to ask it."""
import itertools
import os
import sys
import unittest
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "cluster"))
import bson  # noqa: E402
import harness  # noqa: E402
import wire  # noqa: E402

_names = itertools.count(1)


def fresh(prefix="c"):
    """A collection name that no other test of this file uses."""
    return f"{prefix}{next(_names)}"


def lsid():
    """A new session's id."""
    return {"id": bson.Binary.from_uuid(uuid.uuid4())}


class OneMember(unittest.TestCase):
    """One member, primary of its own set, for all tests of a class; each test has its own connection."""
    ARGUMENTS = ()
    MEMBERS = None

    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(1, members=cls.MEMBERS, arguments=cls.ARGUMENTS)
        cls.addClassCleanup(cls.set.close)
        cls.server = cls.set.servers[0]

    def setUp(self):
        self.connection = self.connect()

    def connect(self):
        connection = wire.Connection(self.server.address)
        self.addCleanup(connection.close)
        return connection

    def reply(self, command, database="test"):
        """The whole reply, ok or not."""
        return self.connection.reply(database, command)

    def ok(self, command, database="test"):
        """The reply to a command that must succeed."""
        reply = self.reply(command, database)
        self.assertEqual(reply["ok"], 1, (command, reply))
        return reply

    def fails(self, command, code, name=None, text=None, database="test"):
        """The reply to a command that must fail with this code, code name and (part of the) text."""
        reply = self.reply(command, database)
        self.assertEqual((reply["ok"], reply.get("code")), (0, code), (command, reply))
        self.assertEqual(reply["codeName"], name or f"Location{code}", (command, reply))
        if text:
            self.assertIn(text, reply["errmsg"])
        return reply

    def insert(self, collection, *documents, database="test"):
        reply = self.ok({"insert": collection, "documents": list(documents)}, database)
        self.assertEqual(reply["n"], len(documents), reply)

    def first_batch(self, command, database="test"):
        return self.ok(command, database)["cursor"]["firstBatch"]

    def all_of(self, collection, database="test"):
        return self.first_batch({"find": collection, "sort": {"_id": 1}}, database)
