# SPDX-License-Identifier: MIT
"""Members killed (SIGKILL) at every stage of their life. The detection time is 5 s throughout: the survivors must know long
before, because a killed process takes its connections with it."""
import time

from harness import MIB, all_do, check, ids, main, same

SOON_MS = 2000  # "well below" 5 s, also on a busy machine; about 15 ms on an idle one
COUNT = 64 * MIB // 4

# Messages that the victim hears, and which one of them. 64 MiB are 256 chunks; it hears of its share and of the results.
MOMENTS = [("op_start", 1), ("chunk", 20), ("chunk", 200), ("op_done", 1)]


def all_do_but(victim, others, command, other_command=None, **words):
    """All make the call (or the others wait for one) and the victim dies in it. The others' answers, which come soon."""
    victim.tell(command, **words)
    for member in others:
        member.tell(other_command or command, **({} if other_command else words))
    victim.died()
    died = time.monotonic()
    answers = [others[0].hear()]
    if answers[0].status != "HWS_OK" or other_command:
        check(time.monotonic() - died < SOON_MS / 1000, f"not within {SOON_MS} ms after the death: {answers[0].line}")
    return answers + [member.hear() for member in others[1:]]


def killed_at(victim, members, message, nth, tag):
    """The victim dies in an operation of 64 MiB that all have entered; all others have one outcome, and soon."""
    for member in members:
        member.start(tag=tag, count=COUNT, inplace=tag % 2 == 0).expect()
    victim.fault(at=message, nth=nth, kill=True).expect()
    answers = all_do_but(victim, members, "reduce", "wait", tag=tag, count=COUNT)
    # The member that holds the whole result can be the last one that was needed: then all others hold it, and it stands.
    if message == "op_done" and answers[0].status == "HWS_OK":
        for answer in answers:
            answer.expect(members=ids(victim, *members), sum="right")
        same(answers, "hash")
        return
    for answer in answers:
        answer.expect("HWS_E_MEMBER_LOST", **{"class": "VIEW"}, members=ids(victim, *members), lost=[victim.peer],
                      restored="yes")


def test_killed_in_the_middle_of_a_reduce(world):
    """Five members; one after the other dies as it begins, as it reduces its share, as it gathers, as it has the result."""
    _, members = world.start(5)
    for tag, (message, nth) in enumerate(MOMENTS):
        victim, *members = members
        killed_at(victim, members, message, nth, tag)
        for member in members:
            world.until(lambda: member.view().expect().peers("members") == ids(*members), SOON_MS / 1000, "the next view")
        answers = all_do(members, "reduce", tag=tag, count=COUNT)
        for answer in answers:
            answer.expect(sum="right", members=ids(*members), attempts=1)
        same(answers, "hash")


def test_killed_after_its_vote_was_counted(world):
    """A member that dies when all are Done changes nothing any more: the others have the sum over all three."""
    _, (victim, *others) = world.start(3)
    everyone = ids(victim, *others)
    victim.fault(at="commit", kill=True).expect()
    answers = all_do_but(victim, others, "reduce", count=COUNT)
    for answer in answers:
        answer.expect(sum="right", members=everyone)
    same(answers, "hash")
    for answer in all_do(others, "reduce", count=1000, retry=True):
        answer.expect(sum="right", members=ids(*others), within_ms=SOON_MS)


def test_retry_just_succeeds(world):
    """With `retry` the trainer sees nothing of it but the attempts."""
    _, (victim, *others) = world.start(4)
    victim.fault(at="chunk", nth=60, kill=True).expect()
    answers = all_do_but(victim, others, "reduce", count=COUNT, inplace=True, retry=True)
    for answer in answers:
        answer.expect(sum="right", attempts=2, members=ids(*others), lost=[victim.peer])
    same(answers, "hash")


def test_killed_between_calls(world):
    """The next call meets the change; acknowledged, the one after it succeeds. With `retry` it succeeds at once."""
    _, (first, second, *others) = world.start(4)
    for answer in all_do([first, second, *others], "reduce", count=1000):
        answer.expect(sum="right")
    first.kill()
    others.append(second)
    for answer in all_do(others, "reduce", count=1000):
        answer.expect(("HWS_E_VIEW", "HWS_E_MEMBER_LOST"), restored="yes", within_ms=SOON_MS)
    for member in others:
        member.view().expect(members=ids(*others))
    others.remove(second)
    second.kill()
    answers = all_do(others, "reduce", count=1000, retry=True)
    for answer in answers:
        answer.expect(sum="right", members=ids(*others), within_ms=SOON_MS)
    same(answers, "hash")


def test_killed_while_joining(world):
    """A newcomer that dies at its welcome, at the proposal or when its stripes are open never stops the members."""
    master, members = world.start(2)
    for message in ("welcome", "propose", "edge_up", "announce"):
        newcomer = world.start_member(master)
        newcomer.fault(at=message, kill=True).expect()
        newcomer.tell("open")
        if message == "announce":
            world.see_newcomers(members)
        else:  # before it is proven: the members never hear of it
            newcomer.died()
        for answer in all_do(members, "admit"):
            answer.expect(within_ms=SOON_MS)
        newcomer.died()
        answers = all_do(members, "reduce", count=MIB, retry=True)
        for answer in answers:
            answer.expect(sum="right", members=ids(*members), within_ms=SOON_MS)
        same(answers, "hash")


def grow_to(world, sources, newcomer, bytes_each):
    """`sources` hold one state; a newcomer with another one is a member."""
    for member in sources:
        member.state(bytes=bytes_each, seed=1).expect()
        member.revision(to=7).expect()
    for answer in all_do(sources, "sync"):
        answer.expect(received=0)
    newcomer.state(bytes=bytes_each, seed=2).expect()
    world.join(sources, newcomer)


def test_newcomer_killed_in_mid_sync(world):
    """The sources hold what was elected whoever dies: their sync succeeds. The next call meets the change."""
    master, sources = world.start(2)
    newcomer = world.start_member(master)
    grow_to(world, sources, newcomer, 32 * MIB)
    newcomer.fault(at="block_placed", nth=8, kill=True).expect()
    for answer in all_do_but(newcomer, sources, "sync"):
        answer.expect(value=7, received=0, within_ms=SOON_MS)
    for answer in all_do(sources, "sync"):
        answer.expect("HWS_E_VIEW", within_ms=SOON_MS)
    for member in sources:
        member.view().expect(members=ids(*sources))
    answers = all_do(sources, "sync")
    for answer in answers:
        answer.expect(received=0, value=7)
    same(answers, "root")


def test_source_killed_in_mid_sync(world):
    """The sync is cut: the receiver may not reduce until one succeeds. The next takes what is missing from the others."""
    master, (victim, *others) = world.start(3)
    newcomer = world.start_member(master)
    grow_to(world, [victim, *others], newcomer, 32 * MIB)
    victim.fault(at="blocks_want", kill=True).expect()
    rest = [*others, newcomer]
    for answer in all_do_but(victim, rest, "sync"):
        answer.expect("HWS_E_MEMBER_LOST", lost=[victim.peer], within_ms=SOON_MS)
    for member in rest:
        member.view().expect(members=ids(*rest))
    newcomer.reduce(count=10).expect("HWS_E_NOT_SYNCED", restored="yes")
    answers = all_do(rest, "sync")
    for answer in answers:
        answer.expect(value=7, members=ids(*rest))
    same(answers, "root")
    same(answers, "hash")
    check(0 < answers[-1].received < 32 * MIB, f"what had come before was fetched again: {answers[-1].line}")
    for answer in all_do(rest, "reduce", count=MIB):
        answer.expect(sum="right")


def test_source_killed_in_mid_sync_with_retry(world):
    """With `retry` the sync just succeeds."""
    master, (victim, *others) = world.start(3)
    newcomer = world.start_member(master)
    grow_to(world, [victim, *others], newcomer, 32 * MIB)
    victim.fault(at="blocks_want", kill=True).expect()
    rest = [*others, newcomer]
    answers = all_do_but(victim, rest, "sync", retry=True)
    for answer in answers:
        answer.expect(value=7, attempts=2, members=ids(*rest))
    same(answers, "root")
    same(answers, "hash")


main(globals())
