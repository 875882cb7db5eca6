# SPDX-License-Identifier: MIT
"""tests/unit/test_bad_input.c calls every function that takes a handle with handles that are wrong."""
import re

from headers import headers
from tree import ROOT, end

text = (ROOT / "tests/unit/test_bad_input.c").read_text()
called = set(re.findall(r'"(hws_\w+)", ', text)) | {f"hws_{name}" for name in re.findall(r"\bLISTED\((\w+)\)", text)}
every = [made for header in headers() for made in header.declarations]
handles = {made.name for made in every if made.kind == "opaque"}
giving = {"hws_open", "hws_state_create", "hws_master_start"}
taking = {made.name for made in every if made.kind == "function" and made.name not in giving
          and any(re.sub(r"const|\s", "", member.type).rstrip("*") in handles for member in made.members)}
problems = [f"{name} is not in its tables" for name in sorted(taking - called)]
problems += [f"{name} in its tables takes none" for name in sorted(called - taking - {"hws_name"})]
end("bad input", problems if taking else ["no function was read"])
