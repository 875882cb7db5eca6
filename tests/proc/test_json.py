# SPDX-License-Identifier: MIT
"""The commands' output with --json is JSON, has the fields that docs/RECORDING.md names, and keeps every character."""
import json
import subprocess

from harness import BUILD, SLOW, all_do, check, environment, main

UNIT = 'a"b\\c\\"'


def objects(*words, code=0):
    """The objects that a command prints, one a line."""
    done = subprocess.run([str(word) for word in (BUILD / "hawser", *words)], capture_output=True, text=True, timeout=60 * SLOW,
                          stdin=subprocess.DEVNULL)
    check(done.returncode == code, f"{words}: exit code {done.returncode}, not {code}: {done.stdout[-500:]}{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def has(thing, fields, what):
    missing = set(fields.split()) - set(thing)
    check(not missing, f"{what} lacks {missing}: {thing}")


def reduce_all(members, times=3):
    for _ in range(times):
        for answer in all_do(members, "reduce", count=1000, tag=7):
            answer.expect()


def test_status(world):
    """A unit may have any name of plain characters."""
    master = world.start_master()
    with environment(HAWSER_UNIT=UNIT, HAWSER_UNIT_SIZE=1):
        member = world.start_member(master)
        member.open().expect()
    (status,) = objects("status", master.address, "--json")
    check(status["members"][0]["unit"] == UNIT, f"{status}")
    has(status, "run view proposal min_members committed aborted members operations trouble", "status")
    check(status["view"] == 1, f"{status}")


def test_trace_and_explain(world):
    master, members = world.start(2)
    reduce_all(members)
    *messages, end = objects("trace", master.address, "--json")
    check(end["end"]["shown"] == len(messages) and end["end"]["lost"] == 0 and end["end"]["missing"] == "", f"{end}")
    check([m["time_ns"] for m in messages] == sorted(m["time_ns"] for m in messages), "in the order of time")
    check({m["member"] for m in messages} == {0, *(member.peer for member in members)}, "of the master and all members")
    for message in messages:
        has(message, "time_ns process member pid actor message view number text", "a message")
        check(("from" in message) != ("to" in message) and ("waited_ns" in message) == ("from" in message), f"{message}")
    commits = [m for m in messages if m["message"] == "commit" and m["process"] == "member"]
    check(commits and all((m["kind"], m["tag"]) == ("all_reduce", 7) and m["from"] == "master" for m in commits), f"{commits}")
    (report,) = objects("explain", master.address, "--json")
    has(report, "trouble time_ns realtime findings rings missing note", "a report")
    check(report["findings"][0]["rule"] == "nothing" and not report["trouble"], f"{report}")
    check({ring["member"] for ring in report["rings"]} == {0, 1, 2}, f"{report['rings']}")
    members[0].tell("reduce", count=100, tag=7)
    world.until(lambda: objects_of_stall(master), 20, "the finding")
    members[1].reduce(count=100, tag=7).expect()
    members[0].hear().expect()


def objects_of_stall(master):
    done = subprocess.run([BUILD / "hawser", "explain", master.address, "--json", "--patience", "200"], capture_output=True, text=True,
                          timeout=60 * SLOW)
    finding = json.loads(done.stdout)["findings"][0]
    has(finding, "rule standing mild since_ns sentence evidence what_to_do", "a finding")
    return done.returncode == 3 and finding["rule"] == "operations" and finding["standing"] == "open" and finding["evidence"]


def test_replay(world):
    """The verdict is the last object; events and effects are objects; differences between histories are reported."""
    folder = world.folder / "journal"
    with environment(HAWSER_JOURNAL=folder):
        _, members = world.start(2)
        reduce_all(members)
        world.end_well()
    *_, counts, verdict = objects("replay", folder, "--json")
    check(verdict == {"verdict": "OK", "code": 0} and counts["actors"] == 7 and counts["events"] > 50, f"{counts} {verdict}")
    *events, verdict = objects("replay", folder, "--timeline", "--json")
    check(len(events) == counts["events"] and verdict["code"] == 0, f"{len(events)} events, {verdict}")
    for event in events:
        has(event, "time_ns event actor journal number from message text", "an event")
    *steps, state, counts, verdict = objects("replay", folder, "--actor", "master", "--until", "5", "--step", "--state", "--json")
    check(sum("event" in step for step in steps) == 5 and any("to" in step for step in steps), f"{steps}")
    check(state["after"].startswith("master@") and "state" in state, f"{state}")
    names = sorted(path.name.split(".")[0] for path in folder.glob("member*.000001.hwj"))
    *lines, verdict = objects("replay", folder / names[0], "--actor", "peer", "--diff", folder / names[1], "--json",
                              code=objects_code(folder / names[0], folder / names[1]))
    has(lines[0], "actor journal other parted equal moved", "a comparison")
    check(objects("replay", world.folder / "nowhere", "--json", code=1)[-1]["verdict"] == "UNREADABLE", "nothing to read")


def objects_code(one, other):
    return subprocess.run([BUILD / "hawser", "replay", one, "--actor", "peer", "--diff", other], capture_output=True,
                          timeout=60 * SLOW).returncode


def test_info(_):
    (info,) = objects("info", "--json")
    has(info, "version protocol libraries kernels options limits", "info")
    check({"member", "master", "call"} == set(info["options"]), f"{info['options'].keys()}")
    names = {option["variable"] for option in info["options"]["member"]}
    check("HAWSER_MASTER" in names and None not in names, f"{names}")
    objects("info", "--json", "--markdown", code=2)


main(globals())
