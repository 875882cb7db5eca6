# SPDX-License-Identifier: MIT
"""Sizes and habits: functions at most 70 lines, files 600, headers 400, tables 1000, lines 130; no left-over marks; no sleeps in tests
outside proc/; no fixed ports; a licence line in each file."""
import re

from tree import ROOT, end, sources

FUNCTION_MAX, FILE_MAX, HEADER_MAX, TABLE_MAX, LINE_MAX = 70, 600, 400, 1000, 130
BANNED = {"sprintf": "snprintf", "strcpy": "snprintf", "strcat": "snprintf", "gets": "fgets", "strtok": "strtok_r"}


def functions(lines):
    """(name line, length) of each function: a brace in column 0 opens a body, one in column 0 closes it."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start, number - start + 1
            start = None


problems = []
for path in sources():
    name, lines = str(path.relative_to(ROOT)), path.read_text().splitlines()
    limit = {".h": HEADER_MAX, ".def": TABLE_MAX}.get(path.suffix, FILE_MAX)
    if len(lines) > limit:
        problems.append(f"{name}: {len(lines)} lines, at most {limit}")
    if "SPDX-License-Identifier: MIT" not in lines[0]:
        problems.append(f"{name}: no licence line")
    problems += [f"{name}:{start}: a function of {length} lines" for start, length in functions(lines) if length > FUNCTION_MAX]
    test = name.startswith("tests/")
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        if len(line) > LINE_MAX:
            problems.append(f"{where}: {len(line)} columns")
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            problems.append(f"{where}: a left-over mark")
        if test and "tests/proc/" not in name and re.search(r"\b(u|nano)?sleep\s*\(", line):
            problems.append(f"{where}: a sleep")
        for word in BANNED:
            if re.search(rf"(?<!\w){word}\s*\(", line):
                problems.append(f"{where}: {word}, use {BANNED[word]}")
end("house", problems)
