# SPDX-License-Identifier: MIT
"""`hawser demo`: the JSON it ends with keeps what it promises, and bad data ends it with a FAILED line."""
import json
import tempfile
import time

from support import HAWSER, check, end, run

KEYS = {"demo", "members", "identical", "accuracy", "killed", "killed_in_op", "joined", "problem", "member_list"}

begin = time.monotonic()
done = run(HAWSER, "demo", "--json", timeout=150)
print(f"demo took {time.monotonic() - begin:.1f} s")
check(done.returncode == 0, "the demo succeeds", done)
verdict = json.loads(done.stdout.splitlines()[-1])
check(set(verdict) == KEYS, f"the keys are {sorted(verdict)}", done)
check(verdict["demo"] == "OK" and verdict["problem"] == "", "it says OK", done)
check(verdict["members"] == 4 and verdict["identical"] is True, "4 identical members", done)
check(verdict["accuracy"] >= 0.95, "the accuracy is at least 95 %", done)
check(verdict["killed"] == 1 and verdict["killed_in_op"] is True, "one was killed in an operation", done)
check(verdict["joined"] == 1, "one joined late", done)

members = verdict["member_list"]
fates = sorted(m["fate"] for m in members)
check(fates == ["from the start"] * 3 + ["joined late", "killed"], f"the fates are {fates}", done)
hashes = {m["hash"] for m in members if m["fate"] != "killed"}
check(len(hashes) == 1 and len(hashes.copy().pop()) == 32, "one 128-bit hash", done)
check(len({m["id"] for m in members}) == 5, "ids are not reused", done)

with tempfile.TemporaryDirectory() as empty:
    done = run(HAWSER, "demo", "--data", empty, timeout=60, env={"TMPDIR": empty})
    check(done.returncode == 1, "without data the demo fails", done)
    check(done.stdout.splitlines()[-1].startswith("demo: FAILED "), "and its last line says so", done)
    check("train-images-idx3-ubyte" in done.stderr, "and the file is named", done)
    check(not run("ls", empty).stdout, "and nothing is left behind", done)
end()
