"""Whatever a next hop does, each recipient ends in exactly one truthful state, and what was tried is written down."""

import socket
import struct
import time

import pytest

from peers import Close, eventually
from postern import marker

STAGES = ["connect", "hello", "mail", "rcpt", "data", "dot"]


def ends(client, identifier, *statuses, within=12):
    """The recipient, once it is in one of these states; its events tell one outcome an attempt."""
    client.until(identifier, *statuses, within=within)
    (recipient,) = client.message(identifier)["recipients"]
    events = client.get(f"/v1/messages/{identifier}/events").json()["data"]
    told = [event for event in events if event["type"] in ("relayed", "failed", "deferred", "uncertain", "expired")]
    assert told[-1]["type"] == recipient["status"]
    assert [event["type"] for event in told].count("relayed") <= 1
    return recipient, told


def answering(at, reply, times=99):
    left = [times]

    def script(stage, argument, session):
        if stage == at and left[0] > 0:
            left[0] -= 1
            return reply

    return script


def patiently(config):
    config["delivery"].update(retry=["60s"], notifySender=False)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("reply", ["451 4.3.0 Not now", "554 5.3.0 Never"])
def test_a_refusal_at_every_phase_leaves_one_truthful_state(own, sink, stage, reply):
    hop = sink(answering(stage, reply))
    client = own(hop.port, patiently).start().ready_client()
    identifier = client.send().id
    # Before MAIL a host speaks of itself, whatever its code; after it of the mail.
    is_final = reply[0] == "5" and stage in ("mail", "rcpt", "data", "dot")
    recipient, told = ends(client, identifier, "failed" if is_final else "deferred")
    assert recipient["last_reply"]["code"] == int(reply[:3])
    assert recipient["last_reply"]["enhanced"] == reply[4:9]
    assert told[-1]["detail"]["class"]
    # What was pipelined is heard to its end.
    reached = {"connect": "greeting", "mail": "data", "rcpt": "data"}.get(stage, stage)
    assert told[-1]["detail"]["reached"] == reached
    # A sink that goes on behind a refused MAIL gets a lone dot (RFC 2920 3.1), and nothing of the mail.
    assert not any(taken.octets for taken in hop.taken)


@pytest.mark.parametrize("stage", STAGES)
def test_a_connection_half_closed_at_every_phase_loses_nothing(own, sink, stage):
    left = [1]

    def script(at, argument, session):
        if at == stage and left[0] > 0:
            left[0] -= 1
            session.peer.shutdown(socket.SHUT_WR)
            return "250 unheard"

    hop = sink(script)
    change = lambda config: config["delivery"].update(uncertainWait="1s", retry=["1s"])  # noqa: E731
    client = own(hop.port, change).start().ready_client()
    identifier = client.send().id
    if stage == "dot":
        ends(client, identifier, "uncertain", "relayed")
    recipient, told = ends(client, identifier, "relayed", within=20)
    types = [event["type"] for event in told]
    assert ("uncertain" in types) == (stage == "dot"), "a duplicate is possible there, and only there"


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
def test_garbage_at_every_phase_leaves_one_truthful_state(own, sink, stage):
    hop = sink(answering(stage, "\x01\x02 what is this"))
    client = own(hop.port, patiently).start().ready_client()
    recipient, told = ends(client, client.send().id, "uncertain" if stage == "dot" else "deferred")
    assert "not an SMTP reply" in recipient["last_reply"]["text"]


def test_a_next_hop_that_answers_drop_by_drop_is_waited_for(own, sink):
    def slow(stage, argument, session):
        if stage in ("connect", "hello", "mail", "rcpt", "dot"):
            for octet in b"250-one\r\n250 two\r\n" if stage != "connect" else b"220 hello\r\n":
                session.peer.sendall(bytes([octet]))
                time.sleep(0.01)
            return Quiet()
        return None

    class Quiet(str):
        """Nothing more is sent."""

    hop = sink(slow)
    original = hop.script

    def script(stage, argument, session):
        answer = original(stage, argument, session)
        if isinstance(answer, Quiet):
            session.send = lambda reply, send=session.send, session=session: setattr(session, "send", send)
            return "250 unsent"
        return answer

    hop.script = script
    client = own(hop.port).start().ready_client()
    ends(client, client.send().id, "relayed")


def test_what_an_attempt_met_is_kept_with_its_outcome(own, sink, authority):
    hop = sink(tls=authority.issue("hop.test.example", "127.0.0.1"))

    def verified(config):
        config["sendConnectors"][0].update(tls="verified", caFile=str(authority.file))

    gateway = own(hop.port, verified).start()
    client = gateway.ready_client()
    answers = [client.send(), client.send()]
    details = []
    for answer in answers:
        client.until(answer.id, "relayed")
        details.append(client.get(f"/v1/messages/{answer.id}/events").json()["data"][-1]["detail"])
    first = next(detail for detail in details if not detail.get("reused"))
    assert first["address"] == hop.host and first["code"] == 250 and first["text"]
    assert first["tls"]["version"].startswith("TLSv1.") and first["tls"]["cipher"] and first["tls"]["verified"] is True
    assert {"connect", "tls", "greeting", "hello", "starttls", "mail", "rcpt", "data", "dot"} <= set(first["timings_ms"])
    assert all(0 <= time < 20_000 for time in first["timings_ms"].values())
    assert first["reached"] == "dot"
    shown = gateway.run("message", "events", answers[0].id)
    assert shown.status == 0 and "timings_ms" in shown.out and first["tls"]["cipher"] in shown.out


def test_a_reused_connection_is_told_without_the_times_of_its_opening(own, sink):
    hop = sink()
    client = own(hop.port).start().ready_client()
    for _ in range(3):
        answer = client.send()
        client.until(answer.id, "relayed")
    detail = client.get(f"/v1/messages/{answer.id}/events").json()["data"][-1]["detail"]
    assert detail["reused"] is True and detail["tls"] is None
    assert "connect" not in detail["timings_ms"] and "dot" in detail["timings_ms"]


def test_a_slow_phase_shows_in_the_times(own, sink):
    hop = sink(lambda stage, argument, session: time.sleep(0.6) if stage == "rcpt" else None)
    client = own(hop.port).start().ready_client()
    answer = client.send()
    client.until(answer.id, "relayed")
    times = client.get(f"/v1/messages/{answer.id}/events").json()["data"][-1]["detail"]["timings_ms"]
    assert times["rcpt"] >= 590 and times["hello"] < 500


def test_even_an_attempt_that_never_connected_is_told(own):
    client = own(1, patiently).start().ready_client()
    identifier = client.send().id
    recipient, told = ends(client, identifier, "deferred")
    detail = told[-1]["detail"]
    assert detail["address"] == "127.0.0.1:1" and detail["reached"] == "connect" and detail["class"] == "connection"
    assert "connect" in detail["timings_ms"]


def dropping(stage, argument, session):
    if stage == "dot":
        raise Close


@pytest.mark.parametrize("general, own_word, waits", [("retry", "hold", False), ("hold", "retry", True), ("hold", None, False)])
def test_an_application_says_itself_what_uncertain_means(own, sink, general, own_word, waits):
    hop = sink(dropping)
    change = lambda config: config["delivery"].update(uncertain=general, uncertainWait="1h")  # noqa: E731
    gateway = own(hop.port, change).start()
    client = gateway.ready_client(*(["--uncertain", own_word] if own_word else []))
    identifier = client.send().id
    recipient, _ = ends(client, identifier, "uncertain")
    assert (recipient["next_attempt_at"] is not None) == waits


def test_the_word_of_an_application_is_shown_and_can_be_changed(own, sink):
    gateway = own(sink(dropping).port).start()
    app = gateway.app("--uncertain", "hold")
    where = f"/v1/applications/{app.name}"
    assert gateway.admin.get(where).json()["uncertain"] == "hold"
    assert gateway.admin.request("PATCH", where, json_body={"uncertain": None}).json()["uncertain"] is None
    assert gateway.admin.request("PATCH", where, json_body={"uncertain": "maybe"}).status == 422
    assert gateway.run("app", "add", marker("app"), "--uncertain", "maybe").status != 0


@pytest.mark.parametrize("word, expected", [("retry", "recovered"), ("hold", "uncertain")])
def test_what_was_being_sent_at_a_power_cut_is_named(own, sink, word, expected):
    hang = [True]

    def hanging(stage, argument, session):
        if stage == "dot" and hang[0]:
            time.sleep(6)
            raise Close

    hop = sink(hanging)
    gateway = own(hop.port).start()
    client = gateway.ready_client("--uncertain", word)
    identifier = client.send().id
    eventually(lambda: hop.count("dot") == 1, what="the final dot")
    eventually(lambda: client.message(identifier)["status"] == "sending", what="the lease")
    gateway.kill()
    hang[0] = False
    gateway.start()
    eventually(lambda: expected in client.events(identifier), what=expected)
    client.until(identifier, "uncertain" if word == "hold" else "relayed")


def test_a_reset_in_the_middle_of_many_recipients_settles_each_once(own, sink):
    def mixed(stage, argument, session):
        if stage == "rcpt":
            return {"bad": "550 5.1.1 User unknown", "late": "450 4.2.1 Busy"}.get(argument.split("@")[0])
        if stage == "dot":
            linger = struct.pack("ii", 1, 0)
            session.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise Close

    hop = sink(mixed)
    client = own(hop.port, patiently).start().ready_client()
    identifier = client.send(to=[f"{name}@corp.example" for name in ("good", "bad", "late")]).id
    client.until(identifier, "failed")
    states = {r["address"].split("@")[0]: r["status"] for r in client.message(identifier)["recipients"]}
    assert states == {"good": "uncertain", "bad": "failed", "late": "deferred"}
