# SPDX-License-Identifier: MIT
"""README.md's embedding example is examples/embed.c, letter for letter; every local link in the docs leads somewhere, every
public name in them is declared, and every option that a command is given there is one."""
import re
from functools import lru_cache

import man_command
from headers import headers
from tree import ROOT, end


@lru_cache
def helped(name):
    return man_command.said(name, "--help") if name in man_command.commands() else None


def unknown_options(text):
    """Of commands in code: hawser NAME ... --option, up to what is the trainer's."""
    code = re.findall(r"^    .*$|`[^`\n]*`", text, re.M)
    for name, rest in (match for line in code for match in re.findall(r"(?:^|[ /`])hawser ([a-z][\w-]*)([^`|;#]*)", line)):
        if helped(name) is None:
            yield f"there is no hawser {name}"
            continue
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", re.split(r" -- | && |  +", rest)[0]):
            if option not in helped(name) and option != "--help":
                yield f"hawser {name} has no {option}"

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
    problems += [f"{page.relative_to(ROOT)}: {what}" for what in unknown_options(page.read_text())]
    for name in sorted(set(re.findall(r"\b(?:hws|HWS)_\w*[A-Za-z0-9]\b(?![_*])", page.read_text())) - declared):
        problems.append(f"{page.relative_to(ROOT)}: {name} is not declared in include/hawser")
end("readme", problems)
