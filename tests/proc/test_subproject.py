# SPDX-License-Identifier: MIT
"""Hawser as a part of another CMake project: the parent keeps its build type, flags, tests, targets and what it installs, and
links both libraries. Without cmocka the build is made without tests, and says so."""
import re
import shutil
import tempfile
from pathlib import Path

from support import SOURCE, check, end, run

PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(parent C)
set(flags "${CMAKE_C_FLAGS_RELEASE}")
@ADD@
if(NOT "${CMAKE_BUILD_TYPE}" STREQUAL "" OR NOT "${flags}" STREQUAL "${CMAKE_C_FLAGS_RELEASE}" OR CMAKE_C_STANDARD)
    message(FATAL_ERROR "the parent's settings have changed")
endif()
add_library(batch STATIC main.c) # the name of an example
foreach(kind shared static)
    add_executable(${kind} main.c)
    target_link_libraries(${kind} PRIVATE hawser::${kind})
endforeach()
"""
WAYS = (f"add_subdirectory({SOURCE} hawser)",
        f"include(FetchContent)\nFetchContent_Declare(hawser SOURCE_DIR {SOURCE})\nFetchContent_MakeAvailable(hawser)")

with tempfile.TemporaryDirectory() as temporary:
    place = Path(temporary)
    (place / "main.c").write_text("int main(void) { return 0; }\n")
    for number, way in enumerate(WAYS):
        (place / "CMakeLists.txt").write_text(PROJECT.replace("@ADD@", way))
        build = place / str(number)
        done = run("cmake", "-S", place, "-B", build)
        check(done.returncode == 0, way, done)
        cache = (build / "CMakeCache.txt").read_text()
        check("CMAKE_BUILD_TYPE:STRING=\n" in cache and "HAWSER_TESTS:BOOL=OFF" in cache, f"the cache, {way}")
        libraries = r"(pkgcfg_lib_|__pkg_config_\w+?_)?(ZMQ|MSGPACK|LZ4|XXHASH|JANSSON|CMOCKA)_"
        foreign = [line for line in cache.splitlines() if re.match(libraries, line)]
        check(not foreign, f"the parent's names of libraries, {way}: {foreign[:3]}")
        check(not (build / "CTestTestfile.cmake").exists(), f"no tests, {way}")
        done = run("cmake", "--install", build, "--prefix", place / "prefix")
        check(not (place / "prefix").exists(), "nothing is installed", done)
    tool = place / "pkg-config"
    tool.write_text(f'#!/bin/sh\ncase "$*" in *cmocka*) exit 1 ;; esac\nexec {shutil.which("pkg-config")} "$@"\n')
    tool.chmod(0o755)
    done = run("cmake", "-S", SOURCE, "-B", place / "bare", f"-DPKG_CONFIG_EXECUTABLE={tool}")
    check(done.returncode == 0 and "without its tests: cmocka is missing" in done.stdout, "without cmocka", done)
end()
