# SPDX-License-Identifier: MIT
"""Members that come, go, call something else, or do not call; addresses; fork."""
import os
import signal
import socket

from harness import MIB, all_do, check, ids, main, same

SOON_MS = 2000


def test_ipv6(world):
    """Master and members on [::1], a late one as well."""
    master, members = world.start(2, listen="[::1]:0", open_with=dict(listen="[::1]:0"))
    check(master.address.startswith("[::1]:"), f"the master is at {master.address}")
    newcomer = world.start_member(master)
    for member in (*members, newcomer):
        member.state(bytes=4 * MIB, seed=int(member is newcomer) + 1).expect()
    for answer in all_do(members, "sync"):
        answer.expect()
    world.join(members, newcomer, listen="[::1]:0")
    members.append(newcomer)
    answers = all_do(members, "sync")
    same(answers, "root")
    answers = all_do(members, "reduce", count=4 * MIB)
    for answer in answers:
        answer.expect(sum="right", members=ids(*members))
    same(answers, "hash")


def test_both_families_in_one_run(world):
    """A member that listens on [::1] is dialled by one that listens on 127.0.0.1, and the other way round."""
    master = world.start_master(first_members=2)
    members = [world.start_member(master) for _ in range(2)]
    for member, listen in zip(members, ("[::1]:0", "127.0.0.1:0")):
        member.tell("open", listen=listen)
    for member in members:
        member.hear().expect()
    for answer in all_do(members, "reduce", count=MIB):
        answer.expect(sum="right", members=ids(*members))


def test_different_calls_are_named(world):
    """100 elements here, 120 there: all learn who called what, nothing of the buffers is lost, the run continues."""
    _, members = world.start(3)
    odd, *others = members
    for member in others:
        member.start(tag=7, count=100, inplace=True).expect()
    odd.start(tag=7, count=120, inplace=True).expect()
    for answer in all_do(members, "wait"):
        answer.expect("HWS_E_MISMATCH", **{"class": "LOCAL"}, restored="yes", within_ms=SOON_MS)
        for words in (f"member {odd.peer} ", "f32 x 120", "f32 x 100", "tag 7"):
            check(words in answer.sentence, f"{words} is not in the sentence: {answer.line}")
    for member in members:
        member.view().expect(members=ids(*members))
    for answer in all_do(members, "reduce", tag=7, count=120):
        answer.expect(sum="right", members=ids(*members))


def test_large_and_small_calls_that_differ(world):
    """Also when much has been sent ahead of the comparison."""
    _, members = world.start(2)
    for member, count in zip(members, (16 * MIB, 1)):
        member.start(count=count, inplace=True).expect()
    for answer in all_do(members, "wait"):
        answer.expect("HWS_E_MISMATCH", restored="yes", within_ms=SOON_MS)
    for member in members:
        member.view().expect()
    for answer in all_do(members, "reduce", count=MIB):
        answer.expect(sum="right")


def test_one_member_never_calls(world):
    """The member that waited too long gets TIMEOUT, the others WITHDRAWN; nobody is removed, and the next call of all succeeds."""
    _, members = world.start(3)
    impatient, patient, absent = members
    patient.start(count=MIB, inplace=True, timeout_ms=20000).expect()
    impatient.reduce(count=MIB, inplace=True, timeout_ms=700).expect(
        "HWS_E_TIMEOUT", **{"class": "VIEW"}, restored="yes", after_ms=600, within_ms=700 + SOON_MS)
    answer = patient.wait().expect("HWS_E_WITHDRAWN", **{"class": "VIEW"}, restored="yes", within_ms=700 + SOON_MS)
    check(f"member {impatient.peer} " in answer.sentence, f"who withdrew is not in the sentence: {answer.line}")
    absent.reduce(count=MIB).expect("HWS_E_VIEW", within_ms=SOON_MS)
    for member in members:
        member.view().expect(members=ids(*members))
    answers = all_do(members, "reduce", count=MIB)
    for answer in answers:
        answer.expect(sum="right", members=ids(*members))
    same(answers, "hash")


def test_leaving_while_others_are_in_a_call(world):
    """Their call says who left; with `retry` it continues without that member. Nobody waits for a detection time."""
    _, (first, second, *others) = world.start(4)
    for member in (second, *others):
        member.start(count=16 * MIB, inplace=True).expect()
    first.close().expect(within_ms=1500)
    for answer in all_do([second, *others], "wait"):
        answer.expect("HWS_E_MEMBER_LOST", lost=[first.peer], restored="yes", within_ms=SOON_MS)
    for member in (second, *others):
        member.view().expect(members=ids(second, *others))
    for member in others:
        member.start(count=16 * MIB, retry=True).expect()
    second.close().expect(within_ms=1500)
    answers = [answer.expect(sum="right", members=ids(*others)) for answer in all_do(others, "wait")]
    same(answers, "hash")


def test_leaving_with_a_call_in_flight(world):
    """A started operation ends with CLOSED, its buffer restored, and can be waited for after the close."""
    _, (leaver, other) = world.start(2)
    leaver.start(count=MIB, inplace=True).expect()
    leaver.close().expect(within_ms=1500)
    leaver.wait().expect("HWS_E_CLOSED", restored="yes")
    other.reduce(count=10, retry=True).expect(sum="right", members=[other.peer])


def test_listening_beyond_loopback_needs_consent(world):
    """Member and master: refused without `insecure`, fine with it."""
    master = world.start_master(first_members=2)
    member, plain = world.start_member(master), world.start_member(master)
    for listen in ("0.0.0.0:0", "[::]:0"):
        answer = member.open(listen=listen).expect("HWS_E_INSECURE", **{"class": "LOCAL"}, within_ms=SOON_MS)
        check(listen in answer.sentence and "insecure" in answer.sentence, f"the sentence does not help: {answer.line}")
    member.tell("open", listen="0.0.0.0:0", insecure=True)
    plain.tell("open")
    for answer in (member.hear(), plain.hear()):
        answer.expect()
    for answer in all_do([member, plain], "reduce", count=MIB):
        answer.expect(sum="right")


def test_many_operations_on_many_tags(world):
    """Sixteen in flight on each of three members, started in different orders: pairs by tag, right in every one."""
    _, members = world.start(3)
    tags = list(range(16))
    for shift, member in enumerate(members):
        for tag in tags[5 * shift:] + tags[:5 * shift]:
            member.start(tag=tag, count=1000 * (tag + 1)).expect()
    hashes = {}
    for shift, member in enumerate(members):
        for tag in tags[5 * shift:] + tags[:5 * shift]:
            answer = member.wait().expect(sum="right", members=ids(*members))
            check(hashes.setdefault(tag, answer.hash) == answer.hash, f"tag {tag}: {answer.line}")


def test_a_vote(world):
    _, members = world.start(3)
    for member, vote in zip(members, (6, 7, 14)):
        member.tell("agree", tag=1, vote=vote)
    for member in members:
        member.hear().expect(agreed=6)
    for member, vote in zip(members, (6, 5, 14)):
        member.tell("agree", tag=2, vote=vote, min=True)
    for member in members:
        member.hear().expect(agreed=5)


def test_use_after_fork(world):
    """Every call in the child says FORKED and touches nothing: the parent's run continues."""
    _, members = world.start(2)
    answer = members[0].fork().expect()
    for call in ("reduce", "start", "agree", "view", "admit", "pending", "stats", "address", "close"):
        check(answer.fields.get(call) == "HWS_E_FORKED", f"{call} in the child: {answer.line}")
    for answer in all_do(members, "reduce", count=MIB):
        answer.expect(sum="right", members=ids(*members))


def test_a_child_does_not_hide_its_parents_death(world):
    """A child of the victim lives on with copies of its sockets: the others notice all the same, long before dead_ms."""
    master, (victim, *others) = world.start(3, dead_ms=20000)
    child = int(victim.leave_child().expect().fields["child"])
    try:
        for answer in all_do([victim, *others], "reduce", count=MIB):
            answer.expect(sum="right")
        for member in others:
            member.tell("reduce", count=MIB, retry=True)
        victim.kill()
        for member in others:
            member.hear().expect(members=ids(*others), sum="right", within_ms=SOON_MS)
    finally:
        os.kill(child, signal.SIGKILL)


def test_newcomers_that_cannot_be_dialled_hold_up_nobody(world):
    """They come again and again. The members' calls succeed at once, in the view that they have; a sound newcomer gets in."""
    master, members = world.start(2)
    with socket.socket() as reserved:  # bound and never listening: it refuses
        reserved.bind(("127.0.0.1", 0))
        nowhere = "127.0.0.1:%d" % reserved.getsockname()[1]
        for _ in range(3):
            bad = world.start_member(master)
            bad.tell("open", advertise=nowhere)
            for _ in range(20):
                for answer in all_do(members, "reduce", count=1000):
                    answer.expect(sum="right", attempts=1, view=1, pending=0)
            answer = bad.hear().expect("HWS_E_REFUSED")
            check(f" could not connect to it at {nowhere}" in answer.sentence, answer.line)
        newcomer = world.start_member(master)
        world.join(members, newcomer)
    for answer in all_do([*members, newcomer], "reduce", count=1000):
        answer.expect(sum="right", members=ids(*members, newcomer))


main(globals())
