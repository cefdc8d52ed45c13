#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Style checks that no compiler makes: file and function sizes, banned words, unique log ids, table rows,
two types of one name (the linker takes either for both).

Exceptions stand below with their reason; the lists only shrink. Exits 1 if anything is found.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SKIP_DIRS = {"build", ".git", "node_modules", "__pycache__", ".cache"}
MAX_CC_LINES = 800
MAX_HEADER_LINES = 400
MAX_FUNCTION_LINES = 70

# file: reason
LONG_FILES = {}
# "file:function-start-text": reason. Old long functions may stay, none may grow or join.
LONG_FUNCTIONS = {}
# Files that may hold shared_ptr beyond the catalog's snapshots are not listed: the review is by hand.

BANNED = [
    (re.compile(r"\bco_(await|return|yield)\b"), "no coroutines (docs/STYLE)"),
    (re.compile(r"\bstd::rand\b"), "pass a Random"),
    (re.compile(r"\bFIXME\b|\bXXX\b"), "finish it or say TODO(area): condition"),
    (re.compile(r"\busing namespace std\b"), "no using namespace std"),
]
BANNED_IN_TESTS = [(re.compile(r"sleep_for|\bsleep\(|usleep\("), "tests do not sleep")]
BANNED_IN_CODE = [(re.compile(r"\.value\(\)\s*[;.,)]"), None)]
LOG_ID = re.compile(r"P_LOG(?:_DEBUG)?\(\s*\w+\s*,\s*\w+\s*,\s*(\d+)\s*,")
UNNAMED = "(unnamed)"
SCOPE = re.compile(r"\bnamespace\s*([\w:]*)\s*\{"
                   r"|\b(?:class|struct|enum class)\s+([A-Z]\w*)\s*(?:final\s*)?(?::(?!:)[^;{(]*)?\{|\{|\}")
FUNCTION_START = re.compile(r"^[A-Za-z_].*\)\s*(const)?\s*(noexcept)?\s*(override)?\s*\{\s*$")


def files(*endings):
    for folder, dirs, names in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS)
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def check_sizes(path, lines, found):
    limit = MAX_HEADER_LINES if path.endswith(".h") else MAX_CC_LINES
    if len(lines) > limit and path not in LONG_FILES:
        found.append(f"{path}: {len(lines)} lines, limit {limit}")


def check_functions(path, lines, found):
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and not line.startswith((" ", "#", "}")) and FUNCTION_START.match(line):
            if not line.startswith(("namespace", "struct", "class", "enum", "extern", "TEST", "union")):
                start = number
        elif start is not None and line.startswith("}"):
            length = number - start + 1
            key = f"{path}:{lines[start - 1].strip()}"
            if length > MAX_FUNCTION_LINES and key not in LONG_FUNCTIONS:
                found.append(f"{path}:{start}: function of {length} lines, limit {MAX_FUNCTION_LINES}")
            start = None


def check_words(path, lines, found):
    in_test = path.endswith("_test.cc")
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        for pattern, why in BANNED:
            if pattern.search(code):
                found.append(f"{path}:{number}: {why}")
        if in_test:
            for pattern, why in BANNED_IN_TESTS:
                if pattern.search(code):
                    found.append(f"{path}:{number}: {why}")


def check_sorted_table(path, lines, found):
    if not path.endswith("registry.def"):
        return
    rows = [line for line in lines if re.match(r"^P_[A-Z_]+\(", line)]
    keys = [re.sub(r"^P_[A-Z_]+\(\s*", "", row).lower() for row in rows]
    for before, after in zip(keys, keys[1:]):
        if after < before:
            found.append(f"{path}: rows are not sorted at {after.strip()}")


def types_of(text):
    """Names of the classes a file defines at namespace level, outside unnamed namespaces."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
    scopes = []
    for match in SCOPE.finditer(text):
        word = match.group(0)
        if word == "}":
            if scopes:
                scopes.pop()
        elif word.startswith("namespace"):
            scopes.append(match.group(1) or UNNAMED)
        else:
            if match.group(2) and None not in scopes and UNNAMED not in scopes:
                yield "::".join(scopes + [match.group(2)])
            scopes.append(None)


def main():
    found = []
    log_ids = {}
    types = {}
    count = 0
    for path in files(".cc", ".h", ".def"):
        count += 1
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            text = f.read()
        lines = text.split("\n")
        if not lines[0].startswith("// SPDX-License-Identifier: Apache-2.0"):
            found.append(f"{path}:1: the first line is the SPDX tag")
        if path.endswith(".h") and "#pragma once" not in text:
            found.append(f"{path}: no #pragma once")
        check_sizes(path, lines, found)
        check_functions(path, lines, found)
        check_words(path, lines, found)
        check_sorted_table(path, lines, found)
        for match in LOG_ID.finditer("" if path.endswith("_test.cc") else text):
            log_id = match.group(1)
            if log_id in log_ids and log_ids[log_id] != path:
                found.append(f"{path}: log id {log_id} is taken by {log_ids[log_id]}")
            log_ids[log_id] = path
        for name in types_of(text):
            if types.setdefault(name, path) != path:
                found.append(f"{path}: {name} is another type in {types[name]}")
        if path.endswith("_test.cc") and not re.search(r"\b(EXPECT|ASSERT)_|RC_ASSERT", text):
            found.append(f"{path}: a test file that asserts nothing")
    for line in found:
        print(line)
    print(f"tidy: {count} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
