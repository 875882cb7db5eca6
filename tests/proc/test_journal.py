# SPDX-License-Identifier: MIT
"""Journals of processes that are killed in a storm of operations read to their last whole record, and replay."""
import subprocess

from harness import BUILD, check, main

KILLS = 5


def test_a_storm_of_kills(world):
    folder = world.folder / "journals"
    environment = {"HAWSER_JOURNAL": str(folder), "HAWSER_FLIGHT": str(world.folder)}
    storm = subprocess.run(["env", *(f"{name}={value}" for name, value in environment.items()),
                            BUILD / "tests/proc/hawser_kills", "--kills", str(KILLS)],
                           capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
    check(storm.returncode == 0, f"the storm: {storm.stdout}{storm.stderr}")
    replay = subprocess.run([BUILD / "hawser", "replay", folder], capture_output=True, text=True, timeout=200,
                            stdin=subprocess.DEVNULL)
    said = replay.stdout + replay.stderr
    check(replay.returncode == 0 and "replay: OK" in said, f"replay: exit code {replay.returncode}\n{said}")
    killed = said.count("was not closed")
    check(killed >= KILLS, f"{KILLS} were killed, {killed} journals have no end\n{said}")


def test_a_directory_that_cannot_be_made(world):
    master = world.start_master()
    member = world.start_member(master)
    answer = member.open(journal="/nonexistent/journals")
    answer.expect("HWS_E_SYSTEM", **{"class": "LOCAL"})
    check("/nonexistent/journals" in answer.sentence, f"it is not named: {answer.line}")


main(globals())
