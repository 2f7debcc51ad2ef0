"""Next hops that die, babble and hang: no mail is lost, and what cannot be known is called uncertain."""

import time

import pytest

from peers import Close
from postern import marker


def failing(at: str, times=1):
    """Resets the connection at a stage, so many times."""
    left = [times]

    def script(stage, argument, session):
        if stage == at and left[0] > 0:
            left[0] -= 1
            raise Close

    return script


@pytest.mark.parametrize("stage", ["connect", "hello", "mail", "rcpt", "data", "body"])
def test_a_connection_lost_before_the_dot_is_simply_tried_again(own, sink, stage):
    hop = sink(failing(stage, times=2))
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    # More than the kernels between the two hold: with less, the final dot has left us before the hop is gone.
    large = [{"filename": "large.bin", "content": "A" * 12_000_000}] if stage == "body" else None
    answer = client.send(subject=marker(), attachments=large)
    message = client.until(answer.id, "relayed", within=20)
    assert len(hop.taken) == 1
    assert "uncertain" not in " ".join(client.events(answer.id))
    assert message["recipients"][0]["attempts"] >= 2 or stage == "connect"


def test_a_connection_lost_after_the_dot_is_uncertain_and_tried_again_after_the_wait(own, sink):
    hop = sink(failing("dot"))
    gateway = own(hop.port, lambda config: config["delivery"].update(uncertain="retry", uncertainWait="3s")).start()
    client = gateway.ready_client()
    answer = client.send()
    message = client.until(answer.id, "uncertain", within=5)
    assert message["recipients"][0]["next_attempt_at"] is not None
    assert hop.taken == []
    client.until(answer.id, "relayed", within=10)
    assert len(hop.taken) == 1
    assert any(event.endswith("uncertain") for event in client.events(answer.id))


def test_an_operator_may_retry_the_uncertain_at_once(own, sink):
    hop = sink(failing("dot"))
    gateway = own(hop.port, lambda config: config["delivery"].update(uncertainWait="1h")).start()
    client = gateway.ready_client()
    answer = client.send()
    client.until(answer.id, "uncertain", within=5)
    assert client.post(f"/v1/messages/{answer.id}/retry").status == 200
    client.until(answer.id, "relayed", within=5)


def test_under_hold_the_uncertain_is_never_repeated_by_itself(own, sink):
    hop = sink(failing("dot"))
    change = lambda config: config["delivery"].update(uncertain="hold", uncertainWait="1s")  # noqa: E731
    gateway = own(hop.port, change).start()
    client = gateway.ready_client()
    answer = client.send(headers={"Prefer": "wait=10"})
    assert (answer.status, answer.json()["status"]) == (200, "uncertain"), "under hold it is final"
    gateway.stop()
    gateway.start()
    time.sleep(2.5)
    assert client.message(answer.id)["status"] == "uncertain"
    assert hop.count("dot") == 1


@pytest.mark.parametrize(
    "babble", ["hello there", "250", "999 9.9.9 what", "220-never ending\r\n220-", "x" * 100_000, "\x00\xff\xfe"]
)
def test_a_next_hop_that_speaks_no_smtp_defers(own, sink, babble):
    wild = [True]

    def script(stage, argument, session):
        if wild[0] and stage == "connect":
            session.send(babble)
            raise Close

    hop = sink(script)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    answer = client.send()
    client.until(answer.id, "deferred", within=8)
    assert client.get("/readyz").status == 200
    wild[0] = False
    client.until(answer.id, "relayed", within=15)


def test_replies_with_control_characters_cannot_write_into_the_log_or_the_answer(own, sink):
    hop = sink(lambda stage, argument, session: "550 5.1.1 no\x1b[31m\x07 ready\tstop" if stage == "rcpt" else None)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    message = client.until(client.send().id, "failed")
    text = message["recipients"][0]["last_reply"]["text"]
    assert "\x1b" not in gateway.log and "\x07" not in gateway.log
    assert text.startswith("no")


def test_bytes_behind_the_220_of_starttls_end_that_connection(own, sink, authority):
    def injecting(stage, argument, session):
        if stage == "starttls":
            return "220 2.0.0 Ready\r\n250 2.1.0 injected"

    hop = sink(injecting, tls=authority.issue("hop.test.example"))
    gateway = own(hop.port, lambda config: config["sendConnectors"][0].update(tls="required")).start()
    client = gateway.ready_client()
    client.until(client.send().id, "deferred")
    assert hop.count("mail") == 0


def test_a_slow_route_does_not_slow_another(own, sink):
    slow = sink(lambda stage, argument, session: time.sleep(3) if stage == "hello" else None)
    fast = sink()

    def two(config):
        config["sendConnectors"] = [
            {"name": "Slow", "addressSpaces": ["*.lab.example"], "smartHosts": [slow.host], "tls": "none"},
            {"name": "Fast", "addressSpaces": ["corp.example"], "smartHosts": [fast.host], "tls": "none"},
        ]

    gateway = own(change=two).start()
    client = gateway.ready_client()
    for n in range(60):
        client.send(to=f"a{n}@x.lab.example")
    begin = time.monotonic()
    assert client.send(to="a@corp.example", headers={"Prefer": "wait=10"}).json()["status"] == "relayed"
    assert time.monotonic() - begin < 2
