# SPDX-License-Identifier: MIT
"""Builds the kernels and their test for 64-bit Arm and runs it under qemu-user. Exits with 77 if a tool for that is missing."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["SOURCE_DIR"])
COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
FLAGS = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}", f"-I{ROOT}/include"]
# As cmake/HawserKernels.cmake has it.
SCALAR = ["-O2", "-fno-tree-vectorize", "-fno-tree-slp-vectorize"]

for tool in (COMPILER, EMULATOR):
    if not shutil.which(tool):
        print(f"skipped: {tool} is not installed")
        sys.exit(77)
sources = [*sorted((ROOT / "collectives/kernels").glob("*.c")), *sorted((ROOT / "tests/support").glob("kernel_*.c")),
           ROOT / "tests/cross/kernels.c", ROOT / "actors/base/status.c", ROOT / "actors/base/dtype.c"]
with tempfile.TemporaryDirectory() as folder:
    objects = []
    for source in sources:
        objects.append(f"{folder}/{len(objects)}.o")
        optimise = SCALAR if source.name == "scalar.c" else ["-O3"]
        subprocess.run([COMPILER, *FLAGS, *optimise, "-c", str(source), "-o", objects[-1]], check=True)
    subprocess.run([COMPILER, "-static", *objects, "-lm", "-o", f"{folder}/kernels"], check=True)
    sys.exit(subprocess.run([EMULATOR, f"{folder}/kernels"]).returncode)
