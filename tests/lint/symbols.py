# SPDX-License-Identifier: MIT
"""cmake/hawser.symbols is what a program is bound to when it is compiled: functions, values of constants, places of fields.
The shared library exports these functions and no other name, the headers declare them, and whatever the static library
has beside them begins with hwi_. `--write` brings the file up to date: lines may come, none may change or go within a
minor version."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from headers import FOLDER, headers
from tree import ROOT, end

PAGE = ROOT / "cmake/hawser.symbols"
HEAD = """# The symbols that programs are bound to when they are compiled: made by tests/lint/symbols.py --write.
# The tests compare them with the libraries and the headers. Lines may be added; a line that changes or disappears breaks
# programs and needs a new minor version (while the major one is 0). Places and sizes are in bytes, on 64-bit machines.
"""


def names(*options):
    run = subprocess.run([os.environ.get("NM", "nm"), "--defined-only", *options], check=True, capture_output=True, text=True)
    return {line.split()[2] for line in run.stdout.splitlines() if len(line.split()) == 3}


def questions(declarations):
    """printf statements that tell what the compiler makes of constants and structs."""
    for made in declarations:
        if made.kind in ("enum", "statuses"):
            for member in made.members:
                yield f'printf("constant {member.name} %d\\n", (int){member.name});'
        elif made.kind == "macro" and re.fullmatch(r"\d+", made.type) and "VERSION" not in made.name:
            yield f'printf("constant {made.name} %d\\n", {made.name});'
        elif made.kind == "struct":
            for member in made.members:
                yield (f'printf("field {made.name}.{member.name} at %zu, %zu bytes\\n", offsetof({made.name}, {member.name}), '
                       f'sizeof((({made.name} *)0)->{member.name}));')
            yield f'printf("struct {made.name}: %zu bytes\\n", sizeof({made.name}));'


def padded(text):
    """Structs that end in padding: an older program's would hold rubbish where a later field comes to lie."""
    for name, size in re.findall(r"^struct (\w+): (\d+) bytes$", text, re.M):
        end_of_last = max(int(at) + int(bytes_) for at, bytes_ in re.findall(rf"^field {name}\.\w+ at (\d+), (\d+) bytes", text, re.M))
        if end_of_last != int(size):
            yield f"{name} ends in padding: fill it with a field `reserved`"


def layout(declarations):
    lines = "\n".join(questions(declarations))
    includes = "".join(f"#include <hawser/{path.name}>\n" for path in sorted(FOLDER.glob("*.h")))
    text = f"{includes}#include <stdio.h>\nint main(void)\n{{\n{lines}\nreturn 0;\n}}\n"
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "layout")
        subprocess.run([os.environ.get("CC", "cc"), "-x", "c", f"-I{ROOT}/include", "-", "-o", program], input=text, text=True,
                       check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout


every = [made for header in headers() for made in header.declarations]
declared = {made.name for made in every if made.kind == "function"}
wanted = HEAD + "".join(f"function {name}\n" for name in sorted(declared)) + layout(every)
if "--write" in sys.argv:
    PAGE.write_text(wanted)
    sys.exit(0)

problems = []
listed = set(re.findall(r"^function (\w+)$", PAGE.read_text(), re.M)) if PAGE.exists() else set()
if not PAGE.exists() or PAGE.read_text() != wanted:
    problems.append("cmake/hawser.symbols is not what the headers say: run tests/lint/symbols.py --write")
problems += padded(wanted)
if "SHARED" in os.environ:
    exported = names("-D", os.environ["SHARED"]) - {"_init", "_fini", "__bss_start", "_edata", "_end"}
    problems += [f"{name} is exported, but not in cmake/hawser.symbols" for name in sorted(exported - listed)]
    problems += [f"{name} is in cmake/hawser.symbols, but not exported" for name in sorted(listed - exported)]
    foreign = {name for name in names("-g", os.environ["STATIC"]) - listed if not name.startswith("hwi_")}
    problems += [f"libhawser.a defines {name}: a program's own could be called that" for name in sorted(foreign)]
end("symbols", problems)
