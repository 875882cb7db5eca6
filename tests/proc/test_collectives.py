# SPDX-License-Identifier: MIT
"""Reduce-scatter, all-gather, broadcast and barrier between processes; many at once; calls that do not match."""
import subprocess
import time

from harness import BUILD, MIB, all_do, check, ids, main

SOON_MS = 2000


def expect_right(answers, members, **fields):
    for answer in answers:
        answer.expect(sum="right", members=ids(*members), **fields)


def test_parts(world):
    """Every member gets its part, in place and not, small and large."""
    _, members = world.start(3)
    for count in (1, 1000, 3 * MIB + 1):
        for inplace in (False, True):
            answers = all_do(members, "scatter", count=count, inplace=inplace)
            expect_right(answers, members)
            for answer in answers:
                rank = answer.rank
                check(answer.offset == rank * count // 3, f"a wrong part: {answer.line}")
                check(answer.count == (rank + 1) * count // 3 - rank * count // 3, f"a wrong part: {answer.line}")


def test_gathered(world):
    """All members hold what all gave, equal counts and others, none as well."""
    _, members = world.start(3)
    members.sort(key=lambda member: member.peer)  # by rank
    for count in (1, 1000, MIB):
        expect_right(all_do(members, "gather", count=count, room=3 * count), members)
        for rank, member in enumerate(members):
            member.tell("gather", count=count, room=3 * count, inplace=True, rank=rank)
        expect_right([member.hear() for member in members], members)
    for rank, member in enumerate(members):
        member.tell("gather", count=rank * MIB, room=3 * MIB, unequal=True)
    for rank, answer in enumerate([member.hear() for member in members]):
        answer.expect(sum="right", offset=(0, 0, MIB)[rank], count=rank * MIB)


def test_broadcast(world):
    """From each member in turn; then from one that is none."""
    _, members = world.start(3)
    for root in members:
        for count in (1, 1000, 4 * MIB):
            for inplace in (False, True):
                expect_right(all_do(members, "broadcast", count=count, root=root.peer, inplace=inplace), members)
    for answer in all_do(members, "broadcast", count=10, root=77, inplace=True):
        answer.expect("HWS_E_MEMBER_LOST", sum="right", within_ms=SOON_MS)
        check("member 77, the root of broadcast" in answer.sentence, f"the root is not named: {answer.line}")
    for member in members:
        member.view().expect()
    expect_right(all_do(members, "broadcast", count=10, root=members[0].peer), members)


def test_input_of_the_root_only(world):
    """The others pass none; a root that passes none gets an error at once, and the run continues."""
    _, members = world.start(3)
    root, *others = members
    root.broadcast(count=10, root=root.peer, without=True).expect("HWS_E_INVALID", **{"class": "LOCAL"})
    for member in others:
        member.tell("broadcast", count=1000, root=root.peer, without=True)
    root.broadcast(count=1000, root=root.peer).expect(sum="right", members=ids(*members))
    expect_right([member.hear() for member in others], members)


def test_root_killed(world):
    """The others learn that it is lost, also with retry, and go on."""
    _, members = world.start(3)
    root, *others = members
    for member in others:
        member.tell("broadcast", count=4 * MIB, root=root.peer, inplace=True, retry=True)
    root.kill()
    for answer in [member.hear() for member in others]:
        answer.expect("HWS_E_MEMBER_LOST", sum="right")
    for member in others:
        member.view().expect(members=ids(*others))
    expect_right(all_do(others, "gather", count=1000, room=2000), others)


def test_barrier(world):
    """Nobody returns before the last one has come."""
    _, members = world.start(3)
    *early, late = members
    for member in early:
        member.tell("barrier", tag=4)
    time.sleep(0.3)
    late.barrier(tag=4).expect(members=ids(*members), within_ms=SOON_MS)
    for member in early:
        member.hear().expect(members=ids(*members), after_ms=250)


def test_different_calls_are_named(world):
    """A broadcast that meets an all-reduce: all learn who called what, nothing is lost, the run continues."""
    _, members = world.start(3)
    odd, *others = members
    for member in others:
        member.tell("broadcast", tag=7, count=100, root=others[0].peer, inplace=True)
    answers = [odd.reduce(tag=7, count=120, inplace=True).expect("HWS_E_MISMATCH", restored="yes")]
    for member in others:
        # A member that calls after two others have differed only meets the change.
        answer = member.hear().expect(("HWS_E_MISMATCH", "HWS_E_VIEW"), sum="right", within_ms=SOON_MS)
        check(answer.status == "HWS_E_MISMATCH" or answer.attempts == 0, f"it had entered: {answer.line}")
        answers += [answer] if answer.attempts else []
    for answer in answers:
        for words in (f"member {odd.peer} ", "all_reduce f32 x 120 sum", f"broadcast f32 x 100 from member {others[0].peer}", "tag 7"):
            check(words in answer.sentence, f"{words} is not in the sentence: {answer.line}")
    for member in members:
        member.view().expect()
    expect_right(all_do(members, "scatter", tag=7, count=120), members)


def test_calls_that_never_meet(world):
    """One member votes, admits or syncs where the others reduce: all learn of two that wait for each other, nothing is lost, the
    run continues."""
    _, members = world.start(3)
    odd, *others = members
    for member in members:
        member.state(bytes=1000, seed=1).expect()
    for called, words in (("agree", {"tag": 7, "vote": 1}), ("barrier", {"tag": 7}), ("admit", {}), ("sync", {})):
        for answer in all_do(members, "sync"):
            answer.expect()
        odd.tell(called, **words)
        for member in others:
            member.tell("reduce", tag=7, count=100, inplace=True)
        for member, theirs in ((odd, {}), *((member, {"restored": "yes"}) for member in others)):
            answer = member.hear().expect(("HWS_E_MISMATCH", "HWS_E_VIEW"), within_ms=SOON_MS, **theirs)
            if answer.status == "HWS_E_VIEW":  # so late that the two had been found already
                check(member is others[1] and answer.attempts == 0, f"it had entered: {answer.line}")
                continue
            named = [other for other in others if f"member {other.peer} " in answer.sentence]
            check(f"member {odd.peer} " in answer.sentence and called in answer.sentence and named and "all_reduce" in answer.sentence,
                  f"does not name both: {answer.line}")
        for member in members:
            member.view().expect()


def test_too_little_room(world):
    """One member's output is too small: the call fails for all, with both numbers, and the run continues."""
    _, members = world.start(3)
    for member, room in zip(members, (3000, 2999, 4000)):
        member.tell("gather", tag=9, count=1000, room=room)
    for answer in [member.hear() for member in members]:
        answer.expect("HWS_E_INVALID", **{"class": "LOCAL"}, sum="right", within_ms=SOON_MS)
        words = f"member {members[1].peer} has room for 2999 elements and needs room for 3000"
        check(words in answer.sentence, f"{words} is not in the sentence: {answer.line}")
    for member in members:
        member.view().expect()
    expect_right(all_do(members, "gather", tag=9, count=1000, room=3000), members)


def test_many_at_once(world):
    """64 in flight, started in opposite orders."""
    _, members = world.start(3)
    root = members[1].peer
    for count in (1000, 100000):
        for index, member in enumerate(members):
            member.tell("many", ops=64, count=count, root=root, backwards=index == 1)
        expect_right([member.hear() for member in members], members)


def replay(folder, *options):
    done = subprocess.run([BUILD / "hawser", "replay", folder, *options], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"replay {options}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout


def test_recorded(world):
    """The journals of all of them replay, and continue in the simulator from any moment."""
    journal = world.folder / "journal"
    journal.mkdir()
    started = time.monotonic()
    master = world.start_master(first_members=3, journal=journal)
    members = [world.start_member(master) for _ in range(3)]
    for answer in all_do(members, "open", journal=journal):
        answer.expect()
    began = time.monotonic()
    for count in (10, 100000):
        expect_right(all_do(members, "scatter", count=count, inplace=True), members)
        expect_right(all_do(members, "gather", count=count, room=3 * count), members)
        expect_right(all_do(members, "gather", count=count, room=3 * count, unequal=True), members)
        expect_right(all_do(members, "broadcast", count=5 * count, root=members[1].peer, inplace=True), members)
        expect_right(all_do(members, "many", ops=20, count=count, root=members[1].peer), members)
    ended = time.monotonic()
    for member in members:
        member.close().expect()
    world.end_well()
    check("replay: OK" in replay(journal), "the replay differs")
    for part in range(1, 5):
        at_ms = int(1000 * (began - started + (ended - began) * part / 5))
        text = replay(journal, "--until", f"{at_ms}ms", "--fork", "nothing")
        check(text.count(" 0 failed") == 3, f"calls behind the fork failed:\n{text[-2000:]}")


def test_alone(world):
    """A member that is alone."""
    _, members = world.start(1)
    member = members[0]
    for inplace in (False, True):
        member.scatter(count=1000, inplace=inplace).expect(sum="right", offset=0, count=1000)
        member.gather(count=1000, room=1000, inplace=inplace).expect(sum="right", count=1000)
        member.broadcast(count=1000, root=member.peer, inplace=inplace).expect(sum="right")
    member.gather(count=0, room=1, unequal=True).expect(sum="right", count=0)
    member.barrier().expect()


main(globals())
