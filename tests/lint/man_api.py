# SPDX-License-Identifier: MIT
"""The manual pages of the API, from the public headers: a page for each header, every declaration in one of them."""
import re

import roff
from headers import headers
from tree import ROOT

ELSEWHERE = {"version.h": "types.h"}  # its declarations are in that one's page
TITLES = (("function", "FUNCTIONS"), ("struct", "STRUCTURES"), ("opaque", "HANDLES"), ("enum", "CONSTANTS"),
          ("statuses", "STATUSES"), ("macro", "MACROS"))


def stem(header):
    return "hawser_" + header.removesuffix(".h")


def prototype(made):
    """In bold, with the parameters' names in italics, wrapped behind the opening parenthesis."""
    head, lines = f"{made.type}{'' if made.type.endswith('*') else ' '}{made.name}(", []
    for number, member in enumerate(made.members):
        last = number == len(made.members) - 1
        space = "" if member.type.endswith("*") else " "
        text = f"{roff.bold(member.type + space)}{roff.italic(member.name)}{roff.bold(');' if last else ',')}"
        lines.append(roff.bold(head if number == 0 else "    ") + text)
    return ".PP\n.nf\n" + "\n".join(lines or [roff.bold(head + "void);")]) + "\n.fi\n"


def commented(made):
    """Its comment, the errors in a paragraph of their own."""
    return roff.paragraphs(re.sub(r"\s+(Errors?\b[^:.]*:)", r"\n\n\1", made.comment))


def rows(made):
    for member in made.members:
        tag = f"{roff.bold(member.name)} {roff.plain('= ' + member.type)}" if made.kind == "enum" else \
            f"{roff.bold(member.name)} {roff.plain('(' + member.type + ')')}"
        yield roff.item(tag, member.comment) if member.comment else ""


def entry(made):
    if made.kind == "function":
        return roff.subsection(made.name, commented(made))
    text = roff.paragraphs(made.comment) + "".join(rows(made))
    title = made.name if made.kind != "enum" or made.name.islower() else " ".join(member.name for member in made.members)
    return roff.subsection(title, text)


def api_page(name, about, includes, declarations, others):
    functions = [made for made in declarations if made.kind == "function"]
    synopsis = "".join(f".PP\n{roff.bold(f'#include <hawser/{header}>')}\n" for header in includes)
    body = roff.section("SYNOPSIS", synopsis + "".join(map(prototype, functions)))
    first, _, rest = about.partition("\n\n")
    sentence, _, more = first.partition(". ")
    body += roff.section("DESCRIPTION", roff.paragraphs("\n\n".join(part for part in (more, rest) if part)))
    for kind, title in TITLES:
        body += roff.section(title, "".join(entry(made) for made in declarations if made.kind == kind))
    names = [made.name for made in declarations if made.kind in ("function", "struct", "opaque")
             or made.kind == "enum" and made.name.islower()]
    return roff.page(name, 3, names, sentence, body + roff.see_also([("hawser", 3), *((other, 3) for other in others)]))


def overview(about, pages):
    """hawser(3): where everything is, and the example."""
    listed = "".join(roff.item(f".BR {roff.plain(name)} (3)", sentence) for name, sentence in pages)
    example = (ROOT / "examples/embed.c").read_text().split("\n", 1)[1]
    body = roff.section("SYNOPSIS", f".PP\n{roff.bold('#include <hawser/hawser.h>')}\n" +
                        f".PP\n{roff.bold('cc trainer.c $(pkg-config --cflags --libs hawser)')}\n")
    body += roff.section("DESCRIPTION", roff.paragraphs(about) + listed)
    body += roff.section("EXAMPLES", roff.verbatim(example))
    body += roff.see_also([("hawser", 1), ("hawser_options", 7)])
    return roff.page("hawser", 3, [], "fault\\-tolerant collectives and shared state over IP".replace("\\-", "-"), body)


def pages():
    """{file name: text}."""
    every = {header.name: header for header in headers()}
    umbrella = every.pop("hawser.h")
    parts = {name: [header] + [every[other] for other, home in ELSEWHERE.items() if home == name]
             for name, header in every.items() if name not in ELSEWHERE}
    out = {"hawser.3": overview(umbrella.about, [(stem(name), part[0].about.split(". ")[0].rstrip(".") + ".")
                                                 for name, part in parts.items()])}
    for name, part in parts.items():
        declarations = [made for header in part for made in header.declarations]
        others = [stem(other) for other in parts if other != name]
        includes = [header.name for header in part]
        out[stem(name) + ".3"] = api_page(stem(name), part[0].about, includes, declarations, others)
    return out
