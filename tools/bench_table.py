#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the table of docs/PERFORMANCE: the product beside its floor, in one run on this machine.

P1..P6: server CPU per operation through the C driver (septet_bench), a one-member replica set against
septet_floor --rocksdb, rounds interleaved, medians; "must" and "aim" are ratios to the floor.
C1, C2: 10,000 idle connections; O1: start to first answered ping; O2: recovery after kill -9.
usage: tools/bench_table.py [--quick] [--only P1,P2,...] [--rounds 5] [--seconds 3] [--documents 1000000]
"""
import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "cluster"))
import harness  # noqa: E402
import wire  # noqa: E402

# row: workload, what, must, aim
RATIOS = {
    "P1": ("ping", "ping", 1.6, 1.25),
    "P2": ("find", "find by _id", 2.0, 1.4),
    "P3": ("insert", "insertOne w:1, 2 secondary indexes", 2.0, 1.4),
    "P4": ("bulk", "insertMany 1,000, per document", 2.0, 1.4),
    "P5": ("update", "updateOne $inc by _id", 2.2, 1.5),
    "P6": ("range", "indexed range, 100 scattered documents", 1.5, 1.15),
}
CONNECTIONS = (8, 64)
HELLO_EVERY_S = 10
LONGER = 3  # for commands that take a second at 64 connections
GIB = 1 << 30


def tool(name):
    """A program of the build that the server under test came from."""
    build = os.path.dirname(os.path.dirname(harness.find_binary()))
    return os.path.join(build, "tools", name)


class Floor:
    """septet_floor --rocksdb on a free port; ends with the object's close()."""

    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="septet-floor-")
        self.port = harness.free_port()
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [tool("septet_floor"), "--port", str(self.port),
             *(arguments or ("--rocksdb", os.path.join(self.folder, "data")))],
            stdout=subprocess.PIPE, text=True, preexec_fn=harness._die_with_parent)  # pylint: disable=protected-access
        self.process.stdout.readline()

    @property
    def pid(self):
        return self.process.pid

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def bench(port, pid, workload, **options):
    """One run of septet_bench; its figures."""
    command = [tool("septet_bench"), "--json", "--uri", f"mongodb://127.0.0.1:{port}/?directConnection=true&w=1",
               "--pid", str(pid), "--workload", workload]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout)


def median_text(values):
    return f"{statistics.median(values):.1f} [{min(values):.1f}..{max(values):.1f}]"


def verdict(value, must, aim):
    return "aim met" if value <= aim else "must met" if value <= must else "MISSED"


def ratios(args, rows):
    floor = Floor()
    with harness.ReplicaSet(1, arguments=args.server_arguments) as replica_set:
        server = replica_set.servers[0]
        targets = ((floor.port, floor.pid), (server.port, server.process.pid))
        print("| # | operation | C | floor us | product us | ratio | must | aim | | operations/s | p99 ms |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
        for row in rows:
            workload, what, must, aim = RATIOS[row]
            for port, pid in targets:  # loads what is missing, and warms up
                bench(port, pid, workload, documents=args.documents, seconds=1, warmup=0)
            for connections in CONNECTIONS:
                cpu = ([], [])
                product = []
                for _ in range(args.rounds):
                    for which, (port, pid) in enumerate(targets):
                        figures = bench(port, pid, workload, documents=args.documents, connections=connections,
                                        seconds=args.seconds * (LONGER if workload == "bulk" else 1),
                                        warmup=args.seconds / 4)
                        cpu[which].append(figures["server_cpu_us_per_op"])
                        if which == 1:
                            product.append(figures)
                ratio = statistics.median(cpu[1]) / statistics.median(cpu[0])
                rate = statistics.median(f["ops_per_s"] for f in product)
                p99 = statistics.median(f["p99_ms"] for f in product)
                print(f"| {row} | {what} | {connections} | {median_text(cpu[0])} | {median_text(cpu[1])} | "
                      f"{ratio:.2f} | {must} | {aim} | {verdict(ratio, must, aim)} | {rate:,.0f} | {p99:.2f} |",
                      flush=True)
    floor.close()


def print_row(row, what, value, unit, must, aim):
    print(f"| {row} | {what} | {value:.2f} {unit} | {must} | {aim} | {verdict(value, must, aim)} |", flush=True)


def cpu_s(pid):
    """CPU seconds of a process, all threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def idle_connections(args, rows):
    count = args.idle
    soft = count + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    with harness.ReplicaSet(1) as replica_set:
        server = replica_set.servers[0]
        pid = server.process.pid
        before = resident_kb(pid)
        connections = [wire.Connection(server.address, 60) for _ in range(count)]
        for connection in connections:
            connection.command("admin", {"hello": 1})
        if "C1" in rows:
            print_row("C1", f"{count:,} idle connections, resident memory each", (resident_kb(pid) - before) / count,
                      "KB", 32, 12)
        if "C2" in rows:
            began, cpu = time.monotonic(), cpu_s(pid)
            for _ in range(args.hello_rounds):
                start = time.monotonic()
                for number, connection in enumerate(connections):
                    connection.command("admin", {"hello": 1})
                    behind = start + HELLO_EVERY_S * number / count - time.monotonic()
                    if behind > 0.01:
                        time.sleep(behind)
                time.sleep(max(0.0, start + HELLO_EVERY_S - time.monotonic()))
            share = 100 * (cpu_s(pid) - cpu) / (time.monotonic() - began)
            print_row("C2", f"{count:,} connections, hello every {HELLO_EVERY_S} s each, of a core", share, "%", 2, 1)
        for connection in connections:
            connection.close()


def start_ms(server):
    """Milliseconds from exec to the first answered ping."""
    began = time.monotonic()
    server.start()
    return 1000 * (time.monotonic() - began)


def cold_start(args, rows):
    if "O1" not in rows:
        return
    with harness.ReplicaSet(1) as replica_set:
        server = replica_set.servers[0]
        for documents in (0, args.documents):
            if documents:
                bench(server.port, server.process.pid, "find", documents=documents, seconds=0.1, warmup=0)
            times = []
            for _ in range(args.rounds):
                server.stop(120)
                times.append(start_ms(server))
                replica_set.wait_healthy()
            print_row("O1", f"start with {documents:,} documents to the first ping", statistics.median(times), "ms",
                      300, 80)


def live_wal_bytes(server):
    folder = os.path.join(server.data, "rocksdb")
    folder = folder if os.path.isdir(folder) else server.data
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder)
               for name in names if name.endswith(".log"))


def recovery(args, rows):
    if "O2" not in rows:
        return
    with harness.ReplicaSet(1) as replica_set:
        server = replica_set.servers[0]
        empty = []
        for _ in range(args.rounds):
            server.kill()
            empty.append(start_ms(server))
            replica_set.wait_healthy()
        per_gib, most = [], 0
        for _ in range(args.rounds):
            bench(server.port, server.process.pid, "bulk", connections=2, seconds=args.seconds, warmup=0)
            server.kill()
            size = live_wal_bytes(server)
            most = max(most, size)
            took_s = start_ms(server) / 1000
            per_gib.append(max(0.0, took_s - statistics.median(empty) / 1000) / (size / GIB))
            print(f"  (live log {size / (1 << 20):.0f} MB, answered after {took_s:.2f} s)", file=sys.stderr)
            replica_set.wait_healthy()
        print_row("O2", "recovery after kill -9, per GiB of live log", statistics.median(per_gib), "s", 12, 6)
        print_row("O2", "live log, the most that was seen", most / (1 << 20), "MB", 512, 256)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="small: to see whether it works")
    parser.add_argument("--only", help="rows, separated by commas; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--idle", type=int, default=10_000, help="connections for C1 and C2")
    parser.add_argument("--hello-rounds", type=int, default=2, help="for C2")
    parser.add_argument("--server-arguments", nargs="*", default=[], help="more options of the server, for P1..P6")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds, args.documents, args.idle, args.hello_rounds = 1, 0.5, 10_000, 500, 1
    rows = args.only.split(",") if args.only else [*RATIOS, "C1", "C2", "O1", "O2"]
    if not harness.find_binary():
        sys.exit("bench_table: no septetd: build the release preset")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"{harness.find_binary()}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, "
          f"{args.documents:,} documents, {args.rounds} rounds of {args.seconds:g} s\n")
    if any(row in RATIOS for row in rows):
        ratios(args, [row for row in rows if row in RATIOS])
    if any(row not in RATIOS for row in rows):
        print("\n| # | what | measured | must | aim | |\n|---|---|---|---|---|---|")
    if "C1" in rows or "C2" in rows:
        idle_connections(args, rows)
    cold_start(args, rows)
    recovery(args, rows)
    print(f"\nload average at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
