#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What refused.txt says of the server is so: each command is refused, with the code the line names.

A line whose command succeeds, or fails otherwise, is stale: the feature was built, so the line goes.
"""
import os
import subprocess
import tempfile
import unittest
import uuid

import bson
from bson import json_util

import surface
from surface import harness

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refused.txt")


class Refused(surface.OneMember):
    @staticmethod
    def exit_code(options):
        with tempfile.TemporaryDirectory(prefix="septet-") as folder:
            return subprocess.run([harness.find_binary(), "--dbpath", folder, *options.split()], check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30).returncode

    def test_each_line(self):
        with open(LIST, encoding="utf-8") as f:
            lines = [line for line in f if line.strip() and not line.startswith("#")]
        self.assertTrue(lines)
        for line in lines:
            _, what, database, command, code = (part.strip() for part in line.split(" | "))
            if database == "options":
                with self.subTest(what=what, options=command):
                    self.assertEqual(self.exit_code(command), int(code))
                continue
            command = json_util.loads(command)
            if command.get("lsid") == "fresh":
                command["lsid"] = {"id": bson.Binary.from_uuid(uuid.uuid4())}
            with self.subTest(what=what, command=command):
                reply = self.reply(command, database)
                self.assertEqual((reply["ok"], reply.get("code")), (0, int(code)), reply)


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    harness.main()
