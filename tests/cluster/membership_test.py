#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Growing a set to seven voters by replSetReconfig one by one, and what a reconfig refuses (S08-050..052)."""
import unittest

import harness

SEVEN = 7


class Membership(unittest.TestCase):
    def setUp(self):
        self.set = harness.ReplicaSet(1)
        self.addCleanup(self.set.close)

    def refused(self, change, code, text):
        primary = self.set.wait_primary()
        config = primary.admin({"replSetGetConfig": 1})["config"]
        change(config)
        config["version"] += 1
        reply = primary.reply("admin", {"replSetReconfig": config})
        self.assertEqual((reply["ok"], reply["code"]), (0, code), reply)
        self.assertIn(text, reply["errmsg"])

    def test_one_to_seven_and_no_further(self):
        """S01-073, S02-075, S08-052, S08-055."""
        primary = self.set.wait_primary()
        primary.command("test", {"insert": "players", "documents": [{"_id": i} for i in range(200)]})
        for _ in range(SEVEN - 1):
            server = self.set.new_server().start()
            self.set.add(server)
        primary = self.set.wait_healthy()
        self.all_vote()
        status = self.set.status(primary)
        self.assertEqual([m["stateStr"] for m in status["members"]].count("SECONDARY"), SEVEN - 1)
        self.assertEqual((status["votingMembersCount"], status["majorityVoteCount"]), (7, 4))
        reply = primary.command("test", {"insert": "players", "documents": [{"_id": "seven"}],
                                         "writeConcern": {"w": SEVEN, "wtimeout": 20000}})
        self.assertNotIn("writeConcernError", reply)
        self.set.wait_equal()

        eighth = {"_id": 50, "host": f"{harness.HOST}:{harness.free_port()}"}
        self.refused(lambda config: config["members"].append(eighth), 103,
                     "Replica set configuration contains 8 voting members, but must be at least 1 and "
                     "no more than 7")
        self.eighth_without_a_vote()
        self.remove_down_to_five()

    def all_vote(self):
        """Members added as voters count once they hold the data; the primary sees to that itself."""
        harness.wait_until("seven voters", lambda: sum(
            m["votes"] for m in self.set.config()["members"]) == SEVEN
            and self.set.status()["votingMembersCount"] == SEVEN)

    def eighth_without_a_vote(self):
        server = self.set.new_server().start()
        self.set.add(server, votes=0, priority=0)
        self.set.wait_state(server, 2)
        self.assertEqual(self.set.status()["votingMembersCount"], SEVEN)
        self.set.remove(server)
        self.set.wait_state(server, 10)
        server.kill()

    def remove_down_to_five(self):
        """A removed member says so, and the rest goes on."""
        for _ in range(2):
            primary = self.set.wait_primary()
            gone = next(s for s in self.set.running() if s is not primary)
            self.set.remove(gone)
            self.set.wait_state(gone, 10)
            reply = gone.reply("admin", {"replSetGetStatus": 1})
            self.assertEqual((reply["ok"], reply["code"]), (0, 93), reply)
            hello = gone.hello()
            self.assertFalse(hello["isWritablePrimary"] or hello["secondary"])
            gone.kill()
        primary = self.set.wait_healthy()
        self.assertEqual(len(self.set.status(primary)["members"]), 5)
        self.assertEqual(len(primary.hello()["hosts"]), 5)
        self.set.wait_equal()

    def test_wrong_reconfigs_are_refused(self):
        """S02-075, S08-052, S12-035, S12-040."""
        ports = [harness.free_port() for _ in range(2)]
        self.refused(lambda c: c["members"].extend(
            {"_id": 1 + i, "host": f"{harness.HOST}:{port}"} for i, port in enumerate(ports)), 103,
            "at most 1 voting member")
        self.refused(lambda c: c.update(_id="another"), 93, "replica set name")
        self.refused(lambda c: c["members"][0].update(priority=0), 103, "priority")
        self.refused(lambda c: c["members"][0].update(_id=9), 103, "_id field is 9")
        self.refused(lambda c: c["members"].append(dict(c["members"][0])), 103, "same _id field")
        self.refused(lambda c: c.update(version=c["version"] - 1), 103, "must be greater than old")

    def test_only_the_primary_takes_a_reconfig(self):
        """S02-075."""
        server = self.set.new_server().start()
        self.set.add(server)
        self.set.wait_healthy()
        config = self.set.config()
        config["version"] += 1
        reply = server.reply("admin", {"replSetReconfig": config})
        self.assertEqual((reply["ok"], reply["code"]), (0, 10107), reply)


if __name__ == "__main__":
    harness.main()
