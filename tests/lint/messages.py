# SPDX-License-Identifier: MIT
"""docs/PROTOCOL.md ends with the table of messages; it must be what actors/wire/msg.def says. `--write` brings it up to date."""
import re
import sys

from tree import ROOT, end

MARK = "<!-- From here on made from actors/wire/msg.def by tests/lint/messages.py --write. -->\n"
ROUTES = {"PM": "peer to master", "MP": "master to peer", "TM": "tool to master", "MT": "master to tool",
          "PT": "peer or master to tool, forwarded by the master's host",
          "RR": "reducer to reducer, over stripes", "SS": "snapshot to snapshot, over stripes", "FILE": "on disk"}
FIELD = re.compile(r'^\s+(U8|U32|U64|I32|HASH|STR|REC|LIST)\((.*?), "(.*)"\)$')


def rows(text):
    """(name, route, doc, [(field, type, doc)]) of each message and record, in order."""
    current = None
    for line in text.splitlines():
        if match := re.match(r'MESSAGE\((\w+), \d+, (\w+), "(.*)"\)$', line):
            current = (match[1], match[2], match[3], [])
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
    for route, words in ROUTES.items():
        for name, _, doc, fields in (row for row in found if row[1] == route):
            out.append(f"### {name}\n\n*{words}*: {doc}.\n" + ("\n" + table(fields) if fields else ""))
    out.append("## Records in them\n")
    for name, _, _, fields in (row for row in found if row[1] is None):
        out.append(f"### {name}\n\n" + table(fields))
    return "\n".join(out)


page = ROOT / "docs/PROTOCOL.md"
head = page.read_text().split(MARK)[0]
wanted = head + MARK + "\n" + document((ROOT / "actors/wire/msg.def").read_text())
if "--write" in sys.argv:
    page.write_text(wanted)
end("messages in docs", [] if page.read_text() == wanted else
    ["docs/PROTOCOL.md is not what actors/wire/msg.def says: run tests/lint/messages.py --write"])
