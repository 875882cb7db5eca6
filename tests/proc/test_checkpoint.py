# SPDX-License-Identifier: MIT
"""Checkpoints of real processes: killed while they save, a run whose members all died, and what `hawser checkpoint` says."""
import json
import os
import random
import subprocess
import time

from harness import BUILD, MIB, SLOW, Master, Member, Process, all_do, check, main, same

KILLS = 24 if SLOW > 1 else 48
HAWSER = str(BUILD / "hawser")


def command(world, *words):
    """(exit code, output, complaints) of hawser checkpoint."""
    done = subprocess.run([HAWSER, "checkpoint", *map(str, words)], capture_output=True, text=True, timeout=60)
    world.note("command", f"{' '.join(map(str, words))}: code {done.returncode} {done.stdout.strip()} {done.stderr.strip()}")
    check("Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr)
    return done.returncode, done.stdout, done.stderr


def spoil(path, offset):
    """Turns one byte over."""
    with open(path, "r+b") as file:
        file.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x5a]))


def new_member(world, **state):
    member = world.start_member("nobody:1")
    member.state(**state).expect()
    return member


def test_killed_while_saving(world):
    """SIGKILL at random moments of a save: the file is the old one or the new one, whole; leftovers go with the next save."""
    path, random_ = world.folder / "state.hwc", random.Random(2026)
    first = new_member(world, bytes=4 * MIB, seed=1)
    took_ms = first.save(path=path).expect(blocks=6).ms
    hash_, held, cut = first.touch(times=0).hash, 0, 0
    for _ in range(KILLS):
        member = new_member(world, bytes=4 * MIB, seed=1)
        member.revision(to=held + 1000).expect()
        member.tell("save_on", path=path)
        told = [member.hear().expect().revision for _ in range(2)][-1]
        time.sleep(random_.uniform(0, 2) * took_ms / 1000)
        member.kill()
        cut += any(name.name.startswith("state.hwc.saving-") for name in world.folder.iterdir())
        reader = new_member(world, bytes=4 * MIB)
        held = reader.load(path=path).expect().revision
        check(held >= told, f"revision {told} had been saved, and the file holds {held}")
        check(reader.touch(times=0).hash == hash_, "the file holds other bytes than were saved")
        reader.kill()
    world.note("test", f"{cut} of {KILLS} kills left a temporary file")
    check(cut >= KILLS // 8, f"only {cut} of {KILLS} kills came within a save")
    first.save(path=path).expect()
    names = [name.name for name in world.folder.iterdir() if name.name.startswith("state.hwc")]
    check(names == ["state.hwc"], f"left behind: {names}")


def train(members, steps):
    """Revisions that all hold: one changes its bytes, the others get them."""
    for _ in range(steps):
        author = members[0]
        author.touch(times=40, stride=100_000, offset=random.Random(steps).randrange(1000)).expect()
        revision = author.revision(to=author.touch(times=0).revision + 1).expect().revision
        for answer in all_do(members, "sync"):
            answer.expect(value=revision)
        for answer in all_do(members, "reduce", count=5000):
            answer.expect(sum="right")
    return revision


def live_and_die(world, members):
    """Train and save: of member 0 an old checkpoint is left, of member 1 the newest whole one, of member 2 an old one and a newer
    one that is damaged. All members are killed. (directories, old and newest revision, what the newest's save said, its bytes)"""
    homes = [world.folder / f"home{number}" for number in range(3)]
    for number, (member, home) in enumerate(zip(members, homes)):
        member.state(bytes=5 * MIB, seed=number + 1).expect()
        home.mkdir()
    members[0].revision(to=1).expect()
    old = train(members, 2)
    for number in (0, 2):
        members[number].save(path=homes[number] / f"{old}.hwc").expect()
    newest = train(members, 3)
    saved, hash_ = members[1].save(path=homes[1] / f"{newest}.hwc").expect(), members[1].touch(times=0).hash
    lost = train(members, 1)
    members[2].save(path=homes[2] / f"{lost}.hwc", raw=True).expect()
    for member in members:
        member.kill()
    spoil(homes[2] / f"{lost}.hwc", -100)
    return homes, old, newest, saved, hash_


def begin_again(world, master, homes, old, newest, saved, hash_):
    """Three newcomers, each with the newest whole checkpoint of its directory: all get the newest of all and train on."""
    newcomers = [world.start_member(master) for _ in range(3)]
    for member, home, revision in zip(newcomers, homes, (old, newest, old)):
        member.state(bytes=5 * MIB).expect()
        found = member.newest(**{"in": home}).expect(skipped=int(home == homes[2]))
        check(found.path == str(home / f"{revision}.hwc"), f"another checkpoint was found: {found.line}")
        member.load(path=found.path).expect(revision=revision)
    lost = next(path for path in homes[2].iterdir() if path.name != f"{old}.hwc")
    damaged = newcomers[2].load(path=lost).expect("HWS_E_DAMAGED", revision=old)
    check((damaged.damaged, damaged.offset) == ("moments", MIB), damaged.line)
    for answer in all_do(newcomers, "open"):
        answer.expect()
    for answer in all_do(newcomers, "sync"):
        answer.expect(value=newest, revision=newest, hash=hash_, root=saved.root)
    check(train(newcomers, 2) == newest + 2, "training does not go on")
    same([member.touch(times=0) for member in newcomers], "hash")


def test_a_dead_run_begins_again(world):
    """Everyone dies, the master too, and a new run begins."""
    master, members = world.start(3)
    left = live_and_die(world, members)
    master.kill()
    begin_again(world, world.start_master(first_members=3), *left)


def test_a_dead_run_begins_again_under_its_master(world):
    """The members die; the master, which lives, takes the newcomers."""
    master, members = world.start(3, dead_ms=1000)
    begin_again(world, master, *live_and_die(world, members))


def test_a_dead_run_begins_again_with_its_masters_file(world):
    """All die; the master comes back with its file and finds nobody of its view."""
    options = {"first_members": 3, "dead_ms": 1000, "state": world.folder / "master.state"}
    master = Master(world, "first", new_run=True, **options)
    members = [world.start_member(master) for _ in range(3)]
    for answer in all_do(members, "open"):
        answer.expect()
    left = live_and_die(world, members)
    master.kill()
    begin_again(world, world.start_master(**options), *left)


def test_a_newer_newcomer_is_no_way_around_the_run(world):
    """A checkpoint that is newer than a run that lives is refused, not lost."""
    master, members = world.start(2)
    for member in members:
        member.state(bytes=MIB, seed=1).expect()
    for answer in all_do(members, "sync"):
        answer.expect(value=0)
    author = new_member(world, bytes=MIB, seed=2)
    author.revision(to=50).expect()
    author.save(path=world.folder / "50.hwc").expect()
    newcomer = world.start_member(master)
    newcomer.state(bytes=MIB).expect()
    newcomer.load(path=world.folder / "50.hwc").expect(revision=50)
    world.join(members, newcomer)
    answers = all_do([*members, newcomer], "sync", retry=True)
    answers[2].expect("HWS_E_AHEAD", **{"class": "LOCAL"}, revision=50)
    check("its revision is 50, the run's is 0" in answers[2].sentence, answers[2].sentence)


def test_what_was_loaded_is_hashed(world):
    """Syncs that hash only when something changed do so after a load, though view and revision say nothing did."""
    path = world.folder / "other.hwc"
    author = new_member(world, bytes=3 * MIB, seed=9)
    author.revision(to=4).expect()
    author.save(path=path).expect()
    _, members = world.start(3)
    for member in members:
        member.state(bytes=3 * MIB, seed=1).expect()
        member.revision(to=4).expect()
    hash_ = same(all_do(members, "sync"), "hash")
    for answer in all_do(members, "sync", lazy=True):
        answer.expect(root="0" * 32)
    check(members[2].load(path=path).expect() and members[2].touch(times=0).hash != hash_, "proves nothing")
    for answer in all_do(members, "sync", lazy=True):
        answer.expect(hash=hash_, value=4)
        check(int(answer.fields["root"], 16) > 0, f"was not hashed: {answer.line}")


def test_a_cut_sync_is_not_saved(world):
    """Bytes of two revisions make no checkpoint; members that hold one whole can still save it."""
    path, other_path = world.folder / "newcomer.hwc", world.folder / "other.hwc"
    master, (victim, other) = world.start(2)
    for member in (victim, other):
        member.state(bytes=8 * MIB, seed=1).expect()
        member.revision(to=7).expect()
    for answer in all_do([victim, other], "sync"):
        answer.expect(value=7)
    newcomer = world.start_member(master)
    newcomer.state(bytes=8 * MIB, seed=2).expect()
    world.join([victim, other], newcomer)
    victim.fault(at="blocks_want", kill=True).expect()
    victim.tell("sync")
    for answer in all_do([other, newcomer], "sync"):
        answer.expect("HWS_E_MEMBER_LOST")
    victim.died()
    newcomer.save(path=path).expect("HWS_E_NOT_SYNCED")
    check(not path.exists(), "a torn state was saved")
    other.save(path=other_path).expect(revision=7)
    newcomer.load(path=other_path).expect(revision=7)
    newcomer.save(path=path).expect(revision=7)
    for member in (other, newcomer):
        member.view().expect()
    for answer in all_do([other, newcomer], "sync"):
        answer.expect(value=7, received=0)


def test_a_full_disk_leaves_the_old_file(world):
    """A file system with room for one checkpoint and a half, where this machine lets us mount one."""
    disk = world.folder / "disk"
    disk.mkdir()
    script = f"mount -t tmpfs -o size=6m none {disk} && exec {BUILD / 'tests/proc/hawser_member'}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", script], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        world.note("test", "no file system can be mounted here")
        return
    member = Process(world, "on_disk", ["unshare", "-rm", "sh", "-c", script])
    member.__class__ = type("Speaking", (Member,), {})
    member.state(bytes=4 * MIB, seed=1).expect()
    hash_ = member.revision(to=1).expect().hash
    member.save(path=disk / "state.hwc").expect()
    member.touch(times=9, stride=300_000).expect()
    member.revision(to=2).expect()
    failed = member.save(path=disk / "state.hwc").expect("HWS_E_SYSTEM")
    check("No space left" in failed.sentence, failed.line)
    member.load(path=disk / "state.hwc").expect(revision=1)
    check(member.touch(times=0).hash == hash_, "the old file is not what it was")
    member.save(path=disk / "state.hwc.other").expect("HWS_E_SYSTEM")


def test_differences_are_measured(world):
    """Each floating-point type, subnormals, what is not finite; integers are counted."""
    one, other = world.folder / "one.hwc", world.folder / "other.hwc"
    world.start_member("nobody:1").floats(path=one, other=other).expect()
    code, out, _ = command(world, "diff", "--json", one, other)
    seen = {tensor["name"]: (tensor["elements"], tensor.get("largest", "none")) for tensor in json.loads(out)["tensors"]}
    wanted = {"f16": (1, 1.0), "tiny": (1, 2.0 ** -24), "bf16": (1, 2.0), "f32": (1, 3.25), "infinite": (1, None),
              "f64": (1, 1e300), "i32": (1, "none")}
    check(code == 5 and seen == wanted, f"{seen}")
    code, out, _ = command(world, "diff", one, other)
    check("f64                      differs: 1 of 1 blocks, 1 of 2 elements, by 1e+300 at most" in out and "by inf" in out, out)


def test_the_command(world):
    """ls, verify and diff, as text and as JSON, of good, other, damaged and missing files."""
    one, other = world.folder / "one.hwc", world.folder / "other.hwc"
    member = new_member(world, bytes=5 * MIB, seed=7)
    member.revision(to=3).expect()
    saved = member.save(path=one).expect()
    for words in (("ls", one), ("verify", one)):
        code, out, errors = command(world, *words)
        check(code == 0 and "revision 3" in out and not errors, f"{words}: {out} {errors}")
    code, out, _ = command(world, "ls", "--json", one)
    seen = json.loads(out)
    check(seen["revision"] == 3 and seen["file_bytes"] == saved.file_bytes == one.stat().st_size, out)
    check([tensor["name"] for tensor in seen["tensors"]] == ["weights", "moments", "counters"], out)
    check(sum(tensor["bytes"] for tensor in seen["tensors"]) == 5 * MIB, out)

    member.touch(offset=MIB + 4).expect()
    member.touch(offset=int(4.9 * MIB)).expect()
    member.revision(to=4).expect()
    member.save(path=other).expect()
    check(command(world, "diff", one, one)[0] == 0, "a file differs from itself")
    code, out, errors = command(world, "diff", one, other)
    check(code == 5 and not errors, errors)
    check("weights" in out and "1 of 4 blocks, 1 of" in out and "the tensors differ" in out, out)
    code, out, _ = command(world, "diff", "--json", one, other)
    seen = json.loads(out)
    verdicts = {tensor["name"]: tensor["verdict"] for tensor in seen["tensors"]}
    check(code == 5 and not seen["equal"] and verdicts == {"weights": "differs", "moments": "differs", "counters": "same"}, out)

    raw = world.folder / "raw.hwc"
    member.save(path=raw, raw=True).expect(compressed=0)
    check(command(world, "diff", other, raw)[0] == 0, "compression makes a difference")
    for offset in (-30, -2 * MIB, -3 * MIB):
        spoil(raw, offset)
    code, out, _ = command(world, "verify", one, raw)
    check(code == 4 and "3 of 7 blocks are bad; first: block" in out and f"{one}: whole" in out, out)
    code, out, _ = command(world, "verify", "--json", raw)
    seen = json.loads(out)
    check(seen["verdict"] == "damaged" and seen["bad_blocks"] == 3 and seen["tensor"] == "weights", out)
    check(seen["offset"] % MIB == 0 and seen["offset"] > 0, out)
    with open(raw, "r+b") as file:
        file.truncate(3 * MIB)
    for words in (("ls", raw), ("verify", raw)):
        code, _, errors = command(world, *words)
        check(code == 4, f"a file cut short: {words} code {code} {errors}")
    check(command(world, "verify", world.folder / "none")[0] == 1, "a missing file")
    check(command(world, "verify", world.folder / "member1.stderr")[0] == 4, "no checkpoint")


def test_the_order_of_arrival_does_not_matter(world):
    """One newcomer has an older checkpoint and one a newer: whichever comes first, the newer state wins."""
    homes = [world.folder / f"{revision}.hwc" for revision in (40, 60)]
    for seed, (home, revision) in enumerate(zip(homes, (40, 60))):
        author = new_member(world, bytes=MIB, seed=seed + 1)
        author.revision(to=revision).expect()
        author.save(path=home).expect()
    for order in (homes, homes[::-1]):
        master = world.start_master(gather_ms=1200)
        members = []
        for home in order:
            member = world.start_member(master)
            member.state(bytes=MIB).expect()
            member.load(path=home).expect()
            member.tell("open", state=True)
            members.append(member)
            time.sleep(0.4)
        for member in members:
            check(len(member.hear().expect().peers("members")) == 2, "both are in the first view")
        for answer in all_do(members, "sync"):
            answer.expect(value=60, revision=60)
        same([member.touch(times=0) for member in members], "hash")
        for process in (*members, master):
            process.kill()


main(globals())
