# SPDX-License-Identifier: MIT
"""Strangers at the doors of a run: garbage, half hellos, huge lengths, hundreds of connections. Its members do
not notice: each reduction is right and in time, memory and descriptors stay where they were."""
import json
import random
import re
import resource
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import BUILD, MIB, SANITIZE, all_do, check, ids, main, same
from zmtp import GREETING, Guest, dial, frame, pack, ready, session

CONNECTIONS = 300
SILENT, NEEDED_DESCRIPTORS = 1000, 8192
GROWTH_MAX = 16 * MIB  # not with a sanitizer, whose allocator keeps what was freed
SLOWEST_MS = 3000
REGISTRATION, PROPOSE, READY, STATUS_WANT = 1, 8, 9, 19
PROTOCOL = int(re.search(r"HWI_PROTOCOL (\d+)u", (Path(__file__).parents[2] / "actors/wire/msg.h").read_text())[1])
HELLO = b"Hwso" + struct.pack("<I", PROTOCOL)  # how a stripe's hello begins


def pour(sock, data):
    """Sends what the other side takes; it may hang up any time."""
    try:
        sock.sendall(data)
    except OSError:
        pass


def attempt(address, *pieces):
    """One connection that says its pieces and stays open; None if it was turned away."""
    try:
        sock = dial(address)
    except OSError:
        return None
    sock.settimeout(1)
    for piece in pieces:
        pour(sock, piece)
    return sock


def close_all(sockets):
    for sock in sockets:
        if sock is not None:
            sock.close()


class Watch:
    """Memory and descriptors of the processes, before and after."""

    def __init__(self, world, processes):
        self.world, self.processes = world, processes
        self.resident = [process.resident_bytes() for process in processes]
        self.descriptors = [process.descriptors() for process in processes]

    def compare(self):
        for process, resident, descriptors in zip(self.processes, self.resident, self.descriptors):
            growth = process.peak_bytes() - resident
            self.world.note(process.name, f"grew by {growth / MIB:.1f} MiB at most")
            check(SANITIZE or growth < GROWTH_MAX, f"{process.name} grew by {growth / MIB:.1f} MiB")
            self.world.until(lambda: process.descriptors() <= descriptors + 2, 10,
                             f"{process.name} to close what strangers opened: {process.descriptors()} of {descriptors}")


def undisturbed(world, attack):
    """`attack(master, stripes)` (addresses) while three members reduce 1 MiB over and over; then a real newcomer joins."""
    master, members = world.start(3)
    rounds = 0
    for answer in all_do(members, "loop", calls=50, count=MIB // 4):
        answer.expect(calls=50, sum="right")
    watch = Watch(world, [master, *members])
    with ThreadPoolExecutor(1) as pool:
        attacking = pool.submit(attack, master.address, [member.listens for member in members])
        while not attacking.done() or rounds < 3:
            rounds += 1
            for answer in all_do(members, "loop", calls=20, count=MIB // 4):
                answer.expect(calls=20, sum="right", members=ids(*members))
                check(float(answer.slowest_ms) < SLOWEST_MS, f"{answer.who} was held up: {answer.line}")
        attacking.result()
    watch.compare()
    newcomer = world.start_member(master)
    world.join(members, newcomer)
    members.append(newcomer)
    answers = all_do(members, "reduce", count=MIB)
    for answer in answers:
        answer.expect(sum="right", members=ids(*members))
    same(answers, "hash")


def test_garbage(world):
    """Random bytes, and long ones, to every port."""
    def attack(master, stripes):
        for seed in range(60):
            noise = random.Random(seed).randbytes(1 << random.Random(seed).randrange(1, 20))
            for address in (master, *stripes):
                close_all([attempt(address, noise)])
    undisturbed(world, attack)


def test_half_hellos(world):
    """Connections that begin well, stop in the middle and stay: a place and a deadline each, no more."""
    def attack(master, stripes):
        noise = random.Random(7)
        held = [attempt(stripes[i % len(stripes)], HELLO + noise.randbytes(noise.randrange(0, 60)))
                for i in range(CONNECTIONS)]
        held += [attempt(master, GREETING[:noise.randrange(0, 64)]) for _ in range(100)]
        time.sleep(0.5)
        close_all(held)
    undisturbed(world, attack)


def test_whole_hellos_that_lie(world):
    """The right beginning, the right size, wrong in all else; then a flood behind it."""
    def attack(master, stripes):
        noise = random.Random(8)
        for _ in range(40):
            for address in stripes:
                close_all([attempt(address, HELLO + noise.randbytes(64), noise.randbytes(65536))])
    undisturbed(world, attack)


def test_a_crowd(world):
    """Hundreds at once at one stripes' port and at the master's, again and again."""
    def attack(master, stripes):
        for _ in range(3):
            close_all([attempt(stripes[0]) for _ in range(CONNECTIONS)] + [attempt(master) for _ in range(CONNECTIONS)])
    undisturbed(world, attack)


def messages(noise):
    """Bodies that are no messages, or lie about their lengths, or pass every limit."""
    yield b""
    yield noise.randbytes(1000)
    yield b"\xdd\xff\xff\xff\xff"                                # a list of 2^32 - 1 values, none of them there
    yield b"\xdd\x00\x00\x00\x08" + pack(1) + b"\xdb\xff\xff\xff\xff"  # text of 4 GiB
    yield b"\x91" * 100000                                       # lists in lists in lists
    yield pack([REGISTRATION] + [2 ** 64 - 1] * 7)               # numbers beyond their limits
    yield pack([REGISTRATION, PROTOCOL, 0, 5, 0, 0, "x" * 200, [], 0, "", 0])  # an address that is too long
    yield pack([REGISTRATION, 999, 0, 5, 0, 0, "127.0.0.1:1", [], 0, "", 0])  # another protocol
    yield pack([STATUS_WANT])
    for kind in range(130):
        yield pack([kind] + [noise.getrandbits(64)] * noise.randrange(12))
        yield pack([kind, [noise.getrandbits(8)] * 300, "text", [[1, 2], [3, [4]]]])


def test_messages_of_guests(world):
    """Guests that shake hands properly, as peers, as tools, or nameless, and then say what no member says."""
    def attack(master, _):
        noise = random.Random(9)
        names = [session(b"P", noise.getrandbits(62)) for _ in range(8)] + [session(b"T", noise.getrandbits(62)) for _ in range(4)]
        for name in (*names, b"", b"P", b"P" + bytes(8), noise.randbytes(200)):
            guest = Guest(master, name)
            for body in messages(noise):
                pour(guest.socket, guest.letter(body) + frame(body))
            pour(guest.socket, frame(b"part", 1) + frame(b"of", 1) + frame(b"many"))
            guest.close()
    undisturbed(world, attack)


def test_huge_lengths(world):
    """Frames that announce what nobody should allocate."""
    def attack(master, _):
        for size in (3 * MIB, 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
            held = [attempt(master, GREETING + ready(session(b"P", 77 + i)) + b"\x02" + struct.pack(">Q", size), b"x" * 65536)
                    for i in range(10)]
            time.sleep(0.05)
            close_all(held)
    undisturbed(world, attack)


def test_a_tool_that_does_not_listen(world):
    """Asks thousands of times how the run stands and never reads an answer."""
    def attack(master, _):
        guests = [Guest(master, session(b"T", 500 + i)) for i in range(4)]
        for _ in range(5):
            for guest in guests:
                guest.socket.settimeout(1)
                pour(guest.socket, guest.letter(pack([STATUS_WANT])) * 1000)
        time.sleep(0.2)
        close_all(guests)
    undisturbed(world, attack)


def register(master, incarnation):
    """A guest that is a newcomer from now on; nobody listens at the address it tells."""
    guest = Guest(master.address, session(b"P", incarnation))
    guest.send(pack([REGISTRATION, PROTOCOL, 0, incarnation, 0, 0, "127.0.0.1:9", [], 0, "", 0]))
    return guest


def test_names_that_command_a_terminal(world):
    """The names that a stranger gives begin no line of the log or the status, and no sequence of a terminal."""
    master = world.start_master(first_members=2)  # so that it waits, and nobody dials it
    evil = "h:9\nmember 1\x1b[2J"
    guest = Guest(master.address, session(b"P", 55))
    guest.send(pack([REGISTRATION, PROTOCOL, 0, 55, 0, 0, evil, [], 0, "", 0, 7, evil, 0, 0]))
    world.until(lambda: "h:9?member 1?[2J (process 7 on h:9?member 1?[2J)" in master.log(), 10, "the log to show the guest")
    status = subprocess.run([BUILD / "hawser", "status", master.address], capture_output=True, text=True, check=True).stdout
    check("h:9?member 1?[2J" in status and "\x1b" not in status, status)
    guest.close()


def undisturbed_members(members, calls=30):
    """Their calls succeed at once, in the view that they have, and nobody counts as waiting."""
    for _ in range(calls):
        for answer in all_do(members, "reduce", count=1000):
            answer.expect(sum="right", members=ids(*members), attempts=1, view=1, pending=0)


def test_a_newcomer_that_says_nothing_more(world):
    """It registers and never answers: the members are not held up, and it is dropped."""
    master, members = world.start(2, dead_ms=1000)
    guest = register(master, 123456789)
    guest.hear(PROPOSE)
    undisturbed_members(members)
    logged = "was removed: |was refused: "
    world.until(lambda: re.search(logged, master.log()), 10, "the master to drop it")
    undisturbed_members(members)
    guest.close()


def test_a_newcomer_that_lies(world):
    """It says ready without a stripe, or that it cannot reach the members: they believe themselves."""
    master, members = world.start(2, dead_ms=1000)
    for broken in ([], [[1], [2]]):
        guest = register(master, 1000 + len(broken))
        guest.send(pack([READY, guest.hear(PROPOSE), broken]))
        undisturbed_members(members)
        guest.close()
    for answer in all_do(members, "reduce", count=MIB, retry=True):
        answer.expect(sum="right", members=ids(*members))


def test_a_thousand_silent_connections(world):
    """On the master's port, on every member's and on a waiting newcomer's, kept open: it joins as if there were none."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    check(hard >= NEEDED_DESCRIPTORS, f"the hard limit of descriptors is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (NEEDED_DESCRIPTORS, hard))
    master, members = world.start(2)
    silent = [attempt(master.address) for _ in range(SILENT)]
    newcomer = world.start_member(master)
    newcomer.tell("open", open_ms=20000)
    world.see_newcomers(members, 1)
    status = subprocess.run([BUILD / "hawser", "status", "--json", master.address], capture_output=True, check=True)
    ports = [member["address"] for member in json.loads(status.stdout)["members"]]
    check(len(ports) == 3, f"{ports}")
    silent += [attempt(address) for address in ports for _ in range(SILENT)]
    answers = all_do(members, "admit")
    newcomer.hear().expect()
    for answer in answers:
        answer.expect(members=ids(*members, newcomer), within_ms=4000)
    for answer in all_do([*members, newcomer], "reduce", count=MIB):
        answer.expect(sum="right", members=ids(*members, newcomer))
    close_all(silent)


def test_many_newcomers_that_say_nothing_more(world):
    """A real one among them gets in all the same, and nobody waits longer for fifty than for one."""
    master, members = world.start(2, dead_ms=1000)
    guests = [register(master, 1 + i) for i in range(25)]
    newcomer = world.start_member(master)
    newcomer.tell("open", open_ms=20000)
    guests += [register(master, 100 + i) for i in range(25)]
    world.see_newcomers(members, 1)  # the real one alone
    answers = all_do(members, "admit")
    newcomer.hear().expect()
    for answer in answers:
        answer.expect(members=ids(*members, newcomer), within_ms=4000)
    for answer in all_do([*members, newcomer], "reduce", count=MIB, retry=True):
        answer.expect(sum="right", members=ids(*members, newcomer))
    close_all(guests)


main(globals())
