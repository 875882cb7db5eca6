# SPDX-License-Identifier: MIT
"""The README's example: three members end with one model; so do those that are left when one is killed and another starts."""
import re

from support import BUILD, HAWSER, check, end, run

LINE = re.compile(r"^process \d: (\d+) members, model ([0-9a-f]{32})$")


def models(done):
    found = [LINE.match(line) for line in done.stdout.splitlines()]
    return [match[2] for match in found if match]


def finish_alike(what, *options):
    done = run(HAWSER, "run", "-n", "3", *options, "--", BUILD / "embed")
    check(done.returncode == 0, f"{what}: the run succeeds", done)
    check(len(models(done)) >= 2, f"{what}: members print their model", done)
    check(len(set(models(done))) == 1, f"{what}: it is the same model", done)
    return done


check(len(models(finish_alike("undisturbed"))) == 3, "all three finish")
finish_alike("one killed, one started", "--chaos", "kill@100ms:1,start@150ms")
end()
