# SPDX-License-Identifier: MIT
"""Law 3: pure code imports nothing of the world. Compiles it with one fixed set of flags and reads what its objects import."""
import os
import re
import shlex
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from tree import ROOT, end, sources

PURE = ("actors/base", "actors/wire", "actors/loop", "actors/master", "actors/peer", "collectives", "snapshot", "runtime/call",
        "transport/stripe")
NOT_PURE = ("snapshot/checkpoint/",  # files on disk
            "collectives/kernels/")  # decide nothing; they ask the processor, and each file has flags of its own
# Adapters: what touches the C library's heap or standard error on behalf of the pure code, each with its reason.
ADAPTERS = {
    "actors/base/alloc_libc.c": "the allocator that hosts hand in",
    "actors/base/abort.c": "a failed check outside every trap",
    "actors/wire/clone.c": "the codec runs in the host, which owns what it makes",
    "actors/wire/decode.c": "likewise",
    "actors/wire/encode.c": "likewise; msgpack-c allocates its own buffers",
}
ALLOWED = re.compile(r"^(hwi_\w+|hws_\w+|mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|nlen|ncpy)|v?snprintf"
                     r"|XXH(3|128|64|32)\w*|_?_?(set|long)jmp|_setjmp|__tls_get_addr|_GLOBAL_OFFSET_TABLE_"
                     r"|__stack_chk_fail|__\w+_chk|msgpack_\w+)$")
FLAGS = "-std=c11 -O1 -fPIC -D_POSIX_C_SOURCE=200809L -U_FORTIFY_SOURCE"


@lru_cache
def packages():
    return subprocess.run(["sh", "-c", "pkg-config --cflags libxxhash; pkg-config --cflags msgpack-c || pkg-config --cflags msgpack"],
                          capture_output=True, text=True).stdout.split()


def imports(path, scratch):
    flags = shlex.split(FLAGS) + [f"-I{ROOT}", f"-I{ROOT}/include"]
    subprocess.run([os.environ.get("CC", "cc"), *flags, *packages(), "-c", str(path), "-o", scratch], check=True)
    out = subprocess.run([os.environ.get("NM", "nm"), "-u", scratch], check=True, capture_output=True, text=True).stdout
    return [line.split()[-1] for line in out.splitlines() if line.strip()]


def judge(path):
    name = str(path.relative_to(ROOT))
    scratch = str(Path(folder) / (name.replace("/", "_") + ".o"))
    return [f"{name}: imports {symbol}" for symbol in imports(path, scratch) if not ALLOWED.match(symbol)]


with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
    pure = [path for path in sources(*PURE, suffixes=(".c",))
            if (name := str(path.relative_to(ROOT))) not in ADAPTERS and not name.startswith(NOT_PURE)]
    problems = [problem for found in pool.map(judge, pure) for problem in found]
end(f"pure objects ({len(pure)} files)", problems)
