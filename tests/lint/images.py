# SPDX-License-Identifier: MIT
"""Every field of the actors' states stands in their state.c, or here with the reason why an image does without it. (What
the fields do is proven by the scenarios; this finds the new field that no scenario minds.)"""
import re

from tree import ROOT, end

STATES = {
    "actors/master/state.c": [f"actors/master/{unit}.h" for unit in ("master", "session", "unit", "group", "channel", "shape")],
    "actors/peer/state.c": ["actors/peer/peer.h"],
    "collectives/reducer/state.c": ["collectives/reducer/reducer.h", "collectives/reducer/collective.h",
                                    "collectives/reducer/ledger.h", "collectives/reducer/early.h",
                                    "collectives/plans/plan.h"],
    "snapshot/state.c": ["snapshot/snapshot.h", "snapshot/fetch.h", "snapshot/manifest.h"],
}
NO_STATE = {"hwi_run": "an answer", "hwi_spot": "an answer", "hwi_plan_phase": "an answer",
            "hwi_plan_work": "an answer", "hwi_plan_ops": "the plan", "hwi_piece": "an answer", "hwi_master_session_name": "the index of sessions is made anew", "hwi_master_unit": "likewise"}
LEFT_OUT = {
    "alloc": "given",
    "capacity": "room for more is nobody's business",
    "hwi_master_session.gone": "only within a step",
    "hwi_master.names": "made anew from the sessions",
    "hwi_master.name_count": "likewise",
    "hwi_master.member_count": "likewise",
    "hwi_master.units": "likewise",
    "hwi_master.unit_count": "likewise",
    "hwi_master.incomplete": "likewise",
    "hwi_tensor_span.first": "follows from the sizes",
    "hwi_ledger.count": "follows from the shape",
    "hwi_plan_shape.ops": "chosen again",
    "hwi_collective.edges": "visited by rank",
}


def structs(text):
    """(name, [field, ..]) of each struct; fields of structs inside it count as its own."""
    text = re.sub(r"//[^\n]*", "", text)
    for match in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", text, re.M | re.S):
        body = re.sub(r"\bstruct \{|\benum \{|\}", ";", match[2])
        fields = []
        for declaration in body.split(";"):
            words = re.sub(r"\[[^\]]*\]|\*|:\s*\d+", " ", declaration).strip()
            if words and "(" not in words:
                fields += [part.split()[-1] for part in words.split(",")]
        yield match[1], fields


problems, seen = [], 0
for state, headers in STATES.items():
    listed = set(re.findall(r"(?:->|\.)(\w+)", (ROOT / state).read_text()))
    for header in headers:
        for struct, fields in structs((ROOT / header).read_text()):
            for field in fields if struct not in NO_STATE else []:
                seen += 1
                if field in listed or field.split("_")[-1] in LEFT_OUT or f"{struct}.{field}" in LEFT_OUT:
                    continue
                problems.append(f"{header}: {struct}.{field} is not in {state}")
if seen < 150:
    problems.append(f"only {seen} fields found: the headers are not read right")
end(f"images ({seen} fields)", problems)
