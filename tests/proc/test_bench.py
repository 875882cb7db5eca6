# SPDX-License-Identifier: MIT
"""`hawser bench` and tools/bench: every kind measures, checks its sums and says what it measured."""
import json

from support import BENCH, HAWSER, check, end, run

KEYS = ["bench", "peers", "bytes", "plan", "stripes", "repeats", "median_s", "p10_s", "p90_s", "algbw_Bps", "busbw_Bps"]


def lines_of(*command):
    done = run(*command, "--repeats", "4", "--json", timeout=120)
    check(done.returncode == 0, " ".join(map(str, command)), done)
    return [json.loads(line) for line in done.stdout.splitlines()]


def bench(*arguments):
    return lines_of(HAWSER, "bench", *arguments)


def internals(*arguments):
    return lines_of(BENCH, *arguments)


for plan in ("auto", "one-shot", "direct"):
    # 100 KiB and 4 bytes: several chunks, the last one short
    lines = bench("all-reduce", "--peers", "3", "--sizes", "4,4K,102404", "--plan", plan, "--stripes", "2")
    check([line["bytes"] for line in lines] == [4, 4096, 102404], f"{plan}: one line per size: {lines}")
    for line in lines:
        check(list(line) == KEYS, f"the keys are {list(line)}")
        check((line["bench"], line["peers"], line["plan"], line["stripes"], line["repeats"]) ==
              ("all-reduce", 3, plan, 2, 4), f"{line}")
        check(0 < line["p10_s"] <= line["median_s"] <= line["p90_s"], f"times in order: {line}")
        check(abs(line["busbw_Bps"] / line["algbw_Bps"] - 4 / 3) < 1e-3, f"bus bandwidth: {line}")

for line in bench("raw", "--sizes", "4K,1M"):
    check(list(line) == KEYS and line["plan"] == "raw" and line["peers"] == 2, f"raw: {line}")
    check(line["busbw_Bps"] == line["algbw_Bps"] > 0, f"raw bandwidth: {line}")

for line in bench("compare", "--sizes", "4K,1M"):
    check(line["raw_median_s"] > 0 and line["median_s"] > 0 and line["of_raw"] > 0, f"compare: {line}")

for line in internals("journal", "--sizes", "4K,1M"):
    check(line["turns"] == 4 and line["with_ms"] > 0 and line["without_ms"] > 0, f"journal: {line}")
    check(line["cost"] > -1, f"journal: {line}")

lines = internals("ring")
check(len(lines) == 5 and all(line["ns_per_message"] < line["with_ns"] for line in lines), f"ring: {lines}")

for line in internals("trace"):
    check(line["bytes"] == 4096 and line["turns"] == 4 and min(line["without_us"], line["reading_us"], line["stopped_us"]) > 0 and
          line["reading_cost"] > -1 and line["stopped_cost"] > -1, f"trace: {line}")

lines = internals("kernels", "--operands", "3", "--sizes", "4K")
check(len(lines) % 60 == 0 and all(line["operands"] == 3 and line["GBps"] > 0 for line in lines), f"kernels: {lines}")
check([line["bytes"] for line in internals("checkpoint", "--sizes", "1M")].count(1 << 20) > 0, "checkpoint")

check([line["peers"] for line in bench("all-reduce", "--peers", "1", "--sizes", "4K")] == [1], "a view of one")
done = run(HAWSER, "bench", "all-reduce", "--sizes", "4K", "--repeats", "4")
check(done.returncode == 0 and "4 KiB" in done.stdout and "busbw" in done.stdout, "the table", done)
end()
