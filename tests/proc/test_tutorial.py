# SPDX-License-Identifier: MIT
"""docs/TUTORIAL.md: a run that stalls is explained while it does, and taken apart afterwards, by the commands of that page."""
import re
import subprocess
import tempfile
import time
from pathlib import Path

from harness import BUILD, SANITIZE, check, main, os

STALL_MS = 12000 if not SANITIZE else 30000


def hawser(*arguments, folder):
    """The command's output."""
    done = subprocess.run([str(word) for word in (BUILD / "hawser", *arguments)], cwd=folder, capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)
    check("Sanitizer" not in done.stderr, done.stderr)
    return done.stdout + done.stderr


def until(what, seconds, condition):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        check(time.monotonic() < end, f"{what} within {seconds} s")
        time.sleep(0.1)


def look_at_the_stall(address, folder):
    status = until("the stall", 10, lambda: re.search(r"agree tag 9 number 0: not called yet by member 1, 2",
                                                      hawser("status", address, folder=folder)))
    check(status, "status names who has not called")
    told = until("the explanation", 10, lambda: re.search(r"^members 1 and 2 wait in tag 7 .* for member 3, which waits in tag 9 .*$",
                                                          hawser("explain", address, folder=folder), re.M))
    check("number 99" in told[0], f"the operation is named: {told[0]}")
    trace = hawser("trace", address, "--tag", "7", folder=folder)
    check(re.search(r"call\{op=all_reduce/7#99@v1 .*waited", trace) and ", 0 lost" in trace, f"the trace: {trace[-500:]}")


def parting(journal):
    """The events at which the peers of two members part, one of them the one that ran out of batches."""
    members = sorted(path.name.split(".")[0] for path in journal.glob("member*.000001.hwj"))
    for other in members[1:]:
        text = hawser("replay", f"journal/{members[0]}", "--actor", "peer", "--diff", f"journal/{other}", folder=journal.parent)
        events = re.findall(r"(peer@\S+:\d+)  from trainer  request\{request=102 kind=(\d) tag=(\d)", text)
        if {event[1:] for event in events} == {("1", "7"), ("2", "9")}:
            return dict((kind, event) for event, kind, _ in events)
    return None


def test_the_tutorial(world):
    folder = Path(tempfile.mkdtemp(prefix="hawser-tutorial-"))
    with open(folder / "out", "w") as out:
        run = subprocess.Popen([BUILD / "hawser", "run", "-n", "3", "--journal", "journal", "--", BUILD / "uneven"], cwd=folder,
                               stdout=out, stderr=out, env={**os.environ, "HAWSER_TIMEOUT_MS": str(STALL_MS)})
    try:
        address = until("the address", 10, lambda: re.search(r"master at (\S+) ", (folder / "out").read_text()))[1]
        look_at_the_stall(address, folder)
        run.wait(STALL_MS / 1000 + 30)
    finally:
        run.kill()
    check("HWS_E_TIMEOUT" in (folder / "out").read_text(), "the deadline ends it")
    told = hawser("explain", "journal", folder=folder)
    check(re.match(r"member 3 made another call than the others: it waited in tag 9 ", told), f"the one that differs is named: {told}")
    check(hawser("replay", "journal", folder=folder).startswith("replay: OK actors=10"), "every actor replays")
    events = parting(folder / "journal")
    check(events, "the histories part where one asks for the epoch's end, another for the next batch")
    actor, number = events["2"].rsplit(":", 1)
    state = hawser("replay", "journal", "--actor", actor, "--until", number, "--state", folder=folder)
    check("op: agree/9#0@v1" in state, f"the state shows the call: {state[-800:]}")
    fork = hawser("replay", "journal", "--until", events["2"], "--fork", "kill member 3", folder=folder)
    check(len(re.findall(r"^member [12]: .* 1 were made again after a change, 0 were not made", fork, re.M)) == 2, f"the others go on: {fork[-800:]}")


def test_the_cure(world):
    done = subprocess.run([BUILD / "hawser", "run", "-n", "3", "--", BUILD / "uneven", "--fixed"], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0 and done.stdout.count(": 3 epochs") == 3, done.stdout + done.stderr)


main(globals())
