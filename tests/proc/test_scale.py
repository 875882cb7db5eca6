# SPDX-License-Identifier: MIT
"""`hawser sim --peers N` beyond a swarm: what a run costs grows with its members as docs/SCALE.md says."""
import json

from support import HAWSER, check, end, run


def phases(peers):
    done = run(HAWSER, "sim", "--peers", str(peers), "--steps", "2", "--json", timeout=250)
    check(done.returncode == 0, f"{peers} members", done)
    return {phase["what"]: phase for phase in json.loads(done.stdout)["phases"]}


few, many = phases(100), phases(300)
for peers, run_of in ((100, few), (300, many)):
    for what in ("agree", "all-reduce of 64 bytes"):
        phase = run_of[what]
        check(phase["times"] == 2, f"{what}: {phase}")
        for number in ("master_steps", "master_messages", "member_messages"):
            check(phase[number] == 2 * peers, f"{what}, {number}: one for each member and operation: {phase}")
    # calls and chunks to each other member, sent together or not
    frames = run_of["all-reduce of 64 bytes"]["frames"]
    check(2 * peers * (peers - 1) <= frames <= 4 * peers * (peers - 1), f"{frames} frames")
    # all report a lost stripe, say ready and agree, and heartbeats: one proposal, however many saw it
    check(run_of["a death, agree after"]["master_messages"] < 5 * peers, f"a death: {run_of['a death, agree after']}")
for what in ("agree", "all-reduce of 64 bytes"):
    check(many[what]["master_bytes"] <= 4 * few[what]["master_bytes"], f"{what}: bytes")
growth = many["agree"]["peer_memory"] - few["agree"]["peer_memory"]
check(growth <= 64 * 200, f"200 members more cost each {growth} bytes more")

end()
