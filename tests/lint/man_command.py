# SPDX-License-Identifier: MIT
"""The manual pages of the command, from what its own --help prints, and that of the options, from `hawser info`."""
import os
import re
import subprocess

import roff
from tree import end

COMMAND = os.environ.get("HAWSER", "hawser")


def said(*arguments):
    run = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=30)
    if run.returncode:
        end("manual pages", [f"hawser {' '.join(arguments)}: exit code {run.returncode}: {run.stderr}"])
    return run.stdout


def blocks(text):
    """("prose", text) or ("item", tag, text), as the help has them: items are indented by two."""
    current = None
    for line in text.splitlines():
        listed = re.match(r"  (\S.*?)(?:  +(\S.*))?$", line)
        if not line.strip():
            if current:
                yield tuple(current)
            current = None
        elif listed and not line.startswith("   "):
            if current:
                yield tuple(current)
            tag, about = listed[1], listed[2] or ""
            while re.match(r"-\S.*  ", about):  # "--tag N  --view N  only ...": two of a kind
                more, about = re.split(r"  +", about, maxsplit=1)
                tag += ", " + more
            current = ["item", tag, about]
        elif line.startswith(" ") and current:
            current[-1] = f"{current[-1]} {line.strip()}".strip()
        elif current and current[0] == "prose" and not re.match(r"(Exit code|Example)\b", line):
            current[-1] += " " + line.strip()
        else:
            if current:
                yield tuple(current)
            current = ["prose", line.strip()]
    if current:
        yield tuple(current)


def tagged(tag):
    """An option's name in bold, what it takes in italics; anything else in bold."""
    if not tag.startswith("-"):
        return roff.bold(tag)
    return re.sub(r"\S+", lambda word: (roff.bold if word[0].startswith("-") else roff.italic)(word[0]), tag)


def split_usage(help_text):
    """(usage lines, the rest): "usage: hawser X ...", and lines for other forms of it."""
    lines = help_text.split("\n")
    count = next(number for number, line in enumerate(lines) if not line.startswith(("usage: ", "       hawser ")))
    return [line[len("usage: "):] for line in lines[:count]], "\n".join(lines[count:])


def synopsis(usage):
    """Each line in bold; what it says behind two blanks or more, in brackets or not, as text."""
    out = ""
    for line in usage:
        form, *said = re.split(r"\s{2,}", line.strip())
        out += f".PP\n{roff.bold(form)}\n" + "".join(f".br\n{roff.plain(text)}\n" for text in said)
    return out


def layout(help_text):
    """The sections of a subcommand's page."""
    usage, rest = split_usage(help_text)
    titles = {"DESCRIPTION": "", "OPTIONS": "", "NOTES": "", "EXIT STATUS": "", "EXAMPLES": ""}
    where = "DESCRIPTION"
    for kind, *what in blocks(rest):
        if kind == "item":
            if what[0].startswith("-"):
                where = "OPTIONS"
            titles[where] += roff.item(tagged(what[0]), what[1] or "Print this help.")
            continue
        text = what[0]
        if text.startswith("Exit code"):
            where, text = "EXIT STATUS", re.sub(r"^Exit code:? ?;? ?", "", text)
        elif text.startswith("Example: "):
            titles["EXAMPLES"] += f".PP\n.nf\n{roff.bold(text.removeprefix('Example: '))}\n.fi\n"
            continue
        elif where in ("OPTIONS", "EXIT STATUS"):
            where = "NOTES"
        titles[where] += roff.paragraphs(text[0].upper() + text[1:] if where == "EXIT STATUS" and text[0].isalpha() else text)
    return roff.section("SYNOPSIS", synopsis(usage)) + \
        "".join(roff.section(title, text) for title, text in titles.items())


def commands():
    """{name: what it does in a line}, as `hawser --help` lists them."""
    return {what[0]: what[1] for kind, *what in blocks(said("--help").partition("\n")[2]) if kind == "item"}


def options():
    """[(title, [(name, default, bounds, doc)])] of `hawser info`: its tables of options."""
    tables = []
    for line in said("info").splitlines():
        row = re.match(r"  (\S+) +(\S+) +(-|\d+\.\.\d+) +(.*)$", line)
        if re.match(r"options of", line):
            tables.append((line.partition(":")[0], []))
        elif not line.startswith(" "):
            tables += [(None, [])]
        elif row and tables and tables[-1][0]:
            tables[-1][1].append(row.groups())
    return [table for table in tables if table[0]]


def option(name, default, bounds, doc):
    more = "" if default == "-" or "default" in doc else f" Default: {default}."
    return roff.item(roff.bold(name), f"{doc[0].upper()}{doc[1:]}.{more}" + ("" if bounds == "-" else f" Bounds: {bounds}."))


def options_page():
    body = ""
    for title, rows in options():
        listed = "".join(option(*row) for row in rows)
        body += roff.subsection(title[0].upper() + title[1:], listed)
    about = ("A field of hws_config or hws_master_config that is zero or NULL is taken from the environment variable here, if "
             "it has one, and if that is not set or empty, it has the default. An option without a variable has only the field. "
             "The options of a call are fields of hws_options.")
    return roff.page("hawser_options", 7, [], "the options of a member, a master and a call",
                     roff.section("DESCRIPTION", roff.paragraphs(about)) + roff.section("OPTIONS", body) +
                     roff.see_also([("hawser-info", 1), ("hawser_comm", 3), ("hawser_master", 3), ("hawser_collective", 3)]))


def pages():
    """{file name: text}."""
    about = commands()
    listed = "".join(roff.item(f".BR {roff.plain('hawser-' + name)} (1)", text) for name, text in about.items())
    body = roff.section("SYNOPSIS", synopsis(split_usage(said("--help"))[0]))
    body += roff.section("COMMANDS", listed)
    body += roff.section("OPTIONS", roff.item(roff.bold("--help"), "The list of commands; behind a command: its options.") +
                         roff.item(roff.bold("--version"), "The version."))
    body += roff.see_also([("hawser", 3), ("hawser_options", 7)])
    out = {"hawser.1": roff.page("hawser", 1, [], "fault-tolerant collectives and shared state: the command", body),
           "hawser_options.7": options_page()}
    for name, text in about.items():
        others = roff.see_also([("hawser", 1), ("hawser", 3), ("hawser_options", 7)])
        out[f"hawser-{name}.1"] = roff.page(f"hawser-{name}", 1, [], text, layout(said(name, "--help")) + others)
    return out
