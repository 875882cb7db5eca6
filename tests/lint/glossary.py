# SPDX-License-Identifier: MIT
"""docs/GLOSSARY.md: its words are in alphabetical order, each once, with one sentence; each is used in the other docs or in a header;
README.md and CONTRIBUTING.md lead to it."""
import re

from tree import ROOT, end, sources

PAGE = "docs/GLOSSARY.md"
ENTRY = re.compile(r"\*\*([a-z ]+)\*\*: (.*)")
NEEDED = {"view", "proposal", "seat", "channel", "lane", "edge", "stripe", "entered", "done", "heard", "fence", "late", "alone", "unit",
          "group", "image", "ring", "journal"}


def judge(text, elsewhere):
    head, *lines = [line for line in text.splitlines() if line.strip()][1:]
    entries = [ENTRY.fullmatch(line) for line in lines]
    words = [entry[1] for entry in entries if entry]
    yield from (f"is no `**word**: sentence`: {line}" for line, entry in zip(lines, entries) if not entry)
    yield from (f"`{b}` stands behind `{a}`" for a, b in zip(words, words[1:]) if b <= a)
    for entry in filter(None, entries):
        if not re.fullmatch(r"[A-Z][^.]*\.", entry[2]):
            yield f"`{entry[1]}` has not one sentence"
        if not re.search(rf"(?i)\b{entry[1]}s?\b", elsewhere):
            yield f"`{entry[1]}` is used nowhere else"
    yield from (f"`{word}` is missing" for word in sorted(NEEDED - set(words)))


def reading():
    pages = [page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")] if page != ROOT / PAGE]
    return "\n".join(path.read_text() for path in [*pages, *sources("actors", "collectives", "transport", "snapshot", suffixes=(".h",))])


text = (ROOT / PAGE).read_text()
problems = [f"{PAGE}: {what}" for what in judge(text, reading())]
problems += [f"{page}: does not lead to {PAGE}" for page in ("README.md", "CONTRIBUTING.md") if f"]({PAGE})" not in (ROOT / page).read_text()]
# Mistakes are found: two words out of order, two sentences, an unused word.
spoilt = text.replace("**view**", "**aview**").replace("**lane**: ", "**lane**: One. ")
if len(list(judge(spoilt, ""))) < len(NEEDED):
    problems.append("a spoilt glossary is not found to be one")
end("glossary", problems)
