# SPDX-License-Identifier: MIT
"""One dialect. Pointers are compared with NULL, which libclang sees: no bare or negated pointer is a condition. Structs and enums in headers
of the library begin with hwi_ or hws_. Effects are called effects."""
import ctypes
import json
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tree import ROOT, end, sources

LIBRARY = ("actors", "collectives", "snapshot", "transport", "runtime")
BUILD = Path(os.environ["BUILD_DIR"])
try:
    import clang.cindex as ci
except ImportError:  # Debian's package belongs to Debian's Python
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        import clang.cindex as ci
    except ImportError:
        end("dialect", ["needs libclang for Python: apt-get install python3-clang-16 libclang-common-16-dev"])
for library in ("/usr/lib/llvm-16/lib/libclang.so.1", "/usr/lib/llvm-16/lib/libclang-16.so.1"):
    if Path(library).exists():
        ci.Config.set_library_file(library)
        break
KIND, TYPE = ci.CursorKind, ci.TypeKind
RESOURCES = [f"-I{path}" for path in sorted(Path("/usr/lib/llvm-16/lib/clang").glob("*/include"))[:1]]


def spelled_at(location):
    """File and byte of a place, also of one in a macro's argument, where libclang's own answer is the macro's place."""
    file, line, column, offset = ci.c_object_p(), ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()
    ci.conf.lib.clang_getSpellingLocation(location, *map(ctypes.byref, (file, line, column, offset)))
    return (ci.File(file).name, line.value, offset.value) if file else (None, 0, 0)


def within(cursor):
    """The cursor without the parentheses and silent conversions around it."""
    while cursor.kind in (KIND.UNEXPOSED_EXPR, KIND.PAREN_EXPR):
        inner = list(cursor.get_children())
        silent = cursor.kind == KIND.PAREN_EXPR or (inner and inner[0].extent == cursor.extent)  # and not an atomic's argument
        if len(inner) != 1 or not silent:
            break
        cursor = inner[0]
    return cursor


def is_pointer(cursor):
    return within(cursor).type.get_canonical().kind == TYPE.POINTER


def operator_between(left, right, texts):
    name, _, begin = spelled_at(left.extent.end)
    other, _, finish = spelled_at(right.extent.start)
    if name != other or name is None:
        return ""
    if name not in texts:
        texts[name] = Path(name).read_bytes()
    return texts[name][begin:finish].decode().strip(" ()\n")


def conditions(cursor, inner, texts):
    """The expressions that are asked whether they are true."""
    if cursor.kind in (KIND.IF_STMT, KIND.WHILE_STMT, KIND.CONDITIONAL_OPERATOR) and inner:
        yield inner[0]
    elif cursor.kind == KIND.DO_STMT and len(inner) > 1:
        yield inner[-1]
    elif cursor.kind == KIND.FOR_STMT:
        yield from (part for part in inner[:-1] if within(part).kind in (KIND.DECL_REF_EXPR, KIND.MEMBER_REF_EXPR))
    elif cursor.kind == KIND.UNARY_OPERATOR and len(inner) == 1:
        name, _, begin = spelled_at(cursor.extent.start)
        if name is not None:
            if name not in texts:
                texts[name] = Path(name).read_bytes()
            if texts[name][begin:begin + 1] == b"!":
                yield inner[0]
    elif cursor.kind == KIND.BINARY_OPERATOR and len(inner) == 2:
        if operator_between(inner[0], inner[1], texts).lstrip(") ")[:2] in ("&&", "||"):
            yield from inner
    elif cursor.kind == KIND.UNEXPOSED_EXPR and cursor.type.get_canonical().kind == TYPE.BOOL:
        yield from (part for part in inner[:1] if part.extent == cursor.extent)


def walk(cursor, texts, found):
    inner = list(cursor.get_children())
    for condition in conditions(cursor, inner, texts):
        if is_pointer(condition):
            name, line, _ = spelled_at(condition.extent.start)
            if name is not None and Path(name).is_relative_to(ROOT):
                found.add(f"{Path(name).relative_to(ROOT)}:{line}: a pointer is tested without NULL")
    for child in inner:
        walk(child, texts, found)


WALKED = set()  # headers, by this process


def look(unit):
    path, arguments = unit
    lib = ci.conf.lib
    unsigned = ctypes.POINTER(ctypes.c_uint)
    lib.clang_getSpellingLocation.argtypes = [ci.SourceLocation, ctypes.POINTER(ci.c_object_p), unsigned, unsigned, unsigned]
    texts, found, here = {}, set(), set()
    for top in ci.Index.create().parse(path, args=arguments + RESOURCES).cursor.get_children():
        name = top.location.file.name if top.location.file is not None else ""
        if name.startswith(f"{ROOT}/") and name not in WALKED:
            here.add(name)
            walk(top, texts, found)
    WALKED.update(name for name in here if name.endswith(".h"))
    return found


def units():
    for entry in {entry["file"]: entry for entry in json.loads((BUILD / "compile_commands.json").read_text())}.values():
        if Path(entry["file"]).is_relative_to(ROOT) and not Path(entry["file"]).is_relative_to(BUILD):
            yield entry["file"], [word.replace('\\"', '"') for word in entry["command"].split() if word.startswith(("-I", "-D", "-std"))]


def names():
    for path in sources():
        text, name = path.read_text(), path.relative_to(ROOT)
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"struct hwi_effects \*(?!effects\b|hwi_|arena\b|hear\b)\w+[,)]", line):
                yield f"{name}:{number}: effects are called effects"
            tag = re.match(r"(struct|enum|union) (?!hw[is]_)(\w+)( \{|;)", line)
            if tag and path.suffix == ".h" and name.parts[0] in LIBRARY:
                yield f"{name}:{number}: {tag[1]} {tag[2]} begins with neither hwi_ nor hws_"


if __name__ == "__main__":
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        problems = set().union(*pool.map(look, units(), chunksize=16))
    end("dialect", [*sorted(problems), *names()])
