# SPDX-License-Identifier: MIT
"""A sharded model, two shards held by three units of two processes each: whoever is killed and whenever, all shards have taken
the same steps over the same units, with the same bytes in all processes of a group. Never is a model torn."""
import random
import re
import time

from harness import BUILD, Failure, Process, check, main

LINE = re.compile(r"step (\d+) shard (\d) view (\d+) of (\d+) units ([0-9a-f]{16})")
SHARDS, UNITS, STEPS = 2, "abc", 120


class Trainer(Process):
    def __init__(self, world, master, unit, shard, again=0, directory=()):
        super().__init__(world, f"{unit}{shard}{'+' * again}", [BUILD / "sharded", STEPS, *directory], HAWSER_MASTER=master.address,
                         HAWSER_GROUP=str(shard), HAWSER_UNIT=unit, HAWSER_UNIT_SIZE=str(SHARDS))
        self.unit, self.shard, self.steps = unit, shard, {}

    def read_step(self):
        words = LINE.fullmatch(self.line())
        check(words and int(words[2]) == self.shard, f"{self.name}: no step")
        step = int(words[1])
        check(not self.steps or step == max(self.steps) + 1, f"{self.name}: took step {step} after {max(self.steps, default=0)}")
        self.steps[step] = (int(words[3]), int(words[4]), words[5])
        return step

    def read_all(self):
        """To its end, and its exit code."""
        while True:
            try:
                self.read_step()
            except Failure:
                if self.child.poll() is None:
                    raise
                return self.child.returncode


def start_unit(world, master, unit, again=0, directory=()):
    return [Trainer(world, master, unit, shard, again, directory) for shard in range(SHARDS)]


def compare(trainers):
    """Each step: one view and one number of units for all shards, one model for each shard."""
    for step in range(1, STEPS + 1):
        told = [(trainer, trainer.steps[step]) for trainer in trainers if step in trainer.steps]
        spans = {told_of[:2] for _, told_of in told}
        check(len(spans) == 1, f"step {step} was taken by different members: {spans}")
        for shard in range(SHARDS):
            models = {told_of[2] for trainer, told_of in told if trainer.shard == shard}
            check(len(models) == 1, f"step {step}: shard {shard} has {len(models)} models")


def expect_evicted(trainer):
    check(trainer.read_all() == 3, f"{trainer.name}: its unit lost a process, and it ended with {trainer.child.returncode}")
    check("of its unit was removed" in trainer.complaints(), f"{trainer.name}: was not told why: {trainer.complaints()}")
    trainer.ended_by_us = True


def play(world, comes_back):
    draw = random.Random()
    master = world.start_master(first_members=SHARDS * len(UNITS), dead_ms=2000)
    units = {unit: start_unit(world, master, unit) for unit in UNITS}
    trainers = [trainer for unit in units.values() for trainer in unit]
    for _ in range(draw.randrange(5, 40)):
        for trainer in trainers:
            trainer.read_step()
    time.sleep(draw.random() * 0.01)
    victim = draw.choice(trainers)
    victim.kill()
    victim.read_all()
    for trainer in units[victim.unit]:
        if trainer is not victim:
            expect_evicted(trainer)
    back = start_unit(world, master, victim.unit, 1) if comes_back else []
    for trainer in [*trainers, *back]:
        if trainer.unit != victim.unit or trainer in back:
            check(trainer.read_all() == 0, f"{trainer.name}: ended with {trainer.child.returncode}")
            check(max(trainer.steps) == STEPS, f"{trainer.name}: ended at step {max(trainer.steps)}")
    for trainer in back:
        check(min(trainer.steps) > 5, f"{trainer.name}: began at step {min(trainer.steps)}")
    compare([*trainers, *back])


def test_a_killed_process_takes_its_unit_and_tears_nothing(world):
    play(world, comes_back=False)


def test_the_unit_comes_back_whole(world):
    play(world, comes_back=True)


def newest_step(directory, shard):
    return max(int(file.stem.split("-")[1]) for file in (directory / f"shard{shard}").glob("*.hwc"))


def begin_again(world, spoil):
    """All die at one moment; `spoil` changes what is on disk; a new run takes the steps again, bit for bit, to the end."""
    directory = world.folder / "checkpoints"
    directory.mkdir()
    master = world.start_master(first_members=SHARDS * len(UNITS))
    before = [t for unit in UNITS for t in start_unit(world, master, unit, directory=(directory,))]
    for _ in range(random.randrange(6, 30)):
        for trainer in before:
            trainer.read_step()
    for trainer in before:
        trainer.kill()
    for trainer in before:
        trainer.read_all()
    master.kill()
    spoil(directory)
    common = min(newest_step(directory, shard) for shard in range(SHARDS))
    again = world.start_master(name="again", first_members=SHARDS * len(UNITS))
    after = [t for unit in UNITS for t in start_unit(world, again, unit, 1, (directory,))]
    for trainer in after:
        check(trainer.read_all() == 0, f"{trainer.name}: ended with {trainer.child.returncode}")
        check(min(trainer.steps) == common + 1, f"{trainer.name}: began with step {min(trainer.steps)}, not behind {common}")
        check(max(trainer.steps) == STEPS, f"{trainer.name}: ended at step {max(trainer.steps)}")
    models = {(t.shard, step, t.steps[step][2]) for t in [*before, *after] for step in t.steps}
    check(len(models) == len({model[:2] for model in models}), "a step that was taken again has other bytes")


def test_all_die_and_the_run_begins_again(world):
    begin_again(world, lambda directory: None)


def test_one_shard_is_behind_when_the_run_begins_again(world):
    """Shard 0 lost its newest files, and an older one is damaged: both shards continue from the step before."""
    def spoil(directory):
        newest = newest_step(directory, 0)
        for unit in UNITS:
            (directory / "shard0" / f"{unit}-{newest}.hwc").unlink(missing_ok=True)
        (directory / "shard0" / f"a-{newest - 2}.hwc").write_bytes(b"damaged")
    begin_again(world, spoil)


main(globals())
