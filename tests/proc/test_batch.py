# SPDX-License-Identifier: MIT
"""Many operations at once on real processes: 64 tags started in other orders on each member, cancelling, and batches
while members are killed and replaced."""
import os
import random
import subprocess

from harness import SLOW, check, main, same

TAGS = 64


def orders():
    tags = list(range(1, TAGS + 1))
    shuffled = tags[:]
    random.Random(4).shuffle(shuffled)
    return tags, tags[::-1], shuffled


def test_64_tags_in_other_orders(world):
    """None waits for another: whoever calls a tag last, all are under way in one view."""
    _, members = world.start(3)
    for count in (1000, 100000):  # one chunk, and several
        for member, order in zip(members, orders()):
            for tag in order:
                member.start(tag=tag, count=count + tag).expect()
            if member is not members[-1]:
                member.stats().expect(in_flight=TAGS)
        answers = {tag: [] for tag in orders()[0]}
        for member, order in zip(members, orders()):
            for tag in order:
                answers[tag].append(member.wait().expect(sum="right", attempts=1))
        for of_tag in answers.values():
            same(of_tag, "hash")
            same(of_tag, "view")


def test_cancelling_ends_it_on_all(world):
    """The member that cancels and those that wait get the error, in-place buffers are as before, and the run continues."""
    _, members = world.start(3)
    for member in members[:2]:
        member.start(tag=7, count=100000, inplace=True).expect()
    members[0].cancel().expect()
    members[0].wait().expect("HWS_E_CANCELLED", restored="yes", within_ms=2000 * SLOW)
    theirs = members[1].wait().expect("HWS_E_WITHDRAWN", restored="yes", within_ms=2000 * SLOW)
    check(f"member {members[0].peer} cancelled" in theirs.sentence, theirs.sentence)
    members[2].start(tag=7, count=100000).expect()
    members[2].wait().expect(("HWS_E_VIEW", "HWS_E_WITHDRAWN"))  # whether it has heard of the new view or called before
    for member in members:
        member.view().expect()
    for member in members:
        member.start(tag=7, count=1000).expect()
    same([member.wait().expect(sum="right") for member in members], "hash")


def test_batches_under_kills(world):
    program = os.path.join(os.environ["BUILD_DIR"], "tests", "proc", "hawser_kills")
    done = subprocess.run([program, "--batch", "--kills", "10"], capture_output=True, text=True, timeout=200)
    world.note("kills", done.stdout + done.stderr)
    check(done.returncode == 0 and "kills: OK" in done.stdout, "a batch told a wrong story")


main(globals())
