"""Clients behind balancers: the PROXY protocol at both doors, X-Forwarded-For at the door for HTTP."""

import json
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from peers import eventually, free_port
from postern import HOSTNAME, Session, exchange, marker
from test_connectors import listed, only, smtp
from test_smtp import mail

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BALANCER = "127.0.0.11"


def v1(source="10.1.20.7", family="TCP4", destination="192.0.2.25") -> bytes:
    return f"PROXY {family} {source} {destination} 51234 25\r\n".encode()


def v2(source="10.1.20.7", command=1, extra=b"") -> bytes:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    here = "2001:db8::25" if ":" in source else "192.0.2.25"
    body = socket.inet_pton(family, source) + socket.inet_pton(family, here) + struct.pack("!HH", 51234, 25) + extra
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, 0x21 if ":" in source else 0x11, len(body)) + body


class Relay:
    """A balancer before the gateway: it writes its header, then passes octets on."""

    def __init__(self, port: int, header: bytes, source=BALANCER):
        self.target, self.header, self.source = port, header, source
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target), source_address=(self.source, 0))
            server.sendall(self.header)
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(source, target):
        try:
            while octets := source.recv(65536):
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.fixture(scope="module")
def behind(tmp_path_factory, authority, postfix):
    """A gateway whose doors list one balancer."""
    from postern import Gateway

    ports = {"smtp": free_port(), "smtps": free_port(), "https": free_port()}

    def change(config):
        http = config["receiveConnectors"][0]
        http["proxies"] = [BALANCER, "127.0.0.12"]
        http["metricsRanges"] = ["10.1.20.0/24"]
        config["receiveConnectors"] = [
            http,
            http
            | {
                "name": "HTTP of strangers",
                "remoteIPRanges": ["198.51.100.0/24"],
                "permissionGroups": [],
            },
            http | {"name": "HTTPS", "bindings": [f"127.0.0.1:{ports['https']}"], "tls": {"mode": "implicit"}},
            smtp("all", f"127.0.0.1:{ports['smtp']}", proxies=[BALANCER], limits={"connectionsPerSource": 2}),
            smtp(
                "printers",
                f"127.0.0.1:{ports['smtp']}",
                remoteIPRanges=["10.1.20.0/24", "2001:db8:20::/64"],
                rights=["acceptAnyRecipient"],
                protocolLog=True,
            ),
            smtp("implicit", f"127.0.0.1:{ports['smtps']}", proxies=[BALANCER], tls={"mode": "implicit"}),
        ]

    gateway = Gateway(tmp_path_factory.mktemp("proxy"), authority, postfix.port, change)
    gateway.ports = ports
    try:
        yield gateway.start()
    finally:
        gateway.shut()


def test_the_address_in_the_header_chooses_the_connector_and_is_the_clients(behind, postfix):
    for header, shown, connector in [
        (v1(), "10.1.20.7", "printers"),
        (v1("203.0.113.9"), "203.0.113.9", "all"),
        (v1("2001:db8:20::7", "TCP6", "2001:db8::25"), "2001:db8:20::7", "printers"),
        (v2(), "10.1.20.7", "printers"),
        (v2("2001:db8:20::7", extra=b"\x04\x00\x02xx"), "2001:db8:20::7", "printers"),
        (v2("203.0.113.9"), "203.0.113.9", "all"),
        (b"PROXY UNKNOWN\r\n", BALANCER, "all"),
        (v2(command=0), BALANCER, "all"),
    ]:
        with Session(behind.ports["smtp"], BALANCER, greet=False) as peer:
            peer.send(header)
            assert peer.reply() == f"220 {connector}", header
            assert peer.say("EHLO x").split("\n")[0].endswith(f"[{shown}]"), header
    word = marker()
    with Session(behind.ports["smtp"], BALANCER, greet=False) as peer:
        peer.send(v2())
        peer.reply()
        assert peer.envelope("a@corp.example", "x@elsewhere.example")[-1].startswith("250"), "its right to relay"
        assert peer.data(mail(word)).startswith("250")
    arrived = postfix.one(word)
    assert any("[10.1.20.7]" in line for line in arrived.mail.get_all("Received"))
    assert not any(BALANCER in line for line in arrived.mail.get_all("Received"))
    rows = behind.ask("source", "list", "--address", "10.1.20.7", "--connector", "printers")
    assert [row["messages"] for row in rows] == [1]
    folder = behind.folder / "data" / "log"
    eventually(
        lambda: any(",printers," in f.read_text() and ",10.1.20.7:51234,+," in f.read_text() for f in folder.glob("RECV*.log")),
        what="the protocol log with the client's address",
    )


def test_a_header_may_come_in_any_pieces_and_commands_right_behind_it(behind):
    with Session(behind.ports["smtp"], BALANCER, greet=False) as peer:
        for octet in v2() + b"EHLO x\r\n":
            peer.send(bytes([octet]))
        assert peer.reply() == "220 printers"
        assert "Hello [10.1.20.7]" in peer.reply()


def test_each_client_of_a_balancer_has_its_own_share_of_connections(behind):
    def greeted(address):
        peer = Session(behind.ports["smtp"], BALANCER, greet=False)
        peer.send(v1(address))
        return peer, peer.reply()

    held = [greeted("203.0.113.1") for _ in range(2)] + [greeted("203.0.113.2") for _ in range(2)]
    try:
        assert [reply for _, reply in held] == ["220 all"] * 4
        over, reply = greeted("203.0.113.1")
        assert reply.startswith("421 4.3.2 The maximum number of concurrent connections")
        over.peer.close()
    finally:
        for peer, _ in held:
            peer.peer.close()


def test_a_listed_balancer_must_send_a_header(behind):
    with Session(behind.ports["smtp"], BALANCER, greet=False) as peer:
        peer.send(b"EHLO x\r\n")
        assert peer.reply() == ""
    assert "PROXY header is missing" in behind.log
    with Session(behind.ports["smtp"], BALANCER, greet=False) as peer:
        peer.send(b"PROXY TCP4 10.1.20.7 nonsense 1 2\r\n")
        assert peer.reply() == ""
    assert "PROXY header cannot be read" in behind.log
    began = time.monotonic()
    with Session(behind.ports["smtp"], BALANCER, greet=False) as peer:
        peer.send(v2()[:20])
        assert peer.reply() == "" and 4 < time.monotonic() - began < 8
    assert "PROXY header did not come in time" in behind.log


@pytest.mark.parametrize("header", [v1(), v2()], ids=["v1", "v2"])
def test_whoever_is_not_listed_is_not_believed(behind, header):
    with Session(behind.ports["smtp"]) as peer:
        assert peer.greeting == "220 all"
        peer.send(header + b"EHLO x\r\n")
        assert peer.reply() == "500 5.3.3 Unrecognized command"
        assert peer.reply() == "", "nor does it go on as somebody else"
    assert "sends a PROXY header and is not believed" in behind.log
    with Session(behind.ports["smtp"]) as peer:
        for start in range(0, len(header), 5):
            peer.send(header[start : start + 5])
            time.sleep(0.02)
        replies = list(iter(peer.reply, ""))
        assert set(replies) == {"500 5.3.3 Unrecognized command"}, "in pieces as well"
    answers, closed = exchange(behind.http, header + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (answers[0].status, closed) == (400, True)


def test_tls_begins_behind_the_header(behind, authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    with socket.create_connection(("127.0.0.1", behind.ports["smtps"]), source_address=(BALANCER, 0)) as raw:
        hello = v2("203.0.113.9")
        raw.sendall(hello)
        with context.wrap_socket(raw, server_hostname=HOSTNAME) as peer:
            assert peer.recv(99) == b"220 implicit\r\n"
            peer.sendall(b"EHLO x\r\n")
            assert b"Hello [203.0.113.9]" in peer.recv(999)


def test_swaks_through_a_balancer(behind, postfix):
    word = marker()
    with Relay(behind.ports["smtp"], v1()) as relay:
        ran = subprocess.run(
            ["swaks", "-s", "127.0.0.1", "-p", str(relay.port), "-f", "a@corp.example", "-t", "x@elsewhere.example"]
            + ["--header", f"Subject: {word}"],
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert ran.returncode == 0, ran.stdout
    assert "10.1.20.7" in str(postfix.one(word).mail.get_all("Received"))


# --- HTTP ------------------------------------------------------------------------------------------------------------


def ask(gateway, head: bytes = b"", *, source=BALANCER, path="/metrics", port=None, fields=""):
    """One request by hand: (status, body)."""
    with socket.create_connection(("127.0.0.1", port or gateway.http), source_address=(source, 0), timeout=10) as peer:
        peer.sendall(head + f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n".encode())
        octets = b""
        while more := peer.recv(65536):
            octets += more
    return int(octets.split(b" ")[1]), octets


def forwarded(*hops) -> str:
    return f"X-Forwarded-For: {', '.join(hops)}\r\n"


def test_over_http_the_header_or_the_last_untrusted_hop_is_the_client(behind):
    """metricsRanges tells who the gateway takes the client for."""
    inside, outside = "10.1.20.7", "203.0.113.9"
    for head, fields, status in [
        (v1(inside), "", 200),
        (v2(inside), "", 200),
        (v1(outside), "", 403),
        (v1(outside), forwarded(inside), 403),
        (b"", forwarded(inside), 200),
        (b"", forwarded(f"{inside}:4711"), 200),
        (b"", forwarded(outside), 403),
        (b"", forwarded(inside, outside), 403),
        (b"", forwarded(outside, inside), 200),
        (b"", forwarded(inside, "127.0.0.12", BALANCER), 200),
        (b"", forwarded(outside) + forwarded(inside), 200),
        (b"", forwarded(inside) + forwarded(outside), 403),
        (v1("127.0.0.12"), forwarded(inside), 200),
        (b"", "", 403),
        (b"", forwarded("unknown"), 400),
        (b"", forwarded(inside, ""), 400),
        (b"", forwarded("[2001:db8::1]:80"), 403),
        (b"", forwarded("198.51.100.7"), 403),
    ]:
        assert ask(behind, head, fields=fields)[0] == status, (head, fields)
    assert ask(behind, source="127.0.0.1", fields=forwarded(inside))[0] == 403, "from others it is ignored"
    assert ask(behind, v1("203.0.113.9"), path="/healthz")[0] == 200


def test_one_connection_of_a_balancer_carries_requests_of_many_clients(behind):
    with socket.create_connection(("127.0.0.1", behind.http), source_address=(BALANCER, 0), timeout=10) as peer:
        seen = []
        for hop in ("10.1.20.7", "203.0.113.9", "10.1.20.8"):
            peer.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\n{forwarded(hop)}\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(1)
            seen.append(int(head.split(b" ")[1]))
            rest = int(re.search(rb"Content-Length: (\d+)", head).group(1))
            while rest:
                rest -= len(peer.recv(rest))
        assert seen == [200, 403, 200]


def test_an_api_key_may_be_bound_to_the_address_behind_the_balancer(behind):
    app = behind.app("--ip", "10.1.20.7")
    for hop, status in (("10.1.20.7", 200), ("10.1.20.8", 403)):
        answer = ask(behind, path="/v1/me", fields=forwarded(hop) + f"X-API-Key: {app.key}\r\n")
        assert answer[0] == status
    body = json.dumps({"from": "a@corp.example", "to": "b@corp.example", "text": "x"})
    request = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-API-Key: {app.key}\r\nContent-Type: application/json\r\n"
    request += f"Connection: close\r\n{forwarded('10.1.20.7')}Content-Length: {len(body)}\r\n\r\n{body}"
    with socket.create_connection(("127.0.0.1", behind.http), source_address=(BALANCER, 0), timeout=10) as peer:
        peer.sendall(request.encode())
        assert peer.recv(12) == b"HTTP/1.1 202"
    rows = behind.ask("source", "list", "--app", app.name)
    assert [(row["address"], row["principal"]) for row in rows] == [("10.1.20.7", app.name)]


def test_curl_sends_the_header_before_tls_and_without(behind, authority):
    """As haproxy would, curl tells its own address: this machine's."""
    for scheme, port in (("http", behind.http), ("https", behind.ports["https"])):
        ran = subprocess.run(
            ["curl", "-sS", "--haproxy-protocol", "--interface", BALANCER, "--cacert", str(authority.file)]
            + ["--resolve", f"{HOSTNAME}:{port}:127.0.0.1", f"{scheme}://{HOSTNAME}:{port}/healthz"],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert '"ok"' in ran.stdout, ran


def test_connections_of_a_balancer_are_counted_while_they_are_open(behind):
    before = listed(behind, "HTTP API")["open_connections"]
    with socket.create_connection(("127.0.0.1", behind.http), source_address=(BALANCER, 0)) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        peer.recv(999)
        assert listed(behind, "HTTP API")["open_connections"] == before + 1
    eventually(lambda: listed(behind, "HTTP API")["open_connections"] == before, what="the end")


def test_balancers_that_could_be_anyone_make_a_relay_open(own):
    wide = smtp("relay", "127.0.0.1:25", remoteIPRanges=["10.1.20.7"], rights=["acceptAnyRecipient"])
    for connectors, said in [
        ([wide | {"proxies": ["0.0.0.0/0"]}], "too many addresses"),
        ([smtp("local", "127.0.0.1:25", rights=["acceptAnyRecipient"], proxies=["127.0.0.1"])], "too many addresses"),
        ([wide | {"proxies": ["10.1.1.1"]}], None),
    ]:
        ran = own(change=only(*connectors)).run("check")
        assert (ran.status == 78 and said in ran.all) if said else ran.status == 0, ran
