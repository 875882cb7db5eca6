# SPDX-License-Identifier: MIT
"""A recorded run is carried on in the simulator from any of its events."""
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import BUILD, all_do, check, environment, main

RECORD = tempfile.TemporaryDirectory(prefix="hawser-fork-")


def fork(folder, until, faults, code=0):
    """The command's output; its exit code is as expected."""
    done = subprocess.run([str(word) for word in (BUILD / "hawser", "replay", folder, "--until", until, "--fork", faults)],
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    check(done.returncode == code, f"fork at {until} with {faults}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout + done.stderr


def fates(text):
    """By peer id: how it is in the end, and the numbers of its calls: OK, failed, made again, not made."""
    found = re.findall(r"^member (\d+): ([^;]+); of its calls behind the fork (\d+) were OK, (\d+) failed, (\d+) were made again "
                       r"after a change, (\d+) were not made", text, re.M)
    check(found, f"what became of the members: {text[-1000:]}")
    return {int(peer): (fate, *map(int, numbers)) for peer, fate, *numbers in found}


def recorded(world):
    """A master and three members that reduce and sync, and leave in the end: once for all tests."""
    folder = Path(RECORD.name) / "run"
    if not folder.exists():
        with environment(HAWSER_JOURNAL=folder):
            master, members = world.start(3)
            for step in range(20):
                for answer in all_do(members, "reduce", count=1000 + 5000 * step, retry=True):
                    answer.expect(sum="right")
            world.end_well()
    return folder


def names(folder, kind=""):
    return sorted(path.name.split(".")[0] for path in folder.glob(f"{kind}*.000001.hwj"))


def timeline(folder):
    done = subprocess.run([BUILD / "hawser", "replay", folder, "--timeline"], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"the timeline: {done.returncode} {done.stderr}")
    return done.stdout


def event_of(folder, text, number=1):
    """ACTOR@JOURNAL:N of the number-th event in the timeline that has the text."""
    lines = [line.split() for line in timeline(folder).splitlines() if text in line]
    check(len(lines) >= number, f"{number} events with {text}")
    return next(word for word in lines[number - 1] if "@" in word)


def test_nothing_happens(world):
    """Wherever it is forked, all calls that the record has behind the fork are made, and are OK."""
    folder = recorded(world)
    for number in (1, 10, 19):
        ends = fates(fork(folder, event_of(folder, "  commit{", number), "nothing"))
        check(sorted(ends) == [1, 2, 3], f"three members: {ends}")
        check(all(end[2:] == (0, 0, 0) and end[1] > 0 for end in ends.values()), f"all calls are OK: {ends}")


def test_a_member_is_killed(world):
    text = fork(recorded(world), event_of(recorded(world), "  commit{", 5), "kill peer 2")
    ends = fates(text)
    check(ends[2][0] == "gone" and ends[2][4] > 0, f"member 2 makes no more calls: {ends}")
    check(all(ends[peer][2] == 0 and ends[peer][4] == 0 for peer in (1, 3)), f"the others go on to their end: {ends}")
    check("propose{" in text and "announce{" in text, "the next view is seen to be made")


def test_what_differed_is_told(world):
    """Call by call against the recording: nothing where nothing happens; else who was concerned first, and how."""
    folder = recorded(world)
    point = event_of(folder, "  commit{", 5)
    text = fork(folder, point, "nothing")
    check("nothing differed from the recording:" in text, f"{text[-1500:]}")
    for peer in (1, 2, 3):
        same, calls = re.search(rf"^  member {peer}: (\d+) of (\d+) calls ended as recorded$", text, re.M).groups()
        check(same == calls and int(calls) > 5, f"member {peer}: {same} of {calls}")
    text = fork(folder, point, "kill member 2")
    check("what differed from the recording:" in text, f"{text[-1500:]}")
    check(re.search(r"^  member 2: \d+ of \d+ calls ended as recorded; the first that did not is request \d+ \(all_reduce, tag \d+\): "
                    r"OK over 3 members in the recording, no reply in the fork$", text, re.M), f"{text[-1500:]}")
    check(re.search(r"^  member 1: .*OK over 3 members in the recording, OK over 2 members in the fork", text, re.M), f"{text[-1500:]}")
    done = subprocess.run([BUILD / "hawser", "replay", folder, "--until", point, "--fork", "kill member 2", "--json"],
                          capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    check([set(line) for line in lines[-5:]] == [{"transcript"}, {"fates"}, {"differed"}, {"end"}, {"verdict", "code"}], f"{lines[-1]}")
    (killed,) = [member for member in lines[-3]["differed"]["members"] if member["member"] == 2]
    check(killed["first"]["recorded"] == {"status": "HWS_OK", "members": 3} and killed["first"]["fork"]["status"] is None, f"{killed}")


def test_a_message_is_lost(world):
    """The master does not hear a done: the link's counts show it, the member registers again, nobody fails."""
    folder = recorded(world)
    text = fork(folder, event_of(folder, "  done{", 7), "lose this message")
    check("registration{" in text, f"the member registers again: {text[-1500:]}")
    check(all(end[2:] == (0, 0, 0) for end in fates(text).values()), f"all calls are OK: {fates(text)}")


def test_the_master_is_killed(world):
    folder = recorded(world)
    ends = fates(fork(folder, event_of(folder, "  commit{", 5), "kill master"))
    check(all("OUTCOME_UNKNOWN" in end[0] or "UNREACHABLE" in end[0] or end[2] > 0 for end in ends.values()),
          f"nobody hangs: {ends}")


def test_the_master_is_far_away(world):
    folder = recorded(world)
    ends = fates(fork(folder, event_of(folder, "  commit{", 5), "slow master by 30ms for 10s"))
    check(all(end[2:] == (0, 0, 0) and end[1] > 0 for end in ends.values()), f"all calls are OK: {ends}")


def test_every_stop(world):
    """From events all over the run, with a rough mix of faults: nothing crashes."""
    folder = recorded(world)
    for name in names(folder):
        for actor in ("master",) if name.startswith("master") else ("peer", "reducer"):
            for number in (20, 40, 60):
                fork(folder, f"{actor}@{name}:{number}", "freeze 1 for 8s at 100ms, cut 2 and 3 for 1s, slow 3 by 50ms")


def test_what_is_missing_is_said(world):
    folder = recorded(world)
    point = event_of(folder, "  commit{", 5)
    check("there is no such member" in fork(folder, point, "kill peer 9", code=1), "a peer that is not there")
    first = f"master@{names(folder, 'master')[0]}:1"
    check("nothing had happened" in fork(folder, first, "nothing", code=1), "before the first event")
    check("is no fault" in fork(folder, point, "explode", code=2), "a phrase that is none")
    check("could be lost" in fork(folder, event_of(folder, "chunk{"), "lose this message", code=1), "a frame is not lost")
    gone = next(name for name in names(folder, "member") if name not in point)
    path = folder / f"{gone}.000001.hwj"
    path.rename(folder / "aside")
    try:
        text = fork(folder, point, "nothing", code=1)
    finally:
        (folder / "aside").rename(path)
    check(f"the journal {gone} is missing" in text, f"the missing journal is named: {text}")


def test_a_recorded_kill(world):
    """A member that was killed just before the record ends is killed in the fork too; what it had sent still arrives."""
    folder = Path(RECORD.name) / "killed"
    with environment(HAWSER_JOURNAL=folder):
        master, members = world.start(3)
        for answer in all_do(members, "reduce", count=1000):
            answer.expect(sum="right")
        for member in members:
            member.start(tag=5, count=90000).expect()
        members.pop(1).kill()
        for member in members:
            member.wait(tag=5)
        all_do(members, "view")
        for answer in all_do(members, "reduce", count=2000, retry=True):
            answer.expect(sum="right")
        world.end_well()
    killed = int(re.search(r"  edge_down\{peer=(\d)", timeline(folder))[1])
    for until in (event_of(folder, "  commit{"), event_of(folder, "tag=5", 3), event_of(folder, "  edge_down{"),
                  event_of(folder, "  announce{", 4)):
        ends = fates(fork(folder, until, "nothing"))
        # The call that failed when it was recorded may fail likewise.
        check(all(ends[peer][0] == "gone" and ends[peer][2] <= 1 and ends[peer][4] == 0 for peer in (1, 2, 3) if peer != killed),
              f"they end well: {until} {ends}")
        check(killed not in ends or ends[killed][0] == "gone", f"peer {killed} is killed: {until} {ends}")


def test_another_build_is_named(world):
    copy = Path(RECORD.name) / "other"
    shutil.copytree(recorded(world), copy)
    name = names(copy, "member")[0]
    subprocess.run([BUILD / "tests/proc/hawser_journal_edit", copy / f"{name}.000001.hwj", "decision"], check=True)
    text = fork(copy, event_of(copy, "  commit{", 8), "nothing")
    check(f"{name}: written by another build" in text, f"it is said: {text[:500]}")


def test_a_record_that_cannot_be(world):
    """The simulation runs apart: a journal that nobody recorded crashes it, and the crash is reported."""
    copy = Path(RECORD.name) / "changed"
    shutil.copytree(recorded(world), copy)
    name = names(copy, "member")[0]
    subprocess.run([BUILD / "tests/proc/hawser_journal_edit", copy / f"{name}.000001.hwj", "zero"], check=True)
    text = fork(copy, event_of(copy, "  commit{", 8), "nothing", code=6)
    check("the simulation crashed: " in text, f"it is said: {text[-1000:]}")


main(globals())
