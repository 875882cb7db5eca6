# SPDX-License-Identifier: MIT
"""The rules for the comment of a public declaration: what it is, threads, errors, ownership, units, ranges. A rule gives
the sentences that are missing; MUTANTS takes from a comment what a rule asks for, to show that the rule looks."""
import copy
import re

OWNERSHIP = r"(?i)\b(borrow(s|ed)|owned|takes?|taken|cop(y|ied)|written|writes|sets?|fill(s|ed)|frees|static)\b"
THREADS = r"\b(Any thread|One thread)\b"
ERRORS = r"(\bErrors?\b[^:.]*:|\bErrors: none\b|\bNever fails\b)"
UNITS = (r"\b(bytes?|messages?|events?|batches|elements?|members?|groups?|processes|connections|operations?|requests?|calls?|frames?|tensors?|views?|"
         r"newcomers?|sources?|retries|attempts?|times|blocks|ms|milliseconds|us|microseconds|s|seconds|MiB|number|index|id|hash|revision|"
         r"value|flags?|version)\b|\b\d = |sizeof|\bHWS_[A-Z]\w+")
SUFFIXES = {"_per_s": r"\bsecond\b", "_ms": r"\b(ms|milliseconds)\b", "_us": r"\b(us|microseconds)\b",
            "_s": r"\bseconds\b", "bytes": r"\bbytes\b"}
RANGE = r"\d\.\.|\bany\b|\b\d = |\bHWS_[A-Z]\w+|\bat (most|least)\b|\bmay be 0\b|\(0 |`room` is 0"
NUMBER = r"(size_t|u?int\d*(_t)?|double|float|unsigned( \w+)?)(\[\w+\])*"
ENDS = r"_(close|destroy|stop|wait)$"  # what takes its handle


def known(headers, kind):
    return {made.name: made for header in headers for made in header.declarations if made.kind == kind}


def sentences(comment):
    """Before the errors: an argument that is only named there is not explained."""
    return re.split(r"(?<=[.;])\s+", re.split(ERRORS, comment)[0])


def telling(made, name, headers):
    """The sentences that speak of `name`, *name or name[..], here or in what is referred to."""
    return [text for comment in [made.comment, *refers(made.comment, headers)] for text in sentences(comment)
            if re.search(rf"`{name}`|\*{name}\b|\b{name}\[", text)]


def said(pattern, texts):
    return any(re.search(pattern, text) for text in texts)


def refers(comment, headers, depth=2):
    """Comments of functions that this one refers to ("as in hws_x"), and that those do."""
    functions = known(headers, "function")
    named = re.findall(r"\bas (?:in |for )?`?(hws_\w+)", comment, re.I) if depth else []
    texts = [functions[name].comment for name in named if name in functions]
    return texts + [further for text in texts for further in refers(text, headers, depth - 1)]


def pointer(made, place, member, headers):
    target = re.sub(r"const|\*|\s", "", member.type)
    handle = target in known(headers, "opaque") and member.type.count("*") == 1
    texts = telling(made, member.name, headers)
    if handle and place == 0:
        if re.search(ENDS, made.name) and not said(r"\btakes\b", texts):
            yield f"does not say that it takes `{member.name}`"
        return
    if not texts:
        yield f"does not speak of `{member.name}`"
    elif "**" in member.type and handle is False and target in known(headers, "opaque"):
        if not said(r"\b(owned|takes?|taken)\b", texts):
            yield f"does not say who owns *{member.name}"
    elif not said(OWNERSHIP, texts):
        struct = known(headers, "struct").get(target)
        if struct is None or not re.search(OWNERSHIP, struct.comment):
            yield f"does not say whether `{member.name}` is borrowed, copied, taken or written"


def argument(made, place, member, headers):
    if "*" in member.type:
        yield from pointer(made, place, member, headers)
    elif re.fullmatch(NUMBER, member.type):
        texts = telling(made, member.name, headers)
        if not texts:
            yield f"does not speak of `{member.name}`"
        elif not said(unit_of(member.name), texts):
            yield f"does not say the unit of `{member.name}`"
        elif not said(RANGE, texts):
            yield f"does not say the range of `{member.name}`"


def unit_of(name):
    if "bytes" in name.split("_"):
        return SUFFIXES["bytes"]
    return next((unit for suffix, unit in SUFFIXES.items() if name.endswith(suffix)), UNITS)


def function(made, headers):
    if not re.search(THREADS, made.comment):
        yield "does not say \"Any thread\" or \"One thread ...\""
    if not re.search(ERRORS, made.comment):
        yield "does not say its errors (\"Errors: ...\" or \"Never fails\")"
    elif made.type == "hws_status" and not re.search(r"HWS_E_", " ".join([made.comment, *refers(made.comment, headers)])):
        yield "names no error"
    if made.type == "hws_status":
        said_errors = " ".join([made.comment, *refers(made.comment, headers)])
        takes_handle = made.members and re.search(r"\bhws_(comm|request) \*|\bhws_master \*$", made.members[0].type)
        for name in ["HWS_E_INVALID"] + ["HWS_E_FORKED"] * bool(takes_handle):
            if name not in said_errors:
                yield f"does not name {name}"
    if "*" in made.type and not re.search(r"(?i)\b(static|valid until|borrowed until|owned)\b", made.comment):
        yield "does not say how long its result is valid"
    for place, member in enumerate(made.members):
        yield from argument(made, place, member, headers)


def is_input(struct, headers):
    """Some function reads it, or an input has one in it."""
    return any(re.search(rf"\bconst {struct.name} \*", made.text) for made in known(headers, "function").values())


def struct(made, headers):
    for member in made.members:
        if not member.comment:
            yield f"its field `{member.name}` has no comment"
        elif "*" in member.type:
            if not re.search(OWNERSHIP, member.comment + " " + made.comment):
                yield f"does not say whether its field `{member.name}` is borrowed or copied"
        elif member.name == "bytes_of_struct":
            if f"sizeof({made.name})" not in member.comment:
                yield "does not say that bytes_of_struct is its sizeof"
        elif re.fullmatch(NUMBER, member.type):
            if not re.search(unit_of(member.name), member.comment):
                yield f"does not say the unit of its field `{member.name}`"
            if is_input(made, headers) and not re.search(RANGE, member.comment):
                yield f"does not say the range of its field `{member.name}`"


def opaque(made, headers):
    if not re.search(OWNERSHIP, made.comment):
        yield "does not say who owns one"
    if not re.search(r"\bthreads?\b", made.comment):
        yield "does not say which threads may use one"


def listed(made, headers):
    for member in made.members:
        if not member.comment and not member.name.endswith("_FORCE_INT"):
            yield f"its value {member.name} has no comment"


def errors_exist(made, headers):
    statuses = {member.name for kind in known(headers, "statuses").values() for member in kind.members}
    for name in re.findall(r"HWS_E_[A-Z_]+\b(?!\?)", made.comment):
        if name not in statuses:
            yield f"names {name}, which does not exist"


RULES = {"function": function, "struct": struct, "opaque": opaque, "enum": listed, "statuses": listed}


def missing(made, headers):
    """Sentences of what `made` lacks."""
    if not made.comment:
        yield "has no comment"
        return
    yield from RULES.get(made.kind, lambda *_: ())(made, headers)
    yield from errors_exist(made, headers)


def without(made, pattern, members=None):
    """`made` without what matches in its comment, or in those of the members named."""
    mutant = copy.deepcopy(made)
    if members is None:
        mutant.comment = re.sub(pattern, "", mutant.comment).strip()
    for member in mutant.members:
        if members is not None and member.name in members:
            member.comment = re.sub(pattern, "", member.comment).strip()
    return mutant


def silent_about(made, name):
    mutant = copy.deepcopy(made)
    mutant.comment = re.sub(rf"`{name}`|\*{name}\b|\b{name}\[", "it", mutant.comment)
    return mutant


def mutants_of_arguments(made, headers):
    for place, member in enumerate(made.members):
        target = re.sub(r"const|\*|\s", "", member.type)
        if "*" in member.type and (place > 0 or target not in known(headers, "opaque") or re.search(ENDS, made.name)):
            yield f"the name of {member.name}", silent_about(made, member.name)
            if target not in known(headers, "struct"):
                yield f"the ownership of {member.name}", without(made, OWNERSHIP)
        elif re.fullmatch(NUMBER, member.type):
            yield f"the name of {member.name}", silent_about(made, member.name)
            yield f"the unit of {member.name}", without(made, unit_of(member.name))
            yield f"the range of {member.name}", without(made, RANGE)


def mutants(made, headers):
    """(what was taken away, the declaration without it); the rules must miss each."""
    yield "the comment", without(made, r"(?s).*")
    if made.kind == "function":
        yield "threads", without(made, THREADS)
        yield "errors", without(made, ERRORS)
        if not refers(made.comment, headers):
            yield from mutants_of_arguments(made, headers)
    if made.kind == "opaque":
        yield "ownership", without(made, OWNERSHIP)
        yield "threads", without(made, r"\bthreads?\b")
    for member in made.members if made.kind != "function" else []:
        if member.name.endswith("_FORCE_INT"):
            continue
        yield f"the comment of {member.name}", without(made, r"(?s).*", [member.name])
        if made.kind == "struct" and re.fullmatch(NUMBER, member.type) and member.name != "bytes_of_struct":
            yield f"the unit of {member.name}", without(made, unit_of(member.name), [member.name])
            if is_input(made, headers):
                yield f"the range of {member.name}", without(made, RANGE, [member.name])
        if made.kind == "struct" and "*" in member.type:
            yield f"the ownership of {member.name}", without(without(made, OWNERSHIP, [member.name]), OWNERSHIP)
