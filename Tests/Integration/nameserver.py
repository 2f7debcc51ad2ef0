"""A name server of the tests' own, over UDP and TCP, and addresses on loopback where mail exchangers may listen at port 25."""

import ipaddress
import os
import random
import socket
import socketserver
import struct
import subprocess
import threading
from collections import Counter

from peers import free_port

A, CNAME, SOA, MX, TXT, AAAA, TLSA = 1, 5, 6, 15, 16, 28, 52
_TYPES = {"A": A, "CNAME": CNAME, "MX": MX, "TXT": TXT, "AAAA": AAAA, "TLSA": TLSA}
GOOD, SERVFAIL, NXDOMAIN = 0, 2, 3


class NameServer:
    """Answers from `records`: {"x.test": [("MX", (10, "mx.x.test")), ("A", "127.0.0.2")]}. `silent` names get no answer,
    `failing` ones SERVFAIL, `unsigned` ones and those below come without AD; every other answer says that it is authentic
    where somebody asks."""

    def __init__(self, records: dict | None = None, ttl=300):
        self.records = {name.lower(): list(entries) for name, entries in (records or {}).items()}
        self.ttl = ttl
        self.silent: set[str] = set()
        self.failing: set[str] = set()
        self.unsigned: set[str] = set()
        #: Names whose answers do not fit into a datagram.
        self.large: set[str] = set()
        self.asked: Counter = Counter()
        self.over_tcp: Counter = Counter()
        self.port = free_port()
        outer = self

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self):
                octets, peer = self.request
                answer = outer.answer(octets, is_tcp=False)
                if answer:
                    peer.sendto(answer, self.client_address)

        class Stream(socketserver.StreamRequestHandler):
            def handle(self):
                length = struct.unpack("!H", self.rfile.read(2))[0]
                answer = outer.answer(self.rfile.read(length), is_tcp=True)
                if answer:
                    self.wfile.write(struct.pack("!H", len(answer)) + answer)

        class UDP(socketserver.ThreadingUDPServer):
            daemon_threads = True

        class TCP(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.servers = [UDP(("127.0.0.1", self.port), Datagram), TCP(("127.0.0.1", self.port), Stream)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, name: str, kind: str, value):
        self.records.setdefault(name.lower(), []).append((kind, value))

    def count(self, name: str, kind: str) -> int:
        return self.asked[(name.lower(), _TYPES[kind])]

    def answer(self, query: bytes, is_tcp: bool) -> bytes | None:
        number, flags = struct.unpack("!HH", query[:4])
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1 : place + 1 + query[place]].decode())
            place += 1 + query[place]
        kind = struct.unpack("!H", query[place + 1 : place + 3])[0]
        question = query[12 : place + 5]
        name = ".".join(labels).lower()
        self.asked[(name, kind)] += 1
        self.over_tcp[name] += is_tcp
        if name in self.silent:
            return None
        authentic = 0x20 if flags & 0x20 and not self._is_unsigned(name) else 0
        reply = 0x8180 | authentic
        if name in self.failing:
            return struct.pack("!HHHHHH", number, 0x8180 | SERVFAIL, 1, 0, 0, 0) + question
        if name in self.large and not is_tcp:
            return struct.pack("!HHHHHH", number, reply | 0x0200, 1, 0, 0, 0) + question
        answers, target, found = [], name, []
        while target in self.records:
            found = [value for word, value in self.records[target] if _TYPES[word] == kind]
            answers += [self._record(target, kind, value) for value in found]
            alias = next((value for word, value in self.records[target] if word == "CNAME"), None)
            if found or alias is None:
                break
            answers.append(self._record(target, CNAME, alias))
            target = alias.lower()
        code = GOOD if target in self.records else NXDOMAIN
        nothing = [] if found else [self._authority()]
        head = struct.pack("!HHHHHH", number, reply | code, 1, len(answers), len(nothing), 0)
        return head + question + b"".join(answers + nothing)

    def _is_unsigned(self, name: str) -> bool:
        return any(name == one or name.endswith("." + one) for one in self.unsigned)

    def _authority(self) -> bytes:
        data = name_octets("ns.test") + name_octets("root.test") + struct.pack("!IIIII", 1, 1, 1, 1, 60)
        return name_octets("test") + struct.pack("!HHIH", SOA, 1, 60, len(data)) + data

    def _record(self, owner: str, kind: int, value) -> bytes:
        if kind in (A, AAAA):
            data = ipaddress.ip_address(value).packed
        elif kind == CNAME:
            data = name_octets(value)
        elif kind == MX:
            data = struct.pack("!H", value[0]) + name_octets(value[1])
        elif kind == TXT:
            pieces = [value[start : start + 100].encode() for start in range(0, len(value), 100)]
            data = b"".join(bytes([len(piece)]) + piece for piece in pieces)
        else:
            usage, selector, matching, content = value
            data = bytes([usage, selector, matching]) + content
        return name_octets(owner) + struct.pack("!HHIH", kind, 1, self.ttl, len(data)) + data


def name_octets(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".") if label) + b"\0"


def loopback_address() -> str:
    """An address on this machine that no other test uses: there, ports such as 25 are free."""
    return f"127.{random.randint(16, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"


def allow_low_ports():
    """Exchangers listen at port 25, which may be root's alone; then root is asked to open it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((loopback_address(), 25))
        except PermissionError:
            assert os.geteuid() != 0, "root may not listen at port 25"
            setting = "net.ipv4.ip_unprivileged_port_start=25"
            subprocess.run(["sudo", "-n", "sysctl", "-q", setting], check=True, timeout=10)
