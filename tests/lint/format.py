# SPDX-License-Identifier: MIT
"""Every C file is as clang-format 16 writes it with the rules in .clang-format."""
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tree import ROOT, end, sources

NAMES = ("clang-format-16", "clang-format")


def version(name):
    text = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
    return int(found[1]) if (found := re.search(r"version (\d+)\.", text)) else 0


def complaints(files):
    """The lines that differ, each once."""
    run = subprocess.run([tool, "--dry-run", "-Werror", "--style=file", *files], cwd=ROOT, capture_output=True, text=True)
    return [line.split(" error: ")[0] + " is laid out otherwise" for line in run.stderr.splitlines() if " error: " in line]


tool = next((name for name in NAMES if shutil.which(name) and version(name) == 16), None)
if tool is None:
    print("format: clang-format 16 is missing: install clang-format-16 (apt-get install clang-format-16), or run tools/check, which does")
    sys.exit(1)
files = [str(path.relative_to(ROOT)) for path in sources(suffixes=(".c", ".h"))]
jobs = os.cpu_count() or 1
with ThreadPoolExecutor(jobs) as pool:
    problems = [line for lines in pool.map(complaints, [files[i::4 * jobs] for i in range(4 * jobs)]) for line in lines]
if problems:
    problems.append("write them anew: git ls-files '*.[ch]' | xargs clang-format-16 -i")
end(f"format ({len(files)} files)", problems)
