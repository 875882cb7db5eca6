# SPDX-License-Identifier: MIT
"""Manual pages as text: what the pages of the command and of the API share."""
import re

from tree import ROOT

FOLDER = ROOT / "docs/man"
VERSION = re.search(r"project\(hawser VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
MARK = '.\\" Made by tests/lint/man.py --write: change what it is made from, not this page.\n'


def plain(text):
    """Text as it is: nothing in it is taken for a command."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti")
    return "\\&" + text if text.startswith(".") else text


def bold(text):
    return f"\\fB{plain(text)}\\fR"


def italic(text):
    return f"\\fI{plain(text)}\\fR"


def prose(text):
    """Sentences: `names` in italics, constants and functions in bold."""
    pieces = re.split(r"(`[^`]+`|\bHWS_\w+|\bHAWSER_\w+|\bhws_\w+(?:\(\))?)", text)
    out = "".join(italic(piece[1:-1]) if piece.startswith("`") else bold(piece) if number % 2 else plain(piece)
                  for number, piece in enumerate(pieces))
    return ("\\&" + out if out.startswith((".", "\\(aq")) else out) + "\n"


def paragraphs(text):
    """Paragraphs, and the lines of tables as items: what it is, three blanks or more, what is said of it."""
    out = ""
    for part in text.split("\n\n"):
        for line in part.split("\n") if part else []:
            what, _, said = line.strip().partition("   ")
            out += item(prose(what).rstrip("\n"), said.strip()) if line.startswith("  ") else ".PP\n" + prose(line)
    return out


def section(title, body):
    return f".SH {title}\n{body.removeprefix('.PP' + chr(10))}" if body else ""


def subsection(title, body):
    return f".SS {plain(title)}\n{body.removeprefix('.PP' + chr(10))}"


def item(tag, text):
    """`tag` is roff already."""
    return f".TP\n{tag}\n{prose(text)}"


def verbatim(text):
    lines = "".join(plain(line) + "\n" for line in text.rstrip("\n").split("\n"))
    return f".PP\n.nf\n{lines}.fi\n"


def see_also(pages):
    """(name, section) each."""
    return section("SEE ALSO", ",\n".join(f".BR {plain(name)} ({number})" for name, number in pages).replace(",\n", " ,\n") + "\n")


def page(name, number, names, about, body):
    """A page's text. `names`: what else man finds it by; cmake/HawserMan.cmake reads them from the line under NAME."""
    about = about[0].lower() + about[1:].rstrip(".") if about[1:2].islower() else about.rstrip(".")
    head = f'.TH {name.upper()} {number} "" "Hawser {VERSION}" "Hawser"\n'
    return MARK + head + section("NAME", ", ".join([name, *names]) + " \\- " + prose(about)) + body
