# SPDX-License-Identifier: Apache-2.0
"""What must be true of the game's data once every request is answered and every transfer has ended."""
import collections

START_COINS = 1000
REWARD_COINS = 25


def ledger_agrees(test, game):
    """Every balance is the sum of its ledger entries, and these are exactly the movements applied to it."""
    entries = collections.defaultdict(dict)
    for entry in game.ledger.find():
        entries[entry["player"]][entry["movement"]] = entry["delta"]
    for player in game.players.find():
        own = entries[player["_id"]]
        test.assertEqual(len(player["applied"]), len(set(player["applied"])), f"applied twice: {player}")
        test.assertEqual(set(player["applied"]), set(own), player["_id"])
        test.assertEqual(player["balance"], sum(own.values()), player["_id"])
        test.assertGreaterEqual(player["balance"], 0, player["_id"])
        test.assertEqual(own.get("start"), START_COINS, player["_id"])
    return entries


def transfers_hold(test, game, acknowledged, entries):
    """Every acknowledged transfer is there as it was answered, once on either side; cancelled ones nowhere."""
    transfers = {t["_id"]: t for t in game.transfers.find()}
    for key, (giver, taker, amount, state) in acknowledged.transfers.items():
        found = transfers.get(key)
        test.assertIsNotNone(found, f"acknowledged transfer {key} is lost")
        test.assertEqual((found["from"], found["to"], found["amount"], found["state"]),
                         (giver, taker, amount, state), key)
    for key, found in transfers.items():
        done = found["state"] == "done"
        test.assertEqual(entries[found["from"]].get(key), -found["amount"] if done else None, found)
        test.assertEqual(entries[found["to"]].get(key), found["amount"] if done else None, found)
    moved = {m for own in entries.values() for m in own if m != "start" and not m.startswith("reward-")}
    test.assertEqual(moved, {k for k, t in transfers.items() if t["state"] == "done"})


def rewards_hold(test, game, acknowledged, entries):
    """One reward per player and day, paid once, and claimed at most once by what the backends said."""
    rewards = [(r["player"], r["day"]) for r in game.rewards.find()]
    test.assertEqual(len(rewards), len(set(rewards)), "a reward is there twice")
    test.assertLessEqual(acknowledged.rewards, set(rewards))
    paid = {(player, int(m.removeprefix("reward-"))) for player, own in entries.items()
            for m in own if m.startswith("reward-")}
    test.assertEqual(paid, set(rewards))
    test.assertEqual([k for k, times in acknowledged.paid_now.items() if times > 1], [])
    return len(rewards)


def sum_unchanged(test, game, rewards):
    """No coin was made or lost but by starts and rewards."""
    balances = [p["balance"] for p in game.players.find()]
    test.assertEqual(sum(balances), START_COINS * len(balances) + REWARD_COINS * rewards)


def matches_hold(test, game, acknowledged):
    found = {m["_id"]: (m["mode"], [(r["player"], r["points"]) for r in m["results"]])
             for m in game.matches.find()}
    for key, wanted in acknowledged.matches.items():
        test.assertEqual(found.get(key), wanted, f"acknowledged match {key}")
    return found


def inventories_hold(test, game, acknowledged):
    """Every acknowledged grant is there once, and the items are the sum of the grants."""
    granted = {}
    for inventory in game.inventories.find():
        items = collections.Counter()
        for grant in inventory["grants"]:
            key = inventory["_id"], grant["id"]
            test.assertNotIn(key, granted, "a grant is there twice")
            granted[key] = grant["item"], grant["count"]
            items[grant["item"]] += grant["count"]
        test.assertEqual(inventory["items"], dict(items), inventory["_id"])
    for key, wanted in acknowledged.grants.items():
        test.assertEqual(granted.get(key), wanted, key)


def friends_hold(test, game, acknowledged):
    friends = {p["_id"]: p["friends"] for p in game.players.find()}
    for player, others in friends.items():
        test.assertEqual(len(others), len(set(others)), player)
    for one, other in acknowledged.friends:
        test.assertIn(other, friends[one])
        test.assertIn(one, friends[other])


def leaderboards_hold(test, session, matches):
    """The aggregation on a secondary says what adding up by hand says."""
    for mode in sorted({m for m, _ in matches.values()}):
        points, played, best = collections.Counter(), collections.Counter(), {}
        for _, results in (m for m in matches.values() if m[0] == mode):
            for player, gained in results:
                points[player] += gained
                played[player] += 1
                best[player] = max(best.get(player, 0), gained)
        wanted = [(p, points[p], played[p], best[p])
                  for p in sorted(points, key=lambda p: (-points[p], p))]  # pylint: disable=cell-var-from-loop
        status, answer = session.ask("GET", f"/leaderboards/{mode}?limit=100")
        test.assertEqual(status, 200, answer)
        test.assertEqual([(r["id"], r["points"], r["matches"], r["best"]) for r in answer["rows"]], wanted)
