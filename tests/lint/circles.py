# SPDX-License-Identifier: MIT
"""Among the files of an actor no call goes in a circle: a file says in what it uses which ones are below it."""
import re

from tree import ROOT, end

FOLDERS = ["actors/master", "actors/peer", "collectives/reducer", "snapshot"]
DEFINED = re.compile(r"^(?!static\b|typedef\b)[a-z][^;{}()=]*\b(hwi_\w+)\([^;{}]*\)\n\{", re.M)


def calls(folder):
    """{file: {file that has a function it names}}"""
    texts = {path.stem: re.sub(r"//[^\n]*", "", path.read_text()) for path in (ROOT / folder).glob("*.c")}
    owner = {name: stem for stem, text in texts.items() for name in DEFINED.findall(text)}
    return {stem: {owner[word] for word in re.findall(r"(?<!struct )(?<!enum )\bhwi_\w+", text) if owner.get(word, stem) != stem} for stem, text in texts.items()}


def circle(graph):
    """One of the circles, as a list of files; None if there is none."""
    left = dict(graph)
    while left:
        free = [stem for stem, below in left.items() if not below & left.keys()]
        if not free:
            path = [min(left)]
            while path[-1] not in path[:-1]:
                path.append(min(left[path[-1]] & left.keys()))
            return path[path.index(path[-1]):]
        for stem in free:
            del left[stem]
    return None


problems, seen = [], 0
for folder in FOLDERS:
    graph = calls(folder)
    seen += sum(map(len, graph.values()))
    found = circle(graph)
    if found:
        problems.append(f"{folder}: {' -> '.join(found)}")
if seen < 150:
    problems.append(f"only {seen} calls between files found: they are not read right")
if circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) != ["b", "c", "b"]:
    problems.append("a circle that is there is not found")
end(f"circles ({seen} calls between files)", problems)
