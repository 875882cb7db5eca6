# SPDX-License-Identifier: MIT
"""Connections that a NAT or firewall forgot: their packets vanish without a word, while those of new connections pass."""
import subprocess
import time

import netns
from harness import Master, Member, all_do, check, ids, main, same

LACKING = netns.lacking()
FOUND_S = 20  # the kernel's 5 s, and an operation; far below the quarter of an hour that it takes by itself


def established(hosts, index, but):
    """The (own port, other port) of each connection of a host to another one, but those with the port `but`."""
    listed = subprocess.run([*hosts.inside(index), "ss", "-tnH", "state", "established"], capture_output=True, text=True, check=True)
    ends = [[end.rpartition(":") for end in line.split()[2:4]] for line in listed.stdout.splitlines()]
    ports = [(own[2], other[2]) for own, other in ends if other[0].strip("[]").removeprefix("::ffff:") != hosts.address(index)]
    return [pair for pair in ports if str(but) not in pair]


def forget(hosts, but):
    """Drops all that the connections there are now will carry, both ways. How many they are, or None if that cannot be done here."""
    flows = established(hosts, 0, but)
    for own, other in flows:
        for index, (source, to) in enumerate(((own, other), (other, own))):
            done = subprocess.run(["ip", "-n", hosts.name(index), "rule", "add", "pref", "10", "ipproto", "tcp", "sport", source,
                                   "dport", to, "blackhole"], capture_output=True)
            if done.returncode and b"File exists" not in done.stderr:  # forgotten before
                return None
    return len(flows)


def test_stripes_that_were_forgotten(world):
    """Between two rounds of a trainer: the next call finds it, the stripes are opened anew, and nobody is removed."""
    if LACKING:
        return LACKING
    with netns.Hosts(2) as hosts:
        master = Master(world, listen=f"{hosts.address(0)}:0", insecure=True, first_members=2, before=hosts.inside(0))
        members = [Member(world, f"member{index}", master.address, before=hosts.inside(index)) for index in range(2)]
        for answer in all_do(members, "open", insecure=True):
            answer.expect()
        for answer in all_do(members, "reduce", count=100000):
            answer.expect(sum="right")
        cut = forget(hosts, master.address.rpartition(":")[2])
        if cut is None:
            return "ip rule knows no ipproto here"
        check(cut > 0, "there was nothing to forget")
        began = time.monotonic()
        answers = all_do(members, "reduce", count=100000, retry=True, timeout_ms=60000)
        took = time.monotonic() - began
        for answer in answers:
            answer.expect(sum="right", members=ids(*members))
        same(answers, "hash")
        check(took < FOUND_S, f"it took {took:.1f} s")
        for answer in all_do(members, "reduce", count=100000):
            answer.expect(sum="right")
        world.end_well()


def test_a_control_link_that_was_forgotten(world):
    """And the stripes with it. It is dialled again before the master takes the member for dead."""
    if LACKING:
        return LACKING
    with netns.Hosts(2) as hosts:
        master = Master(world, listen=f"{hosts.address(0)}:0", insecure=True, first_members=2, before=hosts.inside(0))
        members = [Member(world, f"member{index}", master.address, before=hosts.inside(index)) for index in range(2)]
        for answer in all_do(members, "open", insecure=True):
            answer.expect()
        for _ in range(2):  # the second time after the link has been dialled anew
            for answer in all_do(members, "reduce", count=100000):
                answer.expect(sum="right")
            cut = forget(hosts, None)
            if cut is None:
                return "ip rule knows no ipproto here"
            check(cut > 8, f"only {cut} connections were there to forget")
            for answer in all_do(members, "reduce", count=100000, retry=True, timeout_ms=60000):
                answer.expect(sum="right", members=ids(*members))
        check("removed" not in master.log(), master.log())
        world.end_well()


main(globals())
