# SPDX-License-Identifier: MIT
"""Law 3: each part includes only its own files and those of the parts it DEPENDS on. Law 5: actors never include each other."""
import re

from tree import ROOT, components, end, sources

ACTORS = {"actors/master", "actors/peer", "collectives/reducer", "snapshot"}


def part_of(path, parts):
    """The part a path (relative to the root) belongs to: the longest directory that is one."""
    text = str(path)
    owners = [part for part in parts if text.startswith(part + "/")]
    return max(owners, key=len, default="include" if text.startswith("include/") else None)


def check(path, parts):
    own = part_of(path.relative_to(ROOT), parts)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        quoted, angled = re.match(r'\s*#include "([^"]+)"', line), re.match(r"\s*#include <(hawser/[^>]+)>", line)
        if not quoted and not angled:
            continue
        target = part_of(quoted.group(1) if quoted else "include/" + angled.group(1), parts)
        where = f"{path.relative_to(ROOT)}:{number}"
        if quoted and target is None:
            yield f"{where}: {quoted.group(1)} belongs to no part (include it from the project's root)"
        elif target != own and target not in parts[own]:
            yield f"{where}: {own} may not include {target}"
        elif target != own and own in ACTORS and target in ACTORS:
            yield f"{where}: an actor includes another actor"


PARTS = components()
end("include graph", [problem for part in PARTS for path in sources(part)
                      if part_of(path.relative_to(ROOT), PARTS) == part for problem in check(path, PARTS)])
