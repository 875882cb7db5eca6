# SPDX-License-Identifier: MIT
"""hawser sim as a command: its options, equal seeds, numbers for programs, journals that replay, a seed that crashes."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from support import HAWSER, check, end, run


def transcripts(*arguments):
    done = run(HAWSER, "sim", "--verbose", *arguments)
    check(done.returncode == 0, f"sim {' '.join(arguments)}", done)
    return dict(re.findall(r"seed (\d+): OK.*transcript (\w+)", done.stdout))


def usage():
    done = run(HAWSER, "sim", "--help")
    check(done.returncode == 0 and "partition" in done.stdout and "Example: hawser sim" in done.stdout, "help", done)


def equal_seeds():
    one = transcripts("--seed", "40", "--seeds", "6")
    check(len(set(one.values())) == 6, "other seeds, other transcripts")
    check(transcripts("--seed", "40", "--seeds", "6", "--jobs", "3") == one, "the same with three at once")
    first, second = (run(HAWSER, "sim", "--seed", "43", "--transcript").stdout for _ in range(2))
    check(first == second and "announce{" in first, "the same messages")


def numbers():
    done = run(HAWSER, "sim", "--seeds", "3", "--peers", "4", "--steps", "6", "--faults", "kill=6,freeze", "--json")
    told = json.loads(done.stdout)
    check(done.returncode == 0 and told["seeds"] == 3 and told["verdicts"]["OK"] == 3, "three seeds", done)
    check(told["struck"]["kill"] > 0 and told["struck"]["cut"] == 0, "only the faults that were asked for", done)
    check(told["committed"] > 0 and told["simulated_hours"] > 0, "something happened", done)


def journals():
    with tempfile.TemporaryDirectory() as folder:
        done = run(HAWSER, "sim", "--seed", "5", "--peers", "3", "--steps", "4", "--journal", folder + "/journals")
        check(done.returncode == 0, "a run with journals", done)
        done = run(HAWSER, "replay", folder + "/journals")
        check(done.returncode == 0 and "\nreplay: OK" in "\n" + done.stdout, "they replay", done)
        file = Path(folder, "file")
        file.write_text("")
        done = run(HAWSER, "sim", "--journal", str(file / "journals"))
        check(done.returncode == 1 and str(file) in done.stderr, "a directory that cannot be made is named", done)


def child_of(process):
    """The process that runs a seed."""
    for _ in range(1000):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise RuntimeError("no seed is running")


def a_crash_is_a_verdict():
    """A seed's process dies: the command tells which seed, and how to run it again, and continues."""
    done = subprocess.Popen([HAWSER, "sim", "--seed", "8", "--seeds", "2", "--peers", "64", "--steps", "10000"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = child_of(done)
    os.kill(first, signal.SIGSEGV)
    while child_of(done) == first:
        time.sleep(0.01)
    os.kill(child_of(done), signal.SIGKILL)
    done.stdout, done.stderr = done.communicate(timeout=60)
    check(done.returncode == 6, "exit code of a crash", done)
    check("seed 8: crash" in done.stdout and "hawser sim --seed 8 --peers 64 --steps 10000" in done.stdout, "it is named", done)
    check("crash 2" in done.stdout, "the next seed ran all the same", done)


usage()
equal_seeds()
numbers()
journals()
a_crash_is_a_verdict()
end()
