"""One decision for both doors: who may write as whom to whom, with the same reply over HTTP and over SMTP."""

import smtplib
import ssl

import pytest

from postern import Session, marker

RELAY = "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"
SENDER = "550 5.7.60 SMTP; Client does not have permissions to send as this sender"


@pytest.fixture(scope="module")
def backup(gateway):
    """Sends as *@backup.corp.example and one name of corp.example only, to accepted domains."""
    app = gateway.app(
        "--sender", "*@backup.corp.example", "--sender", "alerts@corp.example", "--sender", "*@*.farm.example"
    )
    client = gateway.client(app)
    client.app = app
    return client


@pytest.fixture(scope="module")
def relaying(gateway):
    app = gateway.app("--relay", "external")
    client = gateway.client(app)
    client.app = app
    return client


def submission(gateway, app) -> smtplib.SMTP:
    trusting = ssl.create_default_context(cafile=str(gateway.authority.file))
    peer = smtplib.SMTP("127.0.0.1", gateway.submission, timeout=15, local_hostname="tests")
    peer.starttls(context=trusting)
    peer.login("any", app.key)
    return peer


def smtp_of(answer) -> str:
    reply = answer.json()["errors"][0]["smtp"]
    return f"{reply['code']} {reply['enhanced']} {reply['text']}"


def spoken(code_and_text) -> str:
    code, text = code_and_text
    return f"{code} {text.decode()}"


def test_a_recipient_outside_the_accepted_domains_is_refused_alike_over_both_doors(gateway, backup):
    refused = backup.send(from_="alerts@corp.example", to="x@elsewhere.example")
    assert (refused.status, refused.code) == (403, "recipient_not_allowed")
    assert refused.pointers == ["/to"]
    assert smtp_of(refused) == RELAY
    with submission(gateway, backup.app) as peer:
        peer.mail("alerts@corp.example")
        assert spoken(peer.rcpt("x@elsewhere.example")) == RELAY
    with Session(gateway.smtp) as anonymous:
        assert anonymous.envelope("printer@corp.example", "x@elsewhere.example")[-1] == RELAY


def test_a_sender_outside_the_patterns_is_refused_alike_over_both_doors(gateway, backup):
    refused = backup.send(from_="boss@corp.example")
    assert (refused.status, refused.code) == (403, "sender_not_allowed")
    assert refused.pointers == ["/from"]
    assert smtp_of(refused) == SENDER
    with submission(gateway, backup.app) as peer:
        assert spoken(peer.mail("boss@corp.example")) == SENDER


@pytest.mark.parametrize(
    "sender, allowed",
    [
        ("alerts@corp.example", True),
        ("ALERTS@CORP.example", True),
        ("other@corp.example", False),
        ("db1@backup.corp.example", True),
        ("db1@sub.backup.corp.example", False),
        ("a@farm.example", True),
        ("a@deep.below.farm.example", True),
        ("a@notfarm.example", False),
    ],
)
def test_a_sender_pattern_means_what_it_says(backup, sender, allowed):
    assert backup.send(from_=sender, dry_run=True).json()["recipients"][0]["accepted"] == allowed
    assert backup.send(from_=sender).status == (202 if allowed else 403)


def test_without_patterns_an_application_sends_as_any_address_of_an_accepted_domain_only(client):
    assert client.send(from_="anyone@corp.example").status == 202
    assert client.send(from_="anyone@x.lab.example").status == 202
    assert client.send(from_="anyone@elsewhere.example").code == "sender_not_allowed"


@pytest.mark.parametrize(
    "recipient, accepted",
    [
        ("a@corp.example", True),
        ("a@CORP.Example", True),
        ("a@sub.corp.example", False),
        ("a@lab.example", True),
        ("a@one.two.lab.example", True),
        ("a@notlab.example", False),
        ("a@corp.example.evil.example", False),
    ],
)
def test_accepted_domains_are_exact_or_everything_below(gateway, client, recipient, accepted):
    assert client.send(to=recipient).status == (202 if accepted else 403)
    with Session(gateway.smtp) as peer:
        assert peer.envelope("a@corp.example", recipient)[-1] == ("250 2.1.5 Recipient OK" if accepted else RELAY)


def test_the_relay_right_opens_every_domain_and_only_for_its_application(gateway, client, relaying, postfix):
    word = marker()
    assert relaying.send(subject=word, to="someone@elsewhere.example").status == 202
    assert postfix.one(word).recipient == "someone@elsewhere.example"
    assert client.send(to="someone@elsewhere.example").status == 403
    with submission(gateway, relaying.app) as peer:
        peer.mail("a@corp.example")
        assert peer.rcpt("someone@elsewhere.example")[0] == 250


def test_accept_any_recipient_serves_the_anonymous_of_its_range_only(gateway):
    with Session(gateway.smtp, source="127.0.0.7") as printer:
        assert printer.envelope("p@corp.example", "x@elsewhere.example")[-1] == "250 2.1.5 Recipient OK"
    with Session(gateway.smtp, source="127.0.0.8") as stranger:
        assert stranger.envelope("p@corp.example", "x@elsewhere.example")[-1] == RELAY


def test_the_smallest_range_chooses_the_connector(gateway):
    with Session(gateway.smtp, source="127.0.0.7") as printer:
        assert "STARTTLS" not in printer.say("EHLO p")
    with Session(gateway.smtp) as other:
        assert "STARTTLS" in other.say("EHLO p")


def test_one_refused_recipient_refuses_the_message_unless_lenience_is_asked_for(client, postfix):
    word = marker()
    fields = {"subject": word, "to": ["in@corp.example", "out@elsewhere.example"], "cc": "too@elsewhere.example"}
    strict = client.send(**fields)
    assert strict.status == 403
    assert strict.pointers == ["/to/1", "/cc"]

    lenient = client.send(**fields, headers={"Prefer": "handling=lenient"})
    assert lenient.status == 202
    assert [r["address"] for r in lenient.json()["recipients"]] == ["in@corp.example"]
    refused = {r["address"]: r for r in lenient.json()["refused"]}
    assert set(refused) == {"out@elsewhere.example", "too@elsewhere.example"}
    assert refused["out@elsewhere.example"]["code"] == "recipient_not_allowed"
    assert refused["out@elsewhere.example"]["smtp"]["enhanced"] == "5.7.54"
    assert postfix.one(word).recipient == "in@corp.example"


def test_lenience_does_not_make_a_message_without_recipients(client):
    answer = client.send(to=["out@elsewhere.example"], headers={"Prefer": "handling=lenient"})
    assert (answer.status, answer.code) == (403, "recipient_not_allowed")


def test_a_from_header_that_is_not_the_applications_is_refused_at_the_end_of_data(gateway, backup):
    with submission(gateway, backup.app) as peer:
        peer.mail("alerts@corp.example")
        peer.rcpt("ops@corp.example")
        code, text = peer.data(b"From: boss@corp.example\r\nSubject: x\r\n\r\nx\r\n")
        assert spoken((code, text)) == SENDER
    raw = b"From: boss@corp.example\r\nTo: ops@corp.example\r\nSubject: x\r\n\r\nx\r\n"
    answer = backup.post("/v1/messages?from=alerts@corp.example", body=raw, headers={"Content-Type": "message/rfc822"})
    assert (answer.status, answer.code) == (403, "sender_not_allowed")
    for smuggled in (
        b"From: alerts@corp.example, boss@corp.example",
        b"From: alerts@corp.example\r\nSender: boss@corp.example",
    ):
        raw = smuggled + b"\r\nTo: ops@corp.example\r\nSubject: x\r\n\r\nx\r\n"
        answer = backup.post(
            "/v1/messages?from=alerts@corp.example", body=raw, headers={"Content-Type": "message/rfc822"}
        )
        assert (answer.status, answer.code) == (403, "sender_not_allowed"), smuggled


def test_the_anonymous_may_be_kept_from_the_own_domains(own, postfix):
    def forbid(config):
        config["receiveConnectors"][1]["withoutRights"] = ["acceptAuthoritativeDomainSender"]

    gateway = own(postfix.port, forbid).start()
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        assert peer.say("MAIL FROM:<boss@corp.example>") == SENDER
        assert peer.say("MAIL FROM:<friend@elsewhere.example>") == "250 2.1.0 Sender OK"
        assert peer.say("RSET").startswith("250")
        assert peer.say("MAIL FROM:<>") == "250 2.1.0 Sender OK"


def test_where_only_applications_may_submit_the_anonymous_is_told_so(gateway):
    trusting = ssl.create_default_context(cafile=str(gateway.authority.file))
    with smtplib.SMTP("127.0.0.1", gateway.submission, timeout=15) as peer:
        assert spoken(peer.docmd("MAIL", "FROM:<a@corp.example>")) != "250 2.1.0 Sender OK"
        peer.ehlo()
        assert spoken(peer.mail("a@corp.example")) == "451 5.7.3 Must issue a STARTTLS command first"
        peer.starttls(context=trusting)
        peer.ehlo()
        assert spoken(peer.mail("a@corp.example")) == (
            "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"
        )


def test_without_a_route_the_recipient_is_refused_over_both_doors(own, postfix):
    def narrow(config):
        config["sendConnectors"][0]["addressSpaces"] = ["corp.example"]

    gateway = own(postfix.port, narrow).start()
    client = gateway.ready_client()
    answer = client.send(to="a@x.lab.example")
    assert (answer.status, answer.code) == (403, "recipient_not_allowed")
    assert answer.json()["errors"][0]["smtp"]["enhanced"] == "5.4.4"
    with Session(gateway.smtp) as peer:
        assert peer.envelope("a@corp.example", "a@x.lab.example")[-1].startswith("550 5.4.4")


def test_the_most_specific_address_space_wins_then_cost_then_name(own, sink):
    sinks = {name: sink() for name in ("Exact", "Below", "Cheap", "Dear")}

    def routes(config):
        def route(name, spaces, cost=1):
            return {
                "name": name,
                "addressSpaces": spaces,
                "cost": cost,
                "smartHosts": [sinks[name].host],
                "tls": "none",
            }

        config["sendConnectors"] = [
            route("Dear", ["*"], 20),
            route("Cheap", ["*"], 10),
            route("Below", ["*.lab.example"], 50),
            route("Exact", ["db.lab.example"], 90),
        ]

    gateway = own(change=routes).start()
    client = gateway.ready_client()
    for recipient, name in [
        ("a@db.lab.example", "Exact"),
        ("a@x.db.lab.example", "Below"),
        ("a@corp.example", "Cheap"),
    ]:
        answer = client.send(to=recipient)
        assert answer.json()["recipients"][0]["route"] == name
        assert [t.recipients for t in sinks[name].wait(1)] == [[recipient]]
    assert sinks["Dear"].taken == []


def test_an_application_bounded_by_recipients_reaches_no_other(gateway):
    bounded = gateway.ready_client("--recipient", "*@corp.example", "--relay", "external")
    assert bounded.send(to="a@corp.example").status == 202
    assert bounded.send(to="a@x.lab.example").code == "recipient_not_allowed"
    assert bounded.send(to="a@elsewhere.example").code == "recipient_not_allowed"


def test_defaults_of_the_application_fill_in_sender_and_recipients(gateway, postfix):
    word = marker()
    client = gateway.ready_client("--default-from", "Backup <backup@corp.example>", "--default-to", "ops@corp.example")
    answer = client.send(from_=None, to=None, subject=word)
    assert answer.status == 202, answer
    arrived = postfix.one(word)
    assert (arrived.sender, arrived.recipient) == ("backup@corp.example", "ops@corp.example")
    assert arrived.mail["From"] == "Backup <backup@corp.example>"
