# SPDX-License-Identifier: MIT
"""Journals of real runs are replayed; each kind of change to them is recognised: damaged, of another version, with another effect."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness import ANSWER_S, BUILD, SANITIZE, all_do, check, environment, main

OK, UNREADABLE, USAGE, OTHER_VERSION, DAMAGED, DIFFERENT, CRASH = range(7)
STRIDE = 97 if not SANITIZE else 1009
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
RECORDS = tempfile.TemporaryDirectory(prefix="hawser-replay-")


def replay(*arguments, code=OK):
    """The lines that the command prints; its exit code is as expected."""
    done = subprocess.run([str(word) for word in (BUILD / "hawser", "replay", *arguments)], capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)
    words = " ".join(str(word) for word in arguments)
    check(done.returncode == code, f"replay {words}: exit code {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def count(lines):
    """Actors and events of the last line."""
    match = re.fullmatch(r"replay: [A-Z ]+ actors=(\d+) events=(\d+)", lines[-1])
    check(match, f"no last line: {lines[-1:]}")
    return int(match[1]), int(match[2])


def keep_journals(name, work):
    """A directory of journals that `work` makes: once for all tests."""
    folder = Path(RECORDS.name) / name
    if not folder.exists():
        with environment(HAWSER_JOURNAL=folder):
            work()
    return folder


def recorded(world):
    """A master and three members: one is killed, another one comes late."""
    def work():
        master, members = world.start(3)
        for step in range(5):
            for answer in all_do(members, "reduce", count=100 + step):
                answer.expect(sum="right")
        members.pop().kill()
        for answer in all_do(members, "reduce", count=100, retry=True):
            answer.expect(sum="right")
        newcomer = world.start_member(master)
        world.join(members, newcomer)
        members.append(newcomer)
        for step in range(3):
            for answer in all_do(members, "reduce", count=40000 + step):
                answer.expect(sum="right")
        world.end_well()
    return keep_journals("run", work)


def journals(folder, kind=""):
    return sorted(path.name.split(".")[0] for path in folder.glob(f"{kind}*.000001.hwj"))


def closed_member(folder):
    """A member that was not killed: its file was cut to its length."""
    return next(name for name in journals(folder, "member") if (folder / f"{name}.000001.hwj").stat().st_size % 4096)


def edited(folder, name, *changes):
    """A copy of the journals with one of them changed as another build could have written it."""
    copy = Path(tempfile.mkdtemp(dir=RECORDS.name))
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    for change in changes:
        subprocess.run([BUILD / "tests/proc/hawser_journal_edit", copy / f"{name}.000001.hwj", change], check=True)
    return copy


def test_every_actor_replays(world):
    """Of all processes, also of the one that was killed and the one that came late."""
    folder = recorded(world)
    check(len(journals(folder)) == 5, f"journals of five processes: {journals(folder)}")
    lines = replay(folder)
    actors, events = count(lines)
    check(lines[-1].startswith("replay: OK ") and actors == 1 + 4 * 3, f"all actors: {lines}")
    check(sum("was not closed" in line for line in lines) == 1, f"the killed one is named: {lines}")
    each = [count(replay(folder / name)) for name in journals(folder)]
    check(sum(pair[1] for pair in each) == events, f"one by one they are as many: {each}, {events}")
    peers = count(replay(folder, "--actor", "peer"))
    check(peers[0] == 4 and 0 < peers[1] < events, f"peers only: {peers}")


def flip(folder, name, offset):
    """One byte changed; gives back what the replay of the journal says of it."""
    path = folder / f"{name}.000001.hwj"
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x40]))
        file.flush()
        lines = replay(folder / name, code=DAMAGED)
        file.seek(offset)
        file.write(bytes([byte]))
    match = next((found for found in (re.search(r"(\S+\.hwj) is damaged at offset (\d+)", line) for line in lines) if found), None)
    check(match and match[1] == path.name and int(match[2]) <= offset, f"offset {offset} of {path.name} is named: {lines}")
    return count(lines)[1]


def test_every_byte_of_a_small_journal_counts(world):
    def work():
        world.start_master()
        world.end_well()
    folder = keep_journals("alone", work)
    name, = journals(folder)
    for offset in range(0, (folder / f"{name}.000001.hwj").stat().st_size, 1 if not SANITIZE else 7):
        flip(folder, name, offset)


def test_one_byte_in_every_so_many(world):
    folder = recorded(world)
    for name in journals(folder):
        path = folder / f"{name}.000001.hwj"
        used = len(path.read_bytes().rstrip(b"\0"))
        played = [flip(folder, name, offset) for offset in range(0, used, STRIDE)]
        check(played == sorted(played) and played[0] == 0 and played[-1] > 0, f"{name}: what stands before is played: {played}")
        for offset in range(used, path.stat().st_size, 1 << 20):
            flip(folder, name, offset)


def test_a_missing_piece(world):
    """A journal that was cut short, and one that does not exist."""
    folder = recorded(world)
    name = closed_member(folder)
    copy = edited(folder, name)
    path = copy / f"{name}.000001.hwj"
    os.truncate(path, path.stat().st_size // 2)
    check(count(replay(copy, code=DAMAGED))[1] > 0, "the rest is played")
    replay(folder / "member-none", code=UNREADABLE)
    replay(folder / "none", code=UNREADABLE)


def test_other_versions(world):
    folder = recorded(world)
    name = closed_member(folder)
    whole = count(replay(folder))
    lines = replay(edited(folder, name, "schema"), code=OTHER_VERSION)
    check(any(name in line and "schema" in line for line in lines), f"the schema is named: {lines}")
    check(count(lines)[0] == whole[0] - 3, f"the others are played: {lines}")
    lines = replay(edited(folder, name, "decision"))
    check(any(name in line and "another build" in line for line in lines), f"the build is named: {lines}")
    check(count(lines) == whole, f"its effects are the same: {lines}")
    lines = replay(edited(folder, name, "decision", "effect"), code=OTHER_VERSION)
    check(any("another build's decision" in line for line in lines), f"its decision is named: {lines}")


def test_a_different_effect(world):
    folder = recorded(world)
    name = closed_member(folder)
    lines = replay(edited(folder, name, "effect"), code=DIFFERENT)
    check(any(f"@{name}:" in line and "differs" in line for line in lines), f"the event is named: {lines}")
    check(any(line.startswith("  expected  -> ") and "(hash " in line for line in lines), f"what is expected: {lines}")
    check(any(line.startswith("  got       -> ") for line in lines), f"what came: {lines}")
    lines = replay(edited(folder, name, "request"), code=DIFFERENT)
    check(any(line.startswith("  expected  -> reducer  op_start{") for line in lines), f"expected is found in the journal: {lines}")
    check("  they differ in  op" in lines, f"the field is named: {lines}")
    lines = replay(edited(folder, name, "failed"), code=DIFFERENT)
    check("  expected  a failed check" in lines, f"a check that did not fail: {lines}")


def stat_of(pid):
    """State and parent of a process; None: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[:2]
    except OSError:
        return None


def sleeping_child(pid):
    """A child of the process that waits for something, or None."""
    return next((int(entry) for entry in os.listdir("/proc") if entry.isdecimal() and stat_of(entry) == ["S", str(pid)]), None)


def test_a_crash(world):
    """The process that plays dies: the event at which it did is named."""
    folder = recorded(world)
    player = subprocess.Popen([BUILD / "hawser", "replay", folder, "--step"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL)
    try:
        player.stdout.readline()  # it plays, and will stop when the pipe is full
        world.until(lambda: sleeping_child(player.pid), ANSWER_S, "a child that waits for us to read")
        child = sleeping_child(player.pid)
        os.kill(child, signal.SIGSEGV)
        said = player.communicate(timeout=ANSWER_S)[0].decode()
    finally:
        player.kill()
        player.wait()
    check(player.returncode == CRASH, f"exit code {player.returncode}: {said[-500:]}")
    check(re.search(r"replay: \w+@\S+:\d+: crashed: ", said), "the event is named")


def test_until_and_state(world):
    folder = recorded(world)
    name = closed_member(folder)
    lines = replay(folder, "--actor", f"peer@{name}", "--until", "8", "--state")
    check(count(lines) == (1, 8), f"eight events: {lines}")
    at = lines.index(f"state after peer@{name}:8:")
    check(any(line.startswith("id: ") for line in lines[at:]), f"its fields: {lines}")
    lines = replay(folder, "--until", f"peer@{name}:8", "--state")
    check(count(lines)[1] == len(replay(folder, "--timeline", "--until", f"peer@{name}:8")), "as many as in the timeline")
    check(sum(line.startswith("state after ") for line in lines) == count(lines)[0], "a state for each actor")
    times = [float(line.split()[0]) for line in replay(folder, "--timeline")]
    middle = times[len(times) // 2]
    played = count(replay(folder, "--until", f"{middle:.6f}s"))[1]
    check(sum(t < middle for t in times) <= played <= sum(t <= middle for t in times), f"until {middle}: {played}")
    replay(folder, "--until", f"peer@{name}:4000000", code=UNREADABLE)
    for words in (("--until", "0"), ("--until", "x@y"), ("--actor", "trainer"), ("--until", "5", "--timeline"),
                  ("--state", "--timeline"), ("--perfetto", "x"), ("--diff", folder, "--timeline")):
        replay(folder, *words, code=USAGE)


def test_steps(world):
    folder = recorded(world)
    name = closed_member(folder)
    lines = replay(folder, "--actor", f"@{name}", "--step")
    events = [line for line in lines if re.match(r" +\d+\.\d+ s  \w+@", line)]
    check(len(events) == count(lines)[1], "a line for each event")
    check(any(line.strip().startswith("-> master  registration{") for line in lines), "effects under it")


def test_timeline(world):
    folder = recorded(world)
    lines = replay(folder, "--timeline")
    check(len(lines) == count(replay(folder))[1], "every event has its line")
    check_causal(lines)
    copy = edited(folder, closed_member(folder), "clock")
    lines = replay(copy, "--timeline")
    check_causal(lines)
    check(float(lines[-1].split()[0]) < 5, "and that clock is put right")


def check_causal(lines):
    """Times do not go back, and each session's first messages were sent before they were heard."""
    times = [float(line.split()[0]) for line in lines]
    check(times == sorted(times), "in order of time")
    place, found = {}, 0
    for number, line in enumerate(lines):
        if match := re.search(r"peer@member-(\w+):\d+  from trainer  open{", line):
            place["open", match[1]] = number
        elif match := re.search(r"master@\S+  from peer:(\w+)  registration{", line):
            check(place.get(("open", match[1]), number) < number, f"registered before it opened: {line}")
            place["registration", match[1]] = number
        elif match := re.search(r"peer@member-(\w+):\d+  from master  welcome{", line):
            check(place.get(("registration", match[1]), number) < number, f"welcomed before it registered: {line}")
            found += 1
    check(found == 4, f"four members were welcomed, not {found}")


def test_picture(world):
    """Chrome's trace JSON: a slice for each event, arrows between processes, what was said."""
    folder = recorded(world)
    path = world.folder / "trace.json"
    replay(folder, "--timeline", "--perfetto", path)
    drawn = json.loads(path.read_text())
    drawn = drawn if isinstance(drawn, list) else drawn["traceEvents"]
    slices = [event for event in drawn if event["ph"] == "X"]
    check(len(slices) == count(replay(folder))[1], f"a slice for each event: {len(slices)}")
    check(any(event["ph"] == "i" for event in drawn), "what was said")
    check(sum(event["ph"] == "s" for event in drawn) == sum(event["ph"] == "f" for event in drawn) > 50, "arrows")
    replay(folder, "--timeline", "--perfetto", world.folder / "none" / "trace.json", code=UNREADABLE)


def test_histories(world):
    folder = recorded(world)
    name = closed_member(folder)
    lines = replay(folder, "--diff", folder)
    check(lines and all(": equal, " in line for line in lines), f"a run is equal to itself: {lines}")
    lines = replay(folder, "--diff", edited(folder, name, "request"), code=DIFFERENT)
    check(any(line.startswith(f"peer@{name} and {name}: part after ") for line in lines), f"where they part: {lines}")
    check(sum(" from trainer  request{" in line and "kind=1" in line for line in lines) >= 2, f"both are shown: {lines}")
    one, other = journals(folder, "member")[:2]
    lines = replay(folder / one, "--diff", folder / other, code=DIFFERENT)
    check(len([line for line in lines if line.startswith(("peer@", "reducer@", "snapshot@"))]) >= 3, f"two members: {lines}")


def test_from_an_image(world):
    """A journal that has lost its beginning is replayed from its images on."""
    def work():
        done = subprocess.run([BUILD / "hawser", "bench", "all-reduce", "--sizes", "4K", "--repeats", "6000"],
                              capture_output=True, text=True, timeout=250)
        check(done.returncode == 0, f"the bench runs: {done.stdout}{done.stderr}")
    if "thread" in SANITIZE:
        return  # it takes minutes
    folder = keep_journals("long", work)
    whole = count(replay(folder))
    name = next(path.name.split(".")[0] for path in sorted(folder.glob("*.000002.hwj")))
    check(not (folder / f"{name}.000003.hwj").exists(), f"{name} has two segments")
    (folder / f"{name}.000001.hwj").unlink()
    check("missing" in replay(folder, code=DAMAGED)[0], "it is missed")
    subprocess.run([BUILD / "tests/proc/hawser_journal_edit", folder / f"{name}.000002.hwj", "removed"], check=True)
    lines = replay(folder)
    check(any(name in line and "(1 removed), from images" in line for line in lines), f"it was removed: {lines}")
    check(count(lines)[0] == whole[0] and 0 < count(replay(folder / name))[1] < whole[1], f"the rest is played: {lines}")


def said_by(*arguments, code):
    """The command's complaints; its exit code is as expected."""
    done = subprocess.run([str(word) for word in (BUILD / "hawser", "replay", *arguments)], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)
    check(done.returncode == code, f"replay {arguments}: exit code {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")
    return done.stderr


def test_what_is_not_there(world):
    """The error names what was asked for and is missing."""
    folder = recorded(world)
    name = closed_member(folder)
    check("/nonexistent is no directory" in said_by("/nonexistent", code=UNREADABLE), "not: no journal in /")
    check("/etc/passwd is no directory" in said_by("/etc/passwd", code=UNREADABLE), "a file")
    check(count(replay(folder / f"{name}.000001.hwj")) == count(replay(folder / name)), "a file's name will do")
    text = said_by("--until", f"peer@{name}:4000000", folder, code=UNREADABLE)
    check(re.search(r"no event 4000000 .*: there are 1 to \d+$", text.strip()), f"which there are: {text}")
    text = said_by("--until", "peer@member:5", folder, code=UNREADABLE)
    check("4 journals' names begin with member" in text, f"which of them: {text}")
    text = said_by("--until", "peer@nobody:5", folder, code=UNREADABLE)
    check("no journal's name in " in text, f"none of them: {text}")
    text = said_by("--until", "4000000", folder, code=UNREADABLE)
    check("no chosen actor has an event 4000000" in text, f"a number: {text}")


def test_histories_that_are_not_all_there(world):
    """A journal without its counterpart, or one that cannot be read, is no equal history."""
    folder = recorded(world)
    name = closed_member(folder)
    copy = edited(folder, name)
    (copy / f"{name}.000001.hwj").write_bytes(b"")
    lines = replay(copy, "--diff", copy, code=DAMAGED)
    check(any(f"{name}.000001.hwj is damaged at offset 0" in line for line in lines), f"it is named: {lines}")
    (copy / f"{name}.000001.hwj").unlink()
    for one, other in ((folder, copy), (copy, folder)):
        lines = replay(one, "--diff", other, code=DIFFERENT)
        check(any(line.startswith(f"{name}: no journal in ") for line in lines), f"the one without: {lines}")


def test_until_what_was_removed(world):
    """Events before the oldest image are not to be had; at the image the state is."""
    def work():
        with environment(HAWSER_JOURNAL_AGE_S="1"):
            master, members = world.start(2)
            began = time.monotonic()
            while time.monotonic() - began < 4:
                all_do(members, "reduce", count=100)
            world.end_well()
    folder = keep_journals("aged", work)
    name = next(path.name.split(".")[0] for path in sorted(folder.glob("member*.hwj")))
    lines = replay(folder, "--actor", f"peer@{name}", "--until", "1", "--state", code=UNREADABLE)
    found = [re.search(r"event 1 of its peer was removed; the oldest image is of event (\d+)", line) for line in lines]
    found = [match for match in found if match]
    check(found and not any("state after" in line for line in lines), f"it is said: {lines}")
    number = found[0][1]
    lines = replay(folder, "--actor", f"peer@{name}", "--until", number, "--state")
    check(f"state after peer@{name}:{number}:" in lines and count(lines) == (1, 0), f"the image's own: {lines}")
    lines = replay(folder, "--actor", f"peer@{name}", "--until", str(int(number) + 2))
    check(count(lines) == (1, 2), f"two events behind it: {lines}")
    text = said_by("--until", f"peer@{name}:1", folder, code=UNREADABLE)
    check(f"there are {int(number) + 1} to " in text, f"which there are: {text}")


def test_golden(world):
    """Journals of releases are replayed, or refused by their version: never misread."""
    folders = [path for path in sorted(GOLDEN.iterdir()) if path.is_dir()] if GOLDEN.exists() else []
    check(folders, "there are journals of releases")
    for folder in folders:
        done = subprocess.run([BUILD / "hawser", "replay", folder], capture_output=True, text=True, timeout=60)
        check(done.returncode in (OK, OTHER_VERSION), f"{folder.name}: {done.stdout}{done.stderr}")
        check(done.stdout.splitlines()[-1].startswith(("replay: OK ", "replay: OTHER VERSION ")), f"{folder.name}: {done.stdout}")


main(globals())
