"""Clients that are slow, many, rude or lost: each limit with its reply, and a gateway that goes on for the others."""

import base64
import contextlib
import re
import socket
import time
from pathlib import Path

import pytest

from peers import eventually, free_port
from postern import Session, exchange, marker, read_answers
from test_connectors import listed, only, smtp
from test_smtp import QUEUED, mail


def bounded(port, **limits):
    return only(smtp("door", f"127.0.0.1:{port}", limits={"tarpit": "0s"} | limits))


def http_limits(**limits):
    def change(config):
        config["receiveConnectors"][0]["limits"] = limits

    return change


def memory(gateway) -> int:
    """Resident, in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{gateway.process.pid}/status").read_text()).group(1)) >> 10


def drip(peer: Session, piece: bytes, every=0.1, most=60):
    """Sends a piece now and then until the gateway has something to say; what it says."""
    peer.peer.settimeout(every)
    for _ in range(most):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.send(piece)
        with contextlib.suppress(TimeoutError):
            peer.peer.settimeout(every)
            return peer.reply()
    raise AssertionError("it never had enough")


# --- slow -------------------------------------------------------------------------------------------------------------


def test_silence_is_ended_after_the_inactivity(own):
    port = free_port()
    own(change=bounded(port, inactivity="1s")).start()
    with Session(port) as idle, Session(port) as working:
        working.envelope("a@corp.example", "b@corp.example")
        working.say("DATA")
        began = time.monotonic()
        assert idle.reply() == "451 4.7.0 Timeout waiting for client input"
        assert idle.reply() == "" and 0.8 < time.monotonic() - began < 3
        assert working.reply() == "451 4.7.0 Timeout waiting for client input"
        assert working.reply() == ""


@pytest.mark.parametrize("where", ["in a command", "in content"])
def test_a_connection_that_never_rests_ends_with_its_lifetime(own, where):
    port = free_port()
    gateway = own(change=bounded(port, lifetime="2s", inactivity="1s")).start()
    word = marker()
    with Session(port) as peer:
        began = time.monotonic()
        if where == "in content":
            peer.envelope("a@corp.example", "b@corp.example")
            peer.say("DATA")
            peer.send(f"Subject: {word}\r\n\r\n".encode())
            reply = drip(peer, b"line\r\n")
        else:
            reply = drip(peer, b"N")
        assert reply == "421 4.4.1 Connection timed out"
        assert 1.5 < time.monotonic() - began < 4
        assert peer.reply() == ""
    assert gateway.admin.get(f"/v1/messages?subject={word}").json()["data"] == []


def test_a_client_that_has_ended_its_side_still_hears_what_became_of_its_mail(own):
    port = free_port()
    own(change=bounded(port)).start()
    with Session(port) as peer:
        peer.send(b"EHLO x\r\nMAIL FROM:<a@corp.example>\r\nRCPT TO:<b@corp.example>\r\nDATA\r\n" + mail(marker()))
        peer.peer.shutdown(socket.SHUT_WR)
        replies = [peer.reply() for _ in range(5)]
        assert QUEUED.match(replies[-1]), replies
        assert peer.reply() == ""


# --- many -------------------------------------------------------------------------------------------------------------


def test_each_source_has_its_own_share_of_connections(own):
    port = free_port()
    gateway = own(change=bounded(port, connectionsPerSource=3)).start()
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(Session(port)) for _ in range(3)]
        with Session(port, greet=False) as over:
            assert over.reply() == (
                "421 4.3.2 The maximum number of concurrent connections has exceeded a limit,"
                " closing transmission channel"
            )
            assert over.reply() == ""
        with Session(port, "127.0.0.9") as other:
            assert other.greeting == "220 door"
        held[0].say("QUIT")
        held[0].peer.close()
        assert eventually(lambda: Session(port, greet=False).reply() == "220 door", what="a free place")
    assert listed(gateway, "door")["refused_connections"] >= 1


def test_a_flood_does_not_fill_the_log(own):
    port = free_port()
    gateway = own(change=bounded(port, connectionsPerSource=1)).start()
    with Session(port):
        for _ in range(50):
            with Session(port, greet=False) as over:
                assert over.reply().startswith("421 4.3.2")
    assert gateway.log.count("too many connections") == 1


@pytest.mark.parametrize("mode", ["offered", "implicit"])
@pytest.mark.parametrize("limit", ["inactivity", "lifetime"])
def test_a_handshake_that_does_not_come_ends_with_the_connectors_limits(own, mode, limit):
    port = free_port()
    own(change=only(smtp("door", f"127.0.0.1:{port}", tls={"mode": mode}, limits={limit: "1s"}))).start()
    with Session(port, greet=mode == "offered") as peer:
        if mode == "offered":
            assert peer.say("EHLO x").startswith("250")
            assert peer.say("STARTTLS").startswith("220")
        began = time.monotonic()
        assert peer.reply() == ""
        assert time.monotonic() - began < 4


def test_a_handshake_that_fails_is_told_where_tls_begins_at_once_too(own):
    port = free_port()
    gateway = own(change=only(smtp("door", f"127.0.0.1:{port}", tls={"mode": "implicit"}))).start()
    with Session(port, greet=False) as peer:
        peer.send(b"EHLO printer\r\n")
        peer.reply()
    assert re.search(r"TLS handshake failed connector=door peer=127\.0\.0\.1 reason=\S", gateway.log)


def test_a_connector_has_a_share_of_connections_in_all(own):
    port = free_port()
    own(change=bounded(port, connections=3)).start()
    with contextlib.ExitStack() as stack:
        for number in range(3):
            stack.enter_context(Session(port, f"127.0.0.{number + 2}"))
        with Session(port, "127.0.0.9", greet=False) as over:
            assert over.reply().startswith("421 4.3.2 The maximum number")


def test_hundreds_that_connect_and_say_nothing_keep_nobody_out(own, postfix):
    port = free_port()
    gateway = own(postfix.port, bounded(port, connectionsPerSource=2000)).start()
    client = gateway.ready_client()
    before = memory(gateway)
    with contextlib.ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        eventually(lambda: listed(gateway, "door")["open_connections"] == 600, what="the flood")
        began = time.monotonic()
        with Session(port) as peer:
            peer.envelope("a@corp.example", "b@corp.example")
            assert QUEUED.match(peer.data(mail(marker())))
        assert client.send().status == 202
        assert time.monotonic() - began < 2
        assert memory(gateway) - before < 40
        # Beyond the share of one source, each is turned away in a moment.
        for number in range(300):
            with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.77", 0)):
                pass
    eventually(lambda: listed(gateway, "door")["open_connections"] == 0, what="the end of the flood")


def test_the_rate_counts_for_each_source(own, postfix):
    port = free_port()
    own(postfix.port, bounded(port, messagesPerMinute=2)).start()

    def sent(source):
        with Session(port, source) as peer:
            peer.say("EHLO x")
            reply = peer.say("MAIL FROM:<a@corp.example>")
            if not reply.startswith("250"):
                assert peer.reply() == "", "it is sent away"
                return reply
            peer.say("RCPT TO:<b@corp.example>")
            return peer.data(mail(marker()))

    assert [sent("127.0.0.2")[:3] for _ in range(2)] == ["250", "250"]
    assert sent("127.0.0.2") == (
        "421 4.4.2 Message submission rate for this client has exceeded the configured limit"
    )
    assert sent("127.0.0.3").startswith("250")


# --- rude -------------------------------------------------------------------------------------------------------------


def test_a_header_without_end_is_refused_and_the_session_goes_on(own, postfix):
    port = free_port()
    gateway = own(postfix.port, bounded(port, headerSize="4KB")).start()
    with Session(port) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        peer.say("DATA")
        peer.send(b"Subject: x\r\n" + b"X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 200 + b"\r\nx\r\n.\r\n")
        assert peer.reply().startswith("552 5.3.4")
        assert peer.envelope("a@corp.example", "b@corp.example")[-1].startswith("250")
        assert QUEUED.match(peer.data(mail(marker())))
    assert gateway.process.poll() is None


def test_a_mail_that_has_been_everywhere_is_a_loop(own, postfix):
    port = free_port()
    own(postfix.port, bounded(port, hops=3)).start()
    for count, code in ((3, "250 2.6.0"), (4, "554 5.4.6 Hop count exceeded - possible mail loop")):
        with Session(port) as peer:
            peer.envelope("a@corp.example", "b@corp.example")
            trace = b"Received: from a by b; Sun, 22 Nov 2026 10:00:00 +0000\r\n" * count
            assert peer.data(trace + mail(marker())).startswith(code)


def test_a_line_without_end_costs_no_memory(own):
    port = free_port()
    gateway = own(change=bounded(port)).start()
    before = memory(gateway)
    with Session(port) as peer:
        for _ in range(160):
            peer.send(b"x" * 65536)
        peer.send(b"\r\n")
        assert peer.reply().startswith("500 5.5.2")
        assert peer.say("NOOP").startswith("250")
    assert memory(gateway) - before < 8


@pytest.mark.parametrize(
    "octets, diagnosis",
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "the client speaks HTTP to an SMTP port: GET / HTTP/1.1"),
        (b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@corp.example>\r\n", "speaks HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "the client starts TLS at once"),
    ],
)
def test_who_speaks_another_language_is_diagnosed_and_sent_away(own, octets, diagnosis):
    port = free_port()
    gateway = own(change=bounded(port)).start()
    with Session(port) as peer:
        peer.send(octets)
        rest = peer.reply()
        assert rest == "" or rest.startswith("421 ")
        assert peer.reply() == ""
    assert diagnosis in gateway.log


def test_no_reply_waits_for_the_tarpit_of_the_next(own):
    """Some devices give up after 20 s, and some send everything at once."""

    def change(config):
        connector = config["receiveConnectors"][3]
        connector.update(tls={"mode": "offered"}, allowPlaintextAuthentication=True)
        connector["limits"] = {"tarpit": "1s", "logonFailures": 3}

    gateway = own(change=change).start()
    with Session(gateway.submission) as peer:
        peer.say("EHLO x")
        wrong = base64.b64encode(b"\0any\0wrong").decode()
        peer.send(f"AUTH PLAIN {wrong}\r\nNOOP\r\nAUTH PLAIN {wrong}\r\n".encode())
        began = time.monotonic()
        assert peer.reply().startswith("535 5.7.3")
        first = time.monotonic() - began
        assert peer.reply().startswith("250")
        assert peer.reply().startswith("535 5.7.3")
        assert 0.8 < first < 1.8 < time.monotonic() - began < 5


# --- HTTP -------------------------------------------------------------------------------------------------------------


def test_a_source_of_http_has_its_share_of_connections(own):
    gateway = own(change=http_limits(connectionsPerSource=2)).start()
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.http), timeout=10))
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answers(peer)[0][0].status == 200
        answers, closed = exchange(gateway.http, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (answers[0].status, answers[0].code, closed) == (503, "overloaded", True)
        assert answers[0].headers["retry-after"]
        assert gateway.client(source="127.0.0.9").get("/healthz").status == 200


def test_a_body_that_comes_drop_by_drop_has_an_end(own):
    gateway = own(change=http_limits(inactivity="1s")).start()
    app = gateway.app()
    head = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-API-Key: {app.key}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as peer:
        peer.sendall((head + "Content-Length: 100000\r\n\r\n{").encode())
        began, peer_answer = time.monotonic(), b""
        while not peer_answer and time.monotonic() - began < 10:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.sendall(b" ")
            peer.settimeout(0.3)
            with contextlib.suppress(TimeoutError):
                peer_answer = peer.recv(65536)
        assert peer_answer.startswith(b"HTTP/1.1 408 ")
        assert 0.8 < time.monotonic() - began < 4


def test_a_body_that_comes_slowly_but_surely_is_taken(own, postfix):
    gateway = own(postfix.port, http_limits(inactivity="1s")).start()
    app = gateway.app()
    text = "x" * 60_000
    body = f'{{"from":"a@corp.example","to":"b@corp.example","text":"{text}"}}'.encode()
    head = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-API-Key: {app.key}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as peer:
        peer.sendall((head + f"Content-Length: {len(body)}\r\n\r\n").encode())
        for start in range(0, len(body), 10_000):
            peer.sendall(body[start : start + 10_000])
            time.sleep(0.25)
        assert read_answers(peer)[0][0].status == 202
