# SPDX-License-Identifier: MIT
"""Only a memory sees what is behind a location: nothing else uses the hidden number, and few may ask for a direct address."""
import re

from tree import ROOT, end, sources

MEMORIES = ("transport/memory/", "tests/doors/")
DIRECT = ("transport/memory/", "transport/data/span.c", "transport/data/incoming.c",  # these have a copy for where there is none
          "snapshot/checkpoint/save.c", "snapshot/checkpoint/read.c")
# A caller's pointer becomes a location at once, and stays one.
KEPT = re.compile(r"(void|unsigned char) \*(const )?(input|output|tensor)\b")
PORT = "transport/data/"


def problems():
    for path in sources("actors", "collectives", "snapshot", "transport", "runtime", "tools", "tests"):
        name = str(path.relative_to(ROOT))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0]
            if re.search(r"(\.|->)hidden\b", code) and not name.startswith(MEMORIES):
                yield f"{name}:{number}: the number behind a location is its memory's alone"
            if re.search(r"hwi_location_direct\(|->direct\(", code) and not name.startswith(DIRECT):
                yield f"{name}:{number}: ask for a span (transport/data/span.h), not for the address"
            if name.startswith(PORT) and KEPT.search(code):
                yield f"{name}:{number}: the data port keeps locations, not pointers to tensors"


end("tensor memory", list(problems()))
