# SPDX-License-Identifier: MIT
"""As much of ZeroMQ's wire protocol (ZMTP 3.0, no security) and of msgpack as it takes to be a bad guest at a master's door."""
import ctypes
import socket
import struct

XXHASH = ctypes.CDLL("libxxhash.so.0")
XXHASH.XXH3_64bits_withSeed.restype = ctypes.c_uint64

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
MORE, LONG, COMMAND = 1, 2, 4


def dial(address, seconds=5):
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)


def frame(body, flags=0):
    if len(body) > 255:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def ready(identity):
    body = b"\x05READY"
    for name, value in ((b"Socket-Type", b"DEALER"), (b"Identity", identity)):
        body += bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return frame(body, COMMAND)


def session(role, number):
    """The routing id of a peer (b"P") or a tool (b"T")."""
    return role + struct.pack("<Q", number)


def pack(value):
    """msgpack of whole numbers, text, and lists of them."""
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        return b"\xd9" + bytes([len(value)]) + value.encode()
    return b"\xdc" + struct.pack(">H", len(value)) + b"".join(pack(item) for item in value)


def letter(body, identity):
    """A control message with the checksum behind it that goes with the sender's routing id (actors/wire/letter.h)."""
    number = int.from_bytes(identity[1:9], "little")
    seed = ctypes.c_uint64(~number if identity[:1] == b"T" else number)
    return body + struct.pack("<Q", XXHASH.XXH3_64bits_withSeed(body, ctypes.c_size_t(len(body)), seed))


class Guest:
    """A connection to a master that has shaken hands under a name of its own choice."""

    def __init__(self, address, identity):
        self.socket, self.identity = dial(address), identity
        self.socket.sendall(GREETING + ready(identity))
        self.receive(len(GREETING))
        self.receive(self.receive(2)[1])  # its READY: what is said before it counts as a part of the handshake

    def receive(self, count):
        data = b""
        while len(data) < count:
            got = self.socket.recv(count - len(data))
            if not got:
                raise ConnectionError("the master hung up in the handshake")
            data += got
        return data

    def letter(self, body):
        return frame(letter(body, self.identity))

    def send(self, body):
        self.socket.sendall(self.letter(body))

    def hear(self, kind):
        """Waits for a message of this kind, a list of small whole numbers first; gives the number behind the kind."""
        while True:
            flags = self.receive(1)[0]
            body = self.receive(struct.unpack(">Q", self.receive(8))[0] if flags & LONG else self.receive(1)[0])
            if not flags & COMMAND and body[1] == kind:
                return body[2] if body[2] < 0x80 else body[3]

    def close(self):
        self.socket.close()
