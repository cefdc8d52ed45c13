#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What somebody new types into mongosh, line by line, and what must come back: no error, no warning.

Expected: the manual's pages of each command and the shell's own output for a set of mongods. Skipped with a
line where Node or mongosh is missing.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cluster"))
import harness  # noqa: E402  pylint: disable=wrong-import-position

MONGOSH = os.path.join(HERE, "node_modules", ".bin", "mongosh")
QUICKSTART = os.path.join(harness.ROOT, "tools", "quickstart.py")
MARK = "septet-line-"
# What mongosh says of the Node it runs on is not the server's.
OF_NODE = re.compile(r"\n+Deprecation warnings:\n  - Using mongosh with Node\.js .*?\nSee https.*?\n", re.S)
BAD = re.compile(r"(?i:\b(?:error|exception|warnings?|deprecated|not supported|no such)\b)|\w+Error\b")


class Shell:
    """One mongosh session with a home of its own, so that nothing of this machine's user is read or sent."""

    def __init__(self, folder):
        self.home = os.path.join(folder, "home")
        settings = os.path.join(self.home, ".mongodb", "mongosh")
        os.makedirs(settings)
        with open(os.path.join(settings, "config"), "w", encoding="ascii") as f:
            f.write('{"enableTelemetry": false, "disableGreetingMessage": true}')

    def type(self, uri, lines):
        """Types the lines; returns the greeting and what came back for each line."""
        typed = "".join(f"{line}\nprint('{MARK}' + {i})\n" for i, line in enumerate(lines)) + "exit\n"
        done = subprocess.run([MONGOSH, uri], input=typed, capture_output=True, text=True, timeout=90,
                              env={**os.environ, "HOME": self.home, "NO_COLOR": "1"}, check=False)
        output = done.stdout + done.stderr
        if done.returncode != 0 or f"{MARK}{len(lines) - 1}" not in output:
            raise AssertionError(f"mongosh ended with {done.returncode}:\n{output}")
        # The prompt before what a line printed stands on its line.
        parts = re.split(rf"{MARK}\d+\n", output)
        first_prompt = parts[0].rindex("> ", 0, _first_prompt_end(parts[0]))
        greeting, parts[0] = parts[0][:first_prompt], parts[0][first_prompt:]
        return OF_NODE.sub("\n", greeting), parts[:len(lines)]


def _first_prompt_end(text):
    prompt = re.search(r"^\S*.*?\S+> ", text, re.M)
    if not prompt:
        raise AssertionError(f"no prompt:\n{text}")
    return prompt.end()


def play(case, shell, uri, script):
    """`script`: pairs of a line and what its output must hold: a pattern or several. None of them may tell
    of an error, except one that a line caught and printed with "! "."""
    greeting, outputs = shell.type(uri, [line for line, _ in script])
    case.assertNotRegex(greeting, BAD)
    for (line, patterns), output in zip(script, outputs):
        for pattern in (patterns,) if isinstance(patterns, str) else patterns:
            case.assertRegex(output, pattern, f"\nwhat was typed: {line}\nwhat came: {output}")
        if "print('! '" not in line:
            case.assertNotRegex(output, BAD, f"\nwhat was typed: {line}")
    return greeting, outputs


def free_ports(count):
    """The first of `count` free ports in a row."""
    while True:
        first = harness.free_port()
        if all(_free(first + i) for i in range(count)):
            return first


def _free(port):
    with socket.socket() as probe:
        return probe.connect_ex((harness.HOST, port)) != 0


class Newcomer(unittest.TestCase):
    """What mongosh's helpers send: S02-123..132, S02-134, S02-138 (usersInfo and rolesInfo apart)."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="septet-newcomer-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.shell = Shell(self.folder)

    def quickstart(self, *arguments):
        done = subprocess.run(
            [sys.executable, QUICKSTART, "--root", harness.ROOT, "--binary", harness.find_binary(),
             "--dir", os.path.join(self.folder, "set"), *arguments],
            capture_output=True, text=True, timeout=90, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_first_session(self):
        port = free_ports(3)
        self.addCleanup(self.quickstart, "--wipe")
        said = self.quickstart("--port", str(port))
        self.assertIn("The set is ready.", said)
        uri = re.search(r"connection   (mongodb://\S+)", said).group(1)
        greeting, _ = play(self, self.shell, uri, [
            ("show dbs", (r"(?m)config +\d", r"(?m)^local +\d")),
            ("use shop", "switched to db shop"),
            ('db.fruit.insertOne({name: "apple", price: 3})',
             (r"acknowledged: true", r"insertedId: ObjectId\('[0-9a-f]{24}'\)")),
            ('db.fruit.insertMany([{name: "pear", price: 4}, {name: "plum", price: 1}])',
             (r"'0': ObjectId", r"'1': ObjectId")),
            ("db.fruit.find({}, {_id: 0}).sort({price: 1})",
             r"(?s)plum.*price: 1.*apple.*price: 3.*pear.*price: 4"),
            ('db.fruit.findOne({name: "pear"})', r"price: 4"),
            ('db.fruit.updateOne({name: "plum"}, {$set: {price: 2}})',
             (r"matchedCount: 1", r"modifiedCount: 1", r"upsertedCount: 0")),
            ('db.fruit.replaceOne({name: "fig"}, {name: "fig", price: 9}, {upsert: true})',
             (r"upsertedCount: 1",)),
            ('db.fruit.findOneAndUpdate({name: "fig"}, {$inc: {price: 1}}, {returnDocument: "after"})',
             r"price: 10"),
            ('db.fruit.deleteOne({name: "fig"})', r"deletedCount: 1"),
            ("db.fruit.countDocuments({price: {$gte: 3}})", r"> 2"),
            ("db.fruit.estimatedDocumentCount()", r"> 3"),
            ('db.fruit.distinct("price")', r"\[ 2, 3, 4 \]"),
            ("db.fruit.find({price: {$gt: 2}}).explain().queryPlanner.winningPlan.stage", r"COLLSCAN"),
            ("db.fruit.createIndex({price: 1})", r"price_1"),
            ("db.fruit.getIndexes()", (r"name: '_id_'", r"name: 'price_1'")),
            ('db.fruit.find({price: {$gt: 2}}).explain("executionStats")',
             (r"stage: 'FETCH'", r"stage: 'IXSCAN'", r"nReturned: 2", r"totalKeysExamined: 2",
              r"indexBounds: \{ price: \[ '\(2, inf\.0\]' \] \}")),
            ('db.fruit.aggregate([{$match: {price: {$gt: 1}}}, {$group: {_id: null, sum: {$sum: "$price"},'
             ' n: {$count: {}}}}, {$project: {_id: 0}}])', r"\[ \{ sum: 9, n: 3 \} \]"),
            ("show collections", r"> fruit"),
            ("db.fruit.stats().count", r"> 3"),
            ("db.stats().objects", r"> Long\('3'\)"),
            ("db.fruit.validate().valid", r"> true"),
            ("db.hello().isWritablePrimary", r"> true"),
            ("db.serverStatus().repl.setName", r"my_project"),
            ("db.version()", r"> 7\.0\.\d+"),
            ("db.currentOp().ok", r"> 1"),
            ("rs.status()", (r"set: 'my_project'", r"myState: 1", r"(?s)PRIMARY.*SECONDARY.*SECONDARY")),
            ("rs.conf()", (r"_id: 'my_project'", r"version: 1,", rf"host: '127.0.0.1:{port + 2}'")),
            ("rs.printReplicationInfo()", (r"oplog size", r"log length start to end", r"now")),
            ("rs.printSecondaryReplicationInfo()", (rf"source: 127.0.0.1:{port + 1}", r"syncedTo")),
            ("show logs", r"\[ 'global', 'startupWarnings' \]"),
            ('db.fruit.dropIndex("price_1")', (r"nIndexesWas: 2", r"ok: 1")),
            ("db.fruit.drop()", r"> true"),
            ("db.dropDatabase()", r"(?s)ok: 1.*dropped: 'shop'"),
        ])
        self.assertIn("Using MongoDB:\t\t7.0.", greeting)
        self.assertNotIn("startup warnings", greeting)

    def test_the_helpers(self):
        with harness.ReplicaSet(1) as members:
            play(self, self.shell, members.uri(), [
                ("use shop", "switched"),
                ('db.fruit.insertMany([{name: "pear", price: 4}, {name: "plum", price: 1}])', "acknowledged: true"),
                ("db.fruit.dataSize()", r"> 9\d"),
                ("db.fruit.totalIndexSize()", r"> [1-9]"),
                ("db.fruit.totalSize() >= db.fruit.storageSize()", r"> true"),
                ("db.serverBits()", r"> 64"),
                ("db.serverCmdLineOpts().parsed.replication.replSetName", r"> my_project"),
                ("db.runCommand({listCommands: 1}).commands.find.secondaryOverrideOk", r"> true"),
                ('db.commandHelp("find")', r"help for: find"),
                ("db.hostInfo().os.type", r"> Linux"),
                ("db.currentOp({active: true}).inprog.length > 0", r"> true"),
                ("db.killOp(99999999)", r"attempting to kill op"),
                ("db.setProfilingLevel(1, {slowms: 50})", (r"was: 0", r"slowms: 100")),
                ("db.getProfilingStatus()", (r"was: 1", r"slowms: 50")),
                ("db.setProfilingLevel(0, {slowms: 100})", r"was: 1"),
                ('db.setLogLevel(1, "query")', r"ok: 1|was:"),
                ("db.getLogComponents().query.verbosity", r"> 1"),
                ('db.setLogLevel(-1, "query")', r"ok: 1|was:"),
                ("rs.reconfig(Object.assign(rs.conf(), {settings: {heartbeatTimeoutSecs: 9}}))", r"ok: 1"),
                ("rs.conf().settings.heartbeatTimeoutSecs", r"> 9"),
                ("db.getReplicationInfo().logSizeMB > 900", r"> true"),
                ("db.fruit.createIndex({name: 1}, {unique: true})", r"name_1"),
                ('db.fruit.hideIndex("name_1")', (r"hidden_old: false", r"hidden_new: true")),
                ('db.fruit.unhideIndex("name_1")', (r"hidden_old: true", r"hidden_new: false")),
                ('try { db.fruit.insertOne({name: "plum"}) } catch (e) { print(\'! \' + e.code) }', r"! 11000"),
                ('db.fruit.explain().aggregate([{$match: {name: "plum"}}])', (r"IXSCAN", r"isUnique: true")),
                ('db.fruit.explain().findAndModify({query: {name: "plum"}, update: {$set: {a: 1}}})',
                 (r"stage: 'UPDATE'", r"IXSCAN")),
                ('db.fruit.explain("executionStats").count({name: "plum"})', r"COUNT"),
                ("db.fruit.isCapped()", r"> false"),
                ("db.fruit.exists().type", r"> collection"),
                ("db.getCollectionNames()", r"\[ 'fruit' \]"),
                ('db.getCollectionInfos({name: "fruit"})[0].idIndex', r"key: \{ _id: 1 \}"),
                ("db.fsyncLock()", r"lockCount: Long\('1'\)"),
                ("db.fsyncUnlock()", r"lockCount: Long\('0'\)"),
                ('db.fruit.renameCollection("veg")', r"ok: 1"),
                ('db.createCollection("log", {capped: true, size: 4096})', r"ok: 1"),
                ("db.log.isCapped()", r"> true"),
                ('db.createView("cheap", "veg", [{$match: {price: {$lt: 3}}}])', r"ok: 1"),
                ("db.cheap.find()", r"plum"),
                ("session = db.getMongo().startSession(); "
                 'session.getDatabase("shop").veg.findOne({name: "pear"}).price', r"> 4"),
                ("session.endSession()", r"> "),
                ('db.veg.bulkWrite([{insertOne: {document: {name: "a"}}}, {deleteOne: {filter: {name: "a"}}}])',
                 (r"insertedCount: 1", r"deletedCount: 1")),
                ("db.veg.aggregate([{$indexStats: {}}]).toArray().length", r"> 2"),
                ("db.veg.aggregate([{$collStats: {count: {}}}]).toArray()[0].count", r"> Long\('2'\)"),
                ("show profile", r"system.profile"),
                ("show log startupWarnings", r"> "),
            ])

    def test_quickstart_again_stop_and_wipe(self):
        port = free_ports(1)
        self.addCleanup(self.quickstart, "--wipe")
        self.quickstart("--members", "1", "--port", str(port))
        again = self.quickstart("--members", "1", "--port", str(port))
        self.assertIn("member 0 runs already", again)
        self.assertIn("the set is initiated already", again)
        self.assertIn("--stop", again)
        self.assertIn(f"member 0 on port {port}: stopped", self.quickstart("--stop"))
        self.quickstart("--members", "1", "--port", str(port))
        self.assertIn("wiped", self.quickstart("--wipe"))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "set")))

    def test_from_three_servers_to_seven_and_back(self):
        """The article's document typed as it stands, rs.add to seven, an eighth refused, rs.remove."""
        members = harness.ReplicaSet(3, initiate=False)
        self.addCleanup(members.close)
        hosts = [server.address for server in members.servers]
        document = ", ".join(f"{{_id: {i}, host: '{host}'}}" for i, host in enumerate(hosts))
        play(self, self.shell, f"mongodb://{hosts[0]}/?directConnection=true", [
            (f"config = {{ _id: 'my_project', members: [ {document} ] }}", r"_id: 'my_project'"),
            ("rs.initiate(config)", r"ok: 1"),
        ])
        members.wait_healthy()
        added = [members.new_server().start().address for _ in range(5)]
        uri = members.uri()
        lines = [(f"rs.add('{host}')", r"ok: 1") for host in added[:4]]
        play(self, self.shell, uri, lines + [
            ("rs.conf().members.length", r"> 7"),
            (f"try {{ rs.add('{added[4]}') }} catch (e) {{ print('! ' + e.code + ' ' + e.codeName) }}",
             r"! 103 NewReplicaSetConfigurationIncompatible"),
        ])
        members.wait_healthy(servers=members.servers[:7])
        play(self, self.shell, members.uri(), [
            (f"rs.remove('{added[3]}')", r"ok: 1"),
            ("rs.conf().members.length", r"> 6"),
            ("rs.stepDown(5, 1)", r"ok: 1"),
            ("db.getSiblingDB('shop').after.insertOne({_id: 1})", r"acknowledged: true"),
        ])
        secondary = members.secondaries()[0]
        play(self, self.shell, f"mongodb://{secondary.address}/?directConnection=true", [
            ("rs.freeze(30)", r"ok: 1"),
            ("rs.freeze(0)", r"ok: 1"),
            ("db.hello().secondary", r"> true"),
            ("db.getMongo().setReadPref('secondary')", r"> "),
            ("db.getSiblingDB('shop').after.find()", r"_id: 1"),
            (f"rs.syncFrom('{members.primary().address}')", r"ok: 1"),
        ])


if __name__ == "__main__":
    if not shutil.which("node") or not os.path.exists(MONGOSH):
        print("skipped: no node or no mongosh under tests/drivers/node_modules")
        sys.exit(77)
    harness.main()
