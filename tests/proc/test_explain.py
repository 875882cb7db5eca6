# SPDX-License-Identifier: MIT
"""`hawser explain` and the relay of a whole run's trace, on real processes: one process, the master and files
show what waits for whom; a failure leaves a file; a slow tool slows nobody."""
import os
import re
import signal
import subprocess
import time

import zmtp
from harness import BUILD, SLOW, all_do, check, die_with_parent, environment, main

TROUBLE = 3


def hawser(world, *words, seconds=30.0):
    """Runs a command to its end: exit code and what it printed."""
    done = subprocess.run([str(BUILD / "hawser"), *map(str, words)], capture_output=True, text=True, timeout=seconds * SLOW)
    for line in (done.stdout + done.stderr).splitlines():
        world.note("hawser", line)
    return done.returncode, done.stdout + done.stderr


def explain(world, *words, code=TROUBLE):
    got, text = hawser(world, "explain", *words)
    check(got == code, f"explain {words}: exit code {got}, expected {code}: {text}")
    return text


def expect(pattern, text):
    check(re.search(pattern, text), f"expected {pattern!r} in: {text}")


def flights(world):
    folder = world.folder / "flight"
    return sorted(name for name in os.listdir(folder) if name.endswith(".flight")) if folder.exists() else []


def start(world, count, **options):
    os.environ["HAWSER_FLIGHT"] = str(world.folder / "flight")
    return world.start(count, **options)


def reduce_some(members, times, **words):
    for _ in range(times):
        all_ok(members, "reduce", count=1000, **words)


def test_a_stalled_run(world):
    """A member that does not make a call is named by whoever is asked, and by what its absence leaves behind."""
    master, members = start(world, 3)
    reduce_some(members, 3, tag=7)
    expect(r"^nothing waits: 3 operations were committed", explain(world, master.address, code=0))
    waiting, absent = members[:2], members[2]
    for member in waiting:
        member.tell("reduce", count=1000, tag=7, timeout_ms=8000 * SLOW)
    time.sleep(1.5)
    named = rf"^tag 7 \(all-reduce, number 3 of view 1\) waits for member {absent.peer}, which has not made the call"
    idle = named + r"; its reducer has been idle for \d"
    for target, pattern in ((master.address, idle), (waiting[0].pid, named), (absent.pid, idle)):
        expect(pattern, explain(world, target))
    text = explain(world, master.address, "--save", world.folder / "saved")
    expect(rf"member {absent.peer} \(pid {absent.pid}, ", text)
    expect(r"4 rings, ", text)
    expect(idle, explain(world, world.folder / "saved"))
    check(not flights(world), "a flight file though nothing has failed")
    for member in waiting:
        member.hear().expect(("HWS_E_TIMEOUT", "HWS_E_WITHDRAWN"))
    check(len(flights(world)) == 2, f"expected a file of each member whose call failed, got {flights(world)}")
    expect(rf"^tag 7 \(all-reduce, number 3 of view 1\) was given up .* ago at the deadline of member \d: "
           rf"member {absent.peer} had not made the call", explain(world, world.folder / "flight"))


def test_journals_are_enough(world):
    """Of a run that was recorded and killed while it stalled, with no file of a failure, the journals tell it."""
    folder = world.folder / "journal"
    with environment(HAWSER_JOURNAL=folder):
        _, members = start(world, 3, journal=folder)
        reduce_some(members, 3, tag=7)
        for member in members[:2]:
            member.tell("reduce", count=1000, tag=7, timeout_ms=60000)
        time.sleep(1.5)
        for process in world.processes:
            process.kill()
    text = explain(world, folder)
    expect(rf"^tag 7 \(all-reduce, number 3 of view 1\) waits for member {members[2].peer}, which has not made the call; "
           r"its reducer has been idle for \d", text)
    expect(rf"member {members[2].peer} \(pid {members[2].pid}\)", text)


def test_journals_tell_what_was_slow_and_what_drifted(world):
    """Of a run that ended well: nothing failed, and yet one member held up the others, and another's state had changed by itself."""
    folder = world.folder / "journal"
    with environment(HAWSER_JOURNAL=folder):
        _, members = start(world, 3, journal=folder)
        for member in members:
            member.state(bytes=8 << 20, seed=1).expect()
        all_ok(members, "sync")
        for _ in range(12):
            for member in members[:2]:
                member.tell("reduce", count=1000, tag=7)
            time.sleep(0.15)
            members[2].reduce(count=1000, tag=7).expect()
            for member in members[:2]:
                member.hear().expect()
        members[1].touch(times=1, stride=1 << 20).expect()
        all_ok(members, "sync")
        for member in members:
            member.close().expect()
        for process in world.processes:
            process.kill()
    text = explain(world, folder, "--all")
    expect(rf"member {members[2].peer} was slow: in 1[0-2] of the last 12 operations on tag 7 \(all-reduce\) it made its call last", text)
    expect(rf"the state of member {members[1].peer} had drifted: at revision 0, 1 of its blocks differed", text)


def test_journals_name_a_full_disk(world):
    """The master's journal has the file and the error, while it lasts and after."""
    folder, file = world.folder / "journal", world.folder / "run.state"
    master, (member, victim) = start(world, 2, journal=folder, state=file)
    (world.folder / "run.state.new").symlink_to("/dev/full")
    victim.kill()
    member.tell("reduce", count=1000, timeout_ms=60000, retry=True)
    why = rf"the master cannot write its state file .*{file.name}: No space left on device"
    lasts, past = rf"^for \S+ m?s no view could change: {why}", rf"no view could change for \S+ m?s, until .* ago: {why}"
    world.until(lambda: re.search(lasts, hawser(world, "explain", master.address)[1]), 10, "explain to name the full disk")
    expect(lasts, explain(world, folder))
    (world.folder / "run.state.new").unlink()
    member.hear().expect()
    expect(past, hawser(world, "explain", folder, "--all")[1])


def all_ok(members, command, **words):
    for answer in all_do(members, command, **words):
        answer.expect()


def test_a_killed_member(world):
    """The others' calls fail and leave files, and so does the master; together they say who went."""
    master, members = start(world, 3)
    reduce_some(members, 2)
    victim, *others = members
    for member in others:
        member.start(count=1000).expect()
    victim.kill()
    for answer in all_do(others, "wait"):
        answer.expect("HWS_E_MEMBER_LOST")
    expect(rf"^member {victim.peer} is gone: its connections to .*broke .* ago; the master removed it in view \d",
           explain(world, world.folder / "flight"))
    expect(rf"^member {victim.peer} is gone: ", explain(world, master.address))
    for member in others:
        member.view().expect()
    reduce_some(others, 1)
    expect(rf"^nothing waits: (.|\n)*member {victim.peer} is gone: ", explain(world, master.address, "--all", code=0))


def test_a_frozen_member(world):
    _, members = start(world, 3, dead_ms=60000)
    master = world.processes[0]
    reduce_some(members, 2)
    frozen, *others = members
    frozen.stop()
    for member in others:
        member.tell("reduce", count=1000, tag=7, timeout_ms=60000)
    time.sleep(2.5 * SLOW)
    began = time.monotonic()
    text = explain(world, master.address)
    check(time.monotonic() - began < 6 * SLOW, "one that does not answer is waited for too long")
    expect(rf"member {frozen.peer} stopped speaking .* ago: its last message was \w+; the master has not removed it yet", text)
    expect(rf"note: nothing came from member {frozen.peer}: stopped, cut off", text)
    frozen.proceed()
    frozen.reduce(count=1000, tag=7).expect()
    for member in others:
        member.hear().expect()


def test_one_process_is_asked(world):
    """Nothing is claimed that one ring cannot show; several processes are named as for hawser trace."""
    _, members = start(world, 3)
    reduce_some(members, 2)
    for member in members[:2]:
        member.tell("agree", vote=1, tag=9)
    time.sleep(1.5)
    expect(r"^tag 9 \(agree, number 0 of view 1\) waits: member \d made the call, and these rings do not say",
           explain(world, members[0].pid))
    both = rf"waits for member {members[2].peer}, which has not made the call"
    for targets in ([",".join(str(member.pid) for member in members)], [member.pid for member in members]):
        expect(both, explain(world, *targets))
    members[2].agree(vote=1, tag=9).expect()
    for member in members[:2]:
        member.hear().expect()


def test_different_calls(world):
    master, members = start(world, 2)
    members[0].tell("reduce", count=100, tag=7)
    members[1].tell("reduce", count=120, tag=7)
    for member in members:
        member.hear().expect("HWS_E_MISMATCH")
    sentence = (r"^members called different things on tag 7 \(all-reduce, number 0 of view 1\): "
                r"member 1 f32 x (100 sum, member 2 f32 x 120|120 sum, member 2 f32 x 100) sum")
    expect(sentence, explain(world, master.address))
    expect(sentence, explain(world, world.folder / "flight"))


def test_flight_files_are_few(world):
    """One a second at most, eight of one process, and the first of them stays."""
    _, (member, victim) = start(world, 2)
    victim.kill()
    member.reduce(count=1000).expect(("HWS_E_MEMBER_LOST", "HWS_E_VIEW"))
    (first,) = flights(world)[:1]
    began, calls = time.monotonic(), 0
    while time.monotonic() - began < 9.5:
        member.reduce(count=1000).expect("HWS_E_VIEW")
        calls += 1
        own = [name for name in flights(world) if name.startswith("member")]
        most = min(8, time.monotonic() - began + 2)
        check(len(own) <= most, f"{len(own)} files after {time.monotonic() - began:.1f} s and {calls} failed calls")
    check(calls > 1000, f"only {calls} calls failed in 9.5 s: are they slowed down?")
    check(len(own) == 8 and first in flights(world), f"of {first} and what followed there is {flights(world)}")


def test_bad_targets(world):
    code, text = hawser(world, "explain", world.folder)
    check(code == 1 and "no files *.flight" in text, f"exit code {code}: {text}")
    bad = world.folder / "bad.flight"
    bad.write_bytes(b"HWSRRNG1" + bytes(5000))
    code, text = hawser(world, "explain", bad)
    check(code == 1 and "is no ring file" in text, f"exit code {code}: {text}")
    code, text = hawser(world, "explain", world.folder)
    check(code == 1 and "damaged or of another build" in text, f"exit code {code}: {text}")
    code, text = hawser(world, "explain", "127.0.0.1:1")
    check(code == 1 and "no answer from a master" in text, f"exit code {code}: {text}")


def test_a_whole_run_is_traced(world):
    """Messages of the master and of every member come through the master; nothing is lost at this pace."""
    master, members = start(world, 3)
    reduce_some(members, 5)
    tracer = subprocess.Popen([str(BUILD / "hawser"), "trace", master.address, "--for", "3s"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    time.sleep(1)
    reduce_some(members, 5, tag=9)
    text = tracer.communicate(timeout=30 * SLOW)[0]
    check(tracer.returncode == 0, f"trace ended with code {tracer.returncode}: {text[-2000:]}")
    lines = text.splitlines()
    for who in ["master"] + [f"member {member.peer}" for member in members]:
        check(sum(who in line for line in lines) > 5, f"too few lines of {who} in: {text[:4000]}")
    expect(r"all_reduce/9#4@v1", text)
    check("trace_batch" not in text, "the trace traces itself")
    asked = sum("trace_want" in line for line in lines)
    check(asked <= 6, f"the master heard {asked} questions in 3 s")


def test_a_trace_waits_for_all_rings(world):
    """One member answers late, and another not at all: the first is in the trace, the second is named."""
    master, members = start(world, 3, dead_ms=60000)
    reduce_some(members, 2)
    late, frozen = members[0], members[1]
    late.stop()
    tracer = subprocess.Popen([BUILD / "hawser", "trace", master.address, "--message", "reply"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    time.sleep(0.6)
    late.proceed()
    out, errors = tracer.communicate(timeout=30 * SLOW)
    check(tracer.returncode == 0 and all(f"member {m.peer} (pid" in out for m in members), f"{errors}\n{out[-500:]}")
    check("nothing came from" not in errors, errors)
    frozen.stop()
    done = subprocess.run([BUILD / "hawser", "trace", master.address], capture_output=True, text=True, timeout=30 * SLOW)
    check(f"nothing came from member {frozen.peer}:" in done.stderr and ", 0 lost" in done.stderr, done.stderr)
    code, text = hawser(world, "explain", master.address)
    check(f"nothing came from member {frozen.peer}:" in text, text)
    frozen.proceed()


def test_a_stopped_tool_slows_nobody(world):
    master, members = start(world, 2)
    reduce_some(members, 1)

    def took():
        began = time.monotonic()
        reduce_some(members, 200)
        return time.monotonic() - began

    tracer = subprocess.Popen([str(BUILD / "hawser"), "trace", master.address, "--follow"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        tracer.send_signal(signal.SIGSTOP)
        before = master.resident_bytes()
        slow_s = took()
        check(slow_s < 20 * SLOW, f"200 operations took {slow_s:.1f} s beside a stopped tool")
        time.sleep(4)  # its last question is over: nothing is sent any more
        check(master.resident_bytes() - before < 64 << 20, "the master keeps what a stopped tool does not take")
    finally:
        tracer.kill()
        tracer.wait()


def test_tools_come_and_go(world):
    """One that ends makes room: many in a row are all served."""
    master, members = start(world, 2)
    reduce_some(members, 3)
    for number in range(10):
        explain(world, master.address, code=0)
        code, text = hawser(world, "trace", master.address, "--count", 5)
        check(code == 0, f"trace {number}: exit code {code}: {text}")


def test_hostile_tools_and_peers(world):
    """Questions that come too often are not heard, nor batches that nobody asked for; the run continues."""
    master, members = start(world, 2)
    flood = zmtp.Guest(master.address, zmtp.session(b"T", 1))
    for _ in range(2000):
        flood.send(zmtp.pack([22, 3000, 8 << 20, 1 << 30]))
    crowd = [zmtp.Guest(master.address, zmtp.session(b"T", number)) for number in range(2, 12)]
    for guest in crowd:
        guest.send(zmtp.pack([22, 3000, 1 << 20, 0]))
    liar = zmtp.Guest(master.address, zmtp.session(b"P", 99))
    for tool in (1, 77):
        liar.send(zmtp.pack([25, tool, 0, members[0].peer, 1, 1, "member", "x", 0, 1, 1, 5, []]))
    reduce_some(members, 50)
    code, text = hawser(world, "trace", members[0].pid, "--message", "trace_relay")
    check(code == 0, f"exit code {code}: {text}")
    heard = sum("trace_relay" in line and "master" in line for line in text.splitlines())
    check(0 < heard <= 20, f"member 1 was asked {heard} times for its trace")
    for guest in [flood, liar, *crowd]:
        guest.socket.close()


if __name__ == "__main__":
    main(globals())
