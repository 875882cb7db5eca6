# SPDX-License-Identifier: MIT
"""The command line: help, bad options, exit codes, a master that cannot be reached, trainers that fail."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from support import BENCH, BUILD, DIGITS, HAWSER, TRAINER, check, end, run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def help_and_usage():
    for command in subcommands():
        done = run(HAWSER, command, "--help")
        check(done.returncode == 0 and done.stdout.startswith(f"usage: hawser {command}"), f"{command} --help", done)
        check("Example: hawser " in done.stdout, f"{command} --help has an example", done)
        check(run(HAWSER, "help", command).stdout == done.stdout, f"help {command} is {command} --help", done)
        for option in ("--no-such-option", "-Z"):
            done = run(HAWSER, command, option)
            check(done.returncode == 2 and option in done.stderr, f"{command} names {option}", done)
    done = run(HAWSER, "--version")
    check(done.returncode == 0 and done.stdout.startswith("hawser 0."), "--version", done)
    done = run(HAWSER, "help", "sail")
    check(done.returncode == 2 and "sail" in done.stderr, "help of an unknown command", done)
    done = run(HAWSER, "sail")
    check(done.returncode == 2 and "sail" in done.stderr, "an unknown command is named", done)
    check(run(HAWSER).returncode == 2, "no command is bad usage")
    done = run(HAWSER, "info")
    check(done.returncode == 0 and "libzmq" in done.stdout, "info", done)


def bad_values():
    """Bad usage ends with 2, and the sentence names the culprit."""
    for (first, *more), culprit in (
        (("run", "-n", "0", "--", "true"), '"0"'),
        (("run", "-n", "two", "--", "true"), '"two"'),
        (("run", "-n"), "-n"),
        (("run", "--", "true"), "-n"),
        (("run", "-n", "3", "--unit-size", "2", "--", "true"), "--unit-size 2"),
        (("run", "-n", "2"), "no trainer"),
        (("run", "-n", "2", "--chaos", "kill@2s", "--", "true"), "kill@2s"),
        (("run", "-n", "2", "--chaos", "melt@2s:1", "--", "true"), "melt@2s:1"),
        (("run", "-n", "2", "--chaos", "every=2", "--", "true"), "times such as 2s or 500ms"),
        (("status",), "HOST:PORT"),
        (("master", "--dead-ms", "1"), "--dead-ms"),
        (("master", "extra"), "extra"),
        (("bench", "all-gather"), "all-gather"),
        (("bench", "all-reduce", "--sizes", "3"), '"3"'),
        (("bench", "all-reduce", "--plan", "ring"), '"ring"'),
        (("bench", "raw", "--peers", "3"), "--peers"),
        (("sim", "--peers", "0"), '"0"'),
        (("sim", "--peers", "7-3"), '"3"'),
        (("sim", "--peers", "100", "--faults", "all"), "more than 64 members"),
        (("sim", "--peers", "3-100"), '"100"'),
        (("sim", "--seeds", "0"), '"0"'),
        (("sim", "--faults", "rain"), '"rain"'),
        (("sim", "--faults", "kill=often"), '"kill=often"'),
        (("sim", "--only", "kill"), '"kill"'),
        (("sim", "--seeds", "2", "--transcript"), "--transcript"),
        (("sim", "extra"), "extra"),
        (("explain",), "expected"),
        (("top",), "HOST:PORT"),
        (("top", "127.0.0.1:1", "--interval", "1ms"), "100ms"),
        (("metrics",), "HOST:PORT"),
        (("metrics", "127.0.0.1:1", "--listen", "0.0.0.0:0"), "--insecure"),
        (("checkpoint",), "expected"),
        (("checkpoint", "ls"), "ls"),
        (("checkpoint", "diff", "one.hwc"), "diff"),
        (("checkpoint", "mend", "one.hwc"), "mend"),
        (("checkpoint", "ls", "--quickly", "one.hwc"), "--quickly"),
        ((BENCH,), "expected one benchmark"),
        ((BENCH, "all-reduce"), "expected one benchmark"),
        ((BENCH, "ring", "--sizes", "5"), "bad option or value"),
        ((BENCH, "kernels", "--operands", "1"), "bad option or value"),
        ((BENCH, "ring", "--what"), "--what"),
        ((TRAINER, "--steps", "0"), "--steps"),
        ((TRAINER, "--rate", "1"), "--rate"),
        ((TRAINER, "extra"), "extra"),
        ((TRAINER, "--mode", "hogwild"), "--mode takes diloco, ddp, async-diloco or streaming, not hogwild"),
        ((TRAINER, "--fragments", "2"), "--fragments and --overlap go with --mode streaming, not diloco"),
        ((TRAINER, "--mode", "streaming", "--fragments", "5", "--inner", "4"), "--fragments is above --inner"),
        ((TRAINER, "--mode", "streaming", "--fragments", "65"), "from 1 to 64"),
        ((TRAINER, "--mode", "streaming", "--fragments", "3", "--overlap", "4"), "--overlap is above --fragments"),
        ((TRAINER, "--mode"), "missing value for --mode"),
    ):
        words = [first, *more] if isinstance(first, Path) else [HAWSER, first, *more]
        done = run(*words)
        check(done.returncode == 2 and culprit in done.stderr, f"{words} is refused, naming {culprit}", done)


def unreachable_status():
    address = f"127.0.0.1:{free_port()}"
    begin = time.monotonic()
    done = run(HAWSER, "status", address)
    check(done.returncode == 1 and address in done.stderr and "2000 ms" in done.stderr, "status names the address", done)
    check(time.monotonic() - begin < 4, "status gives up at its deadline", done)
    for command in ("status", "top", "metrics"):
        for wrong in ("nonsense", "host:", ":4000", "host:0", "host:port", "host:70000"):
            done = run(HAWSER, command, wrong)
            check(done.returncode == 2 and wrong in done.stderr and "HOST:PORT" in done.stderr, f"{command} {wrong}", done)


def master_and_status():
    master = subprocess.Popen([str(HAWSER), "master", "--first-members", "2"], stdout=subprocess.PIPE, text=True)
    line = master.stdout.readline()
    check(line.startswith("hawser master: listening on 127.0.0.1:"), f"the master says where it listens: {line!r}")
    address = line.split()[-1]
    done = run(HAWSER, "status", address, "--json")
    check(done.returncode == 0, "status of a fresh master", done)
    status = json.loads(done.stdout)
    check(status["view"] == 0 and status["members"] == [] and status["first_members"] == 2, "it has no view yet", done)
    done = run(HAWSER, "status", address)
    check("no view yet" in done.stdout and "waits for 2 members" in done.stdout, "the plain form says so too", done)
    master.send_signal(signal.SIGTERM)
    check(master.wait(timeout=10) == 0, "SIGTERM ends the master with 0")
    done = run(HAWSER, "master", "--listen", "0.0.0.0:0")
    check(done.returncode == 1 and "insecure" in done.stderr, "a master beyond loopback wants --insecure", done)


def trainers_that_fail():
    done = run(HAWSER, "run", "-n", "2", "--", "/no/such/trainer")
    check(done.returncode == 3 and "/no/such/trainer" in done.stderr, "a trainer that cannot be run", done)
    begin = time.monotonic()
    done = run(HAWSER, "run", "-n", "2", "--", TRAINER, "--data", "/no/such/place")
    check(done.returncode == 3 and "before the run began" in done.stderr, "a trainer that fails at once", done)
    check("/no/such/place" in done.stderr, "whose own words are passed on", done)
    check(time.monotonic() - begin < 15, "nobody waits for it")
    done = run(HAWSER, "run", "-n", "3", "--", "sh", "-c", 'echo "i am $HAWSER_INDEX at $HAWSER_MASTER"')
    check(done.returncode == 0, "trainers that end well", done)
    lines = sorted(done.stdout.splitlines())
    check([line[:19] for line in lines] == [f"process {i}: i am {i} a" for i in range(3)], "lines are prefixed", done)


def whole_run():
    with tempfile.TemporaryDirectory() as place:
        trainer = f'exec {TRAINER} --data {DIGITS} --steps 12 --inner 10 --out {place}/$HAWSER_INDEX'
        done = run(HAWSER, "run", "-n", "3", "--", "sh", "-c", trainer, timeout=60)
        check(done.returncode == 0, "a whole run", done)
        outs = [(Path(place) / str(i)).read_bytes() for i in range(3)]
        check(len(outs[0]) > 30000 and outs[0] == outs[1] == outs[2], "all have the same final state", done)


def chaos_run():
    """Member 0 is killed and another started while all train; the rest is none the worse."""
    with tempfile.TemporaryDirectory() as place:
        trainer = f'exec {TRAINER} --data {DIGITS} --hidden 256 --inner 100 --out {place}/$HAWSER_INDEX'
        done = run(HAWSER, "run", "-n", "3", "--chaos", "kill@400ms:0,start@500ms", "--", "sh", "-c", trainer, timeout=90)
        check(done.returncode == 0, "a run with chaos", done)
        check("killing process 0 (member " in done.stdout and "starting process 3" in done.stdout, "the chaos is printed", done)
        check({f"hawser run: process {i} is member " in done.stderr for i in range(4)} == {True}, "members are named", done)
        check(not (Path(place) / "0").exists(), "member 0 is gone", done)
        outs = [(Path(place) / str(i)).read_bytes() for i in (1, 2, 3)]
        check(outs[0] == outs[1] == outs[2], "survivors and newcomer have the same final state", done)


def chaos_always_ends():
    """A member that is frozen for ever does not keep the run, nor do items whose time never comes."""
    begin = time.monotonic()
    trainer = 'test $HAWSER_INDEX = 0 && exec sleep 1; exec sleep 100'
    done = run(HAWSER, "run", "-n", "2", "--chaos", "stop@100ms:1,kill@200ms:7,kill@90s:0,start@91s,stop@92s:0+1s,every=80s", "--",
               "sh", "-c", trainer)
    check(done.returncode == 0 and time.monotonic() - begin < 20, "the run ends", done)
    check("while process 1 was frozen" in done.stderr, "who was frozen is said", done)
    never = [line.split()[2] for line in done.stderr.splitlines() if "never struck" in line]
    check(never == ["kill@0.2s:7", "kill@90s:0", "start@91s", "stop@92s:0", "every=80s"], "what never struck is said", done)
    done = run(HAWSER, "run", "-n", "1", "--chaos", "stop@50ms:0+300ms", "--", "sh", "-c", "sleep 0.2; echo alive")
    check(done.returncode == 0 and "alive" in done.stdout and "never struck" not in done.stderr, "it continues in time", done)


def chaos_that_leaves_none():
    """A run in which nothing finished has not succeeded; one that has started all it may lets the last ones finish."""
    for spec in ("stop@50ms:0,stop@50ms:1", "kill@50ms:0,kill@50ms:1"):
        done = run(HAWSER, "run", "-n", "2", "--chaos", spec, "--", "sleep", "30")
        check(done.returncode == 1 and "no process finished" in done.stderr, spec, done)
    done = run(HAWSER, "run", "-n", "1", "--chaos", "every=1ms", "--", "sh", "-c", "test $HAWSER_INDEX = 1023 && exec sleep 0.3; exec sleep 30")
    check(done.returncode == 0 and "1024 processes have been started" in done.stderr, "every= ends", done)


def groups_and_units():
    show = 'echo "$HAWSER_GROUP $HAWSER_UNIT $HAWSER_UNIT_SIZE"'
    done = run(HAWSER, "run", "-n", "4", "--groups", "2", "--unit-size", "2", "--", "sh", "-c", show)
    check(sorted(line.split(": ")[1] for line in done.stdout.splitlines()) ==
          ["0 unit0 2", "0 unit1 2", "1 unit0 2", "1 unit1 2"], "each copy is placed", done)


def chaos_takes_whole_units():
    """A unit of which one process is killed cannot come back, so `every=` kills and starts units."""
    done = run(HAWSER, "run", "-n", "4", "--unit-size", "2", "--chaos", "every=300ms", "--", "sh", "-c",
               'case $HAWSER_UNIT in unit0|unit1) exec sleep 1;; *) exec sleep 0.6;; esac')
    killed = [int(line.split()[4]) for line in done.stdout.splitlines() if "killing process" in line]
    started = [int(line.split()[4]) for line in done.stdout.splitlines() if "starting process" in line]
    units = {number // 2 for number in killed}
    check(done.returncode == 0 and killed and sorted(killed) == [n for unit in sorted(units) for n in (2 * unit, 2 * unit + 1)],
          f"whole units are killed: {killed}", done)
    check(len(started) == len(killed), f"as many are started: {started}", done)


def lost_output_is_a_failure():
    """On a full disk nothing ends with 0, and each command says why: help, results, pictures, recordings."""
    master = subprocess.Popen([str(HAWSER), "master"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    address = master.stdout.readline().split()[-1]
    place = tempfile.mkdtemp()
    journals, saved = place + "/journals", place + "/model-0.hwc"
    run(HAWSER, "sim", "--seed", "5", "--peers", "3", "--steps", "4", "--journal", journals)
    run(HAWSER, "run", "-n", "1", "--", BUILD / "checkpoint", place)
    commands = [("help", name) for name in subcommands()]
    commands += [("--version",), ("--help",), ("info", "--markdown"), ("run", "-n", "1", "--", "echo", "hello"), ("master",), ("top", address),
                 ("metrics", address), ("sim", "--verbose"), ("replay", journals, "--actor", "peer", "--state"),
                 ("trace", address, "--for", "1s", "--perfetto", "/dev/full"), ("replay", journals, "--timeline", "--perfetto", "/dev/full")]
    for words in (("info",), ("status", address), ("explain", address), ("explain", journals), ("trace", address, "--for", "1s"), ("sim",),
                  ("replay", journals), ("replay", journals, "--until", "20ms", "--fork", "kill member 1"), ("checkpoint", "ls", saved),
                  ("checkpoint", "verify", saved), ("checkpoint", "diff", saved, saved), ("demo",),
                  ("bench", "raw", "--sizes", "4K", "--repeat", "1")):
        commands += [words, (words[0], "--json", *words[1:]) if words[0] != "checkpoint" else (*words, "--json")]
    try:
        for arguments in commands:
            with open("/dev/full", "w") as full:
                done = subprocess.run([str(HAWSER), *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            said = "the output could not be written" in done.stderr or "No space left on device" in done.stderr
            check(done.returncode not in (0, 2) and said, f"{' '.join(arguments)} >/dev/full: {done.returncode} {done.stderr}")
    finally:
        master.terminate()
        master.wait(timeout=10)
        shutil.rmtree(place)


def subcommands():
    lines = run(HAWSER, "--help").stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines]


def a_misspelled_variable_is_reported_once():
    """By the library and by the command; a variable that resembles no option is the user's own."""
    spelled = {"HAWSER_MASTER": "127.0.0.1:1", "HAWSER_OPEN_MS": "10", "HAWSER_MIN_MEMBER": "2", "HAWSER_OWN": "1", "HAWSER_INDEX": "1"}
    for words in ((BUILD / "embed",), (HAWSER, "info"), (HAWSER, "status", "127.0.0.1:1")):
        done = run(*words, env=spelled)
        warned = [line for line in done.stderr.splitlines() if "did you mean" in line]
        check(warned == ["hawser: the variable HAWSER_MIN_MEMBER has no effect: did you mean HAWSER_MIN_MEMBERS?"], str(warned), done)


def an_interrupted_sim_says_so():
    for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        sim = subprocess.Popen([str(HAWSER), "sim", "--seeds", "1000000", "--verbose"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        sim.stdout.readline()
        sim.send_signal(sent)
        _, said = sim.communicate(timeout=60)
        check(sim.returncode == code and "interrupted" in said, f"{sent}: {sim.returncode} {said[-200:]}")


def a_state_file_begins_and_continues():
    """One command line serves the first start and the restart."""
    with tempfile.TemporaryDirectory() as place:
        for start in (1, 2):
            master = subprocess.Popen([str(HAWSER), "master", "--state", f"{place}/run.state"], stdout=subprocess.PIPE, text=True)
            check(master.stdout.readline().startswith("hawser master: listening"), f"start {start}")
            master.terminate()
            check(master.wait(timeout=10) == 0, f"end {start}")


def signals_are_passed_on():
    trainer = "trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    runner = subprocess.Popen([str(HAWSER), "run", "-n", "1", "--", "sh", "-c", trainer],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(runner.stdout.readline() == "process 0: ready\n", "the trainer is ready")
    runner.send_signal(signal.SIGTERM)
    out, _ = runner.communicate(timeout=20)
    check(out == "process 0: got it\n" and runner.returncode == 7, f"SIGTERM is passed on: {out!r} {runner.returncode}")


def children_die_with_it():
    runner = subprocess.Popen([str(HAWSER), "run", "-n", "1", "--", "sh", "-c", "echo $$; exec sleep 100"],
                              stdout=subprocess.PIPE, text=True)
    child = int(runner.stdout.readline().split()[2])
    runner.kill()
    runner.wait()
    for _ in range(100):
        try:
            if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    check(False, "a child outlived `hawser run`")


def bad_data():
    """Each file missing, cut short, too long or malformed: exit code 2 and a sentence that names it."""
    images, labels = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
    whole = (DIGITS / images).read_bytes()
    cases = (
        ("missing", images, None, "cannot open"),
        ("cut header", images, whole[:10], "header of 16 bytes, found 10"),
        ("cut body", images, whole[:-5], "promises 96000 bytes of data, found 95995"),
        ("too long", images, whole + b"x", "too long"),
        ("bad magic", images, b"\0\0\x08\x01" + whole[4:], "0x00000803, found 0x00000801"),
        ("absurd side", images, whole[:8] + b"\x7f\xff\xff\xff" + whole[12:], "2147483647"),
        ("no images", images, whole[:4] + b"\0\0\0\0" + whole[8:], "found 0 of"),
        ("absurd count", images, whole[:4] + b"\xff\xff\xff\xff" + whole[8:], "4294967295"),
        ("labels missing", labels, None, "cannot open"),
        ("labels fewer", labels, (DIGITS / labels).read_bytes()[:4] + b"\0\0\0\1\5", "expected 297 labels"),
        ("label too large", labels, (DIGITS / labels).read_bytes()[:-1] + b"\x0b", "found 11 at place 296"),
    )
    for name, spoilt, content, sentence in cases:
        with tempfile.TemporaryDirectory() as place:
            for file in DIGITS.glob("*ubyte"):
                (Path(place) / file.name).write_bytes(file.read_bytes())
            path = Path(place) / spoilt
            path.unlink() if content is None else path.write_bytes(content)
            done = run(TRAINER, "--data", place)
            check(done.returncode == 2, f"{name}: exit code 2", done)
            check(spoilt in done.stderr and sentence in done.stderr, f"{name}: says {sentence!r}", done)
    with tempfile.TemporaryDirectory() as place:
        for file in DIGITS.glob("*ubyte"):
            (Path(place) / file.name).write_bytes(file.read_bytes())
        odd = (DIGITS / "t10k-images-idx3-ubyte").read_bytes()
        (Path(place) / "t10k-images-idx3-ubyte").write_bytes(odd[:8] + b"\0\0\0\4\0\0\0\x10" + odd[16:])
        done = run(TRAINER, "--data", place)
        check(done.returncode == 2 and "8 x 8" in done.stderr and "4 x 16" in done.stderr, "other test images", done)


for test in (help_and_usage, bad_values, unreachable_status, master_and_status, trainers_that_fail, whole_run, chaos_run,
             chaos_always_ends, chaos_that_leaves_none, groups_and_units, chaos_takes_whole_units, lost_output_is_a_failure,
             a_misspelled_variable_is_reported_once, an_interrupted_sim_says_so,
             a_state_file_begins_and_continues, signals_are_passed_on, children_die_with_it, bad_data):
    begin = time.monotonic()
    test()
    print(f"{test.__name__}: {time.monotonic() - begin:.1f} s")
end()
