#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who is primary, by order: priorities and their takeover, stepDown, freeze, stepUp, syncFrom, maintenance."""
import unittest

import harness
import wire


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.set = harness.ReplicaSet(3, settings=harness.FAST_SETTINGS)
        cls.addClassCleanup(cls.set.close)

    def setUp(self):
        self.primary = self.set.wait_healthy()
        self.others = [s for s in self.set.servers if s is not self.primary]

    def fails(self, server, command, code):
        reply = server.reply("admin", command)
        self.assertEqual((reply["ok"], reply["code"]), (0, code), reply)
        return reply

    def write(self, server, key):
        return server.command("test", {"insert": "steps", "documents": [{"_id": key}],
                                       "writeConcern": {"w": "majority", "wtimeout": 10000}})

    def test_step_down_hands_over_and_keeps_connections(self):
        """S02-078."""
        with wire.Connection(self.primary.address) as connection:
            connection.command("admin", {"replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 5})
            self.assertFalse(connection.command("admin", {"hello": 1})["isWritablePrimary"])
        successor = self.set.wait_primary(other_than=self.primary)
        self.write(successor, "after step down")
        self.assertEqual(self.set.status(successor)["electionCandidateMetrics"]["lastElectionReason"],
                         "stepUpRequestSkipDryRun")
        self.set.wait_equal()

    def test_a_member_that_stops_keeps_nobody_waiting(self):
        """S01-112: quiesce mode lasts while operations run; what members ask meanwhile is answered."""
        with harness.ReplicaSet(3, arguments=(
                "--slowms", "2000",
                "--setParameter", "shutdownTimeoutMillisForSignaledShutdown=120000")) as members:
            primary = members.primary()
            with members.client(w="majority") as client:
                client.test.steps.insert_one({"_id": 1})
            self.assertEqual(primary.stop(seconds=60), 0)
            members.wait_primary(other_than=primary)
            slow = [line["attr"]["command"] for line in primary.log_lines() if line["id"] == 51803]
            self.assertEqual(slow, [])

    def test_step_down_is_refused_with_wrong_numbers_and_on_a_secondary(self):
        """S02-078."""
        self.fails(self.primary, {"replSetStepDown": -1}, 2)
        self.fails(self.primary, {"replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 10}, 2)
        self.fails(self.others[0], {"replSetStepDown": 10}, 10107)

    def test_step_down_waits_for_a_secondary_that_caught_up(self):
        """S02-078, S12-071."""
        for server in self.others:
            server.pause()
        try:
            self.primary.command("test", {"insert": "steps", "documents": [{"_id": "ahead"}],
                                          "writeConcern": {"w": 1}})
            self.fails(self.primary, {"replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 1}, 262)
            self.primary.command("test", {"insert": "steps", "documents": [{"_id": "still primary"}],
                                          "writeConcern": {"w": 1}})
        finally:
            for server in self.others:
                server.resume()

    def test_frozen_members_do_not_stand(self):
        """S02-080, S12-037."""
        for server in self.others:
            server.admin({"replSetFreeze": 30})
        self.fails(self.primary, {"replSetFreeze": 30}, 95)
        # Force: there is nobody to hand over to, and the step down period keeps this one out as well.
        self.primary.reply("admin", {"replSetStepDown": 1, "secondaryCatchUpPeriodSecs": 0, "force": True})
        self.set.wait_primary()
        self.assertIs(self.set.primary(), self.primary, "the frozen members must not win")
        for server in self.others:
            server.admin({"replSetFreeze": 0})

    def test_step_up_wins_at_once(self):
        """S02-079."""
        self.others[0].admin({"replSetFreeze": 0})
        self.others[0].admin({"replSetStepUp": 1})
        self.assertIs(self.set.wait_primary(other_than=self.primary), self.others[0])
        self.write(self.others[0], "after step up")

    def test_priority_takeover(self):
        wanted = self.others[1]

        def prefer(config):
            for member in config["members"]:
                member["priority"] = 5 if member["host"] == wanted.address else 1
        self.set.reconfig(prefer)
        harness.wait_until("the preferred member is primary", lambda: self.set.primary() is wanted)
        self.assertEqual(self.set.status(wanted)["electionCandidateMetrics"]["lastElectionReason"],
                         "priorityTakeover")
        self.set.wait_healthy()
        self.set.reconfig(lambda config: [m.update(priority=1) for m in config["members"]])

    def test_a_member_of_priority_zero_never_leads(self):
        """S01-100, S01-106, S02-075."""
        passive = self.others[0]

        def change(config):
            for member in config["members"]:
                if member["host"] == passive.address:
                    member["priority"] = 0
        self.set.reconfig(change)
        self.set.wait_healthy()
        hello = harness.wait_until("the passive one knows", lambda: passive.hello().get("passive") and passive.hello())
        self.assertEqual(hello["passives"], [passive.address])
        self.assertNotIn(passive.address, hello["hosts"])
        reply = passive.reply("admin", {"replSetStepUp": 1})
        self.assertEqual(reply["ok"], 0, reply)
        self.primary.admin({"replSetStepDown": 10})
        self.assertIs(self.set.wait_primary(other_than=self.primary), self.others[1])
        self.set.reconfig(lambda config: [m.update(priority=1) for m in config["members"]])

    def test_sync_from(self):
        """S02-082, S12-037."""
        reply = self.others[0].admin({"replSetSyncFrom": self.others[1].address})
        self.assertEqual(reply["syncFromRequested"], self.others[1].address)
        self.assertIn("prevSyncTarget", reply)
        self.write(self.primary, "after sync from")
        self.fails(self.primary, {"replSetSyncFrom": self.others[1].address}, 95)
        self.fails(self.others[0], {"replSetSyncFrom": self.others[0].address}, 72)

    def test_maintenance_makes_a_member_recovering(self):
        """S01-146, S02-081, S08-055, S12-089."""
        server = self.others[0]
        server.admin({"replSetMaintenance": True})
        self.set.wait_state(server, 3)
        reply = server.reply("test", {"find": "steps", "$readPreference": {"mode": "secondary"}})
        self.assertEqual((reply["ok"], reply["code"]), (0, 13436), reply)
        server.admin({"replSetMaintenance": False})
        self.set.wait_state(server, 2)
        self.fails(server, {"replSetMaintenance": False}, 96)


if __name__ == "__main__":
    harness.main()
