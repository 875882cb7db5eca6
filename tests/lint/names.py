# SPDX-License-Identifier: MIT
"""One name for one thing in what people read: a member is "member 3", as the master numbers it, and a process that a command has started
is "process 0". "peer" is the name of an actor and of ids on the wire; a bare "[0]" names nobody."""
import re

from tree import ROOT, end, sources

TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"')
WRONG = (("peer", re.compile(r'\bpeers?\b(?!=)[^"]*\s|\s[^"]*\bpeers?\b(?!=)')), ("[i]", re.compile(r'["\s]\[%("|l*[ud]|zu)')))
ACTOR = re.compile(r"master, peer|--actor peer|peer@|peer of member|--peers|" r'\\"peers\\"')


def problems_of(path):
    name = str(path.relative_to(ROOT))
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.match(r"\s*(//|\*|#)", line):
            continue
        for text in TEXT.findall(line.partition(" // ")[0]):
            for what, wrong in WRONG:
                if wrong.search(ACTOR.sub("", text)):
                    yield f"{name}:{number}: says {what}: {text}"


end("names", [problem for path in sources("actors", "collectives", "runtime", "snapshot", "tools", "transport", suffixes=(".c",))
              for problem in problems_of(path)])
