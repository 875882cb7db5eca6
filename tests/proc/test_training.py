# SPDX-License-Identifier: MIT
"""Each mode of the digits' trainer: one of three members is killed inside a reduction, another joins late; those that finish hold
the same state, and it has learnt."""
import hashlib

from harness import BUILD, SLOW, Process, check, main

from support import DIGITS, SOURCE, run

STEPS, DIE_AT, ACCURACY_LEAST = 24, 6, 0.93
TRAINER = BUILD / "train_digits"


class Trainer(Process):
    """Reports on its standard output. Other lines there are for people."""

    def __init__(self, world, name, master, mode, *options, **variables):
        self.out = world.folder / f"{name}.state"
        super().__init__(world, name, [TRAINER, "--data", DIGITS, "--mode", mode, "--steps", STEPS, "--inner", 40, "--batch", 16,
                                       "--every", 1000, "--out", self.out, "--report", "/dev/stdout", *options],
                         HAWSER_MASTER=master.address, **variables)
        self.reports = []

    def hear(self, kind, seconds=60):
        """Reads reports up to the next of this kind, and gives its fields."""
        while True:
            word, *pairs = self.line(seconds).split()
            fields = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
            self.reports.append((word, fields))
            if word == kind and fields:
                return fields

    def heard(self, kind):
        return [fields for word, fields in self.reports if word == kind and fields]


def train_with_trouble(world, mode, *options):
    """The victim dies in a reduction that member 0 comes late to, so that it is in flight; then a newcomer starts."""
    master = world.start_master(first_members=3)
    late = Trainer(world, "late", master, mode, "--late-at", DIE_AT, *options)
    # Where processes start slowly the newcomer gets another second before the run continues.
    other = Trainer(world, "other", master, mode, *(("--late-at", DIE_AT + 1) if SLOW > 1 else ()), *options)
    victim = Trainer(world, "victim", master, mode, "--die-at", DIE_AT, *options)
    victim.died(60)
    newcomer = Trainer(world, "newcomer", master, mode, *options)
    members = (late, other, newcomer)
    ends = [member.hear("finished") for member in members]
    for member, end in zip(members, ends):
        check(int(end["step"]) == STEPS, f"{member.name} ended after {end['step']} steps")
        check(float(end["accuracy"]) >= ACCURACY_LEAST, f"{member.name}: an accuracy of {end['accuracy']}")
    for member in members:
        check(member.child.wait(10) == 0, f"{member.name} ended with code {member.child.returncode}")
    states = {hashlib.sha256(member.out.read_bytes()).hexdigest() for member in members}
    check(len(states) == 1, "the final states differ")
    for member in (late, other):
        check(member.heard("lost"), f"{member.name} did not notice the death")
    check(any(int(fields["attempts"]) > 1 for fields in other.heard("averaged")), "the kill hit no reduction")
    synced = newcomer.heard("synced")[0]
    check(int(synced["bytes"]) > 0 and DIE_AT <= int(synced["step"]) < STEPS, f"the newcomer's first sync was {synced}")
    check(len(newcomer.heard("step")) == STEPS - int(synced["step"]), "the newcomer made another number of steps")
    return ends


def test_diloco(world):
    ends = train_with_trouble(world, "diloco")
    check(int(ends[0]["reductions"]) == STEPS, f"one reduction for each outer step: {ends[0]}")


def test_ddp(world):
    ends = train_with_trouble(world, "ddp")
    check(int(ends[0]["reductions"]) == int(ends[0]["sgd_steps"]) == STEPS * 40, f"one reduction for each SGD step: {ends[0]}")


def test_async_diloco(world):
    train_with_trouble(world, "async-diloco")


def test_streaming(world):
    ends = train_with_trouble(world, "streaming", "--fragments", "3", "--overlap", "2")
    check(int(ends[0]["reductions"]) == STEPS * 3, f"one reduction for each fragment and outer step: {ends[0]}")
    check(int(ends[0]["largest"]) < 8192, f"fragments are a third of the parameters: {ends[0]}")


def freeze_and_thaw(world, mode, *options):
    """A member that is removed while it is frozen comes back as a newcomer; it has to drop an operation in flight."""
    master = world.start_master(first_members=3, dead_ms=700)
    # Slow enough to come back in time: behind the freeze one waits for a second.
    awake = [Trainer(world, "late", master, mode, "--late-at", DIE_AT + 6, *options), Trainer(world, "other", master, mode, *options)]
    frozen = Trainer(world, "frozen", master, mode, *options)
    while int(frozen.hear("step")["number"]) < DIE_AT:
        pass
    frozen.stop()
    for member in awake:
        member.hear("lost")
    frozen.proceed()
    ends = [member.hear("finished") for member in (*awake, frozen)]
    check(len({end["accuracy"] for end in ends}) == 1, f"the accuracies differ: {ends}")
    check(frozen.heard("rejoining"), "the frozen member was not removed from the run")
    check(all(member.child.wait(10) == 0 for member in (*awake, frozen)), "a trainer failed")
    check(len({member.out.read_bytes() for member in (*awake, frozen)}) == 1, "the final states differ")
    frozen.ended_by_us = True  # it may complain of that


def test_freeze_async_diloco(world):
    freeze_and_thaw(world, "async-diloco")


def test_freeze_streaming(world):
    freeze_and_thaw(world, "streaming", "--fragments", "3", "--overlap", "3")


def test_same_again(world):
    """The members' state depends on the seed and on who they are, not on when averages arrive."""
    states = set()
    for attempt in range(2):
        master = world.start_master(first_members=3, name=f"master{attempt}")
        late = ("--late-at", "2") if attempt else ()
        trainers = [Trainer(world, f"{name}{attempt}", master, "streaming", *late) for name in ("a", "b", "c")]
        for trainer in trainers:
            trainer.hear("finished")
            check(trainer.child.wait(10) == 0, f"{trainer.name} failed")
            states.add(trainer.out.read_bytes())
    check(len(states) == 1, "the final states differ")


def test_a_member_slower_than_deadlines(world):
    """A member comes a second late to a reduction, and each call has 300 ms: the others make the same calls again."""
    for mode in ("ddp", "diloco", "async-diloco", "streaming"):
        master = world.start_master(min_members=3, name=f"master-{mode}")
        late = Trainer(world, f"late-{mode}", master, mode, "--late-at", DIE_AT, HAWSER_TIMEOUT_MS="300")
        others = [Trainer(world, f"{name}-{mode}", master, mode, HAWSER_TIMEOUT_MS="300") for name in ("a", "b")]
        states = set()
        for member in (late, *others):
            end = member.hear("finished")
            check(int(end["step"]) == STEPS, f"{member.name} ended after {end['step']} steps")
            check(member.child.wait(10) == 0, f"{member.name} ended with code {member.child.returncode}")
            check(not member.heard("rejoining") and not member.heard("lost"), f"{member.name} left the run")
            states.add(member.out.read_bytes())
        check(len(states) == 1, f"{mode}: the final states differ")
        check(any(len(member.heard("view")) > 1 for member in others), f"{mode}: no deadline passed")


def test_a_run_with_too_few_members(world):
    """One of the two members that the run needs dies; the other one admits the next newcomer, and both finish alike."""
    for mode in ("ddp", "diloco", "async-diloco", "streaming"):
        master = world.start_master(min_members=2, name=f"master-{mode}")
        # It comes late to a reduction in the middle, so that the others' calls are in flight.
        survivor = Trainer(world, f"survivor-{mode}", master, mode, "--late-at", DIE_AT)
        Trainer(world, f"victim-{mode}", master, mode, "--die-at", DIE_AT).died(60)
        newcomer = Trainer(world, f"newcomer-{mode}", master, mode)
        ends = [member.hear("finished") for member in (survivor, newcomer)]
        check(all(int(end["step"]) == STEPS for end in ends), f"{mode}: they ended after {ends}")
        check(all(member.child.wait(10) == 0 for member in (survivor, newcomer)), f"{mode}: a trainer failed")
        check(len({member.out.read_bytes() for member in (survivor, newcomer)}) == 1, f"{mode}: the final states differ")
        synced = newcomer.heard("synced")[0]
        check(DIE_AT - 1 <= int(synced["step"]) <= DIE_AT, f"{mode}: the newcomer's first sync was {synced}")


def test_comparison(_):
    """The tool that makes the tables of docs/TRAINING.md."""
    done = run(SOURCE / "tools/compare_training", "--build", BUILD, "--members", 2, "--steps", 2, "--inner", 4, "--fragments", 2,
               "--seeds", 1, "--delay-ms", 2, "--mbit", 100)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    check(done.returncode == 0 and [row[0] for row in rows[2:]] == ["ddp", "diloco", "async-diloco", "streaming"],
          f"{done.returncode} {done.stdout} {done.stderr}")
    check([row[2] for row in rows[2:]] == ["8", "2", "2", "4"], f"the numbers of reductions: {done.stdout}")
    done = run(SOURCE / "tools/compare_training", "--modes", "diloco,hogwild")
    check(done.returncode == 1 and "no such mode: hogwild" in done.stderr, f"{done.returncode} {done.stderr}")


if __name__ == "__main__":
    main(globals())
