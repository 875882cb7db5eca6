# SPDX-License-Identifier: MIT
"""How a run stands, for people (hawser top, status) and for scrapers (hawser metrics): what is shown is what the members did."""
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

from harness import BUILD, Process, all_do, check, main
from zmtp import Guest, frame, pack, session

COUNT = 250000  # floats


def hawser(*words, code=0):
    done = subprocess.run([BUILD / "hawser", *map(str, words)], capture_output=True, text=True, timeout=30)
    check(done.returncode == code, f"hawser {words}: code {done.returncode}, not {code}: {done.stderr}")
    return done.stdout if code == 0 else done.stderr


def metrics_of(text):
    """{name{labels}: number}; the text is held to the format."""
    check(text.endswith("# EOF\n"), "no # EOF at the end of the metrics")
    found, types = {}, {}
    for line in text.splitlines()[:-1]:
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            check(name not in types, f"{name} is declared twice")
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = re.fullmatch(r"(\w+)(\{(\w+=\"([^\"\\\n]|\\.)*\",?)+\})? (\d+)", line)
            check(match, f"not a metric: {line}")
            family = next((name for name, kind in types.items()
                           if match[1] == name + {"counter": "_total", "info": "_info"}.get(kind, "")), None)
            check(family, f"{match[1]} has no TYPE before it")
            check(line.rpartition(" ")[0] not in found, f"twice: {line}")
            found[line.rpartition(" ")[0]] = int(match[5])
    return found


def trained(world):
    master, members = world.start(3)
    for member, seed in zip(members, (1, 2, 2)):
        member.state(bytes=4096, seed=seed).expect()
    for member in members:
        member.sent_bytes = 0
    for _ in range(3):
        for member, answer in zip(members, all_do(members, "reduce", count=COUNT)):
            member.sent_bytes += int(answer.expect(sum="right").sent)
    return master, members


def lasts(metrics, members):
    return [metrics[f'hawser_member_last_total{{member="{member.peer}"}}'] for member in members]


def test_the_slow_one_is_seen(world):
    """The member that calls last is named, though all have the result at the same moment."""
    master, members = world.start(3)
    for _ in range(10):
        for member in members[:2]:
            member.tell("reduce", count=1000)
        time.sleep(0.05)
        members[2].reduce(count=1000).expect()
        for member in members[:2]:
            member.hear().expect()
    world.until(lambda: lasts(metrics_of(hawser("metrics", master.address)), members) == [0, 0, 10], 5, "the last ones to be told")


def test_metrics(world):
    """Counters agree with what was done, one process each; a guest's garbage is among what the master dropped."""
    master, members = trained(world)
    guest = Guest(master.address, session(b"P", 12345))
    guest.socket.sendall(frame(pack([1, 2, 3])))  # without its checksum

    def settled():
        metrics = metrics_of(hawser("metrics", master.address))
        return metrics if metrics['hawser_dropped_total{process="master",what="control_damaged"}'] == 1 and all(
            metrics[f'hawser_member_sent_bytes_total{{member="{member.peer}"}}'] > 0 for member in members) else None
    world.until(settled, 10, "heartbeats to bring the counters")
    guest.close()
    check("\ndropped by the master: control_dropped 1, control_damaged 1\n" in hawser("status", master.address), "not in the status")
    metrics = settled()
    check(metrics["hawser_up"] == 1 and metrics["hawser_members"] == 3 and metrics["hawser_newcomers"] == 0, metrics)
    check(metrics["hawser_committed_total"] == 3, f"3 reductions were committed: {metrics}")
    check(sum(lasts(metrics, members)) <= 3, f"each has one last member at most: {metrics}")
    for member in members:
        name = f'{{member="{member.peer}"}}'
        check(metrics["hawser_member" + name] == 1, f"{member.name} is not a member: {metrics}")
        sent = metrics["hawser_member_sent_bytes_total" + name]
        check(sent == member.sent_bytes, f"{member.name} sent {member.sent_bytes} bytes, the metrics say {sent}")
    info = [name for name in metrics if name.startswith("hawser_process_info")]
    for member in members:
        check(any(f'pid="{member.child.pid}"' in name and f'host="{socket.gethostname()}"' in name for name in info), info)


def test_a_scraper_is_answered(world):
    """Over HTTP, also after requests that are none, and when the master is gone."""
    master, _ = trained(world)
    server = Process(world, "metrics", [BUILD / "hawser", "metrics", master.address, "--listen", "127.0.0.1:0"])
    url = server.line().rpartition(" ")[2]
    host, _, port = url.split("/")[2].rpartition(":")
    for request in (b"\0\0\0\0\r\n\r\n", b"GET /" + b"x" * 5000 + b"\r\n\r\n", b"PUT / HTTP/1.1\r\n\r\n", b""):
        with socket.create_connection((host, int(port)), timeout=5) as stranger:
            stranger.sendall(request)
    with urllib.request.urlopen(url, timeout=10) as answer:
        check(answer.headers["Content-Type"].startswith("application/openmetrics-text"), answer.headers)
        check(metrics_of(answer.read().decode())["hawser_members"] == 3, "not the run's metrics")
    try:
        urllib.request.urlopen(url.replace("metrics", "other"), timeout=10)
        check(False, "/other was answered")
    except urllib.error.HTTPError as error:
        check(error.code == 404, f"/other: {error}")
    master.kill()
    with urllib.request.urlopen(url, timeout=10) as answer:
        check(metrics_of(answer.read().decode()) == {"hawser_up": 0}, "a master that is gone is not up")
    server.kill()


def test_top_and_status(world):
    """Two looks with a call in between that one member has not made: who is waited for is named; rates are of that time."""
    master, members = trained(world)
    late, *early = members
    for member in early:
        member.tell("reduce", count=COUNT, tag=7)
    waits = f"all-reduce tag 7 number 0 waits for the call of member {late.peer}"
    world.until(lambda: waits in hawser("top", master.address, "--count", 1), 10, "top to name the one that is waited for")
    shown = hawser("top", master.address, "--count", 2, "--interval", "200ms")
    check(shown.count("members 3  newcomers 0  committed 3") == 2, shown)
    check(shown.count("(0/s)") == 1, f"a rate at the second look: {shown}")
    members.sort(key=lambda member: member.peer)  # by rank: which of them registered first is open
    for rank, member in enumerate(members):
        check(re.search(rf"^ *{member.peer} +{rank} +0 +{member.child.pid} ", shown, re.M), f"no row of {member.name}: {shown}")
    late.reduce(count=COUNT, tag=7).expect(sum="right")
    for member in early:
        member.hear().expect(sum="right")
    status = json.loads(hawser("status", master.address, "--json"))
    check([member["pid"] for member in status["members"]] == [member.child.pid for member in members], status)
    check(status["members"][0]["host"] == socket.gethostname(), status)


def test_no_master(world):
    for command in ("metrics", "top"):
        check("127.0.0.1:1" in hawser(command, "127.0.0.1:1", code=1), "the master is not named")


main(globals())
