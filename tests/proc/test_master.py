# SPDX-License-Identifier: MIT
"""The master killed, frozen, or not there at all: every call comes back by its deadline and grace, and says what it knows."""
import re
import socket
import subprocess
import time
from pathlib import Path

from harness import BUILD, MIB, all_do, check, ids, main, same

LATE_MS = 1500


def test_killed_with_calls_in_flight(world):
    """Calls that need a decision end in OUTCOME_UNKNOWN by deadline + grace; their in-place buffers are restored."""
    master, members = world.start(3, open_with=dict(timeout_ms=1000, grace_ms=1000))
    absent, *callers = members
    for member in callers:
        member.start(tag=1, count=MIB, inplace=True).expect()
        member.start(tag=2, count=1000).expect()
    master.kill()
    absent.tell("agree", vote=1)
    for member in callers:
        member.wait().expect("HWS_E_OUTCOME_UNKNOWN", **{"class": "RUN"}, restored="yes", after_ms=1000,
                             within_ms=2000 + LATE_MS)
        second = member.wait().expect("HWS_E_OUTCOME_UNKNOWN", within_ms=2000 + LATE_MS)
        check(master.address in second.sentence, f"the sentence does not name the master: {second.line}")
    for command in ("reduce", "agree", "admit", "view"):
        callers[0].ask(command).expect("HWS_E_OUTCOME_UNKNOWN", within_ms=500)
    absent.hear().expect("HWS_E_OUTCOME_UNKNOWN", **{"class": "RUN"}, within_ms=2000 + LATE_MS)
    for answer in all_do(members, "close"):
        answer.expect(within_ms=1000 + LATE_MS)


def test_killed_between_calls(world):
    """Tensors still travel, but nobody can decide: the new calls of all members are bounded too, every kind of them."""
    master, members = world.start(4, open_with=dict(timeout_ms=700, grace_ms=500))
    for member in members:
        member.state(bytes=MIB, seed=1).expect()
    master.kill()
    for member, command in zip(members, ("reduce", "agree", "admit", "sync")):
        member.tell(command)
    for member in members:
        member.hear().expect("HWS_E_OUTCOME_UNKNOWN", **{"class": "RUN"}, within_ms=1200 + LATE_MS)


def test_killed_and_nobody_decides_a_complete_result(world):
    """All hold the sum, and it is not given out: who cannot hear the decision must not say OK."""
    master, members = world.start(2, open_with=dict(timeout_ms=700, grace_ms=500))
    master.kill()
    for answer in all_do(members, "reduce", count=MIB, inplace=True, retry=True):
        answer.expect("HWS_E_OUTCOME_UNKNOWN", restored="yes", within_ms=1200 + LATE_MS)


def frozen(world, dead_ms):
    master, members = world.start(3, dead_ms=dead_ms)
    for answer in all_do(members, "reduce", count=MIB):
        answer.expect(sum="right")
    master.stop()
    for member in members:
        member.tell("reduce", count=MIB, inplace=True, timeout_ms=20000)
    time.sleep(1.5)
    master.proceed()
    answers = [member.hear().expect(sum="right", attempts=1, members=ids(*members), after_ms=1000) for member in members]
    same(answers, "hash")


def test_frozen_shorter_than_the_deadline(world):
    """The call just succeeds later."""
    frozen(world, 5000)


def test_frozen_longer_than_the_detection_time(world):
    """It must not take its own sleep for the members' death."""
    frozen(world, 500)


def no_answer_from(world, address):
    member = world.start_member(address)
    answer = member.open(open_ms=800).expect("HWS_E_UNREACHABLE", **{"class": "RUN"}, after_ms=700, within_ms=800 + LATE_MS)
    check(address in answer.sentence and "800 ms" in answer.sentence, f"not in the sentence: {answer.line}")


def test_unreachable(world):
    """Nobody listens there, somebody else does, or it answers garbage: the address and the deadline are in the sentence."""
    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as silent:
        closed.bind(("127.0.0.1", 0))  # not listening: connections are refused
        no_answer_from(world, "127.0.0.1:%d" % closed.getsockname()[1])
        no_answer_from(world, "127.0.0.1:%d" % silent.getsockname()[1])
    world.start_member("no-such-host.invalid:4000").open(open_ms=800).expect("HWS_E_UNREACHABLE", within_ms=20000)


def test_not_admitted_in_time(world):
    """A reached master that has too few members is another sentence."""
    master = world.start_master(first_members=2)
    answer = world.start_member(master).open(open_ms=600).expect("HWS_E_NOT_ADMITTED", after_ms=500, within_ms=600 + LATE_MS)
    check("not admitted" in answer.sentence, f"the sentence does not say so: {answer.line}")


def test_the_door_opens_late(world):
    """Members that were started before their master find it when it comes."""
    with socket.socket() as reserved:  # bound and never listening: the port stays free for the master, and for nobody else
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % reserved.getsockname()[1]
        member = world.start_member(address)
        member.tell("open")
        time.sleep(0.3)
        world.start_master(listen=address)
        member.hear().expect(within_ms=5000)
        member.reduce(count=10).expect(sum="right")


def test_the_log_tells_who_came_and_went(world):
    """A line for each member and each view, with the reason of a removal; --quiet has none."""
    master, (first, second) = world.start(2, dead_ms=1000)
    third = world.start_member(master)
    world.join([first, second], third)
    second.kill()
    logged(world, master, rf"member {second.peer} was removed: ")
    third.close().expect()
    low, high = sorted(int(member.peer) for member in (first, second))  # in the order of their registrations
    for line in (rf"member {first.peer} came and waits to be admitted: {first.listens} \(process {first.pid} on ",
                 rf"view 1: 2 members \({low}, {high}\), 0 waiting$", rf"view 2: 3 members ", rf"member {third.peer} left$",
                 rf"view \d+: 1 member \({first.peer}\), 0 waiting$"):
        logged(world, master, line)
    quiet = world.start_master(name="quiet", quiet=True)
    world.start_member(quiet).open().expect()
    check(quiet.log() == "", f"a quiet master said: {quiet.log()}")


def logged(world, master, pattern):
    line = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ " + pattern, re.M)
    world.until(lambda: line.search(master.log()), 10, f"the log to say {pattern!r}")


TROUBLE = "cannot write its state file"


def test_a_full_disk_is_named_and_heals(world):
    """The next view's number cannot be kept, so nobody decides: everybody says why, at once, and it ends with the trouble."""
    file = world.folder / "run.state"
    master, (patient, hasty, victim) = world.start(3, state=file, new_run=True, open_with=dict(grace_ms=1000))
    Path(f"{file}.new").symlink_to("/dev/full")
    victim.kill()
    patient.tell("reduce", count=1000, timeout_ms=60000, retry=True)
    world.until(lambda: TROUBLE in status(master), 10, "status to name the full disk")
    shown = status(master)
    check(f"{file.name}: No space left on device" in shown, f"the file and the error are not in the status: {shown}")
    answer = hasty.reduce(count=1000, timeout_ms=1000).expect("HWS_E_OUTCOME_UNKNOWN", within_ms=2000 + LATE_MS)
    logged(world, master, rf"no view can change: .*{file.name}: No space left on device")
    check(TROUBLE in answer.sentence and "No space left on device" in answer.sentence, f"not in the sentence: {answer.line}")
    Path(f"{file}.new").unlink()
    patient.hear().expect(members=ids(patient), sum="right")
    world.until(lambda: TROUBLE not in status(master), 10, "status to forget the full disk")
    logged(world, master, "the state file can be written again")


def status(master):
    return subprocess.run([BUILD / "hawser", "status", master.address], capture_output=True, text=True, check=True).stdout


main(globals())
