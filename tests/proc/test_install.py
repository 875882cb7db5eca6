# SPDX-License-Identifier: MIT
"""An installation elsewhere: a trainer of two files is built against it through pkg-config and through CMake, shared and
static, as C99 with C11 and with C++11, and runs against a master; manual pages are found; the demo runs."""
import itertools
import os
import shutil
import tempfile
from pathlib import Path

from support import BUILD, SOURCE, check, end, run

MAIN = """
#include <hawser/hawser.h>
#include <stdio.h>
#include "average.h"

int main(void)
{
    hws_config config = HWS_CONFIG_INIT;
    hws_result result = HWS_RESULT_INIT;
    hws_comm *comm = NULL;
    float values[100];
    int i;
    hws_status status = hws_open(&config, &comm);
    for (i = 0; i < 100; i++)
        values[i] = (float)i;
    if (status == HWS_OK)
        status = average(comm, values, 100, &result);
    for (i = 0; i < 100 && status == HWS_OK; i++)
        if (values[i] != (float)i * 2)
            status = HWS_E_INTERNAL;
    if (status != HWS_OK)
        fprintf(stderr, "%s: %s\\n", hws_status_name(status), hws_last_error());
    else
        printf("hawser %s: %u members\\n", hws_version(), (unsigned)result.member_count);
    hws_close(comm);
    return status != HWS_OK;
}
"""
HEADER = """
#include <hawser/hawser.h>
#ifdef __cplusplus
extern "C"
#endif
hws_status average(hws_comm *comm, float *values, size_t count, hws_result *result);
"""
PART = """
#include "average.h"

hws_status average(hws_comm *comm, float *values, size_t count, hws_result *result)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_op op = HWS_OP_INIT;
    hws_stats stats = HWS_STATS_INIT;
    hws_request *request = NULL;
    uint64_t agreed = 0;
    hws_status status;
    options.tag = 7;
    options.timeout_ms = 20000;
    status = hws_all_reduce(comm, values, values, count, HWS_F32, HWS_SUM, &options, result);
    if (status == HWS_OK)
        status = hws_agree(comm, 1, HWS_AGREE_AND, NULL, &agreed, NULL);
    op.what = HWS_BARRIER;
    op.options.tag = 8;
    if (status == HWS_OK)
        status = hws_start(comm, &op, &request);
    if (status == HWS_OK)
        status = hws_wait(request, UINT32_MAX, NULL);
    if (status == HWS_OK)
        status = hws_stats_get(comm, &stats);
    return status == HWS_OK && agreed != 1 ? HWS_E_INTERNAL : status;
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(consumer C CXX)
find_package(hawser @VERSION@ REQUIRED COMPONENTS shared static)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 11)
add_compile_options(-Wall -Wextra -pedantic -Werror)
foreach(kind shared static)
    foreach(suffix c cpp)
        add_executable(${suffix}_${kind} main.c average.${suffix})
        target_link_libraries(${suffix}_${kind} PRIVATE hawser::${kind})
    endforeach()
    set_target_properties(c_${kind} PROPERTIES C_STANDARD 99)
endforeach()
"""
CC, CXX = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")
VERSION = run(BUILD / "hawser", "--version").stdout.split()[1]
WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Werror")


def first(place, name):
    return next(place.rglob(name))


def trains(hawser, program, what, **options):
    """Two copies of it against a master: each says how many members reduced."""
    done = run(hawser, "run", "-n", "2", "--", program, **options)
    lines = sorted(line for line in done.stdout.splitlines() if line.startswith("process"))
    check(done.returncode == 0 and lines == [f"process {i}: hawser {VERSION}: 2 members" for i in (0, 1)], what, done)


def pkg_config(prefix, *arguments):
    path = f"{first(prefix, 'hawser.pc').parent}:{os.environ.get('PKG_CONFIG_PATH', '')}"
    return run("pkg-config", *arguments, env={"PKG_CONFIG_PATH": path}).stdout.split()


def build_with_pkg_config(prefix, work):
    """(program, environment it runs in, what it is) of each kind of library and language."""
    check(pkg_config(prefix, "--modversion", "hawser") == [VERSION], "pkg-config knows the version")
    for kind, (suffix, compiler, standard) in itertools.product(("shared", "static"), (("c", CC, "c11"), ("cpp", CXX, "c++11"))):
        package = "hawser-static" if kind == "static" else "hawser"
        flags, libraries = pkg_config(prefix, "--cflags", package), pkg_config(prefix, "--libs", package)
        program, what = work / f"{suffix}_{kind}", f"{suffix}, {kind}, pkg-config"
        steps = ([CC, "-std=c99", *WARNINGS, "-c", work / "main.c", "-o", work / "main.o", *flags],
                 [compiler, f"-std={standard}", *WARNINGS, work / f"average.{suffix}", work / "main.o", "-o", program, *flags,
                  *libraries])
        for step in steps:
            done = run(*step)
            check(done.returncode == 0, f"building: {what}", done)
        yield program, {"LD_LIBRARY_PATH": str(first(prefix, "libhawser.so").parent)} if kind == "shared" else {}, what


def build_with_cmake(prefix, work):
    build = work / "build"
    done = run("cmake", "-S", work, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={CC}",
               f"-DCMAKE_CXX_COMPILER={CXX}")
    check(done.returncode == 0, "find_package", done)
    done = run("cmake", "--build", build)
    check(done.returncode == 0, "building with CMake", done)
    for kind, suffix in itertools.product(("shared", "static"), ("c", "cpp")):
        yield build / f"{suffix}_{kind}", {}, f"{suffix}, {kind}, CMake"


def examples_build(prefix, work):
    flags = pkg_config(prefix, "--cflags", "--libs", "hawser-static")
    source = first(prefix / "share/doc", "all_reduce.c")
    done = run(CC, "-std=c11", "-Wall", "-Wextra", source, "-o", work / "example", *flags)
    check(done.returncode == 0, "building an example", done)
    done = run(prefix / "bin/hawser", "run", "-n", "2", "--", work / "example")
    check(done.returncode == 0 and "the sum is 3 6 9 12" in done.stdout, "the example runs", done)


def other_versions_are_refused(prefix, work):
    major, minor, _ = map(int, VERSION.split("."))
    for wanted in (f"{major}.{minor + 1}", f"{major + 1}.0"):
        (work / "wanted.cmake").write_text(f"find_package(hawser {wanted} REQUIRED PATHS {prefix} NO_DEFAULT_PATH)\n")
        check(run("cmake", "-P", work / "wanted.cmake").returncode != 0, f"find_package does not give {VERSION} for {wanted}")


def nothing_names_the_build(prefix):
    """The installed files may be packed and moved."""
    for path in prefix.rglob("*"):
        if path.suffix in (".cmake", ".pc", ".h"):
            text = path.read_text()
            check(str(BUILD) not in text and str(SOURCE) not in text and str(prefix) not in text,
                  f"{path.relative_to(prefix)} names no directory of this machine")


def pages_are_found(prefix):
    pages = {path.name for path in (prefix / "share/man").rglob("*.*")}
    for name in ("hawser.1", "hawser-run.1", "hawser_collective.3", "hawser_options.7", "hws_all_reduce.3", "hws_options.3"):
        check(name in pages, f"{name} is installed")
    check({path.name for path in (SOURCE / "docs/man").glob("*.[137]")} <= pages, "every page is installed")
    if shutil.which("man"):
        done = run("man", "-M", prefix / "share/man", "hws_all_reduce", env={"MANPAGER": "cat"})
        check(done.returncode == 0 and "hws_result" in done.stdout, "man hws_all_reduce", done)


with tempfile.TemporaryDirectory() as temporary:
    prefix, work = Path(temporary) / "prefix", Path(temporary) / "work"
    work.mkdir()
    for name, text in (("main.c", MAIN), ("average.h", HEADER), ("average.c", PART), ("average.cpp", PART),
                       ("CMakeLists.txt", PROJECT.replace("@VERSION@", VERSION))):
        (work / name).write_text(text)
    done = run("cmake", "--install", BUILD, "--prefix", prefix)
    check(done.returncode == 0, "the installation", done)
    check(first(prefix, "LICENSE").read_text().startswith("MIT License"), "the licence is there")
    hawser = prefix / "bin" / "hawser"
    for program, env, what in itertools.chain(build_with_pkg_config(prefix, work), build_with_cmake(prefix, work)):
        trains(hawser, program, f"{what}: it trains", env=env)
    examples_build(prefix, work)
    other_versions_are_refused(prefix, work)
    nothing_names_the_build(prefix)
    pages_are_found(prefix)
    done = run(hawser, "demo", timeout=150)
    check(done.returncode == 0 and done.stdout.splitlines()[-1].startswith("demo: OK "), "the installed demo", done)
end()
