# SPDX-License-Identifier: MIT
"""The small examples, one for each collective: three processes each, and what they print."""
import re

from support import BUILD, HAWSER, check, end, run


def lines(name, count=3):
    """What each member of a run printed, by its rank."""
    done = run(HAWSER, "run", "-n", count, "--", BUILD / name)
    check(done.returncode == 0, f"{name}: the run succeeds", done)
    found = re.findall(r"^\[\d+\] (rank \d+ of \d+.*)$", done.stdout, re.M)
    check(len(found) == count, f"{name}: each member prints a line", done)
    return sorted(found)


def expect(name, *wanted):
    found = lines(name, len(wanted))
    wanted = [f"rank {rank} of {len(wanted)}{text}" for rank, text in enumerate(wanted)]
    check(found == wanted, f"{name}: expected {wanted}, found {found}")


def barrier():
    for line in lines("barrier"):
        ms = re.fullmatch(r"rank \d of 3: all here after (\d+) ms", line)
        check(ms and int(ms[1]) >= 190, f"barrier: nobody goes on before the last, who came after 200 ms: {line}")


expect("all_reduce", *[": the sum is 6 12 18 24"] * 3)
expect("all_reduce", ": the sum is 1 2 3 4")
expect("agree", *[": all ready: no, all at step 100"] * 3)
end()
