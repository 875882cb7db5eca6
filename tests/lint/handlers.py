# SPDX-License-Identifier: MIT
"""Each message that an actor hears has a file on_<message>.c in the actor's folder, with exactly its handler as what other files may
call, there is no other on_*.c, and the actor's table of handlers is made from msg.def."""
import re

from tree import ROOT, end

FOLDERS = {"MASTER": "actors/master", "PEER": "actors/peer", "REDUCER": "collectives/reducer", "SNAPSHOT": "snapshot"}
MESSAGE = re.compile(r'^MESSAGE\((\w+), \d+, \w+, (\w+), \w+, "', re.M)
SET = re.compile(r"^#define HWI_ROLES_(\w+)\(X, argument\)(.*(?:\\\n.*)*)", re.M)
FUNCTION = re.compile(r"^(?!static\b)([a-z][^;{}()]*\b(\w+)\([^;{}]*\))\n\{", re.M)


def heard():
    """{role: {message}} for the actors, as msg.def and the sets of roles in msg.h say it."""
    sets = {name: re.findall(r"X\((\w+), argument\)", body) for name, body in SET.findall((ROOT / "actors/wire/msg.h").read_text())}
    found = {role: set() for role in FOLDERS}
    for message, who in MESSAGE.findall((ROOT / "actors/wire/msg.def").read_text()):
        for role in sets[who]:
            found.get(role, set()).add(message)
    return found


def judge(role, messages):
    folder, actor = FOLDERS[role], FOLDERS[role].split("/")[-1]
    files = {path.stem[3:]: path for path in (ROOT / folder).glob("on_*.c")}
    if f"HWI_HANDLES(message, hwi_{actor}_on_##message)" not in (ROOT / folder / f"{actor}.c").read_text():
        yield f"{folder}/{actor}.c: its table of handlers is not made from msg.def"
    for message in sorted(messages - files.keys()):
        yield f"{folder}: {message} has no on_{message}.c"
    for message, path in sorted(files.items()):
        found = FUNCTION.findall(path.read_text())
        functions = [name for _, name in found]
        arguments = "(void *state, const struct hwi_event *event, struct hwi_effects *effects)"
        if message not in messages:
            yield f"{folder}/{path.name}: the {actor} hears no {message}"
        elif functions != [f"hwi_{actor}_on_{message}"]:
            yield f"{folder}/{path.name}: has {', '.join(functions) or 'no function'} for other files, not just hwi_{actor}_on_{message}"
        elif not re.sub(r"\s+", " ", found[0][0]).endswith(arguments):
            yield f"{folder}/{path.name}: its handler does not take {arguments}"


problems = [problem for role, messages in heard().items() for problem in judge(role, messages)]
for role, messages in heard().items():
    if len(messages) < 7:
        problems.append(f"only {len(messages)} messages for {role} found: msg.def is not read right")
end("handlers", problems)
