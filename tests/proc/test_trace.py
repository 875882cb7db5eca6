# SPDX-License-Identifier: MIT
"""hawser trace on running processes: lines, filters, losses, pictures; and who may not look, and what a stopped tracer
costs (nothing)."""
import array
import collections
import fcntl
import json
import mmap
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from harness import BUILD, SLOW, all_do, check, die_with_parent, main

HAWSER = BUILD / "hawser"
RING_RECORDS = 1 << 15
NOBODY = 65534
LINE = re.compile(r"^(\d\d:\d\d:\d\d\.\d{6})  (.+?) \(pid (\d+)\)\s+(\S.*?) -> (\S.*?)  (\w+)\{(.*)\}  (said|waited [\d.]+ [mu]?s)$")
SUMMARY = re.compile(r"hawser trace: (\d+) messages (?:shown|drawn), (\d+) lost")

Line = collections.namedtuple("Line", "time process pid sender to message fields end")

# Everything these tests start has its sockets here, wherever the machine keeps those of others.
RUNTIME = tempfile.mkdtemp(prefix="hawser-xdg-")
os.environ["XDG_RUNTIME_DIR"] = RUNTIME
DIRECTORY = Path(RUNTIME) / "hawser"


def trace(*arguments, code=0, seconds=30, **options):
    done = subprocess.run([str(word) for word in (HAWSER, "trace", *arguments)], capture_output=True, text=True,
                          timeout=seconds * SLOW, stdin=subprocess.DEVNULL, **options)
    check(done.returncode == code, f"trace {arguments}: code {done.returncode}, not {code}\n{done.stdout[-500:]}{done.stderr}")
    return done


def lines(text):
    found = [(line, LINE.match(line)) for line in text.splitlines() if not line.startswith("-- lost ")]
    for line, match in found:
        check(match is not None, f"not a line of a trace: {line}")
    return [Line(*match.groups()) for _, match in found]


def summary(done):
    match = SUMMARY.search(done.stderr)
    check(match is not None, f"no summary in {done.stderr!r}")
    return int(match[1]), int(match[2])


def work(members, times=3, tag=7):
    for _ in range(times):
        for answer in all_do(members, "reduce", tag=tag, count=1000):
            answer.expect()


def sockets(pid):
    return sorted(path.name for path in DIRECTORY.glob(f"{pid}-*.sock"))


def test_lines_and_filters(world):
    """Everything of a few operations is there, in order, and each filter leaves what it names."""
    master, members = world.start(2)
    work(members)
    for answer in all_do(members, "agree", vote=1, tag=9):
        answer.expect()
    pids = ",".join(str(process.pid) for process in (master, *members))
    done = trace(pids)
    every = lines(done.stdout)
    check(summary(done) == (len(every), 0), f"{len(every)} lines, but {done.stderr}")
    check([line.time for line in every] == sorted(line.time for line in every), "lines are not in the order of time")
    names = collections.Counter(line.message for line in every)
    for message, least in (("request", 8), ("op_start", 6), ("chunk", 6), ("done", 8), ("commit", 8), ("reply", 8)):
        check(names[message] >= least, f"{names[message]} {message}, at least {least} were handled")
    first = members[0]
    check(any(line.process == f"member {first.peer}" and line.pid == str(first.pid) for line in every), "a member's name")
    check(any(line.sender == f"peer of member {first.peer}" and line.to == "master" for line in every), "a session's name")
    check({line.message for line in lines(trace(pids, "--message", "commit").stdout)} == {"commit"}, "--message")
    both = lines(trace(pids, "--message", "commit", "--message", "done").stdout)
    check({line.message for line in both} == {"commit", "done"}, "--message twice")
    for line in lines(trace(pids, "--actor", "reducer").stdout):
        check("reducer" in (line.sender, line.to), f"--actor reducer: {line}")
    tagged = lines(trace(pids, "--tag", 9).stdout)
    check(tagged and all("tag=9" in line.fields or "/9#" in line.fields for line in tagged), f"--tag 9: {tagged}")
    check(not lines(trace(pids, "--view", 77).stdout), "--view 77")
    check(lines(trace(pids, "--view", 1).stdout), "--view 1")
    check({line.pid for line in lines(trace(pids, "--member", 0).stdout)} == {str(master.pid)}, "--member 0")
    check({line.pid for line in lines(trace(pids, "--member", first.peer).stdout)} == {str(first.pid)}, "--member")
    check(len(lines(trace(pids, "--count", 5).stdout)) == 5, "--count 5")


def test_follow(world):
    """Only news; ends at Ctrl-C, after its time, after its count, and with the process."""
    _, members = world.start(2)
    work(members)
    watched = members[0]
    begin = time.monotonic()
    done = trace(watched.pid, "--for", "300ms", "--message", "request")
    check(time.monotonic() - begin >= 0.3 and not lines(done.stdout), f"news only: {done.stdout}")
    for how in ("signal", "count", "end"):
        more = ["--count", "2"] if how == "count" else []
        tracer = subprocess.Popen([HAWSER, "trace", str(watched.pid), "--follow", "--message", "request", *more], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        if how == "end":
            time.sleep(0.3 * SLOW)
            for member in members:
                member.close().expect()
            watched.kill()
        else:
            deadline = time.monotonic() + 20 * SLOW
            while not select.select([tracer.stdout], [], [], 0)[0]:
                check(time.monotonic() < deadline, "nothing is followed")
                work(members, times=2)
            if how == "signal":
                tracer.send_signal(signal.SIGINT)
        out, errors = tracer.communicate(timeout=20 * SLOW)
        check(tracer.returncode == 0 and SUMMARY.search(errors), f"{how}: code {tracer.returncode}, {errors}")
        if how != "end":
            got = lines(out)
            check(got and {line.message for line in got} == {"request"}, f"{how}: {got}")
            check(how != "count" or len(got) == 2, f"{len(got)} lines, not 2")


def test_what_cannot_be_written(world):
    """Said at once, and with the exit code: lines to a full device, a picture in no directory; and how a trace ended."""
    _, (member,) = world.start(1)
    with open("/dev/full", "w") as full:
        done = subprocess.run([HAWSER, "trace", str(member.pid), "--follow", "--from-start"], stdout=full, text=True,
                              stderr=subprocess.PIPE, timeout=20 * SLOW)
    check(done.returncode == 1 and "No space left" in done.stderr, f"{done}")
    begin = time.monotonic()
    done = trace(member.pid, "--for", "20s", "--perfetto", world.folder / "no" / "picture.json", code=1)
    check(time.monotonic() - begin < 10 * SLOW and "cannot write" in done.stderr, f"{done}")
    tracer = subprocess.Popen([HAWSER, "trace", str(member.pid), "--follow", "--from-start"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    check(tracer.stdout.readline(), "the tracer began")
    member.kill()
    _, errors = tracer.communicate(timeout=20 * SLOW)
    check(tracer.returncode == 0 and "the processes have ended" in errors, errors)


def begin_tracing(world, pid, *options):
    """A tracer from the start of a process on, stopped once it has the ring in its memory."""
    tracer = subprocess.Popen([str(word) for word in (HAWSER, "trace", pid, "--from-start", "--follow", *options)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    world.until(lambda: "hawser-ring" in Path(f"/proc/{tracer.pid}/maps").read_text(), 20 * SLOW, "the tracer to attach")
    tracer.send_signal(signal.SIGSTOP)
    return tracer


def test_losses_are_exact(world):
    """Tracers that sleep through more than the ring holds: what they show and what they count is all there was."""
    _, members = world.start(2)
    picture = world.folder / "picture.json"
    pid = members[0].pid
    drawing, printing = begin_tracing(world, pid, "--perfetto", picture), begin_tracing(world, pid)
    for answer in all_do(members, "loop", calls=RING_RECORDS // 4, count=16):
        answer.expect(sum="right")
    drawing.send_signal(signal.SIGCONT)
    printing.send_signal(signal.SIGCONT)
    time.sleep(1.5 * SLOW)
    for tracer in (drawing, printing):
        tracer.send_signal(signal.SIGINT)
    _, errors = drawing.communicate(timeout=60 * SLOW)
    drawn, lost = map(int, SUMMARY.search(errors).groups())
    events = json.loads(picture.read_text())["traceEvents"]
    numbers = {event["args"]["number"] for event in events if "number" in event.get("args", {})}
    check(lost > 0 and drawn == len(numbers) and drawn >= RING_RECORDS, f"{drawn} drawn, {lost} lost, {len(numbers)} numbers")
    check(drawn + lost == max(numbers), f"{drawn} drawn and {lost} lost are not {max(numbers)}")
    out, errors = printing.communicate(timeout=60 * SLOW)
    shown, lost = map(int, SUMMARY.search(errors).groups())
    said = sum(map(int, re.findall(r"^-- lost (\d+) messages of member", out, re.M)))
    check(lost > 0 and said == lost, f"{lost} lost, {said} said when it happened")
    check(shown == len(lines(out)), f"{shown} shown, {len(lines(out))} lines")


def nest(slices):
    """True if of any two slices either one is within the other, or they do not overlap."""
    ends = []
    for low, high in sorted(slices, key=lambda one: (one[0], -one[1])):
        while ends and ends[-1] <= low and ends[-1] < high:
            ends.pop()
        if ends and high > ends[-1]:
            return False
        ends.append(high)
    return True


def test_picture(world):
    """Every arrow has two ends, in the right order and on slices; spans are balanced; tracks have names."""
    master, members = world.start(2)
    work(members, times=20)
    picture = world.folder / "picture.json"
    trace(",".join(str(process.pid) for process in (master, *members)), "--perfetto", picture)
    events = json.loads(picture.read_text())["traceEvents"]
    by_phase = collections.defaultdict(list)
    for event in events:
        by_phase[event["ph"]].append(event)
    names = {event["args"].get("name") for event in by_phase["M"]}
    check({"master", f"member {members[0].peer}", "peer", "reducer"} <= names, f"tracks: {names}")
    slices = collections.defaultdict(list)
    for event in by_phase["X"]:
        slices[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    check(len({event["args"]["labels"] for event in by_phase["M"] if event["name"] == "process_labels"}) == 3, "labels")
    named = {(event["pid"], event["tid"]) for event in by_phase["M"] if event["name"] == "thread_name"}
    check({(event["pid"], event["tid"]) for event in events} - named <= {(event["pid"], 0) for event in by_phase["M"]}, "names of tracks")
    for track, all_slices in slices.items():
        exact = [(round(low * 1000), round(low * 1000) + round((high - low) * 1000)) for low, high in all_slices]
        check(nest(exact), f"slices of {track} overlap")
    check(any(low < high for all_slices in slices.values() for low, high in all_slices), "no slice has a length")
    starts = {event["id"]: event for event in by_phase["s"]}
    ends = {event["id"]: event for event in by_phase["f"]}
    check(starts.keys() == ends.keys() and starts, "arrows without two ends")
    crossing = 0
    for number, start in starts.items():
        end = ends[number]
        check(end["ts"] >= start["ts"], f"backwards: {start} {end}")
        crossing += start["pid"] != end["pid"]
        for event in (start, end):
            check(any(low <= event["ts"] <= high for low, high in slices[event["pid"], event["tid"]]), f"no slice: {event}")
    check(crossing >= 20 * 6, f"{crossing} arrows between processes")
    begun = collections.Counter((event["cat"], event["id"]) for event in by_phase["b"])
    check(begun == collections.Counter((event["cat"], event["id"]) for event in by_phase["e"]), "unbalanced spans")
    spans = collections.Counter((event["cat"], event["name"]) for event in by_phase["b"])
    check(spans["operation", "all_reduce/7"] == 40, f"spans: {spans}")
    check(spans["data", f"data to member {members[0].peer}"] >= 20, f"spans: {spans}")


def ask(path, seconds=5):
    """The ring that a host hands out: a descriptor and how many bytes it has, or nothing."""
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(seconds)
        end.connect(str(path))
        data, extra, _, _ = end.recvmsg(64, socket.CMSG_SPACE(4))
    descriptors = array.array("i")
    for level, kind, content in extra:
        check((level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS), "another kind of message")
        descriptors.frombytes(content[:4])
    return (descriptors[0], struct.unpack("<IIQ", data)[2]) if descriptors else (None, 0)


def pretend(content, seals, code):
    """Has `hawser trace` and `hawser explain` attach to this process, which hands out `content` as its ring."""
    memory = os.memfd_create("ring", os.MFD_ALLOW_SEALING)
    os.write(memory, content)
    if seals:
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    path = DIRECTORY / f"{os.getpid()}-1.sock"
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))
        end.listen(8)
        for words in (["trace"], ["explain"], ["trace", "--perfetto", "/dev/null"]):
            tool = subprocess.Popen([HAWSER, words[0], str(os.getpid()), *words[1:]], text=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, preexec_fn=die_with_parent)
            while tool.poll() is None:
                if select.select([end], [], [], 0.02)[0]:
                    guest, _ = end.accept()
                    socket.send_fds(guest, [struct.pack("<IIQ", 0x31525748, 0, len(content))], [memory])
                    guest.close()
            _, errors = tool.communicate()
            check(tool.returncode in code, f"{words}: code {tool.returncode}, not in {code}: {errors[-1500:]}")
    path.unlink()
    os.close(memory)
    return errors


def test_rings_that_are_none(world):
    """A tool ends in good order, whatever a process hands out as its ring."""
    _, members = world.start(2)
    work(members, times=20)
    descriptor, size = ask(DIRECTORY / sockets(members[0].pid)[0])
    with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as mapped:
        good = mapped[:]
    os.close(descriptor)
    check("another version" in pretend(good, seals=False, code=(1,)), "memory that can be cut short is refused")
    pretend(good, seals=True, code=(0, 3))
    any_code, draw = (0, 1, 3), random.Random(1)
    pretend(good[:12] + struct.pack("<I", 1 << 24) + good[16:], True, any_code)  # as if it had far more records
    pretend(good[:24] + struct.pack("<Q", 2 ** 64 - 1) + good[32:], True, any_code)
    pretend(good[:32] + struct.pack("<Q", 1) + good[40:], True, any_code)  # a head that is being written for ever
    for words in range(3):
        torn = bytearray(good[:1 << 16])
        torn[12:16] = struct.pack("<I", 512)
        for at in range(40 if words else 256, len(torn) - 8, 8):
            if draw.random() < (0.02, 0.3, 0.9)[words]:
                torn[at:at + 8] = draw.randbytes(8)
        pretend(bytes(torn), True, any_code)


def refuses(what, *arguments, errors=(OSError, ValueError)):
    try:
        what(*arguments)
    except errors:
        return True
    return False


def test_the_ring_can_only_be_read(world):
    """The descriptor can be mapped for reading, and nothing else can be done with it."""
    _, members = world.start(1)
    check(DIRECTORY.stat().st_mode & 0o777 == 0o700, f"the directory's mode is {DIRECTORY.stat().st_mode:o}")
    descriptor, size = ask(DIRECTORY / sockets(members[0].pid)[0])
    check(descriptor is not None and os.fstat(descriptor).st_size == size, "no ring was handed out")
    mapped = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
    check(mapped[:8] == b"HWSRRNG1", "not a ring")
    check(refuses(mmap.mmap, descriptor, size, mmap.MAP_SHARED, mmap.PROT_WRITE), "it can be mapped for writing")
    check(refuses(os.write, descriptor, b"x"), "it can be written")
    check(refuses(os.ftruncate, descriptor, 0), "it can be cut")
    try:
        again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)
    except OSError:
        again = None
    if again is not None:
        check(refuses(os.ftruncate, again, 0), "opened anew it can be cut")
        if tuple(map(int, os.uname().release.split(".")[:2])) >= (5, 1):
            check(refuses(os.write, again, b"x"), "opened anew it can be written")
            check(refuses(mmap.mmap, again, size, mmap.MAP_SHARED, mmap.PROT_WRITE), "opened anew it can be mapped")
        os.close(again)
    mapped.close()
    os.close(descriptor)


def as_nobody(function):
    """Runs `function` as another user; its exit code."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(function())
        except BaseException:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_other_users_see_nothing(world):
    """Neither by the command nor, if the directory were open, by the socket."""
    if os.geteuid() != 0:
        return
    _, members = world.start(1)
    pid = members[0].pid
    path = DIRECTORY / sockets(pid)[0]
    shutil.copy(HAWSER, world.folder / "hawser")
    os.chmod(world.folder, 0o755)
    os.chmod(world.folder / "hawser", 0o755)
    command = [str(world.folder / "hawser"), "trace", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, preexec_fn=lambda: os.setuid(NOBODY))
    check(done.returncode == 1 and f"process {pid}" in done.stderr and not done.stdout, f"{done}")

    def try_it():
        return 0 if ask(path)[0] is None else 1

    check(as_nobody(try_it) == 99, "another user reached the socket")
    os.chmod(RUNTIME, 0o755)
    os.chmod(DIRECTORY, 0o755)
    os.chmod(path, 0o777)
    try:
        check(as_nobody(try_it) == 0, "another user was given the ring")
    finally:
        os.chmod(DIRECTORY, 0o700)
        os.chmod(RUNTIME, 0o700)
    descriptor, _ = ask(path)
    check(descriptor is not None, "the own user is refused")
    os.close(descriptor)


def test_directories_that_are_not_safe(world):
    """A link or an open directory is not used; a member that can use none works all the same and is not traced."""
    for number, kind in enumerate(("link", "open")):
        base = world.folder / f"xdg{number}"
        base.mkdir()
        target = world.folder / f"target{number}"
        target.mkdir(mode=0o700)
        if kind == "link":
            (base / "hawser").symlink_to(target)
        else:
            (base / "hawser").mkdir()
            os.chmod(base / "hawser", 0o755)
            target = base / "hawser"
        os.environ["XDG_RUNTIME_DIR"] = str(base)
        try:
            master = world.start_master(name=f"master{number}")
        finally:
            os.environ["XDG_RUNTIME_DIR"] = RUNTIME
        check(not list(target.iterdir()), f"{kind}: {list(target.iterdir())}")
        check(list(Path(f"/tmp/hawser-{os.geteuid()}").glob(f"{master.pid}-*.sock")), f"{kind}: no other was used")
        check(trace(master.pid).returncode == 0, "the other one is found")
    if os.geteuid() == 0:
        not_traced(world)


def not_traced(world):
    """/tmp/hawser-NOBODY belongs to somebody else."""
    theirs = Path(f"/tmp/hawser-{NOBODY}")
    check(not theirs.exists(), f"{theirs} is in the way")
    theirs.mkdir(mode=0o700)
    environment = {key: value for key, value in os.environ.items() if key != "XDG_RUNTIME_DIR"}
    shutil.copy(HAWSER, world.folder / "hawser")
    os.chmod(world.folder, 0o755)
    os.chmod(world.folder / "hawser", 0o755)
    master = subprocess.Popen([str(world.folder / "hawser"), "master", "--listen", "127.0.0.1:0"], text=True, cwd="/",
                              stdout=subprocess.PIPE, env=environment, preexec_fn=lambda: os.setuid(NOBODY))
    try:
        check("127.0.0.1:" in master.stdout.readline(), "a master that cannot be traced does not start")
        check(not list(theirs.iterdir()), "somebody else's directory was used")
        done = trace(master.pid, code=1)
        check(str(master.pid) in done.stderr, done.stderr)
    finally:
        master.terminate()
        master.wait(10)
        master.stdout.close()
        theirs.rmdir()


def test_names_of_the_dead_go(world):
    """A killed process leaves its socket; the next host removes it; one that ends well removes its own."""
    master = world.start_master()
    killed = world.start_master(name="killed")
    check(len(sockets(killed.pid)) == 1, f"{sockets(killed.pid)}")
    killed.kill()
    check(len(sockets(killed.pid)) == 1, "nobody can have removed it")
    done = trace(killed.pid, code=1)
    check("no such process" in done.stderr, done.stderr)
    (DIRECTORY / "notes.txt").write_text("not a socket")
    third = world.start_master(name="third")
    check(not sockets(killed.pid), "the dead one's socket is still there")
    check(len(sockets(master.pid)) == 1 and len(sockets(third.pid)) == 1, "a living one's is gone")
    check((DIRECTORY / "notes.txt").exists(), "something else was removed")
    third.child.terminate()
    third.child.wait(10)
    check(not sockets(third.pid), "it left its socket")


def test_targets_that_are_none(_):
    """Said in a sentence."""
    check("such process" in trace(2 ** 22 + 5, code=1).stderr, "no such process")
    check("nothing of Hawser" in trace(os.getpid(), code=1).stderr, "nothing of Hawser")
    for words in (["nonsense"], [], ["1", "2"], ["1", "--actor", "king"], ["1", "--message", "gossip"], ["1", "--tag", "x"],
                  ["1", "--for", "long"], ["1,,2"], ["0"]):
        check(trace(*words, code=2).stderr.count("\n") == 1, f"{words}")
    check("--perfetto" in trace("--help").stdout, "help")


def test_a_stopped_tracer_costs_nothing(world):
    """A stream of small all-reduces, without a tracer and with one that is attached to all its processes and stopped."""
    best = {}
    for _ in range(3):
        for kind in ("without", "stopped"):
            bench = subprocess.Popen([HAWSER, "bench", "all-reduce", "--sizes", "4K", "--repeats", "1000", "--json"], text=True,
                                     stdout=subprocess.PIPE, preexec_fn=die_with_parent)
            tracer = None
            if kind == "stopped":
                tracer = stopped_tracer(world, bench.pid)
            out, _ = bench.communicate(timeout=120)
            check(bench.returncode == 0, "the bench")
            if tracer:
                check(Path(f"/proc/{tracer.pid}/stat").read_text().rpartition(") ")[2][0] in "Tt", "the tracer is not stopped")
                tracer.kill()
                tracer.communicate()
            took = json.loads(out)["median_s"]
            best[kind] = min(best.get(kind, took), took)
    check(best["stopped"] < best["without"] * 1.3, f"medians: {best}")


def stopped_tracer(world, parent):
    def children():
        return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    world.until(lambda: len(children()) == 3 and all(sockets(pid) for pid in children()), 20, "the bench's processes")
    tracer = subprocess.Popen([HAWSER, "trace", ",".join(children()), "--from-start", "--follow"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    check(tracer.stdout.readline(), "the tracer began")
    tracer.send_signal(signal.SIGSTOP)
    return tracer


try:
    main(globals())
finally:
    shutil.rmtree(RUNTIME, ignore_errors=True)
