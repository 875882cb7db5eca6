# SPDX-License-Identifier: MIT
"""An installation elsewhere: programs build against it through pkg-config and CMake, and its demo runs."""
import os
import tempfile
from pathlib import Path

from support import BUILD, check, end, run

PROGRAM = """
#include <hawser/hawser.h>
#include <stdio.h>
int main(void)
{
    puts(hws_version());
    return hws_state_revision(NULL) == 0 ? 0 : 1;
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(consumer C)
find_package(hawser 0.1 REQUIRED COMPONENTS shared static)
foreach(kind shared static)
    add_executable(with_${kind} main.c)
    target_link_libraries(with_${kind} PRIVATE hawser::${kind})
endforeach()
"""
CC = os.environ.get("CC", "cc")


def first(place, name):
    return next(place.rglob(name))


def runs(program, what, **options):
    done = run(program, **options)
    check(done.returncode == 0 and done.stdout.startswith("0."), what, done)


with tempfile.TemporaryDirectory() as temporary:
    prefix, work = Path(temporary) / "prefix", Path(temporary) / "work"
    work.mkdir()
    (work / "main.c").write_text(PROGRAM)
    (work / "CMakeLists.txt").write_text(PROJECT)
    done = run("cmake", "--install", BUILD, "--prefix", prefix)
    check(done.returncode == 0, "the installation", done)
    check(first(prefix, "LICENSE").read_text().startswith("MIT License"), "the licence is there")

    pc = first(prefix, "hawser.pc").parent
    shared = first(prefix, "libhawser.so").parent
    path = {"PKG_CONFIG_PATH": f"{pc}:{os.environ.get('PKG_CONFIG_PATH', '')}"}
    flags = run("pkg-config", "--cflags", "--libs", "hawser", env=path).stdout.split()
    done = run(CC, "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", work / "main.c", "-o", work / "a", *flags)
    check(done.returncode == 0, "C99 with pkg-config", done)
    runs(work / "a", "and it runs", env={"LD_LIBRARY_PATH": str(shared)})

    done = run("cmake", "-S", work, "-B", work / "build", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={CC}")
    check(done.returncode == 0, "find_package", done)
    done = run("cmake", "--build", work / "build")
    check(done.returncode == 0, "building with CMake", done)
    for kind in ("shared", "static"):
        runs(work / "build" / f"with_{kind}", f"the program with hawser::{kind} runs")

    done = run(prefix / "bin" / "hawser", "demo", timeout=150)
    check(done.returncode == 0 and done.stdout.splitlines()[-1].startswith("demo: OK "), "the installed demo", done)
end()
