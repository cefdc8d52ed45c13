#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""septet_bench runs each of its workloads against a one-member set, and those the floor knows against it.

Shows that the tool works; no bounds on time. What it measures stands in docs/PERFORMANCE.
"""
import os
import sys
import unittest

import harness

sys.path.insert(0, os.path.join(harness.ROOT, "tools"))
import bench_table  # noqa: E402

FLOOR = ("ping", "find", "insert", "bulk", "update", "range")
PRODUCT = FLOOR + ("aggregate", "A", "B", "C", "D", "E", "F")
SMALL = {"documents": 300, "connections": 2, "seconds": 0.2, "warmup": 0}


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.access(bench_table.tool("septet_bench"), os.X_OK):
            raise unittest.SkipTest("septet_bench is not built")

    def run_all(self, port, pid, workloads):
        for workload in workloads:
            with self.subTest(workload):
                figures = bench_table.bench(port, pid, workload, **SMALL)
                self.assertEqual(figures["workload"], workload)
                self.assertGreater(figures["ops_per_s"], 0)
                self.assertGreater(figures["server_cpu_us_per_op"], 0)

    def test_every_workload_runs_against_the_product(self):
        with harness.ReplicaSet(1) as replica_set:
            server = replica_set.servers[0]
            self.run_all(server.port, server.process.pid, PRODUCT)

    def test_the_floor_answers_what_it_knows(self):
        floor = bench_table.Floor()
        self.addCleanup(floor.close)
        self.run_all(floor.port, floor.pid, FLOOR)


if __name__ == "__main__":
    harness.main()
