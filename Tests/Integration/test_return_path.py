"""Reports that come back: each mail has a return address of its own, and only what carries its seal counts."""

import smtplib
import stat
import time

import pytest

from peers import Sink
from postern import EXIT_CONFIGURATION, Session, marker

PATTERN = "bounce+*@corp.example"
READ = ("--scope", "messages:send", "--scope", "messages:read")

REPORT = """\
From: MAILER-DAEMON@next.example (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{mark}@next.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b0/x"

This is a MIME-encapsulated message.

--b0/x
Content-Type: text/plain

{recipient}: see below

--b0/x
Content-Type: message/delivery-status

Reporting-MTA: dns; next.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.corp.example
Diagnostic-Code: smtp; {diagnostic}

--b0/x
Content-Type: text/rfc822-headers

Subject: x

--b0/x--
"""


def report(to, recipient="ops@corp.example", action="failed", status="5.1.1", diagnostic="550 5.1.1 User unknown"):
    text = REPORT.format(
        to=to, recipient=recipient, action=action, status=status, diagnostic=diagnostic, mark=marker("report")
    )
    return text.replace("\n", "\r\n").encode()


def returning(config):
    config["delivery"].update(returnPath=PATTERN)


def hand_in(gateway, to, octets, sender=""):
    with smtplib.SMTP("127.0.0.1", gateway.smtp, "next.example") as peer:
        return peer.sendmail(sender, [to], octets)


@pytest.fixture
def relayed(own, sink):
    """A gateway, a client, a mail of its that was relayed, the return address it carried, and the hop."""
    hop = sink()
    gateway = own(hop.port, returning).start()
    client = gateway.ready_client(*READ)
    answer = client.send()
    client.until(answer.id, "relayed")
    return gateway, client, answer.id, hop.taken[0].sender, hop


def test_the_envelope_carries_a_sealed_address_and_the_header_the_sender(relayed):
    gateway, _, identifier, address, hop = relayed
    local, _, domain = address.partition("@")
    assert domain == "corp.example" and local.startswith("bounce+") and len(local) <= 64
    assert local.removeprefix("bounce+").startswith(identifier.removeprefix("msg_"))
    assert hop.taken[0].mail["From"] == "app@corp.example"
    key = gateway.folder / "data" / "return-path.key"
    if not key.exists():
        (key,) = gateway.folder.rglob("return-path.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "action, status, expected",
    [("failed", "5.1.1", "failed"), ("delivered", "2.0.0", "delivered"), ("expanded", "2.0.0", "delivered")],
)
def test_a_report_settles_what_was_relayed(relayed, action, status, expected):
    gateway, client, identifier, address, hop = relayed
    diagnostic = "550 5.1.1 User unknown" if action == "failed" else f"250 {status} fine"
    hand_in(gateway, address, report(address, action=action, status=status, diagnostic=diagnostic))
    recipient = client.message(identifier)["recipients"][0]
    assert recipient["status"] == expected
    assert recipient["last_reply"]["enhanced"] == status
    assert recipient["last_reply"]["host"] == "mx.corp.example"
    event = client.get(f"/v1/messages/{identifier}/events").json()["data"][-1]
    assert (event["type"], event["detail"]["report"]) == (expected, action)
    if action == "failed":
        assert event["detail"]["class"] == "bad_mailbox"
    (copy,) = hop.wait(2)[1:]
    assert (copy.sender, copy.recipients) == ("", ["app@corp.example"])
    assert copy.mail.get_content_type() == "multipart/report"
    time.sleep(0.8)
    assert len(hop.taken) == 2, "the sender has the report; there is no second one"


@pytest.mark.parametrize("action", ["delayed", "relayed"])
def test_a_report_of_what_is_not_final_is_only_an_event(relayed, action):
    gateway, client, identifier, address, _ = relayed
    hand_in(gateway, address, report(address, action=action, status="4.4.1", diagnostic="450 4.4.1 later"))
    assert client.message(identifier)["status"] == "relayed"
    assert client.events(identifier)[-1] == "reported"


def test_the_first_final_word_counts(relayed):
    gateway, client, identifier, address, _ = relayed
    hand_in(gateway, address, report(address, action="delivered", status="2.0.0"))
    hand_in(gateway, address, report(address))
    assert client.message(identifier)["status"] == "delivered"


def test_a_wrong_seal_changes_nothing(relayed):
    gateway, client, identifier, address, hop = relayed
    local, _, domain = address.partition("@")
    for place in (8, 20, 40, len(local) - 1):
        other = "0" if local[place] != "0" else "1"
        forged = f"{local[:place]}{other}{local[place + 1:]}@{domain}"
        hand_in(gateway, forged, report(forged))
    before = client.events(identifier)
    assert client.message(identifier)["status"] == "relayed"
    assert "failed" not in before and "reported" not in before


def test_a_report_about_somebody_else_changes_nothing(own, sink):
    hop = sink()
    gateway = own(hop.port, returning).start()
    client = gateway.ready_client(*READ)
    identifier = client.send(to=["one@corp.example", "two@corp.example"]).id
    client.until(identifier, "relayed")
    address = hop.taken[0].sender
    hand_in(gateway, address, report(address, recipient="stranger@corp.example"))
    assert {r["status"] for r in client.message(identifier)["recipients"]} == {"relayed"}
    hand_in(gateway, address, report(address, recipient="TWO@corp.example"))
    states = {r["address"]: r["status"] for r in client.message(identifier)["recipients"]}
    assert states == {"one@corp.example": "relayed", "two@corp.example": "failed"}


def test_what_is_no_report_goes_to_the_sender_and_changes_nothing(relayed):
    gateway, client, identifier, address, hop = relayed
    word = marker()
    hand_in(gateway, address, f"Subject: Away {word}\r\nFrom: ops@corp.example\r\n\r\nback on Monday\r\n".encode(), "ops@corp.example")
    (copy,) = hop.wait(2)[1:]
    assert copy.recipients == ["app@corp.example"] and word in copy.mail["Subject"]
    assert client.message(identifier)["status"] == "relayed"


def test_a_report_answers_what_was_uncertain_and_ends_its_retries(own, sink):
    from peers import Close

    def lossy(stage, argument, session):
        if stage == "dot":
            raise Close

    hop = sink(lossy)

    def change(config):
        returning(config)
        config["delivery"].update(uncertainWait="3s")

    gateway = own(hop.port, change).start()
    client = gateway.ready_client(*READ)
    identifier = client.send().id
    client.until(identifier, "uncertain")
    address = next(argument for stage, argument in hop.stages if stage == "mail").partition(" ")[0].strip("<>")
    hand_in(gateway, address, report(address, action="delivered", status="2.0.0"))
    assert client.message(identifier)["status"] == "delivered"
    time.sleep(4)
    mine = [a for stage, a in hop.stages if stage == "rcpt" and a.startswith("ops@")]
    assert len(mine) == 1


def test_a_stranger_does_not_get_the_report(own, sink):
    hop = sink()
    gateway = own(hop.port, returning).start()
    with Session(gateway.smtp) as peer:
        peer.envelope("stranger@elsewhere.example", "ops@corp.example")
        reply = peer.data(b"Subject: x\r\n\r\nx\r\n.\r\n")
    identifier = reply.partition("InternalId=")[2].partition(",")[0]
    gateway.admin.until(identifier, "relayed")
    address = hop.taken[0].sender
    hand_in(gateway, address, report(address))
    assert gateway.admin.message(identifier)["status"] == "failed"
    time.sleep(0.7)
    assert len(hop.taken) == 1


def test_the_null_sender_stays_null_and_the_recipients_first_name_goes_along(own, sink):
    hop = sink(extensions=Sink.EXTENSIONS + ("DSN",))
    gateway = own(hop.port, returning).start()
    for sender in ("", "p@corp.example"):
        with Session(gateway.smtp) as peer:
            peer.envelope(sender, "ops@corp.example")
            assert peer.data(b"Subject: x\r\n\r\nx\r\n.\r\n").startswith("250")
    first, second = sorted(hop.wait(2), key=lambda taken: taken.sender)
    assert first.sender == "" and second.sender.startswith("bounce+")
    assert "ORCPT" not in first.wishes[0] and "ORCPT=rfc822;ops@corp.example" in second.wishes[0]


def test_the_addresses_hold_over_restarts_and_reloads(relayed):
    gateway, client, identifier, address, _ = relayed
    gateway.stop()
    gateway.start()
    hand_in(gateway, address, report(address))
    assert client.message(identifier)["status"] == "failed"


@pytest.mark.parametrize(
    "pattern, word",
    [("bounce@corp.example", "*"), ("bounce+*@elsewhere.example", "accepted domain"), ("much-too-long-*@corp.example", "12")],
)
def test_a_pattern_that_cannot_work_is_refused_with_a_cure(own, pattern, word):
    gateway = own(change=lambda config: config["delivery"].update(returnPath=pattern))
    ran = gateway.run("check")
    assert ran.status == EXIT_CONFIGURATION
    assert "delivery.returnPath" in ran.all and word in ran.all


def test_a_report_of_a_real_postfix_is_understood(own, postfix):
    """Postfix takes a mail of ours, cannot deliver it, and writes to the return address: that settles the recipient."""
    gateway = own(postfix.port, returning).start()
    client = gateway.ready_client(*READ)
    word = marker()
    identifier = client.send(to="bounced1@corp.example", subject=word).id
    client.until(identifier, "relayed")
    theirs = next(mail for mail in postfix.about(word) if mail.sender == "")
    assert theirs.recipient.startswith("bounce+")
    hand_in(gateway, theirs.recipient, theirs.octets)
    recipient = client.message(identifier)["recipients"][0]
    assert recipient["status"] == "failed"
    assert recipient["last_reply"]["enhanced"] == "5.1.1" and "User unknown" in recipient["last_reply"]["text"]


def test_our_report_says_what_that_of_postfix_says(own, sink, postfix):
    """The same failure, told by both: what Postfix tells a program, we tell it too."""
    word = marker()
    with smtplib.SMTP("127.0.0.1", postfix.port) as peer:
        mail = f"Subject: {word}\r\nMessage-ID: <{word}@x>\r\n\r\nx\r\n"
        options = ["ENVID=e1"], ["NOTIFY=FAILURE", "ORCPT=rfc822;first@corp.example"]
        peer.sendmail("app@corp.example", ["bounced2@corp.example"], mail, *options)
    theirs = next(mail for mail in postfix.about(word) if mail.sender == "").mail
    hop = sink(lambda stage, argument, session: "550 5.1.1 User unknown" if "bounced2" in argument else None)
    gateway = own(hop.port).start()
    with smtplib.SMTP("127.0.0.1", gateway.smtp) as peer:
        peer.sendmail("app@corp.example", ["bounced2@corp.example"], mail, *options)
    ours = hop.wait(1)[0].mail
    assert [part.get_content_type() for part in ours.get_payload()] == [
        part.get_content_type() for part in theirs.get_payload()
    ]
    for block in (0, 1):
        mine, their = ours.get_payload()[1].get_payload()[block], theirs.get_payload()[1].get_payload()[block]
        wanted = {name.lower() for name in their.keys() if not name.lower().startswith("x-postfix")}
        assert wanted <= {name.lower() for name in mine.keys()}
    mine, their = ours.get_payload()[1].get_payload()[1], theirs.get_payload()[1].get_payload()[1]
    for name in ("Final-Recipient", "Original-Recipient", "Action", "Status"):
        assert mine[name].replace(" ", "") == their[name].replace(" ", "")
    assert ours["Auto-Submitted"] == theirs["Auto-Submitted"]
