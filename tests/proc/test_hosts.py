# SPDX-License-Identifier: MIT
"""Addresses: what a member listens on and tells others, on one host and on several."""
import socket
import subprocess
import time

import netns
from harness import BUILD, Master, Member, Process, all_do, check, main, same

LACKING = netns.lacking()


def test_an_address_that_nobody_can_dial(world):
    """A wildcard is no address to tell others; a name that is none, neither. Each names its option."""
    master = world.start_master()
    for advertise in ("0.0.0.0:5000", "[::]:5000"):
        answer = world.start_member(master).open(advertise=advertise).expect("HWS_E_INVALID", **{"class": "LOCAL"}, within_ms=2000)
        check("HAWSER_ADVERTISE" in answer.sentence and advertise in answer.sentence, answer.line)
    answer = world.start_member(master).open(advertise="no-such-host.invalid:5000").expect("HWS_E_INVALID", **{"class": "LOCAL"})
    check("advertise" in answer.sentence, answer.line)


def test_loopback_on_one_host(world):
    """With a master on loopback, the default is loopback."""
    _, members = world.start(2)
    for member in members:
        check(member.listens.startswith("127.0.0.1:"), member.listens)


def test_the_master_says_what_others_use(world):
    """Bound to all addresses, the one it prints is for this host; those for others are on a line of their own."""
    master = Process(world, "master", [BUILD / "hawser", "master", "--listen", "0.0.0.0:0", "--insecure"])
    first = master.line()
    check("0.0.0.0:" in first and first.rpartition(" ")[2].startswith("127.0.0.1:"), first)
    check("other hosts" in master.line(), "no line for other hosts")
    master.kill()


def test_a_range_of_ports(world):
    """Members of one host share a range; the master too takes the first free port, and says so where there is none."""
    master = world.start_master(listen="lo:20000-60000", first_members=3)
    port = int(master.address.rpartition(":")[2])
    check(20000 <= port <= 60000, master.address)
    low = port + 1
    members = [world.start_member(master) for _ in range(3)]
    for member in members:
        member.tell("open", listen=f"127.0.0.1:{low}-65000")
    for member in members:
        member.hear().expect()
        check(low <= int(member.listens.rpartition(":")[2]) <= 65000, member.listens)
    check(len({member.listens for member in members}) == 3, "two members listen on one port")
    taken = members[0].listens.rpartition(":")[2]
    answer = world.start_member(master).open(listen=f"127.0.0.1:{taken}-{taken}").expect("HWS_E_SYSTEM", **{"class": "LOCAL"})
    check(f"127.0.0.1:{taken}-{taken}" in answer.sentence, answer.line)
    answer = world.start_member(master).open(listen="nosuch0").expect("HWS_E_INVALID", **{"class": "LOCAL"})
    check("lo" in answer.sentence and "interface" in answer.sentence, answer.line)


def with_file(world, path, text):
    """Words before a command that sees `text` in place of a file of the system, and nobody else does."""
    ours = world.folder / path.replace("/", "_")
    ours.write_text(text)
    return ["unshare", "--mount", "sh", "-c", f'mount --bind {ours} {path} && exec "$@"', "sh"]


def test_a_name_with_two_addresses(world):
    """The master accepts at one of them only: members and tools find which, also if it comes later."""
    if LACKING:
        return LACKING
    before = with_file(world, "/etc/hosts", "::1 two.hawser.test\n127.0.0.1 two.hawser.test\n")
    for number, listen in enumerate(("127.0.0.1:0", "[::1]:0")):
        master = world.start_master(name=f"master{number}", listen=listen)
        address = "two.hawser.test:" + master.address.rpartition(":")[2]
        Member(world, f"member{number}", address, before=before).open().expect(within_ms=5000)
        shown = subprocess.run([*before, BUILD / "hawser", "status", address], capture_output=True, text=True)
        check(shown.returncode == 0 and "  1  member" in shown.stdout, shown.stderr + shown.stdout)
    with socket.socket(socket.AF_INET6) as reserved:  # bound and never listening: it refuses until the master comes
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("::1", 0))
        port = reserved.getsockname()[1]
        member = Member(world, "early", f"two.hawser.test:{port}", before=before)
        member.tell("open")
        time.sleep(0.4)
        world.start_master(name="late", listen=f"[::1]:{port}")
        member.hear().expect()


def test_a_name_service_that_does_not_answer(world):
    """hws_open keeps its deadline, and says what it waited for; so do the tools."""
    if LACKING:
        return LACKING
    with netns.Hosts(1) as hosts:
        nowhere = "nameserver 10.77.0.200\n"  # no host has it: questions to it get no answer
        before = [*hosts.inside(0), *with_file(world, "/etc/resolv.conf", nowhere)]
        member = Member(world, "member", "some.hawser.test:4000", before=before)
        answer = member.open(open_ms=1000).expect("HWS_E_UNREACHABLE", after_ms=900, within_ms=2000)
        check("some.hawser.test:4000" in answer.sentence and "name service" in answer.sentence, answer.line)
        began = time.monotonic()
        done = subprocess.run([*before, BUILD / "hawser", "status", "some.hawser.test:4000"], capture_output=True, text=True)
        check(done.returncode == 1 and "some.hawser.test:4000" in done.stderr, done.stderr)
        check(time.monotonic() - began < 5, "status waited too long")


class Host:
    """Processes of a test on one of its hosts."""

    def __init__(self, world, hosts, index):
        self.world, self.hosts, self.index = world, hosts, index

    def member(self, master):
        member = Member(self.world, f"member{self.index}", master, before=self.hosts.inside(self.index))
        return member


def test_members_on_three_hosts(world):
    """Nothing but the master's address and that the network is trusted: each member listens where the master is reached from."""
    if LACKING:
        return LACKING
    with netns.Hosts(3) as hosts:
        master = Master(world, listen=f"{hosts.address(0)}:0", insecure=True, first_members=3, before=hosts.inside(0))
        members = [Host(world, hosts, index).member(master.address) for index in range(3)]
        for index, answer in enumerate(all_do(members, "open", insecure=True)):
            answer.expect()
            check(members[index].listens.startswith(hosts.address(index) + ":"), members[index].listens)
        answers = all_do(members, "reduce", count=100000)
        for answer in answers:
            answer.expect(sum="right")
        same(answers, "hash")
        world.end_well()


def test_a_member_elsewhere_that_others_cannot_dial(world):
    """On loopback, bound or told, it is no use to other hosts: it hears so at once, with the option; so does one without `insecure`."""
    if LACKING:
        return LACKING
    with netns.Hosts(2) as hosts:
        master = Master(world, listen=f"{hosts.address(0)}:0", insecure=True, before=hosts.inside(0))
        there = Host(world, hosts, 1).member(master.address)
        local = {"class": "LOCAL"}
        for words, option in (({"listen": "127.0.0.1:0"}, "HAWSER_LISTEN"), ({"advertise": "127.0.0.1:9"}, "HAWSER_ADVERTISE"),
                              ({"advertise": "localhost:9"}, "HAWSER_ADVERTISE")):
            answer = there.open(insecure=True, **words).expect("HWS_E_INVALID", **local, within_ms=2000)
            check(option in answer.sentence and master.address in answer.sentence, answer.line)
        answer = there.open().expect("HWS_E_INSECURE", **local, within_ms=2000)
        check("HAWSER_INSECURE=1" in answer.sentence and hosts.address(1) in answer.sentence, answer.line)
        here = Host(world, hosts, 0).member(master.address)
        here.open(listen="127.0.0.1:0").expect()  # the master's own host: loopback will do for a run on it alone
        world.end_well()


main(globals())
