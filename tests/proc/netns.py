# SPDX-License-Identifier: MIT
"""Hosts of a test's own: network namespaces joined by a bridge in one more, which all go with the test. It takes root and `ip`."""
import os
import shutil
import subprocess

from harness import check


def lacking():
    """Why there can be none here, or None."""
    if shutil.which("ip") is None:
        return "there is no ip (iproute2)"
    if os.geteuid() != 0:
        return "network namespaces take root"
    made = subprocess.run(["ip", "netns", "add", f"hws{os.getpid()}probe"], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespaces here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", f"hws{os.getpid()}probe"], check=True)
    return None


def ip(*words):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True)
    check(done.returncode == 0, f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


class Hosts:
    """`with Hosts(3) as hosts`: hosts.address(i) is 10.77.0.(i+1), hosts.inside(i) the words before a command to run it there."""

    def __init__(self, count):
        self.count, self.names = count, []

    def name(self, index):
        return f"hws{os.getpid()}h{index}"

    def address(self, index):
        return f"10.77.0.{index + 1}"

    def inside(self, index):
        return ["ip", "netns", "exec", self.name(index)]

    def __enter__(self):
        try:
            self.add("s")
            ip("-n", self.name("s"), "link", "add", "bridge", "type", "bridge")
            ip("-n", self.name("s"), "link", "set", "bridge", "up")
            for index in range(self.count):
                self.join(index)
        except BaseException:
            self.remove()
            raise
        return self

    def add(self, index):
        ip("netns", "add", self.name(index))
        self.names.append(self.name(index))

    def join(self, index):
        self.add(index)
        here, switch = self.name(index), self.name("s")
        ip("-n", here, "link", "add", "eth0", "type", "veth", "peer", "name", f"port{index}", "netns", switch)
        ip("-n", here, "link", "set", "lo", "up")
        ip("-n", here, "addr", "add", f"{self.address(index)}/24", "dev", "eth0")
        ip("-n", here, "link", "set", "eth0", "up")
        ip("-n", switch, "link", "set", f"port{index}", "master", "bridge")
        ip("-n", switch, "link", "set", f"port{index}", "up")

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)

    def __exit__(self, *_):
        self.remove()
