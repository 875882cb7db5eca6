# SPDX-License-Identifier: MIT
"""docs/man is what the headers, --help and `hawser info` say: every declaration in one page, every option in one, and a
page for each command. `--write` brings it up to date (HAWSER names the command)."""
import collections
import re
import shutil
import subprocess
import sys

import man_api
import man_command
from headers import headers
from roff import FOLDER
from tree import end


def write(wanted):
    for path in FOLDER.glob("*.[137]"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


def compare(wanted):
    found = {path.name for path in FOLDER.glob("*.[137]")}
    for name in sorted(found | set(wanted)):
        if name not in wanted or name not in found or (FOLDER / name).read_text() != wanted[name]:
            yield f"docs/man/{name} is not what it is made from: run tests/lint/man.py --write"


def declarations_in_pages(wanted):
    """Each name that the headers declare stands in one page as a title, field or constant."""
    pages = {name: text.replace("\\-", "-") for name, text in wanted.items() if name.endswith(".3")}
    for header in headers():
        for made in header.declarations:
            names = [made.name] + [member.name for member in made.members if made.kind in ("enum", "statuses")]
            for name in names:
                homes = [page for page, text in pages.items() if re.search(rf"^(\.SS .*\b{name}\b|\\fB{name}\\fR [(=])", text, re.M)]
                if len(homes) != 1 and not name.endswith("_FORCE_INT"):
                    yield f"{header.name}: {name} is in {len(homes)} manual pages: {' '.join(homes)}"


def options_in_headers():
    """A field's comment says the variable, default and bounds that `hawser info` says."""
    structs = {made.name: made.members for header in headers() for made in header.declarations if made.kind == "struct"}
    for struct, (_, rows) in zip(("hws_config", "hws_master_config", "hws_options"), man_command.options(), strict=True):
        unseen = {member.name for member in structs[struct]} - {"bytes_of_struct", "reserved", "state"}  # a handle has no text
        for name, default, bounds, _ in rows:
            found = [member for member in structs[struct]
                     if member.name == name or name.isupper() and re.search(rf"\b{name}\b", member.comment)]
            if len(found) != 1:
                yield f"{struct}: {name} of hawser info is in the comments of {len(found)} fields"
                continue
            unseen.discard(found[0].name)
            if default not in ("-", "0") and not re.search(rf"default\b.*{re.escape(default)}", found[0].comment):
                yield f"{struct}: {name}: the default is {default}, which its comment does not say"
            if bounds not in ("-", "0..1") and bounds not in found[0].comment:
                yield f"{struct}: {name}: the bounds are {bounds}, which its comment does not say"
        yield from (f"{struct}: {name} is no option of hawser info" for name in sorted(unseen))


def words(text):
    for roff, plain in (("\\-", "-"), ("\\&", ""), ("\\(aq", "'")):
        text = text.replace(roff, plain)
    return collections.Counter(re.findall(r"[\w./:@-]*\w", text.lower()))


def lost_words(wanted):
    """The page has everything that the command's --help says, as often."""
    for name in man_command.commands():
        page = re.sub(r"\\f[BIR]|^\.\w+ ?", " ", wanted[f"hawser-{name}.1"], flags=re.M)
        lost = words(man_command.said(name, "--help")) - words(page) - words("usage: Exit code: Example: Example:")
        if lost:
            yield f"hawser-{name}.1 lacks of the command's help: {' '.join(lost)}"


def formatter_complaints(names):
    """The complaints of groff and mandoc about the pages, where they are installed."""
    tools = [["groff", "-man", "-ww", "-z", "-Tascii"], ["mandoc", "-Tlint", "-Wwarning"]]
    for tool in tools:
        if not shutil.which(tool[0]):
            continue
        for name in names:
            run = subprocess.run([*tool, str(FOLDER / name)], capture_output=True, text=True)
            lines = [line for line in (run.stdout + run.stderr).splitlines() if "missing date" not in line]
            yield from (f"{tool[0]}: {line}" for line in lines)


wanted = {**man_api.pages(), **man_command.pages()}
if "--write" in sys.argv:
    write(wanted)
    sys.exit(0)
problems = [f"docs/man/{name}: not plain ASCII" for name, text in wanted.items() if not text.isascii()]
for check in (compare, declarations_in_pages, lost_words, formatter_complaints):
    problems += check(wanted)
problems += options_in_headers()
end("manual pages", problems)
