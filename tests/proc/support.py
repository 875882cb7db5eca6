# SPDX-License-Identifier: MIT
"""Shared by the process tests: where the programs are, running them with a deadline, and a tally of checks."""
import os
import subprocess
import sys
from pathlib import Path

BUILD = Path(os.environ["BUILD_DIR"])
SOURCE = Path(os.environ["SOURCE_DIR"])
HAWSER = BUILD / "hawser"
BENCH = BUILD / "hawser-bench"
TRAINER = BUILD / "train_digits"
DIGITS = SOURCE / "examples" / "data" / "digits"

failures = []


def run(*arguments, timeout=60, cwd="/", env=None):
    """Runs to the end. A program that hangs is a failure of the test."""
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=timeout, cwd=cwd,
                          stdin=subprocess.DEVNULL, env=None if env is None else {**os.environ, **env})


def check(condition, what, done=None):
    if condition:
        return
    failures.append(what)
    print(f"FAILED: {what}")
    if done is not None:
        print(f"  exit code {done.returncode}\n  stdout: {done.stdout[-2000:]}\n  stderr: {done.stderr[-2000:]}")


def end():
    print("FAILED" if failures else "OK")
    sys.exit(1 if failures else 0)
