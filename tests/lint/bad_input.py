# SPDX-License-Identifier: MIT
"""tests/unit/test_bad_input.c calls every function that takes a communicator or a request with handles that are wrong."""
import re

from headers import headers
from tree import ROOT, end

text = (ROOT / "tests/unit/test_bad_input.c").read_text()
called = set(re.findall(r'"(hws_\w+)", ', text)) | {f"hws_{name}" for name in re.findall(r"\bLISTED\((\w+)\)", text)}
taking = {made.name for header in headers() for made in header.declarations if made.kind == "function"
          and any(re.sub(r"const|\s", "", member.type).rstrip("*") in ("hws_comm", "hws_request") for member in made.members)
          and made.members[0].name != "config" and made.members[-1].type != "hws_comm **"}
problems = [f"{name} is not in its tables" for name in sorted(taking - called)]
problems += [f"{name} in its tables takes neither" for name in sorted(called - taking - {"hws_name"})]
end("bad input", problems if taking else ["no function was read"])
