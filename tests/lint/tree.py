# SPDX-License-Identifier: MIT
"""Shared by the lint tests: where the sources are, which parts there are, and how to end."""
import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("SOURCE_DIR", Path(__file__).resolve().parents[2]))
CODE = ("actors", "collectives", "snapshot", "transport", "runtime", "tools", "tests", "examples", "include")


def sources(*tops, suffixes=(".c", ".h", ".def")):
    for top in tops or CODE:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in suffixes:
                yield path


def components():
    """{directory: [directories it may include]} as CMakeLists.txt, of the root and of tools, declare them."""
    text = (ROOT / "CMakeLists.txt").read_text() + (ROOT / "tools/CMakeLists.txt").read_text()
    found = {}
    for words in re.findall(r"^hawser_(?:component|tool)\(([^)]*)\)", text, re.M):
        name, *rest = words.split()
        found[name] = [word for word in rest if word != "DEPENDS"]
    return found


def end(what, problems):
    for problem in problems:
        print(problem)
    print(f"{what}: {'FAILED, ' + str(len(problems)) + ' problems' if problems else 'OK'}")
    sys.exit(1 if problems else 0)
