# SPDX-License-Identifier: MIT
"""Shared state between real processes: what travels, from whom, and how much, by the counters and by hashes of our own."""
import os

from harness import MIB, all_do, check, ids, main, same

BYTES = 64 * MIB


def start_sources(world, count, **state):
    master, sources = world.start(count)
    for member in sources:
        member.tell("state", bytes=BYTES, **state)
    for member in sources:
        member.hear().expect()
        member.revision(to=10).expect()
    for answer in all_do(sources, "sync"):
        answer.expect(sent=0, received=0, value=10)
    return master, sources


def sent_by(members):
    return [member.stats().expect().sent for member in members]


def all_equal(answers, revision):
    for answer in answers:
        answer.expect(value=revision, revision=revision)
    same(answers, "root")
    same(answers, "hash")
    return answers


def fetch_all(sources, newcomer):
    """The newcomer has no block of the state; the part of it that each source gave."""
    before = sent_by(sources)
    answers = all_equal(all_do([*sources, newcomer], "sync"), 10)
    answers[-1].expect(sources=3, members=ids(*sources, newcomer))
    check(BYTES * 0.99 <= answers[-1].received <= BYTES * 1.01, f"other bytes than the state came: {answers[-1].line}")
    gave = [after - earlier for after, earlier in zip(sent_by(sources), before)]
    for member, answer, given in zip(sources, answers, gave):
        answer.expect(received=0, sent=given)
        check(given >= BYTES * 0.02, f"{member.name} gave only {given} of {BYTES} bytes: {gave}")
    check(sum(gave) == answers[-1].received, f"{gave} were sent, {answers[-1].received} received")
    return [given / BYTES for given in gave]


def test_late_joiner_fetches_from_all(world):
    """64 MiB of random bytes from three sources, each of which gives its part; then nothing; then one block."""
    master, sources = start_sources(world, 3, seed=1)
    newcomer = world.start_member(master)
    newcomer.state(bytes=BYTES, seed=2).expect()
    world.join(sources, newcomer)

    # A quick source gives more: on a busy machine a source may have been held up, so there are more rounds.
    shares = [fetch_all(sources, newcomer)]
    while min(shares[-1]) < 0.2 and len(shares) < 5:
        newcomer.touch(times=BYTES // MIB * 2, stride=MIB // 2).expect()
        shares.append(fetch_all(sources, newcomer))
    check(min(shares[-1]) >= 0.2, f"a source gave less than a fifth each time: {shares}")

    nothing_moves([*sources, newcomer], 10)
    touched_block_moves([*sources, newcomer], 11)


def nothing_moves(members, revision):
    before = [member.stats().expect() for member in members]
    for answer in all_equal(all_do(members, "sync"), revision):
        answer.expect(sent=0, received=0, sources=0)
    for member, earlier in zip(members, before):
        member.stats().expect(sent=earlier.sent, received=earlier.received)


def touched_block_moves(members, revision):
    """One member has a newer revision, in which one byte is another: that block goes to all others."""
    author, *others = members
    author.touch(offset=17 * MIB + 5).expect()
    author.revision(to=revision).expect()
    answers = all_equal(all_do(members, "sync"), revision)
    answers[0].expect(received=0)
    for answer in answers[1:]:
        answer.expect(sources=1)
        check(0 < answer.received <= MIB, f"more than a block moved: {answer.line}")


def test_stray_bytes_are_mended(world):
    """A byte that changed in one member, at the same revision, is outvoted; so is one in another place of another member."""
    _, members = start_sources(world, 4, seed=1)
    members[3].touch(offset=5).expect()
    members[1].touch(offset=BYTES - 1).expect()
    answers = all_equal(all_do(members, "sync"), 10)
    for answer, changed in zip(answers, (False, True, False, True)):
        check((answer.received > 0) == changed and answer.received <= MIB, f"not just the changed block: {answer.line}")


def test_zeros_are_compressed(world):
    master, sources = start_sources(world, 2)
    newcomer = world.start_member(master)
    newcomer.state(bytes=BYTES, seed=2).expect()
    world.join(sources, newcomer)
    answers = all_equal(all_do([*sources, newcomer], "sync"), 10)
    check(0 < answers[-1].received < BYTES / 50, f"zeros should travel compressed: {answers[-1].line}")


def test_two_late_joiners_at_once(world):
    """Admitted together, served together; newcomers of the members' revision never outvote the members."""
    master, sources = start_sources(world, 2, seed=1)
    newcomers = [world.start_member(master) for _ in range(2)]
    for seed, newcomer in enumerate(newcomers, 2):
        newcomer.state(bytes=BYTES, seed=seed).expect()
        newcomer.revision(to=10).expect()
        newcomer.tell("open")
    world.see_newcomers(sources, 2)
    for answer in all_do(sources, "admit"):
        answer.expect()
    for newcomer in newcomers:
        newcomer.hear().expect(members=sorted({1, 2, 3, 4}))
    answers = all_equal(all_do([*sources, *newcomers], "sync"), 10)
    for answer in answers[:2]:
        answer.expect(received=0)


ENFORCE, SEND_ONLY, RECEIVE_ONLY = 1, 2, 3


def sync_with(members, *strategies):
    """Each with its own strategy; their answers."""
    for member, strategy in zip(members, strategies):
        member.tell("sync", strategy=strategy)
    return [member.hear() for member in members]


def test_strategies(world):
    """One sends an old state, one enforces a newer one, one follows; then two that send do not agree, and all learn it."""
    _, members = world.start(3)
    for seed, member in enumerate(members, 1):
        member.state(bytes=BYTES, seed=seed).expect()
        member.revision(to=1 if seed == 1 else 10).expect()
    before = members[0].revision(to=1).hash
    answers = all_equal(sync_with(members, SEND_ONLY, ENFORCE, RECEIVE_ONLY), 1)
    check(answers[0].hash == before, f"a send-only member was written to: {answers[0].line}")
    answers[0].expect(received=0, move_us=0)
    answers[2].expect(sent=0, sources=1)
    check(answers[2].hash_us > 0 and answers[2].move_us > 0, f"no time passed: {answers[2].line}")

    members[0].touch(offset=1).expect()
    members[1].touch(offset=2).expect()
    for answer in sync_with(members, SEND_ONLY, SEND_ONLY, ENFORCE):
        answer.expect("HWS_E_CONFLICT", **{"class": "LOCAL"})
        for member in members[:2]:
            check(f"member {member.peer}" in answer.sentence, f"does not name both: {answer.sentence}")
    for answer in sync_with(members, *[RECEIVE_ONLY] * 3):
        answer.expect("HWS_E_VIEW")  # the failed call has not been acknowledged
    all_acknowledge(members)
    for answer in sync_with(members, *[RECEIVE_ONLY] * 3):
        answer.expect("HWS_E_CONFLICT")
        check("receive-only" in answer.sentence, f"does not say why: {answer.sentence}")
    all_acknowledge(members)
    all_equal(sync_with(members, ENFORCE, SEND_ONLY, RECEIVE_ONLY), 1)


def all_acknowledge(members):
    for answer in all_do(members, "view"):
        answer.expect()


def test_steps_without_hashing(world):
    """Where all take the same steps in one view nothing is hashed, and no root is named; a stray byte is found when one hashes."""
    _, members = start_sources(world, 3, seed=1)
    for revision in (10, 11, 12):
        for member in members:
            member.revision(to=revision).expect()
        for answer in all_do(members, "sync", lazy=True):
            answer.expect(hash_us=0, root="0" * 32, sent=0, received=0)
    members[1].touch(offset=5).expect()
    for answer in all_do(members, "sync", lazy=True):
        answer.expect(hash_us=0)
    for member in members:
        member.tell("sync", **({"lazy": True} if member is not members[2] else {}))
    for answer in all_equal([member.hear() for member in members], 12):
        check(answer.hash_us > 0 and int(answer.fields["root"], 16) > 0, f"was not hashed: {answer.line}")


def test_hashing_holds_back_no_heartbeat(world):
    """14 GiB of zeros take longer to hash than a member may be silent. Only with HAWSER_LARGE=1: it takes half a minute."""
    if "HAWSER_LARGE" not in os.environ:
        return
    _, members = world.start(2, dead_ms=1000)
    for member in members:
        member.state(bytes=14 << 30).expect()
    for answer in all_do(members, "sync", timeout_ms=60000):
        answer.expect()
        check(answer.hash_us > 1e6, f"proves nothing, the hashes were there at once: {answer.line}")


def test_own_tensors_stay(world):
    """A tensor that may differ is not hashed and does not move."""
    _, members = world.start(2)
    for seed, member in enumerate(members, 1):
        member.state(own=True, bytes=4 * MIB, seed=seed).expect()
    answers = all_do(members, "sync")
    same([answer.expect() for answer in answers], "root")
    check(answers[0].hash != answers[1].hash, "the members' own tensor was moved")
    received = max(answer.received for answer in answers)  # either may have joined first, and be the source
    check(0 < received < 3 * MIB, f"more than the shared tensors moved: {[answer.line for answer in answers]}")


def test_another_layout_is_put_out(world):
    """A newcomer whose tensors are others learns it, and the members' sync succeeds without it."""
    master, sources = start_sources(world, 2, seed=1)
    stranger = world.start_member(master)
    stranger.state(bytes=BYTES + 4096, seed=1).expect()
    world.join(sources, stranger)
    answers = all_do([*sources, stranger], "sync", retry=True)
    answers[-1].expect("HWS_E_LAYOUT", **{"class": "LOCAL"})
    weights = BYTES // 8 * 5 // 4
    check(f'tensor 0 is "weights" f32 x {weights + 640} here, "weights" f32 x {weights} on member 1' in answers[-1].sentence,
          f"does not name the tensor: {answers[-1].sentence}")
    for answer in answers[:2]:
        answer.expect(value=10, received=0, members=ids(*sources))


main(globals())
