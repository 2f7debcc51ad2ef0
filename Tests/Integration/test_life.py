"""The life of a server: start, restart with mail in the queue, drain, reload."""

import json
import os
import pathlib
import signal
import socket
import time

import pytest
from peers import Sink, eventually, free_port
from postern import EXIT_CONFIGURATION, Session, exchange, marker, read_answers


def test_a_restart_in_mid_queue_loses_nothing_and_sends_nothing_twice(own):
    port = free_port()
    gateway = own(next_hop=port).start()
    client = gateway.ready_client()
    ids = [client.send(subject=f"n{n}", to=["a@corp.example", "b@corp.example"]).id for n in range(25)]
    ids += [
        m["id"]
        for m in client.post(
            "/v1/messages/batch", {"messages": [{"from": "a@corp.example", "to": "b@corp.example", "text": "x"}] * 25}
        ).json()["data"]
    ]
    client.until(ids[0], "deferred")
    assert gateway.stop() == 0

    sink = Sink(port=port)
    try:
        gateway.start()
        for identifier in ids:
            client.until(identifier, "relayed")
        assert len(sink.taken) == 50
        assert sum(len(t.recipients) for t in sink.taken) == 75
    finally:
        sink.stop()


def test_keys_messages_and_idempotency_survive_a_restart(own, postfix):
    gateway = own(postfix.port).start()
    client, key = gateway.ready_client(), marker("key")
    first = client.send(headers={"Idempotency-Key": key})
    client.until(first.id, "relayed")
    assert gateway.stop() == 0
    gateway.start()
    assert client.message(first.id)["recipients"][0]["last_reply"]["enhanced"] == "2.0.0"
    again = client.send(headers={"Idempotency-Key": key})
    assert again.headers["idempotency-replayed"] == "true" and again.id == first.id


def test_a_scheduled_message_survives_a_restart(own, postfix):
    gateway = own(postfix.port).start()
    client, word = gateway.ready_client(), marker()
    due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    answer = client.send(subject=word, send_at=due)
    gateway.kill()
    gateway.start()
    client.until(answer.id, "relayed")
    postfix.one(word)


@pytest.mark.parametrize(
    "given, found",
    [
        (None, "glibc.malloc.tcache_count=256"),
        ("glibc.malloc.arena_max=4", "glibc.malloc.arena_max=4:glibc.malloc.tcache_count=256"),
        ("glibc.malloc.tcache_count=9", "glibc.malloc.tcache_count=9"),
    ],
)
def test_its_threads_keep_more_freed_memory_unless_somebody_chose_otherwise(own, monkeypatch, given, found):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if given:
        monkeypatch.setenv("GLIBC_TUNABLES", given)
    gateway = own(free_port()).start()
    process = pathlib.Path(f"/proc/{gateway.process.pid}")
    # Older versions of glibc cut their own variable up where it stands.
    environment = process.joinpath("environ").read_text().replace("\0glibc", ":glibc").split("\0")
    assert f"GLIBC_TUNABLES={found}" in environment
    assert process.joinpath("comm").read_text() == "postern\n"


@pytest.mark.parametrize("given, found", [(os.SCHED_OTHER, os.SCHED_BATCH), (os.SCHED_IDLE, os.SCHED_IDLE)])
def test_its_threads_wake_without_pushing_others_off_unless_somebody_chose_otherwise(own, given, found):
    gateway = own(free_port())
    before = os.sched_getscheduler(0)
    os.sched_setscheduler(0, given, os.sched_param(0))
    try:
        gateway.start()
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))
    threads = os.listdir(f"/proc/{gateway.process.pid}/task")
    assert len(threads) > 3
    assert {os.sched_getscheduler(int(thread)) for thread in threads} == {found}


def test_sigterm_lets_a_delivery_and_a_request_finish(own, sink):
    def slow(stage, argument, session):
        if stage == "dot":
            time.sleep(1.5)

    hop = sink(slow)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    answer = client.send()
    eventually(lambda: hop.count("dot") == 1)
    body = json.dumps({"from": "a@corp.example", "to": "b@corp.example", "text": "x"}).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as peer:
        peer.sendall(head.encode() + body[:10])
        time.sleep(0.2)
        gateway.signal(signal.SIGTERM)
        time.sleep(0.3)
        peer.sendall(body[10:])
        answers, closed = read_answers(peer)
        assert answers[0].status in (202, 503) and closed
        late = answers[0]
    assert gateway.ended() == 0

    gateway.start()
    assert client.message(answer.id)["status"] == "relayed"
    if late.status == 202:
        client.until(late.id, "relayed")
    time.sleep(1.5)
    assert len(hop.taken) == (2 if late.status == 202 else 1), "drained mail is not sent twice"


def test_a_draining_gateway_is_not_ready_and_lets_idle_peers_go(own, sink):
    def slow(stage, argument, session):
        if stage == "dot":
            time.sleep(2)

    hop = sink(slow)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    with Session(gateway.smtp) as idle, socket.create_connection(("127.0.0.1", gateway.http)) as kept:
        client.send()
        eventually(lambda: hop.count("dot") == 1)
        gateway.signal(signal.SIGTERM)
        assert idle.reply()[:9] in ("421 4.3.2", "")
        kept.settimeout(5)
        assert kept.recv(100) == b""
        try:
            answers, _ = exchange(gateway.http, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert [a.status for a in answers] in ([503], [])
        except ConnectionRefusedError:
            pass  # the listener is closed: as good
    assert gateway.ended() == 0


def test_a_second_server_on_the_same_data_is_refused(own, postfix):
    gateway = own(postfix.port).start()
    ran = gateway.run("serve", within=10)
    assert ran.status in (69, 73, 75), ran
    assert gateway.client().get("/healthz").status == 200


def test_sighup_takes_a_good_file(own, postfix):
    gateway = own(postfix.port).start()
    client = gateway.ready_client()
    assert client.send(to="a@new.example").status == 403
    config = gateway.copy_of_config()
    config["acceptedDomains"].append({"domain": "new.example"})
    gateway.write(config)
    gateway.signal(signal.SIGHUP)
    eventually(lambda: client.send(to="a@new.example").status == 202, within=3, what="the new domain")


def test_sighup_refuses_a_bad_file_and_keeps_the_old_one(own, postfix):
    gateway = own(postfix.port).start()
    client = gateway.ready_client()
    config = gateway.copy_of_config()
    config["acceptedDomains"] = [{"domain": "other.example"}]
    config["receiveConectors"] = []
    gateway.write(config)
    gateway.signal(signal.SIGHUP)
    eventually(lambda: "receiveConectors" in gateway.log, within=3, what="a word in the log about the wrong key")
    assert client.send(to="a@corp.example").status == 202
    assert client.send(to="a@other.example").status == 403
    gateway.write()
    gateway.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert client.send().status == 202


def test_requests_during_reloads_are_all_answered(own, postfix):
    gateway = own(postfix.port).start()
    client = gateway.ready_client()
    for n in range(40):
        if n % 4 == 0:
            gateway.signal(signal.SIGHUP)
        assert client.send().status == 202


def test_a_server_with_a_bad_file_does_not_start(own):
    gateway = own()
    gateway.config["hostnam"] = gateway.config.pop("hostname")
    gateway.write()
    ran = gateway.run("serve", within=10)
    assert ran.status == EXIT_CONFIGURATION
    assert "hostnam" in ran.all and "hostname" in ran.all


def test_a_port_in_use_is_named(own, postfix):
    gateway = own(postfix.port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", gateway.http))
        taken.listen()
        ran = gateway.run("serve", within=10)
    assert ran.status not in (0, None)
    assert str(gateway.http) in ran.all


def test_the_service_manager_is_told_when_it_is_ready(own, postfix, tmp_path, monkeypatch):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        own(postfix.port).start()
        assert b"READY=1" in manager.recv(4096)


def test_the_data_directory_is_its_owners_alone(own, postfix):
    gateway = own(postfix.port).start()
    folder = gateway.folder / "data"
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.rglob("*"):
        if path.is_file() or path.name == "control.sock":
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_reload_holds_for_open_connections(own, postfix):
    gateway = own(postfix.port).start()
    app = gateway.app()
    request = f"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-API-Key: {app.key}\r\n\r\n".encode()
    with Session(gateway.smtp) as smtp, socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as http:
        http.sendall(request)
        assert read_answers(http)[0][0].status == 200
        assert smtp.envelope("a@corp.example", "ops@corp.example")[-1].startswith("250")
        assert smtp.say("RSET").startswith("250")
        gateway.connector("Default Frontend")["withoutRights"] = ["acceptAuthoritativeDomainSender"]
        gateway.connector("HTTP API")["remoteIPRanges"] = ["127.0.0.9"]
        gateway.write()
        gateway.signal(signal.SIGHUP)
        eventually(lambda: "configuration reloaded" in gateway.log, what="the reload")
        assert smtp.say("MAIL FROM:<a@corp.example>").startswith("550 5.7.60")
        http.sendall(request)
        answers, closed = read_answers(http)
        assert (answers[0].status, answers[0].code, closed) == (403, "source_address_not_allowed", True)


def test_a_drain_lets_a_connection_go_that_has_been_served(own, postfix):
    gateway = own(postfix.port).start()
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answers(peer)[0][0].status == 200
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 5
