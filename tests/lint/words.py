# SPDX-License-Identifier: MIT
"""Plain words: phrases that no native technical writer would use, and sentences that open with a pronoun in place of a subject
("Who ...", "What ..."), are in no page, comment, string or docstring. Headings and questions may open with them."""
import re

from tree import CODE, ROOT, end

# Each with the words to use in its place.
PHRASES = {
    "is told": "learns, is reported, is sent",
    "are told": "learn, are reported, are sent",
    "put out": "removed from the run, printed",
    "puts out": "removes from the run, prints",
    "goes on": "continues",
    "so many": "that many, this number of",
    "the one who": "the member that",
    "those who": "the members that",
}
SUFFIXES = {".c", ".h", ".def", ".md", ".py", ".cmake", ".txt", ".1", ".3", ".7", ".sh", ""}
GAP = r"(?:\s|//|\*|#|\"|\\)+"  # between two words, also where a line ends in a comment or a string
# A sentence opens where a comment, a string, a list item or a paragraph does, or behind a full stop or a colon.
OPENS = r"(?:^|//|/\*|\*|#|-|\d\.|[.:;)]\"?|\"{3}|\")\s+|^|\"|\"{3}|\*\*|//\s*"
PRONOUN = re.compile(rf"(?:{OPENS})(Who|Whoever|What|Whatever) [a-z][^.?!]*[.?!]?", re.M)
FOUND = {phrase: re.compile(rf"(?i)\b{phrase.replace(' ', GAP)}\b") for phrase in PHRASES}


def judge(text, page=False):
    """(offset, complaint) of each; on a page lines that begin with # are headings."""
    for phrase, pattern in FOUND.items():
        yield from ((hit.start(), f"`{phrase}`: {PHRASES[phrase]}") for hit in pattern.finditer(text))
    for hit in PRONOUN.finditer(text):
        line = text[text.rfind("\n", 0, hit.start(1)) + 1:]
        if not hit[0].endswith("?") and not (page and re.match(r"#+ |\.S[HS] ", line)):
            yield hit.start(1), f"a sentence opens with {hit[1]}: {' '.join(hit[0].split())[:90]}"


def texts():
    tops = [ROOT / top for top in (*CODE, "docs", "cmake")]
    paths = [*ROOT.glob("*.md"), ROOT / "CMakeLists.txt", *(path for top in tops for path in sorted(top.rglob("*")))]
    for path in paths:
        name = str(path.relative_to(ROOT))
        if path.is_file() and path.suffix in SUFFIXES and not name.startswith("tests/golden/") and path.name != "words.py":
            yield name, path.read_text(errors="replace")


problems = [f"{name}:{text.count(chr(10), 0, at) + 1}: {what}" for name, text in texts() for at, what in judge(text, name.endswith(".md"))]
# What is wrong is found, and only that.
BAD = ["// Who leaves is told.", "the run goes\n// on", '"Nobody is put "\n    "out."', "A. What is lost stays lost.", '"""What it says."""']
GOOD = ["## What it costs", "Who leaves? Member 2 does.", "The run continues.", "It tells what is lost."]
problems += [f"not found: {text}" for text in BAD if not list(judge(text))]
problems += [f"found: {text}" for text in GOOD if list(judge(text, True))]
end("words", problems)
