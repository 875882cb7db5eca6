# SPDX-License-Identifier: MIT
"""Each public header compiles alone and with all its initialisers as C99, C11 and C++11, silently; each declaration's
comment says what CONTRIBUTING.md asks for, and the rules that look for it do look."""
import os
import re
import subprocess

import header_rules
from headers import FOLDER, headers
from tree import ROOT, end

LANGUAGES = (["-x", "c", "-std=c99"], ["-x", "c", "-std=c11"], ["-x", "c++", "-std=c++11"])


def compiles(text, language):
    """The compiler's messages about a file with this text, or nothing."""
    run = subprocess.run([os.environ.get("CC", "cc"), *language, "-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror",
                          "-fsyntax-only", f"-I{ROOT}/include", "-"], input=text, capture_output=True, text=True)
    return run.stderr.strip() if run.returncode else ""


def used(header):
    """A file that includes the header twice and begins one of each of its structs as the header says."""
    lines = [f"#include <hawser/{header.name}>"] * 2
    for made in header.declarations:
        match = re.fullmatch(r"HWS_(\w+)_INIT", made.name)
        if match:
            struct = "hws_" + match[1].lower()
            lines.append(f"extern {struct} a_{struct}; {struct} a_{struct} = {made.name};")
    return "\n".join(lines) + "\n"


ALL = headers()
problems = []
for header in ALL:
    for language in LANGUAGES:
        complaint = compiles(used(header), language)
        if complaint:
            problems.append(f"{header.name} {language[-1]}: {complaint}")
    if not header.about:
        problems.append(f"{header.name}: no @file comment")
    count = (FOLDER / header.name).read_text().count("\nHWS_API ")
    if count != sum(made.kind == "function" for made in header.declarations):
        problems.append(f"{header.name}: {count} lines begin with HWS_API, but other functions were read")
    for made in header.declarations:
        problems += [f"{made.where} {what}" for what in header_rules.missing(made, ALL)]
        problems += [f"{made.where}: without {what} no rule complains" for what, mutant in header_rules.mutants(made, ALL)
                     if not list(header_rules.missing(mutant, ALL))]
comments = " ".join(made.comment for header in ALL for made in header.declarations if made.kind == "function")
problems += [f"{name} is no error of any function" for made in header_rules.known(ALL, "statuses").values()
             for name in (member.name for member in made.members) if name not in comments]
umbrella = (FOLDER / "hawser.h").read_text()
problems += [f"hawser.h does not include {header.name}" for header in ALL
             if header.name != "hawser.h" and f"<hawser/{header.name}>" not in umbrella]
end("public headers", problems)
