# SPDX-License-Identifier: MIT
"""README.md's embedding example is examples/embed.c, letter for letter; every local link in the docs leads somewhere, and every
public name in them is declared."""
import re

from headers import headers
from tree import ROOT, end

problems = []
readme = (ROOT / "README.md").read_text()
blocks = re.findall(r"```c\n(.*?)```", readme, re.S)
source = (ROOT / "examples/embed.c").read_text()
if source.split("\n", 1)[1] not in (block for block in blocks):
    problems.append("README.md: its C example differs from examples/embed.c (without the licence line)")
declared = {name for header in headers() for made in header.declarations
            for name in (made.name, *(member.name for member in made.members))}
for page in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        if not (page.parent / target).exists():
            problems.append(f"{page.relative_to(ROOT)}: {target} does not exist")
    for name in sorted(set(re.findall(r"\b(?:hws|HWS)_\w*[A-Za-z0-9]\b(?![_*])", page.read_text())) - declared):
        problems.append(f"{page.relative_to(ROOT)}: {name} is not declared in include/hawser")
end("readme", problems)
