# SPDX-License-Identifier: MIT
"""The table in docs/STATE.md is the rows that tests/scenario/test_sync_rules.c plays. `--write` brings the page up to date."""
import re
import sys

from tree import ROOT, end

BEGIN = "<!-- From here on made from tests/scenario/sync_rules.def by tests/lint/sync_rules.py --write. -->\n"
END = "<!-- Up to here. -->\n"
ROW = re.compile(r'^RULES?\((.*)\)$', re.M)
HEAD = "| members | elected | outcome | reason |\n|---|---|---|---|\n"


def table(text):
    """Markdown of all rows; a heading for each RULES."""
    out = ""
    for match in ROW.finditer(text):
        words = re.findall(r'"([^"]*)"', match[1])
        if len(words) == 1:
            out += f"\n### {words[0]}\n\n{HEAD}"
        else:
            members, elected, outcome, why = words
            out += f"| `{members}` | `{elected}` | `{outcome}` | {why} |\n"
    return out


page = ROOT / "docs/STATE.md"
text = page.read_text()
head, _, rest = text.partition(BEGIN)
_, _, tail = rest.partition(END)
rows = table((ROOT / "tests/scenario/sync_rules.def").read_text())
wanted = head + BEGIN + rows + "\n" + END + tail
if "--write" in sys.argv:
    page.write_text(wanted)
    text = wanted
end("rules of sync in docs", [] if text == wanted and rows.count("| `") > 40 else
    ["docs/STATE.md has not the rows of tests/scenario/sync_rules.def: run tests/lint/sync_rules.py --write"])
