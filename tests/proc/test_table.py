# SPDX-License-Identifier: MIT
"""A sample of the table of calls on real processes: every type and reduction, by 1, 2, 3 and 5 members."""
from support import BUILD, HAWSER, check, end, run

for members in (1, 2, 3, 5):
    done = run(HAWSER, "run", "-n", members, "--", BUILD / "tests/proc/hawser_table")
    lines = done.stdout.count(f"table: OK rows=240 members={members}\n")
    check(done.returncode == 0 and lines == members, f"{members} members: all rows are right", done)
end()
