# SPDX-License-Identifier: MIT
"""Members frozen (SIGSTOP) longer than the detection time: the others go on without them; thawed, they learn that they are
out, get their buffers back, and join again."""
import time

from harness import MIB, SLOW, all_do, check, ids, main, same

COUNT = 64 * MIB // 4
SHORT_MS = 500 * SLOW  # the shortest detection time there is
LATE_MS = 1500 * SLOW  # beyond the detection time; the proposal and a busy machine are in it


def frozen_in_a_reduce(world, dead_ms):
    _, members = world.start(3, dead_ms=dead_ms)
    for member in members:
        member.state(bytes=4 * MIB, seed=5).expect()
    for answer in all_do(members, "sync"):
        answer.expect(received=0)
    victim, *others = members
    for member in others:
        member.start(count=COUNT, inplace=True).expect()
    victim.fault(at="chunk", nth=50).expect()
    victim.tell("reduce", count=COUNT, inplace=True)
    victim.stopped()
    froze = time.monotonic()
    for answer in all_do(others, "wait"):
        answer.expect("HWS_E_MEMBER_LOST", lost=[victim.peer], restored="yes")
    noticed_ms = (time.monotonic() - froze) * 1000
    check(noticed_ms < dead_ms + LATE_MS, f"noticed after {noticed_ms:.0f} ms, the detection time is {dead_ms} ms")
    check(noticed_ms > dead_ms / 2, f"noticed after {noticed_ms:.0f} ms already, the detection time is {dead_ms} ms")
    go_on_without(others)
    victim.proceed()
    victim.hear().expect("HWS_E_EVICTED", **{"class": "RUN"}, restored="yes")
    come_back(world, victim, others)


def go_on_without(others):
    for member in others:
        member.view().expect(members=ids(*others))
    answers = all_do(others, "reduce", count=COUNT)
    for answer in answers:
        answer.expect(sum="right", members=ids(*others))
    same(answers, "hash")
    for member in others:
        member.touch(offset=MIB).expect()
        member.revision(to=1).expect()


def come_back(world, victim, others):
    """As a newcomer with a new id, and what it missed of the state comes to it."""
    was = victim.peer
    victim.view().expect("HWS_E_EVICTED")
    victim.close().expect(within_ms=1500)
    world.join(others, victim)
    check(victim.peer != was, f"peer id {was} was used again")
    answers = all_do([*others, victim], "sync")
    for answer in answers:
        answer.expect(value=1, members=ids(*others, victim))
    same(answers, "root")
    same(answers, "hash")
    check(0 < answers[-1].received <= MIB, f"one block was missing: {answers[-1].line}")
    for answer in all_do([*others, victim], "reduce", count=MIB):
        answer.expect(sum="right")


def test_frozen_in_a_reduce_with_short_detection(world):
    frozen_in_a_reduce(world, SHORT_MS)


def test_frozen_in_a_reduce_with_the_default(world):
    frozen_in_a_reduce(world, 5000)


def test_frozen_shorter_than_the_detection_time(world):
    """Everybody waits, and the call succeeds."""
    _, members = world.start(3)
    victim, *others = members
    victim.fault(at="chunk", nth=50).expect()
    for member in members:
        member.tell("reduce", count=COUNT)
    victim.stopped()
    time.sleep(1)
    victim.proceed()
    answers = [member.hear().expect(sum="right", attempts=1, members=ids(*members)) for member in members]
    same(answers, "hash")


def test_frozen_longer_than_stripes_bear_it(world):
    """With a long detection time: its stripes are given up meanwhile, and it is a member all the same."""
    _, members = world.start(3, dead_ms=30000)
    victim, *others = members
    victim.fault(at="chunk", nth=50).expect()
    for member in members:
        member.tell("reduce", count=COUNT, retry=True, timeout_ms=60000)
    victim.stopped()
    time.sleep(9)  # the kernel gives up what is not acknowledged for 5 s
    victim.proceed()
    answers = [member.hear().expect(sum="right", members=ids(*members)) for member in members]
    same(answers, "hash")


def test_frozen_past_its_own_deadline(world):
    """Thawed when its call's deadline and grace are long over, it reads first what the master said meanwhile: EVICTED, not
    OUTCOME_UNKNOWN."""
    _, members = world.start(3, dead_ms=SHORT_MS, open_with=dict(grace_ms=SHORT_MS // 5))
    victim, *others = members
    for member in others:
        member.start(count=COUNT).expect()
    victim.fault(at="chunk", nth=50).expect()
    timeout_ms = 6 * SHORT_MS  # so that it stands still before it has passed, on a busy machine too
    victim.tell("reduce", count=COUNT, inplace=True, timeout_ms=timeout_ms)
    victim.stopped()
    for answer in all_do(others, "wait"):
        answer.expect("HWS_E_MEMBER_LOST", lost=[victim.peer])
    time.sleep((timeout_ms + SHORT_MS) / 1000)  # with this its deadline and grace are over for certain
    victim.proceed()
    victim.hear().expect("HWS_E_EVICTED", restored="yes", after_ms=SHORT_MS)


def test_frozen_source_in_mid_sync(world):
    """The receiver gets what is missing from the others, after the detection time."""
    master, sources = world.start(3, dead_ms=SHORT_MS)
    newcomer = world.start_member(master)
    for member in sources:
        member.state(bytes=32 * MIB, seed=1).expect()
        member.revision(to=1).expect()
    newcomer.state(bytes=32 * MIB, seed=2).expect()
    world.join(sources, newcomer)
    victim, *others = sources
    victim.fault(at="blocks_want").expect()
    rest = [*others, newcomer]
    victim.tell("sync", retry=True)
    for member in rest:
        member.tell("sync", retry=True)
    victim.stopped()
    answers = [member.hear().expect(value=1, members=ids(*rest), within_ms=SHORT_MS + 2 * LATE_MS) for member in rest]
    same(answers, "root")
    same(answers, "hash")
    victim.proceed()
    victim.hear().expect("HWS_E_EVICTED")


main(globals())
