"""Mail exchangers that die, babble, hang or half-close: the next one takes the mail, and no other domain waits."""

import socket
import time

import pytest

from nameserver import loopback_address
from peers import Close
from postern import marker
from test_next_hop_fails import failing


def by_mx(server, **delivery):
    def change(config):
        config["sendConnectors"] = [
            {"name": "Internet", "addressSpaces": ["*"], "delivery": "mx", "dns": {"servers": [server.host]}}
        ]
        config["acceptedDomains"].append({"domain": "*.test", "type": "externalRelay"})
        config["delivery"] |= delivery

    return change


def two_exchangers(names, first, second):
    return names(
        {
            "x.test": [("MX", (10, "a.x.test")), ("MX", (20, "b.x.test"))],
            "a.x.test": [("A", first.address)],
            "b.x.test": [("A", second.address)],
        }
    )


def half_closing(stage, argument, session):
    if stage == "connect":
        session.peer.shutdown(socket.SHUT_WR)
        time.sleep(2)
        raise Close


@pytest.mark.parametrize(
    "script",
    [
        *[failing(stage, times=1000) for stage in ("connect", "hello", "mail")],
        half_closing,
        lambda stage, argument, session: "hello there" if stage == "connect" else None,
        lambda stage, argument, session: "554 5.3.2 No" if stage == "connect" else None,
        lambda stage, argument, session: "451 4.3.0 Not now" if stage == "mail" else None,
    ],
    ids=["reset-connect", "reset-hello", "reset-mail", "half-close", "garbage", "554", "451"],
)
def test_the_second_exchanger_takes_what_the_first_does_not(own, names, exchanger, script):
    first, second = exchanger(script), exchanger()
    gateway = own(change=by_mx(two_exchangers(names, first, second))).start()
    client = gateway.ready_client()
    for _ in range(3):
        answer = client.send(to="someone@x.test", headers={"Prefer": "wait=10"})
        assert answer.json()["status"] == "relayed"
        assert "deferred" not in " ".join(client.events(answer.id))
    assert len(second.taken) == 3 and not any(mail.octets for mail in first.taken)


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_what_an_exchanger_had_begun_to_take_is_tried_again_later(own, names, exchanger, stage):
    first, second = exchanger(failing(stage)), exchanger()
    gateway = own(change=by_mx(two_exchangers(names, first, second))).start()
    client = gateway.ready_client()
    answer = client.send(to="someone@x.test", subject=marker())
    assert client.until(answer.id, "relayed", within=15)["recipients"][0]["attempts"] == 2
    assert len(first.taken) + len(second.taken) == 1


def test_an_exchanger_lost_behind_the_dot_leaves_the_mail_uncertain(own, names, exchanger):
    first, second = exchanger(failing("dot")), exchanger()
    gateway = own(change=by_mx(two_exchangers(names, first, second), uncertainWait="2s")).start()
    client = gateway.ready_client()
    answer = client.send(to="someone@x.test")
    client.until(answer.id, "uncertain", within=5)
    assert second.taken == [], "the first may have it"
    client.until(answer.id, "relayed", within=10)


def test_a_silent_exchanger_holds_up_nobody_elses_mail(own, names, exchanger):
    silent = exchanger(lambda stage, argument, session: time.sleep(3) if stage == "connect" else None)
    good = exchanger()
    server = names({"good.test": [("A", good.address)]})
    for number in range(12):
        server.add(f"silent{number}.test", "A", silent.address)
    gateway = own(change=by_mx(server)).start()
    client = gateway.ready_client()
    for number in range(12):
        for _ in range(5):
            client.send(to=f"someone@silent{number}.test")
    begin = time.monotonic()
    assert client.send(to="someone@good.test", headers={"Prefer": "wait=10"}).json()["status"] == "relayed"
    assert time.monotonic() - begin < 1.5


def test_a_dead_exchanger_is_not_tried_for_each_mail(own, names, exchanger):
    second = exchanger()
    refusals = []

    def dead(stage, argument, session):
        if stage == "connect":
            refusals.append(1)
            raise Close

    first = exchanger(dead, address=loopback_address())
    gateway = own(change=by_mx(two_exchangers(names, first, second))).start()
    client = gateway.ready_client()
    for _ in range(30):
        client.send(to="someone@x.test")
    second.wait(30)
    assert len(refusals) <= 8
