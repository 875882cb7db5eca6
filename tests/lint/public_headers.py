# SPDX-License-Identifier: MIT
"""Each public header compiles alone as C99 and C++11; each declaration has a comment that names threads and errors."""
import os
import re
import subprocess

from tree import ROOT, end

problems = []
for header in sorted((ROOT / "include/hawser").glob("*.h")):
    for words in (["-x", "c", "-std=c99"], ["-x", "c++", "-std=c++11"]):
        run = subprocess.run([os.environ.get("CC", "cc"), *words, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
                              f"-I{ROOT}/include", str(header)], capture_output=True, text=True)
        if run.returncode:
            problems.append(f"{header.name} {words[-1]}: {run.stderr.strip()}")
    text = header.read_text()
    for match in re.finditer(r"HWS_API\s[^;]*?\b(hws_\w+)\s*\(([^;]*)\);", text):
        name, arguments = match.groups()
        comment = text[: match.start()].rstrip()
        if not comment.endswith("*/"):
            problems.append(f"{header.name}: {name} has no comment right above")
            continue
        comment = comment[comment.rindex("/**"):] if "/**" in comment else ""
        returns_status = re.match(r"HWS_API hws_status hws_", match.group(0)) is not None
        if returns_status and "Errors" not in comment:
            problems.append(f"{header.name}: {name} does not say its errors")
        if not re.search(r"[Tt]hread|[Ss]tatic|Not while", comment):
            problems.append(f"{header.name}: {name} does not say which threads may call it")
        for argument in arguments.split(","):
            if argument.strip() != "void" and not re.search(r"\w[\s*]+\w+$", argument.strip()):
                problems.append(f"{header.name}: {name} has an unnamed parameter: {argument.strip()}")
end("public headers", problems)
