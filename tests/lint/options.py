# SPDX-License-Identifier: MIT
"""docs/OPTIONS.md is what `hawser info --markdown` prints. `--write` brings it up to date (HAWSER names the command)."""
import sys

from man_command import said
from tree import ROOT, end

PAGE = ROOT / "docs/OPTIONS.md"
text = said("info", "--markdown")
if "--write" in sys.argv:
    PAGE.write_text(text)
    sys.exit(0)
same = PAGE.exists() and PAGE.read_text() == text
end("options in docs", [] if same else ["docs/OPTIONS.md is not what the option tables say: run tests/lint/options.py --write"])
