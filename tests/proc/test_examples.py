# SPDX-License-Identifier: MIT
"""The small examples, one for each collective: three processes each, and what they print."""
import re
import tempfile

from support import BUILD, HAWSER, check, end, run


def lines(name, count=3, *arguments):
    """The output of each member of a run, by its rank."""
    done = run(HAWSER, "run", "-n", count, "--", BUILD / name, *arguments)
    check(done.returncode == 0, f"{name}: the run succeeds", done)
    found = re.findall(r"^process \d+: (rank \d+ of \d+.*)$", done.stdout, re.M)
    check(len(found) == count, f"{name}: each member prints a line", done)
    return sorted(found)


def expect(name, *wanted, arguments=()):
    found = lines(name, len(wanted), *arguments)
    wanted = [f"rank {rank} of {len(wanted)}{text}" for rank, text in enumerate(wanted)]
    check(found == wanted, f"{name}: expected {wanted}, found {found}")


def barrier():
    for line in lines("barrier"):
        ms = re.fullmatch(r"rank \d of 3: all here after (\d+) ms", line)
        check(ms and int(ms[1]) >= 190, f"barrier: nobody continues before the last, which came after 200 ms: {line}")


expect("all_reduce", *[": the sum is 6 12 18 24"] * 3)
expect("all_reduce", ": the sum is 1 2 3 4")
expect("agree", *[": all ready: no, all at step 100"] * 3)
expect("reduce_scatter", ": from element 0 on: 3 33", ": from element 2 on: 63 93", ": from element 4 on: 123 153 183")
expect("reduce_scatter", ": from element 0 on: 0 10 20 30 40 50 60")
expect("all_gather", *[f": 100 200 201 300 301 302 (own from element {offset} on)" for offset in (0, 1, 3)])
expect("broadcast", *[" heard: the seed is 42"] * 3)
expect("batch", *[": the means are 1 to 16"] * 3)
barrier()
with tempfile.TemporaryDirectory() as place:
    expect("checkpoint", *[": step 0 to 3, the model is 18"] * 3, arguments=(place,))
    expect("checkpoint", *[": step 3 to 6, the model is 36"] * 3, arguments=(place,))
end()
