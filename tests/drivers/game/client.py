# SPDX-License-Identifier: Apache-2.0
"""The game's backends as processes, and players who talk to them over HTTP and remember every answer."""
import collections
import http.client
import json
import os
import random
import subprocess
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
MODES = ("duel", "team", "race")
ITEMS = ("sword", "shield", "potion", "key")
REQUEST_SECONDS = 12
GIVE_UP_SECONDS = 40
DAY_MILLIS = 3000
TEMPORARY = 503


class Backend:
    """One node process; its port changes with every start."""

    def __init__(self, uri, log):
        self.uri = uri
        self.log = log
        self.process = None
        self.port = None

    def start(self):
        with open(self.log, "ab") as log:
            # The backend ends when its input does: it cannot outlive this process.
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["node", os.path.join(HERE, "server.mjs"), self.uri], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "GAME_DAY_MILLIS": str(DAY_MILLIS)})
        line = self.process.stdout.readline().split()
        if line[:1] != ["listening"]:
            raise RuntimeError(f"the backend does not listen:\n{self.log_text()}")
        self.port = int(line[1])
        return self

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]


class Acknowledged:
    """What the backends have promised, and how the requests went. Shared by all players' threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.transfers = {}  # id: (from, to, amount, state)
        self.rewards = set()  # (player, day)
        self.paid_now = collections.Counter()  # (player, day): answers that say "claimed just now"
        self.matches = {}  # id: (mode, [(player, points)])
        self.grants = {}  # (player, id): (item, count)
        self.friends = set()  # (player, player)
        self.requests = 0
        self.failed = collections.Counter()  # by status or kind of error
        self.wrong = []  # answers that no retry explains
        self.last_write = time.monotonic()
        self.longest_gap = 0.0

    def wrote(self):
        """Called under the lock for every write that was acknowledged."""
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - self.last_write)
        self.last_write = now


class Session:
    """HTTP connections of one thread to all backends; asks again, elsewhere, until there is an answer."""

    def __init__(self, backends, acknowledged, first=0):
        self.backends = backends
        self.acknowledged = acknowledged
        self.next = first
        self.connection = None
        self.port = None

    def once(self, method, path, body=None, raw=None):
        """(status, answer) of one attempt; OSError or HTTPException without an answer."""
        port = self.backends[self.next % len(self.backends)].port
        if port != self.port:
            self.close()
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_SECONDS)
            self.port = port
        data = raw if raw is not None else json.dumps(body) if body is not None else None
        try:
            self.connection.request(method, path, data, {"content-type": "application/json"})
            response = self.connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def ask(self, method, path, body=None):
        """(status, answer), after as many attempts as it takes."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                status, answer = self.once(method, path, body)
                failed = status if status == TEMPORARY else None
            except (OSError, http.client.HTTPException) as error:
                status, answer, failed = None, None, type(error).__name__
            with self.acknowledged.lock:
                self.acknowledged.requests += 1
                if failed:
                    self.acknowledged.failed[failed] += 1
                elif method == "POST" and status < 500:
                    self.acknowledged.wrote()
            if not failed:
                return status, answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} {body}: no answer but {failed} {answer}")
            self.next += 1
            threading.Event().wait(0.05)

    def close(self):
        if self.connection:
            self.connection.close()
        self.port = None


class Gamer(threading.Thread):
    """Plays at random as any of the players until told to stop."""

    def __init__(self, number, backends, acknowledged, players, stop):
        super().__init__(name=f"gamer-{number}", daemon=True)
        self.random = random.Random(number)
        self.session = Session(backends, acknowledged, number)
        self.other = Session(backends, acknowledged, number + 1)
        self.acknowledged = acknowledged
        self.players = players
        self.stop = stop

    def run(self):
        actions = [self.transfer] * 5 + [self.reward, self.match, self.match, self.grant, self.friend,
                                         self.leaderboard, self.look]
        while not self.stop.is_set():
            try:
                self.random.choice(actions)()
            except Exception as error:  # pylint: disable=broad-exception-caught
                self.wrong(f"{type(error).__name__}: {error}")
        self.session.close()
        self.other.close()

    def wrong(self, text):
        with self.acknowledged.lock:
            self.acknowledged.wrong.append(text)

    def expect(self, wanted, status, answer):
        if status not in wanted:
            self.wrong(f"status {status} {answer}")
            return False
        return True

    def post(self, path, body, wanted=(200, 201)):
        """Sends it, now and then by both backends at once; the answer if it is as wanted."""
        twice = self.random.random() < 0.1
        if not twice:
            status, answer = self.session.ask("POST", path, body)
            return (status, answer) if self.expect(wanted, status, answer) else None
        answers = []
        second = threading.Thread(target=lambda: answers.append(self.other.ask("POST", path, body)))
        second.start()
        answers.append(self.session.ask("POST", path, body))
        second.join()
        if len(answers) < 2 or not all(self.expect(wanted, *a) for a in answers):
            return None
        return answers[1]

    def pair(self):
        return self.random.sample(self.players, 2)

    def transfer(self):
        giver, taker = self.pair()
        body = {"id": uuid.uuid4().hex, "from": giver, "to": taker, "amount": self.random.randint(1, 400)}
        result = self.post("/transfers", body, (200, 402))
        if result:
            state = result[1]["state"]
            if (result[0], state) not in ((200, "done"), (402, "cancelled")):
                self.wrong(f"transfer answered {result}")
            with self.acknowledged.lock:
                self.acknowledged.transfers[body["id"]] = (giver, taker, body["amount"], state)

    def reward(self):
        player = self.random.choice(self.players)
        result = self.post(f"/players/{player}/reward", {})
        if result:
            with self.acknowledged.lock:
                self.acknowledged.rewards.add((player, result[1]["day"]))
                self.acknowledged.paid_now[player, result[1]["day"]] += result[1]["claimed"]

    def match(self):
        results = [{"player": p, "points": self.random.randint(0, 500)}
                   for p in self.random.sample(self.players, self.random.randint(2, 6))]
        body = {"id": uuid.uuid4().hex, "mode": self.random.choice(MODES), "results": results}
        if self.post("/matches", body):
            with self.acknowledged.lock:
                self.acknowledged.matches[body["id"]] = (
                    body["mode"], [(r["player"], r["points"]) for r in results])

    def grant(self):
        player = self.random.choice(self.players)
        body = {"id": uuid.uuid4().hex, "item": self.random.choice(ITEMS), "count": self.random.randint(1, 5)}
        if self.post(f"/players/{player}/inventory", body):
            with self.acknowledged.lock:
                self.acknowledged.grants[player, body["id"]] = (body["item"], body["count"])

    def friend(self):
        one, other = self.pair()
        if self.post(f"/players/{one}/friends", {"friend": other}):
            with self.acknowledged.lock:
                self.acknowledged.friends.add((one, other))

    def leaderboard(self):
        status, answer = self.session.ask("GET", f"/leaderboards/{self.random.choice(MODES)}?limit=20")
        if self.expect((200,), status, answer):
            points = [row["points"] for row in answer["rows"]]
            if points != sorted(points, reverse=True) or not all(row.get("name") for row in answer["rows"]):
                self.wrong(f"leaderboard {answer}")

    def look(self):
        player = self.random.choice(self.players)
        for path in (f"/players/{player}", f"/players/{player}/friends", f"/players/{player}/inventory"):
            self.expect((200,), *self.session.ask("GET", path))
