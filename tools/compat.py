#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/COMPAT.md: every row of the surface list, and the test that proves it or "not proven".

The list is ../shared/design/surface.md; rows have ids (S02-031) and tiers 1 to 3. A row is proven

- if a test names its id: S02-031 or S02_031 in *_test.cc, *_test.py, *.js and other programs under tests/,
  also within a range (S02-031..S02-033, S02-031..033, S02-031 to S02-033). A range in the head of a file,
  before its first import or include, tells what the file is about and proves nothing;
- or if every recorded case of the row (../shared/recorded) agrees with tests/replay. Where only some do, the
  row is proven in part.

tests/surface/refused.txt lists what the server refuses; tests/surface/refused_test.py asks it.
usage: tools/compat.py [--check]      --check: exit 1 if docs/COMPAT.md is not what would be written
"""
import collections
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
SURFACE = os.path.join(SHARED, "design", "surface.md")
RECORDED = os.path.join(SHARED, "recorded")
DIFFERENCES = os.path.join(ROOT, "tests", "replay", "known_differences.txt")
REFUSED = os.path.join(ROOT, "tests", "surface", "refused.txt")
OUT = os.path.join(ROOT, "docs", "COMPAT.md")
SKIPPED = 77

SKIP_DIRS = {"build", ".git", "node_modules", "__pycache__", ".cache"}
PROGRAMS = (".py", ".js", ".mjs", ".c", ".cc", ".rb", ".php")
TIERS = (1, 2, 3)
TITLE_CHARS = 88
FILES_SHOWN = 3

# A recorded case's name (S03-002-eq-int1) is no claim of a test: nothing of the kind may follow an id.
RANGE = re.compile(r"S(\d\d)[-_](\d{3})\s*(?:\.\.|to)\s*(?:S\d\d[-_])?(\d{3})(?!\d)(?!-\w)")
ID = re.compile(r"(?<![A-Za-z0-9])S(\d\d)[-_](\d{3})(?!\d)(?!-\w)")
HEAD_END = re.compile(r"^\s*(import |from \S+ import|#include|const .*require\(|require )", re.M)

Row = collections.namedtuple("Row", "id title tier")
Section = collections.namedtuple("Section", "number title rows")


def shortened(text, limit):
    """The text, or its beginning up to a break that leaves something to understand."""
    if len(text) <= limit:
        return text
    cut = text[:limit]
    for separator in ("; ", ". ", ": ", ", ", " "):
        at = cut.rfind(separator)
        if at > limit // 3:
            return cut[:at].rstrip(" ,;:.(") + " …"
    return cut + "…"


def title_of(cells):
    """What a row is about: its first cell, and where that is short the beginning of the next."""
    title = cells[0]
    for cell in cells[1:]:
        room = TITLE_CHARS - len(title) - 2
        if not cell or cell == "–":
            continue
        if room < 24:
            break
        title += ": " + shortened(cell, room) if title == cells[0] else ", " + shortened(cell, room)
    return shortened(title, TITLE_CHARS + 30)


def read_surface():
    """Sections of the list in its order."""
    sections = [Section("0", "Version identity", [])]
    with open(SURFACE, encoding="utf-8") as f:
        for line in f:
            heading = re.match(r"^#+ (\d+(?:\.\d+)?)\.? (.*)", line)
            if heading:
                title = re.split(r" [(–]|: reply| users of ", heading.group(2).strip())[0]
                sections.append(Section(heading.group(1), title, []))
            elif re.match(r"^\| S\d\d-\d{3} \|", line):
                cells = [c.strip() for c in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
                if cells[0].startswith("S13"):
                    cells[2:-2] = []  # who asked for it
                sections[-1].rows.append(Row(cells[0], title_of(cells[1:-1]), int(cells[-1])))
    return [s for s in sections if s.rows]


def test_files():
    for folder, dirs, names in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS)
        below = os.path.relpath(folder, ROOT)
        in_tests = below == "tests" or below.startswith("tests" + os.sep)
        for name in sorted(names):
            if name.endswith(("_test.cc", "_test.py")) or (in_tests and name.endswith(PROGRAMS)):
                yield os.path.normpath(os.path.join(below, name))


def ids_in(text):
    """Ids that a test file names."""
    head = HEAD_END.search(text)
    head_end = head.start() if head else 0
    found = set()
    spans = []
    for match in RANGE.finditer(text):
        spans.append(match.span())
        if match.start() >= head_end:
            section, first, last = match.groups()
            found.update(f"S{section}-{n:03}" for n in range(int(first), int(last) + 1))
    for match in ID.finditer(text):
        if not any(start <= match.start() < end for start, end in spans):
            found.add(f"S{match.group(1)}-{match.group(2)}")
    return found


def proofs_by_tests():
    """{id: [file]}"""
    proofs = collections.defaultdict(list)
    for path in sorted(test_files()):
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
            for row in ids_in(f.read()):
                proofs[row].append(path)
    return proofs


def proofs_by_recording():
    """{id: [cases that agree, cases]}"""
    with open(DIFFERENCES, encoding="utf-8") as f:
        differing = {line.split(":", 1)[0] for line in f if not line.startswith("#")}
    counts = collections.defaultdict(lambda: [0, 0])
    for name in sorted(os.listdir(RECORDED)):
        if not name.endswith(".jsonl"):
            continue
        with open(os.path.join(RECORDED, name), encoding="utf-8") as f:
            for line in f:
                case = json.loads(line)["id"]
                row = re.match(r"(S\d\d-\d{3})-", case)  # new-...: what the recorded server did not have
                if row:
                    counts[row.group(1)][0] += f"{name[:-6]}/{case}" not in differing
                    counts[row.group(1)][1] += 1
    return counts


def read_refused():
    """{id: what is refused}"""
    refused = {}
    if not os.path.exists(REFUSED):
        return refused
    with open(REFUSED, encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                ids, what = (part.strip() for part in line.split("|")[:2])
                for row in sorted(ids_in(ids)):
                    refused[row] = what
    return refused


class Judge:
    def __init__(self):
        self.tests = proofs_by_tests()
        self.recorded = proofs_by_recording()
        self.refused = read_refused()

    def verdict(self, row):
        """("proven" | "in part" | "refused" | "not proven", text)"""
        agree, cases = self.recorded.get(row.id, (0, 0))
        parts = []
        files = self.tests.get(row.id, [])
        if files:
            more = f" and {len(files) - FILES_SHOWN} more" if len(files) > FILES_SHOWN else ""
            parts.append(", ".join(files[:FILES_SHOWN]) + more)
        if cases:
            parts.append(f"replay {agree}/{cases}")
        if row.id in self.refused and not files:
            return "refused", "**refused**: " + self.refused[row.id]
        if files or (cases and agree == cases):
            return "proven", "; ".join(parts)
        if agree:
            return "in part", "in part: " + "; ".join(parts)
        return "not proven", "not proven" + ("; " + "; ".join(parts) if parts else "")


def count_cells(rows, judge):
    """"proven/rows" for each tier and for all."""
    cells = []
    for tiers in [(t,) for t in TIERS] + [TIERS]:
        of = [r for r in rows if r.tier in tiers]
        proven = sum(judge.verdict(r)[0] == "proven" for r in of)
        cells.append(f"{proven}/{len(of)}" if of else "")
    return cells


HEAD = """# What is proven, row by row

Written by `tools/compat.py` from the project's list of what a replica set of `mongod` 7.0/8.0 shows to its
users; do not edit. T is the tier: 1 = drivers, mongosh and Mongoose cannot live without it, 2 = a user in
production expects it, 3 = completeness.

**Proven**: a test names the row, or every recorded answer of a real server to it agrees (`replay n/n`).
**In part**: some recorded answers agree. **Refused**: the server answers with a clear error, and
`tests/surface/refused_test.py` asks it to. **Not proven** says only that no test names the row: many of
these work.
"""


def render(sections, judge):
    out = [HEAD]
    out.append("| § | section | T1 | T2 | T3 | all |\n|---|---|---|---|---|---|")
    chapters = collections.OrderedDict()
    for section in sections:
        chapters.setdefault(section.number.split(".")[0], []).append(section)
    for section in sections:
        cells = " | ".join(count_cells(section.rows, judge))
        out.append(f"| {section.number} | {section.title} | {cells} |")
    every = [row for section in sections for row in section.rows]
    out.append("| all | proven / rows | " + " | ".join(count_cells(every, judge)) + " |")
    states = collections.Counter(judge.verdict(row)[0] for row in every)
    out.append("\n" + ", ".join(f"{states[s]} {s}" for s in ("proven", "in part", "refused", "not proven")) + ".")
    for section in sections:
        out.append(f"\n## {section.number} {section.title}\n")
        out.append("| id | row | T | proven by |\n|---|---|---|---|")
        for row in section.rows:
            out.append(f"| {row.id} | {row.title} | {row.tier} | {judge.verdict(row)[1]} |")
    return "\n".join(out) + "\n"


def main():
    if not os.path.exists(SURFACE) or not os.path.isdir(RECORDED):
        print("skipped: the surface list or the recorded answers are not here")
        return SKIPPED
    text = render(read_surface(), Judge())
    if sys.argv[1:] == ["--check"]:
        with open(OUT, encoding="utf-8") as f:
            same = f.read() == text
        if not same:
            print("docs/COMPAT.md is stale: run tools/compat.py")
        return 0 if same else 1
    with open(OUT, "w", encoding="utf-8") as f:
        f.write(text)
    print(re.search(r"\n(\d+ proven,.*)", text).group(1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
