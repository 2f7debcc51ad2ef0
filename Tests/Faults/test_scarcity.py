"""A full store, a damaged one, slow peers and large mail: the gateway refuses clearly, or carries on."""

import base64
import contextlib
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from peers import eventually
from postern import Session, exchange, read_answers


def test_a_full_store_refuses_at_both_doors_and_says_when_to_come_back(own, sink):
    hop = sink()
    gateway = own(hop.port, lambda config: config.update(limits={"storeFloor": "900000GB"})).start()
    client = gateway.ready_client()
    answer = client.send()
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert int(answer.headers["retry-after"]) > 0 and answer.json()["retryable"] is True
    with Session(gateway.smtp) as peer:
        replies = peer.envelope("a@corp.example", "b@corp.example")
        if all(reply.startswith("250") for reply in replies):
            replies = [peer.data(b"Subject: x\r\n\r\nx\r\n.\r\n")]
        assert "452 4.3.1 Insufficient system resources" in replies
    assert client.get("/readyz").status == 503
    assert client.get("/healthz").status == 200
    assert client.get("/v1/messages").json()["data"] == [], "reading still works, and nothing was kept"

    gateway.config["limits"]["storeFloor"] = "1MB"
    gateway.write()
    gateway.signal(signal.SIGHUP)
    eventually(lambda: client.send().status == 202, within=5, what="room after a reload")
    hop.wait(1)


def test_a_full_queue_refuses_and_takes_again_when_it_has_drained(own, sink):
    busy = {"rcpt": "450 4.2.1 Busy"}
    hop = sink(lambda stage, argument, session: busy.get(stage))
    gateway = own(hop.port, lambda config: config.update(limits={"queuedMessages": 5})).start()
    client = gateway.ready_client()
    statuses = [client.send().status for _ in range(8)]
    assert statuses == [202] * 5 + [503] * 3
    busy.clear()
    eventually(lambda: client.send().status == 202, within=10, what="room in the queue")


def test_a_damaged_store_is_74_and_says_so(own):
    gateway = own()
    gateway.app(name="one")
    damaged = [path for path in (gateway.folder / "data").iterdir() if path.read_bytes()[:6] == b"SQLite"]
    assert damaged
    for path in damaged:
        with open(path, "r+b") as file:
            file.write(os.urandom(4096))
    ran = gateway.run("serve", within=15)
    assert ran.status == 74, ran
    assert str(damaged[0]) in ran.all


def impatient(config):
    for connector in config["receiveConnectors"]:
        connector.setdefault("limits", {})["inactivity"] = "2s"


def test_a_head_that_drips_is_timed_out(own, sink):
    gateway = own(change=impatient).start()
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=0.3) as peer:
        with contextlib.suppress(OSError):
            for octet in b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 200:
                peer.sendall(bytes([octet]))
                try:
                    if peer.recv(1000, socket.MSG_PEEK) is not None:
                        break  # an answer, or the end
                except TimeoutError:
                    continue
        answers, closed = read_answers(peer, within=2)
    assert time.monotonic() - begin < 15, "dripping keeps a connection for ever"
    assert closed and [a.status for a in answers] in ([408], [])


def test_a_body_that_stops_and_an_idle_connection_are_timed_out(own):
    gateway = own(change=impatient).start()
    client = gateway.ready_client()
    head = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.key}\r\n"
    head += 'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"from"'
    begin = time.monotonic()
    answers, closed = exchange(gateway.http, head.encode(), within=12)
    assert closed and [a.status for a in answers] in ([408], [])
    assert 1.5 < time.monotonic() - begin < 10
    answers, closed = exchange(gateway.http, b"", within=12)
    assert closed and answers == []


def test_a_silent_smtp_client_is_told_and_closed(own):
    gateway = own(change=impatient).start()
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        assert peer.reply() == "451 4.7.0 Timeout waiting for client input"
        assert peer.reply() == ""


def test_an_smtp_connection_ends_with_its_lifetime_though_it_is_busy(own):
    gateway = own(change=lambda config: config["receiveConnectors"][1]["limits"].update(lifetime="2s")).start()
    begin = time.monotonic()
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        reply = "250"
        while reply.startswith("250") and time.monotonic() - begin < 10:
            reply = peer.say("NOOP")
            time.sleep(0.05)
        assert reply == "421 4.4.1 Connection timed out"


def test_hundreds_of_slow_heads_do_not_hinder_an_honest_client(own, sink):
    hop = sink()
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    with contextlib.ExitStack() as stack:
        for _ in range(400):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.http), timeout=5))
            peer.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-A: ")
        begin = time.monotonic()
        assert client.send(headers={"Prefer": "wait=5"}).json()["status"] == "relayed"
        assert time.monotonic() - begin < 2


@pytest.mark.timeout(150)
def test_many_large_messages_at_once_do_not_sit_in_memory(own, sink):
    hop = sink()
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    content = base64.b64encode(os.urandom(10_000_000)).decode()
    body = json.dumps(
        {"from": "a@corp.example", "to": "b@corp.example", "attachments": [{"filename": "a.bin", "content": content}]}
    ).encode()
    peak, watching = [0], threading.Event()

    def watch():
        while not watching.wait(0.02):
            with open(f"/proc/{gateway.process.pid}/statm") as file:
                peak[0] = max(peak[0], int(file.read().split()[1]) * 4096)

    watcher = threading.Thread(target=watch)
    watcher.start()

    def post(_):
        return client.post("/v1/messages", body=body, headers={"Content-Type": "application/json"}, within=40)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(post, range(12)))
    assert [a.status for a in answers] == [202] * 12
    taken = hop.wait(12, within=40)
    watching.set()
    watcher.join()
    assert all(len(t.octets) > 13_000_000 for t in taken)
    assert peak[0] < 200 << 20, f"{peak[0] >> 20} MB for 12 messages of 13 MB in and out"
