# SPDX-License-Identifier: MIT
"""Reads the public headers: every declaration with its comment. The lint of comments, the manual pages and the list of
symbols use it. It knows the few forms that the headers use; anything else is an error, so nothing can hide."""
import re
from dataclasses import dataclass, field

from tree import ROOT

FOLDER = ROOT / "include/hawser"


class Strange(Exception):
    """Text that is none of the known forms."""


@dataclass
class Member:
    """A field, an enumerator, or a parameter (without a comment)."""
    name: str
    type: str = ""
    comment: str = ""


@dataclass
class Declaration:
    header: str
    kind: str  # function, struct, enum, opaque, macro, statuses
    name: str
    comment: str
    text: str  # as it stands, without comments
    type: str = ""  # a function's result, a macro's value
    members: list = field(default_factory=list)

    @property
    def where(self):
        return f"{self.header}: {self.name}"


@dataclass
class Header:
    name: str
    about: str
    declarations: list


def words(comment):
    """A comment's text without its stars and Doxygen's marks: each paragraph on one line, and each line of a table (which
    begins with two blanks) on its own."""
    text = re.sub(r"^/\*\*<?|\*/$", "", comment.strip())
    paragraphs = [[]]
    for line in text.splitlines():
        line = re.sub(r"^\s*\* ?", "", line) if not line.startswith("  ") or line.lstrip().startswith("*") else line.strip()
        if not line.strip():
            paragraphs.append([])
        elif line.startswith("  "):
            paragraphs[-1].append("  " + line.strip())
        elif paragraphs[-1] and not paragraphs[-1][-1].startswith("  "):
            paragraphs[-1][-1] += " " + " ".join(line.split())
        else:
            paragraphs[-1].append(" ".join(line.split()))
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines)


def bare(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def parameter(text):
    match = re.fullmatch(r"(.*?[\s*])(\w+)((?:\[\w*\])?)", " ".join(text.split()))
    if not match:
        raise Strange(f"an unnamed parameter: {text.strip()}")
    return Member(match[2], match[1].strip() + (" *" if match[3] else ""))


def parameters(text):
    return [] if text.strip() == "void" else [parameter(part) for part in text.split(",")]


def listed(body, separator):
    """(text without comments, comment) of each part of a struct's or an enum's body. A part's comment stands behind it
    (/**< */) or before it (/** */)."""
    parts, before, position = [], "", 0
    token = re.compile(r"/\*\*<.*?\*/|/\*\*.*?\*/|[^/" + separator + r"]+[" + separator + r"]?|[" + separator + r"]", re.S)
    while position < len(body):
        match = token.match(body, position)
        if not match:
            raise Strange(f"in a body: {body[position:position + 60]!r}")
        position, piece = match.end(), match[0]
        if piece.startswith("/**<"):
            if not parts:
                raise Strange(f"a comment behind nothing: {piece!r}")
            parts[-1][1] = f"{parts[-1][1]} {words(piece)}".strip()
        elif piece.startswith("/**"):
            before = words(piece)
        elif piece.strip(separator + " \n\t"):
            parts.append([piece.strip(separator + " \n\t"), before])
            before = ""
    return parts


def fields(body):
    for text, comment in listed(body, ";"):
        if "," in text:
            raise Strange(f"several fields in one declaration: {text}")
        match = re.fullmatch(r"(.*?[\s*])(\w+)((?:\[\w+\])*)", " ".join(text.split()))
        if not match:
            raise Strange(f"a field: {text}")
        yield Member(match[2], match[1].strip() + match[3], comment)


def enumerators(body):
    for text, comment in listed(body, ","):
        match = re.fullmatch(r"(\w+)\s*(?:=\s*(.+))?", text)
        if not match:
            raise Strange(f"an enumerator: {text}")
        yield Member(match[1], match[2] or "", comment)


def statuses(text):
    rows = re.findall(r'X\((\w+), (-?\d+), (\w+), "(.*?)"\)', text)
    return [Member("HWS_" + name, f"{value}, {klass}", words) for name, value, klass, words in rows]


FORMS = [  # (kind, pattern); the name is the group that is there
    ("skip", r"#\s*(?:if|ifdef|ifndef|else|elif|endif|include|undef)\b[^\n]*\n"),
    ("macro", r"#define (?P<name>\w+)(?P<rest>(?:\([^)\n]*\))?(?:[^\n]*\\\n)*[^\n]*)\n"),
    ("skip", r'extern "C" \{\n|\}\s*(?=#endif)'),
    ("opaque", r"typedef struct (?P<name>\w+) (?P=name);"),
    ("struct", r"typedef struct (?P<name>\w+) \{(?P<body>.*?)\n\} (?P=name);"),
    ("enum", r"typedef enum (?P<name>\w+) \{(?P<body>.*?)\} (?P=name);"),
    ("enum", r"enum(?: (?P<name>\w+))? \{(?P<body>.*?)\};"),
    ("function", r"HWS_API (?P<type>[\w ]+?[ *]+)(?P<name>\w+)\((?P<body>[^)]*)\);"),
    ("comment", r"/\*\*.*?\*/"),
    ("skip", r"/\*(?!\*).*?\*/"),
]
PATTERNS = [(kind, re.compile(pattern, re.S)) for kind, pattern in FORMS]
LOCAL_ENUM = re.compile(r"#define HWS_STATUS_ENUM.*?#undef HWS_STATUS_ENUM\n", re.S)
DTYPE_ENUM = re.compile(r"#define HWS_DTYPE_ENUM.*?#undef HWS_DTYPE_ENUM\n", re.S)


def dtypes(text):
    """The enumerators that the rows of HWS_DTYPE_MAP make."""
    rows = re.findall(r'X\((\w+), (\d+), \w+, \d+, \w+, \w+,[\s\\]*"(.*?)"\)', text)
    return "".join(f"    HWS_{name} = {value}, /**< {words_} */\n" for name, value, words_ in rows)


def declare(header, kind, match, comment):
    found = match.groupdict()
    made = Declaration(header, kind, found.get("name") or "", comment, bare(match[0]).strip())
    if kind == "function":
        made.type, made.members = found["type"].strip(), parameters(found["body"])
    elif kind == "struct":
        made.members = list(fields(found["body"]))
    elif kind == "enum":
        made.members = list(enumerators(found["body"]))
        made.name = made.name or made.members[0].name
    elif kind == "macro":
        made.type = " ".join(found["rest"].replace("\\\n", " ").split())
        if made.name == "HWS_STATUS_MAP":
            made.kind, made.members = "statuses", statuses(found["rest"])
    return made


def next_form(name, text, position):
    for kind, pattern in PATTERNS:
        match = pattern.match(text, position)
        if match:
            return kind, match
    raise Strange(f"{name}: unknown form: {text[position:position + 80]!r}")


def read(name, text):
    text = DTYPE_ENUM.sub(dtypes(text), LOCAL_ENUM.sub("", text))
    header, comment, position, seen = Header(name, "", []), "", 0, set()
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        kind, match = next_form(name, text, position)
        position = match.end()
        if kind == "comment":
            comment = words(match[0])
            if comment.startswith("@file"):
                header.about, comment = re.sub(r"^@file \w+\.h\s*", "", comment), ""
        elif kind != "skip":
            made = declare(name, kind, match, comment)
            comment = ""
            if not re.fullmatch(r"HAWSER_\w+_H", made.name) and made.name not in seen:
                seen.add(made.name)
                header.declarations.append(made)
    return header


def headers():
    """Every public header, in the order of their names."""
    return [read(path.name, path.read_text()) for path in sorted(FOLDER.glob("*.h"))]
