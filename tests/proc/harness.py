# SPDX-License-Identifier: MIT
"""Starts masters and scripted members as processes of their own, talks with them under deadlines, and ends all it started.

A test is a function `test_*(world)`; `main()` runs those of a file, each in a world of its own, and prints the transcript of
every one that fails. Nothing here waits without a deadline: what is late is a failure."""
import contextlib
import ctypes
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

BUILD = Path(os.environ.get("BUILD_DIR", Path(__file__).resolve().parents[2] / "build/release"))
SANITIZE = os.environ.get("SANITIZE", "")
SLOW = 6 if "thread" in SANITIZE else 1  # how much longer than usual everything takes
ANSWER_S = 30.0  # for what has no tighter bound of its own
END_S = 10.0
MIB = 1 << 20
LIBC = ctypes.CDLL(None)


class Failure(Exception):
    """A test's expectation that did not hold."""


def check(holds, sentence):
    if not holds:
        raise Failure(sentence)


class Answer:
    """One line of a member: status, class, milliseconds the call took, the other fields by name, the sentence."""

    def __init__(self, who, line):
        self.who, self.line = who, line
        head, _, self.sentence = line.partition(" sentence=")
        self.status, *pairs = head.split()
        self.fields = dict(pair.split("=", 1) for pair in pairs)
        self.ms = float(self.fields["ms"])

    def __getattr__(self, name):
        try:
            value = self.fields[name]
        except KeyError:
            raise AttributeError(f"{self.who} answered without {name}: {self.line}") from None
        return int(value) if value.isdecimal() and name not in ("hash", "root") else value

    def peers(self, name):
        return [int(peer) for peer in self.fields[name].split(",") if peer]

    def expect(self, status="HWS_OK", within_ms=None, after_ms=None, **fields):
        """Checks the status, the milliseconds the call took and any field; gives the answer back."""
        statuses = (status,) if isinstance(status, str) else status
        check(self.status in statuses, f"{self.who}: expected {' or '.join(statuses)}, got {self.line}")
        check(within_ms is None or self.ms <= within_ms, f"{self.who}: took longer than {within_ms} ms: {self.line}")
        check(after_ms is None or self.ms >= after_ms, f"{self.who}: took less than {after_ms} ms: {self.line}")
        for name, wanted in fields.items():
            got = self.peers(name) if isinstance(wanted, list) else getattr(self, name)
            check(got == wanted, f"{self.who}: expected {name}={wanted}, got {self.line}")
        return self


def die_with_parent():
    """In a child: SIGKILL when this process ends, however it ends (PR_SET_PDEATHSIG)."""
    LIBC.prctl(1, signal.SIGKILL)


class Process:
    """A child whose lines are read under deadlines."""

    def __init__(self, world, name, arguments, **environment):
        self.world, self.name, self.buffer, self.ended_by_us = world, name, b"", False
        self.errors = open(world.folder / f"{name}.stderr", "w+b")
        self.child = subprocess.Popen([str(word) for word in arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.errors, env={**os.environ, **environment},
                                      preexec_fn=die_with_parent)
        self.pid = self.child.pid
        self.selector = selectors.DefaultSelector()
        world.processes.append(self)
        self.selector.register(self.child.stdout, selectors.EVENT_READ)
        os.set_blocking(self.child.stdout.fileno(), False)
        world.note(name, f"started, pid {self.pid}")

    def line(self, seconds=ANSWER_S):
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            check(left > 0 and self.selector.select(left), f"{self.name}: no line within {seconds} s")
            got = os.read(self.child.stdout.fileno(), 65536)
            if not got:
                raise Failure(f"{self.name}: ended (code {self.child.wait(5)}) when a line was expected")
            self.buffer += got
        text, self.buffer = self.buffer.split(b"\n", 1)
        self.world.note(self.name, "-> " + text.decode())
        return text.decode()

    def kill(self):
        self.world.note(self.name, "SIGKILL")
        self.ended_by_us = True
        self.child.kill()
        self.child.wait(5)

    def stop(self):
        self.world.note(self.name, "SIGSTOP")
        self.child.send_signal(signal.SIGSTOP)
        self.stopped()

    def proceed(self):
        self.world.note(self.name, "SIGCONT")
        self.child.send_signal(signal.SIGCONT)

    def stopped(self, seconds=ANSWER_S):
        """Waits until it stands still."""
        self.world.until(lambda: self.proc("stat").rpartition(") ")[2][0] in "Tt", seconds, f"{self.name} to stand still")
        self.world.note(self.name, "stands still")

    def died(self, seconds=ANSWER_S):
        """Waits until it has killed itself as it was told."""
        self.ended_by_us = True
        self.world.until(lambda: self.child.poll() is not None, seconds, f"{self.name} to die")
        self.world.note(self.name, f"died, code {self.child.returncode}")
        check(self.child.returncode == -signal.SIGKILL, f"{self.name}: ended by itself, code {self.child.returncode}")

    def proc(self, name):
        return Path(f"/proc/{self.pid}/{name}").read_text()

    def status_bytes(self, field):
        return 1024 * int(next(line.split()[1] for line in self.proc("status").splitlines() if line.startswith(field + ":")))

    def resident_bytes(self):
        return self.status_bytes("VmRSS")

    def peak_bytes(self):
        return self.status_bytes("VmHWM")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def end(self):
        """Kills it if it lives, by its pid and no other way."""
        if self.child.poll() is None:
            self.ended_by_us = True
            self.child.send_signal(signal.SIGKILL)
            self.child.wait(5)
        for stream in (self.child.stdin, self.child.stdout, self.errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self.selector.close()

    def complaints(self):
        return (self.world.folder / f"{self.name}.stderr").read_text(errors="replace")


@contextlib.contextmanager
def environment(**variables):
    """Of what is started meanwhile."""
    before = dict(os.environ)
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Master(Process):
    def __init__(self, world, name="master", listen="127.0.0.1:0", first_members=1, dead_ms=5000, before=(), **options):
        words = ["--listen", listen, "--first-members", first_members, "--dead-ms", dead_ms]
        for key, value in options.items():
            words += ["--" + key.replace("_", "-")] + [value] * (value is not True)
        super().__init__(world, name, [*before, BUILD / "hawser", "master", *words])
        self.address = self.line().rpartition(" ")[2]

    def log(self):
        return super().complaints()

    def complaints(self):
        return "".join(line for line in self.log().splitlines(True) if not re.match(r"\d{4}-\d\d-\d\dT[\d:]{8}Z ", line))


class Member(Process):
    """Talks with a scripted member (member.c). Its methods are the member's commands: m.reduce(count=9, retry=True)."""

    def __init__(self, world, name, master, before=()):
        super().__init__(world, name, [*before, BUILD / "tests/proc/hawser_member"], HAWSER_MASTER=master)
        self.peer = self.listens = None

    def tell(self, command, **words):
        """Gives a command and does not wait."""
        text = " ".join([command] + [key if value is True else f"{key}={value}" for key, value in words.items()
                                     if value is not False])
        self.world.note(self.name, "<- " + text)
        self.child.stdin.write(text.encode() + b"\n")
        self.child.stdin.flush()

    def hear(self, seconds=ANSWER_S):
        answer = Answer(self.name, self.line(seconds))
        if "self" in answer.fields:
            self.peer, self.listens = int(answer.fields["self"]), answer.fields["address"]
        return answer

    def ask(self, command, **words):
        self.tell(command, **words)
        return self.hear()

    def __getattr__(self, command):
        if command.startswith("_"):
            raise AttributeError(command)
        return lambda **words: self.ask(command, **words)


class World:
    """Everything one test has started."""

    def __init__(self, folder):
        self.folder, self.began, self.transcript, self.processes = Path(folder), time.monotonic(), [], []
        self.members_started = 0

    def note(self, who, text):
        self.transcript.append(f"{time.monotonic() - self.began:8.3f} s  {who:8} {text}")

    def until(self, holds, seconds, what):
        end = time.monotonic() + seconds
        while not holds():
            check(time.monotonic() < end, f"waited {seconds} s in vain for {what}")
            time.sleep(0.002)

    def start_master(self, **options):
        return Master(self, **options)

    def start_member(self, master):
        self.members_started += 1
        return Member(self, f"member{self.members_started}", master.address if isinstance(master, Master) else master)

    def start(self, count, dead_ms=5000, open_with=None, **options):
        """A master, and `count` members in its first view."""
        master = self.start_master(first_members=count, dead_ms=dead_ms, **options)
        members = [self.start_member(master) for _ in range(count)]
        for answer in all_do(members, "open", **(open_with or {})):
            check(len(answer.expect().peers("members")) == count, f"expected {count} members: {answer.line}")
        return master, members

    def see_newcomers(self, members, count=1, seconds=ANSWER_S):
        """The members agree until all have read that `count` newcomers wait."""
        end = time.monotonic() + seconds
        while True:
            pending = {answer.expect().pending for answer in all_do(members, "agree", vote=1, tag=4711)}
            check(len(pending) == 1, f"members read different numbers of newcomers: {pending}")
            if pending == {count}:
                return
            check(time.monotonic() < end, f"waited {seconds} s in vain for {count} newcomers, now {pending}")
            time.sleep(0.01)

    def join(self, members, newcomer, **open_with):
        """One more member, admitted by the others."""
        newcomer.tell("open", **open_with)
        self.see_newcomers(members)
        for answer in all_do(members, "admit"):
            answer.expect()
        newcomer.hear().expect()

    def end_well(self):
        """Ends the living processes in good order: members at the end of their input, then masters at SIGTERM."""
        living = [process for process in self.processes if process.child.poll() is None]
        for process in living:
            process.child.stdin.close()
        for process in sorted(living, key=lambda process: isinstance(process, Master)):
            if isinstance(process, Master):
                process.child.terminate()
            try:
                code = process.child.wait(END_S)
            except subprocess.TimeoutExpired:
                raise Failure(f"{process.name} did not end within {END_S} s") from None
            check(code == 0, f"{process.name}: ended with code {code}")

    def close(self):
        for process in self.processes:
            process.end()

    def check_quiet(self):
        """Processes that were not killed left no complaint; sanitizers write theirs there too."""
        for process in self.processes:
            text = process.complaints()
            check(not text or process.ended_by_us and "Sanitizer" not in text and "runtime error" not in text,
                  f"{process.name} complained:\n{text}")


def all_do(members, command, **words):
    """All members make the same call at once; their answers, in order."""
    for member in members:
        member.tell(command, **words)
    return [member.hear() for member in members]


def same(answers, name):
    """The value of a field that all answers have in common."""
    values = {answer.fields[name] for answer in answers}
    check(len(values) == 1, f"{name} differs: " + "; ".join(f"{answer.who} {answer.fields[name]}" for answer in answers))
    return values.pop()


def ids(*members):
    return sorted(member.peer for member in members)


def run_test(name, function):
    """True if it holds, or if it returned why it cannot be tried here. The transcript is printed if not."""
    with tempfile.TemporaryDirectory(prefix="hawser-proc-") as folder:
        world, problem, lacking = World(folder), None, None
        try:
            lacking = function(world)
            world.end_well()
        except Failure as failure:
            problem = str(failure)
        except Exception:
            problem = traceback.format_exc()
        finally:
            world.close()
        if problem is None:
            try:
                world.check_quiet()
            except Failure as failure:
                problem = str(failure)
        took = time.monotonic() - world.began
        verdict = "FAILED" if problem is not None else "skipped" if lacking else "ok"
        print(f"{verdict:7} {took:6.2f} s  {name}{': ' + lacking if lacking else ''}", flush=True)
        if problem is not None:
            print("  " + problem.replace("\n", "\n  "))
        if problem is not None or os.environ.get("VERBOSE"):
            print("  transcript:")
            for line in world.transcript:
                print("    " + line)
            for process in world.processes:
                if process.complaints():
                    print(f"  standard error of {process.name}:\n    " + process.complaints().replace("\n", "\n    "))
            sys.stdout.flush()
        return problem is None


def main(module):
    """Runs the tests of a module (its globals), or those whose names contain one of the arguments."""
    tests = [(name, function) for name, function in module.items() if name.startswith("test_") and callable(function)]
    chosen = [test for test in tests if len(sys.argv) < 2 or any(word in test[0] for word in sys.argv[1:])]
    results = [run_test(name, function) for name, function in chosen]
    print(f"{sum(results)} of {len(results)} tests hold")
    sys.exit(0 if results and all(results) else 1)
