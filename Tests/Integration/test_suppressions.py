"""Addresses to which nothing is sent: listed by hand, or because they bounce."""

import pytest

from peers import eventually
from postern import EXIT_CONFIGURATION, Session, marker
from test_reports import Report


@pytest.fixture
def hop(sink):
    def script(stage, argument, session):
        if stage == "rcpt" and argument.lower().startswith("gone"):
            return "550 5.1.1 No such user"
        if stage == "rcpt" and argument.startswith("full"):
            return "552 5.2.2 Mailbox full"

    return sink(script)


def strict(config):
    config["suppression"] = {"hardBounces": 2, "within": "1h", "for": "2s"}


def listed(gateway) -> dict:
    return {entry["address"]: entry for entry in gateway.admin.get("/v1/suppressions").json()["data"]}


def test_a_listed_recipient_is_suppressed_at_once_and_the_others_are_served(own, hop):
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    made = gateway.admin.post("/v1/suppressions", {"address": "Left@Corp.Example", "comment": "left in May"})
    assert made.status == 201 and made.json()["address"] == "left@corp.example"
    assert made.headers["location"] == "/v1/suppressions/left%40corp.example"
    answer = client.send(to=["LEFT@corp.example", "here@corp.example"])
    assert answer.status == 202 and answer.json()["status"] == "suppressed"
    assert [r["status"] for r in answer.json()["recipients"]] == ["suppressed", "queued"]
    hop.wait(1)
    eventually(lambda: client.message(answer.id)["recipients"][1]["status"] == "relayed", what="the other recipient")
    message = client.message(answer.id)
    assert [r["status"] for r in message["recipients"]] == ["suppressed", "relayed"]
    assert hop.taken[0].recipients == ["here@corp.example"]
    assert sorted(client.events(answer.id)) == ["queued", "relayed", "suppressed"]


def test_mail_for_listed_recipients_alone_is_done_at_once(own, hop):
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    gateway.ask("suppression", "add", "left@corp.example", "--comment", "gone")
    answer = client.send(to="left@corp.example", headers={"Prefer": "wait=5"})
    assert (answer.status, answer.json()["status"]) == (200, "suppressed")
    assert client.events(answer.id) == ["suppressed"]
    assert client.get("/v1/queue").json()["depth"] == 0
    with Session(gateway.smtp) as peer:
        assert peer.envelope("a@corp.example", "left@corp.example")[-1].startswith("250")
        assert peer.data(b"Subject: x\r\n\r\nx\r\n.\r\n").startswith("250 2.6.0")
    again = client.post(f"/v1/messages/{answer.id}/retry")
    assert (again.status, again.code) == (409, "invalid_state") and "suppression list" in again.json()["detail"]
    # An operator may send it all the same.
    assert gateway.admin.post(f"/v1/messages/{answer.id}/retry").status == 200
    client.until(answer.id, "relayed", within=5)
    assert len(hop.taken) == 1


def test_the_list_is_managed_by_api_and_by_command(own, hop):
    gateway = own(hop.port).start()
    admin = gateway.admin
    admin.post("/v1/suppressions", {"address": "a@corp.example", "for": "1d"})
    again = admin.post("/v1/suppressions", {"address": "A@corp.example"})
    assert (again.status, again.code) == (409, "already_exists")
    changed = admin.request("PATCH", "/v1/suppressions/a@corp.example", json_body={"expires_at": None, "comment": "why"})
    assert (changed.json()["expires_at"], changed.json()["comment"]) == (None, "why")
    for body, pointer in [
        ({}, "/address"),
        ({"address": "nobody"}, "/address"),
        ({"address": "b@corp.example", "for": "soon"}, "/for"),
        ({"address": "b@corp.example", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
    ]:
        refused = admin.post("/v1/suppressions", body)
        assert (refused.status, refused.pointers) == (422, [pointer]), body
    gateway.ask("suppression", "add", "b@corp.example", "--for", "2d")
    assert [entry["id"] for entry in gateway.ask("suppression", "list")] == ["a@corp.example", "b@corp.example"]
    page = admin.get("/v1/suppressions?limit=1").json()
    assert [e["id"] for e in page["data"]] == ["a@corp.example"]
    rest = admin.get(f"/v1/suppressions?cursor={page['next_cursor']}").json()
    assert [e["id"] for e in rest["data"]] == ["b@corp.example"] and rest["next_cursor"] is None
    gateway.ask("suppression", "remove", "b@corp.example")
    assert admin.request("DELETE", "/v1/suppressions/a@corp.example").status == 204
    assert admin.request("DELETE", "/v1/suppressions/a@corp.example").status == 404
    events = admin.get("/v1/events?type=suppression.added&type=suppression.removed").json()["data"]
    assert [e["detail"]["address"][0] for e in events] == ["a", "b", "b", "a"]
    client = gateway.ready_client()
    assert client.get("/v1/suppressions").code == "insufficient_scope"
    client.until(client.send(to="a@corp.example").id, "relayed")


def test_who_was_answered_250_hears_by_a_report_what_is_not_sent(own, hop):
    gateway = own(hop.port).start()
    gateway.ask("suppression", "add", "left@corp.example")
    with Session(gateway.smtp) as peer:
        peer.say("EHLO printer")
        for sender, notify in (("", ""), ("quiet@corp.example", " NOTIFY=NEVER"), ("nas@corp.example", "")):
            assert peer.say(f"MAIL FROM:<{sender}>").startswith("250")
            assert peer.say(f"RCPT TO:<left@corp.example>{notify}").startswith("250")
            assert peer.data(b"From: nas@corp.example\r\nSubject: Disk 3\r\n\r\nfull\r\n.\r\n").startswith("250")
    report = Report(hop.wait(1)[0])
    assert report.transaction.recipients == ["nas@corp.example"]
    assert (report.recipients[0]["Action"], report.recipients[0]["Status"]) == ("failed", "5.7.1")
    assert "suppression list" in report.words and "Disk 3" in report.words
    client = gateway.ready_client()
    answer = client.send(to="left@corp.example", headers={"Prefer": "wait=1"})
    assert client.events(answer.id) == ["suppressed"], "the answer has said it"
    assert len(hop.taken) == 1


def test_hard_bounces_suppress_an_address_for_a_time_and_others_do_not(own, hop):
    gateway = own(hop.port, strict).start()
    client = gateway.ready_client()
    for _ in range(3):
        client.until(client.send(to="full@corp.example").id, "failed")
    client.until(client.send(to="gone@corp.example").id, "failed")
    assert listed(gateway) == {}
    client.until(client.send(to="GONE@corp.example").id, "failed")
    entry = eventually(lambda: listed(gateway).get("gone@corp.example"), what="the suppression")
    assert entry["reason"] == "hard_bounces" and entry["expires_at"]
    assert list(listed(gateway)) == ["gone@corp.example"]
    gateway.kill()
    gateway.start()
    assert client.send(to="gone@corp.example").json()["status"] == "suppressed"
    attempts = hop.count("rcpt")
    eventually(lambda: client.send(to="gone@corp.example").json()["status"] == "queued", within=5, every=0.3, what="its end")
    eventually(lambda: hop.count("rcpt") > attempts, what="an attempt")


def test_without_a_policy_bounces_suppress_nobody(own, hop):
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    for _ in range(4):
        client.until(client.send(to="gone@corp.example").id, "failed")
    assert listed(gateway) == {}


def test_a_bad_policy_is_refused(own):
    gateway = own(change=lambda config: config.update(suppression={"hardBounces": "three", "span": "1d", "within": "0s"}))
    ran = gateway.run("check")
    assert ran.status == EXIT_CONFIGURATION
    assert all(f"suppression.{key}" in ran.all for key in ("hardBounces", "span", "within")), ran.all
    assert marker() not in ran.all
