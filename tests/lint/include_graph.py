# SPDX-License-Identifier: MIT
"""Law 3: each part includes only its own files and those of the parts it DEPENDS on, in the library and in tools. Law 5: actors never
include each other. Tests may include every part, of tests only their own folder and tests/support, which nobody else includes;
examples include the public headers. Neither parts nor the top-level folders depend on one another in a circle."""
import re

from tree import ROOT, components, end, sources

ACTORS = {"actors/master", "actors/peer", "collectives/reducer", "snapshot"}
PARTS = components()


def part_of(path):
    """The part a path (relative to the root) belongs to: the longest directory that is one, or a folder of tests."""
    text = str(path)
    owners = [part for part in PARTS if text.startswith(part + "/")]
    if text.startswith(("tests/", "include/", "examples/")):
        return "/".join(text.split("/")[:2 if text.startswith("tests/") else 1])
    return max(owners, key=len, default=None)


def may(own, target):
    if own.startswith("tests/"):
        return target == "tests/support" or not target.startswith("tests/")
    return target == "include" if own == "examples" else target in PARTS[own]


def check(path):
    own = part_of(path.relative_to(ROOT))
    for number, line in enumerate(path.read_text().splitlines(), 1):
        quoted, angled = re.match(r'\s*#include "([^"]+)"', line), re.match(r"\s*#include <(hawser/[^>]+)>", line)
        if not quoted and not angled or quoted and own == "examples" and (ROOT / own / quoted.group(1)).exists():
            continue
        target = part_of(quoted.group(1) if quoted else "include/" + angled.group(1))
        where = f"{path.relative_to(ROOT)}:{number}"
        if target is None:
            yield f"{where}: {quoted.group(1)} belongs to no part (include it from the project's root)"
        elif own is None:
            yield f"{where}: the file is in no part: declare its folder in CMake"
        elif target != own and not may(own, target):
            yield f"{where}: {own} may not include {target}"
        elif target != own and own in ACTORS and target in ACTORS:
            yield f"{where}: an actor includes another actor"


def circle(graph):
    """The first path found from a node back to itself, or nothing."""
    done = set()

    def visit(node, path):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        found = next(filter(None, (visit(other, path + [node]) for other in sorted(graph.get(node, ())))), None)
        done.add(node)
        return found

    return next(filter(None, (visit(node, []) for node in sorted(graph))), None)


def circles():
    folders = {}
    for part, others in PARTS.items():
        top = part.split("/")[0]
        folders.setdefault(top, set()).update(other.split("/")[0] for other in others if other.split("/")[0] != top)
    for what, graph in (("top-level folders", folders), ("parts", PARTS)):
        found = circle(graph)
        if found:
            yield f"the {what} depend on one another in a circle: {' -> '.join(found)}"
    if circle({"a": ["b"], "b": ["c"], "c": ["b"]}) != ["b", "c", "b"] or circle({"a": ["b", "c"], "b": ["c"]}):
        yield "the search for circles does not find what is one"


unknown = [f"{part} depends on {other}, which is no part" for part, others in PARTS.items()
           for other in others if other != "include" and other not in PARTS]
end("include graph", [problem for path in sources() for problem in check(path)] + unknown + list(circles()))
