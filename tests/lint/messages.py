# SPDX-License-Identifier: MIT
"""docs/PROTOCOL.md ends with the table of messages; it must be what actors/wire/msg.def says. `--write` brings it up to date."""
import re
import sys

from tree import ROOT, end

MARK = "<!-- From here on made from actors/wire/msg.def by tests/lint/messages.py --write. -->\n"
WAYS = {("PEER", "MASTER", "CONTROL"): "peer to master", ("MASTER", "PEER", "CONTROL"): "master to peer",
        ("TOOL", "MASTER", "CONTROL"): "tool to master", ("MASTER", "TOOL", "CONTROL"): "master to tool",
        ("HOSTS", "TOOL", "CONTROL"): "peer or master to tool, forwarded by the master's host",
        ("REDUCER", "REDUCER", "STRIPES"): "reducer to reducer, over stripes",
        ("SNAPSHOT", "SNAPSHOT", "STRIPES"): "snapshot to snapshot, over stripes",
        ("KEEPERS", "KEEPERS", "STORED"): "on disk", ("NOBODY", "NOBODY", "STORED"): "on disk"}
FIELD = re.compile(r'^\s+(U8|U32|U64|I32|HASH|STR|REC|LIST)\((.*?), "(.*)"(?:, [A-Z |]+)?\)$')
MESSAGE = re.compile(r'MESSAGE\((\w+), \d+, (\w+), (\w+), (\w+), "(.*)"(?:, [A-Z |]+)?\)$')


def rows(text):
    """(name, way, doc, [(field, type, doc)]) of each message and record, in order; a record has no way."""
    current = None
    for line in text.splitlines():
        if match := MESSAGE.match(line):
            current = (match[1], match.group(2, 3, 4), match[5], [])
        elif match := re.match(r"RECORD\((\w+)\)$", line):
            current = (match[1], None, "", [])
        elif line.startswith("END_"):
            yield current
        elif match := FIELD.match(line):
            kind, words = match[1], match[2].split(", ")
            type_name = {"REC": words[1], "LIST": words[1] + "[]"}.get(kind, kind.lower())
            current[3].append((words[2] if kind in ("REC", "LIST") else words[1], type_name, match[3]))


def table(fields):
    lines = ["| field | type | meaning |", "|---|---|---|"]
    return "\n".join(lines + [f"| `{name}` | {kind} | {doc} |" for name, kind, doc in fields]) + "\n"


def document(text):
    out = ["## Messages between processes\n"]
    found = list(rows(text))
    for way, words in WAYS.items():
        for name, _, doc, fields in (row for row in found if row[1] == way):
            out.append(f"### {name}\n\n*{words}*: {doc}.\n" + ("\n" + table(fields) if fields else ""))
    out.append("## Records in them\n")
    for name, _, _, fields in (row for row in found if row[1] is None):
        out.append(f"### {name}\n\n" + table(fields))
    return "\n".join(out)


text = (ROOT / "actors/wire/msg.def").read_text()
problems = [f"{name}: messages.py has no words for {way}" for name, way, _, _ in rows(text)
            if way and way[2] != "INSIDE" and way not in WAYS]
page = ROOT / "docs/PROTOCOL.md"
head = page.read_text().split(MARK)[0]
wanted = head + MARK + "\n" + document(text)
if "--write" in sys.argv:
    page.write_text(wanted)
if page.read_text() != wanted:
    problems.append("docs/PROTOCOL.md is not what actors/wire/msg.def says: run tests/lint/messages.py --write")
end("messages in docs", problems)
