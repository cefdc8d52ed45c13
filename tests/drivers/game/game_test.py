#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A game's backend on three members: two processes of it, sixteen players, and none of their coins lost.

The backend (server.mjs) is Node with Mongoose and does its transfers the classic way, without transactions.
While the players play, the primary is killed and comes back, a backend is killed and comes back, and the
set grows to five. Then everything that was acknowledged must be there, once.
"""
import os
import shutil
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "cluster"), HERE]
import harness  # noqa: E402
import checks  # noqa: E402
from client import Acknowledged, Backend, Gamer, Session  # noqa: E402

GAMERS = 16
PLAYERS = 40
TRANSFERS_A_PHASE = 80


class Game(unittest.TestCase):
    def setUp(self):
        self.started = time.monotonic()
        self.set = harness.ReplicaSet(3, settings=harness.FAST_SETTINGS)
        self.addCleanup(self.set.close)
        uri = self.set.uri()
        self.backends = [Backend(uri, os.path.join(self.set.folder, f"backend-{i}")) for i in range(2)]
        for backend in self.backends:
            self.addCleanup(backend.kill)
            backend.start()
        self.acknowledged = Acknowledged()
        self.session = Session(self.backends, self.acknowledged)
        self.addCleanup(self.session.close)
        self.players = [f"player-{i}" for i in range(PLAYERS)]
        self.kills = 0
        self.phases = []
        self.ended("start")

    def ended(self, phase):
        """Notes how long the phase took that ends here, for the table."""
        now = time.monotonic()
        self.phases.append((phase, now - self.started - sum(seconds for _, seconds in self.phases)))

    def test_nothing_is_lost_or_counted_twice(self):
        self.create_players()
        self.refuse_what_is_wrong()
        self.ended("create")
        stop = threading.Event()
        gamers = [Gamer(i, self.backends, self.acknowledged, self.players, stop) for i in range(GAMERS)]
        for gamer in gamers:
            gamer.start()
        try:
            self.disturb()
        except BaseException:
            print(self.logs())
            raise
        finally:
            stop.set()
            for gamer in gamers:
                gamer.join(60)
        self.ended("stop")
        self.assertFalse([g.name for g in gamers if g.is_alive()])
        self.assertEqual(self.acknowledged.wrong, [], self.logs())
        self.check()
        self.print_table()

    def create_players(self):
        for player in self.players:
            status, answer = self.session.ask("POST", "/players", {"id": player, "name": f"name of {player}"})
            self.assertEqual(status, 201, answer)
        again = {"id": self.players[0], "name": f"name of {self.players[0]}"}
        self.assertEqual(self.session.ask("POST", "/players", again)[0], 200)
        self.assertEqual(self.session.ask("POST", "/players", {**again, "id": "new"})[0], 409)
        self.assertEqual(self.session.ask("POST", "/players", {**again, "name": "changed"})[0], 409)

    def refuse_what_is_wrong(self):
        """Each is answered with its status and a body that names the error."""
        good = {"id": "first", "from": self.players[0], "to": self.players[1], "amount": 10}
        requests = [
            (404, "GET", "/nowhere", None), (405, "GET", "/transfers", None),
            (404, "GET", "/players/nobody", None), (404, "GET", "/transfers/none", None),
            (400, "POST", "/transfers", {**good, "id": {"$gt": ""}}),
            (400, "POST", "/transfers", {**good, "amount": -5}),
            (400, "POST", "/transfers", {**good, "amount": 1.5}),
            (400, "POST", "/transfers", {**good, "to": good["from"]}),
            (404, "POST", "/transfers", {**good, "to": "nobody"}),
            (400, "POST", "/matches", {"id": "m", "mode": "chess", "results": []}),
            (400, "GET", "/leaderboards/duel?limit=0", None),
        ]
        for wanted, method, path, body in requests:
            status, answer = self.session.once(method, path, body)
            self.assertEqual(status, wanted, (path, body, answer))
            self.assertIn("error", answer)
        self.assertEqual(self.session.once("POST", "/transfers", raw="{")[0], 400)
        self.assertEqual(self.session.once("POST", "/transfers", raw='{"a": "' + "x" * 20000 + '"}')[0], 413)
        self.session.close()
        for _ in range(2):
            status, answer = self.session.once("POST", "/transfers", good)
            self.assertEqual((status, answer["state"]), (200, "done"))
        self.assertEqual(self.session.once("POST", "/transfers", {**good, "amount": 11})[0], 409)
        rich = {**good, "id": "too-much", "amount": 100000}
        for _ in range(2):
            status, answer = self.session.once("POST", "/transfers", rich)
            self.assertEqual((status, answer["state"]), (402, "cancelled"))
        self.assertEqual(self.session.ask("GET", f"/players/{self.players[0]}")[1]["balance"], 990)

    def disturb(self):
        """Everything that happens while the players play."""
        self.play_on()
        self.ended("play")
        dead = self.kill_with_writes_of_its_own()
        self.play_on()
        dead.start()
        self.ended("kill")
        self.restart_backend()
        self.ended("backend")
        for _ in range(2):
            server = self.set.new_server().start()
            self.set.add(server)
            self.play_on()
            self.ended("add")
        dead = self.set.wait_healthy()
        dead.kill()
        self.kills += 1
        self.play_on()
        dead.start()
        self.ended("kill")

    def kill_with_writes_of_its_own(self):
        """The primary dies with writes that no other member has, which nobody may have been told of."""
        primary = self.set.wait_primary()
        secondaries = self.set.secondaries()
        for server in secondaries:
            server.pause()
        try:
            def ahead():
                optimes = self.set.status(primary)["optimes"]
                return optimes["appliedOpTime"]["ts"] > optimes["lastCommittedOpTime"]["ts"]
            harness.wait_until("writes that are not committed", ahead)
        finally:
            primary.kill()
            self.kills += 1
            for server in secondaries:
                server.resume()
        return primary

    def restart_backend(self):
        """Dies in the middle of transfers; whoever comes first ends them: the clients or the recovery."""
        self.backends[0].kill()
        self.kills += 1
        self.play_on()
        self.backends[0].start()

    def play_on(self):
        """Until so many more transfers are acknowledged."""
        wanted = len(self.acknowledged.transfers) + TRANSFERS_A_PHASE
        harness.wait_until(f"{wanted} transfers", lambda: self.acknowledged.wrong or self.dead_backend()
                           or len(self.acknowledged.transfers) >= wanted)
        self.assertFalse(self.dead_backend(), "a backend ended by itself")

    def dead_backend(self):
        return any(b.process and b.process.poll() is not None for b in self.backends)

    def check(self):
        self.set.wait_healthy()
        client = self.set.client(readConcernLevel="majority")
        self.addCleanup(client.close)
        game = client.game
        harness.wait_until("every transfer and reward has ended", lambda: not game.transfers.count_documents(
            {"state": {"$nin": ["done", "cancelled"]}}) and not game.rewards.count_documents({"state": "claimed"}))
        self.ended("recover")
        self.set.wait_equal()
        entries = checks.ledger_agrees(self, game)
        checks.transfers_hold(self, game, self.acknowledged, entries)
        checks.sum_unchanged(self, game, checks.rewards_hold(self, game, self.acknowledged, entries))
        checks.inventories_hold(self, game, self.acknowledged)
        checks.friends_hold(self, game, self.acknowledged)
        matches = checks.matches_hold(self, game, self.acknowledged)
        checks.leaderboards_hold(self, self.session, matches)
        self.set.validate()
        self.ended("check")

    def logs(self):
        return "".join(f"\n--- {b.log}\n{b.log_text()}" for b in self.backends)

    def print_table(self):
        said = self.acknowledged
        states = [t[3] for t in said.transfers.values()]
        for name, value in (
                ("requests", said.requests),
                ("failed, tried again", f"{sum(said.failed.values())} {dict(said.failed)}"),
                ("longest gap without a write", f"{said.longest_gap:.2f} s"),
                ("transfers acknowledged", f"{states.count('done')} done, {states.count('cancelled')} cancelled"),
                ("rewards, matches, grants", f"{len(said.rewards)}, {len(said.matches)}, {len(said.grants)}"),
                ("kills", self.kills),
                ("seconds", ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in self.phases)),
                ("whole test", f"{time.monotonic() - self.started:.1f} s")):
            print(f"  {name:<28} {value}", flush=True)


def main():
    if not shutil.which("node") or not os.path.isdir(os.path.join(HERE, "..", "node_modules", "mongoose")):
        print("skipped: no node, or no tests/drivers/node_modules (tools/install-deps installs them)")
        sys.exit(77)
    harness.main()


if __name__ == "__main__":
    main()
