"""What senders hear of their mail: each report read by Python's email package, and none too many."""

import email
import email.policy
import shutil
import time

import pytest

from peers import Sink, eventually
from postern import Session, marker

EXTENSIONS_WITH_DSN = Sink.EXTENSIONS + ("DSN",)


class Report:
    """A multipart/report, taken apart."""

    def __init__(self, transaction):
        self.transaction = transaction
        mail = self.mail = transaction.mail
        assert not mail.defects and all(not part.defects for part in mail.walk())
        assert mail.get_content_type() == "multipart/report"
        assert mail.get_param("report-type") == "delivery-status"
        self.text, status, self.returned = mail.get_payload()
        assert self.text.get_content_type() == "text/plain"
        assert status.get_content_type() == "message/delivery-status"
        self.message, *self.recipients = status.get_payload()
        assert self.message["Reporting-MTA"] == "dns; relay.test.example"
        self.words = self.text.get_content()

    @property
    def address(self):
        return self.recipients[0]["Final-Recipient"].partition("; ")[2]


def reports(hop) -> list[Report]:
    notices = ["postmaster@corp.example"]
    return [Report(taken) for taken in list(hop.taken) if taken.sender == "" and taken.recipients != notices]


def report(hop, within=8) -> Report:
    """The only one."""
    eventually(lambda: reports(hop), within=within, what="a report")
    time.sleep(0.5)
    found = reports(hop)
    assert len(found) == 1
    return found[0]


def refusing(stage, argument, session):
    """By the recipient's name."""
    if stage == "rcpt":
        return {
            "bad": "550 5.1.1 User unknown",
            "full": "552 5.2.2 Mailbox full",
            "late": "450 4.2.1 Busy",
            "curse": "550 5.7.1 N\xf6, " + "very long words " * 60,
        }.get(argument.split("@")[0])


def failed(client, **more):
    answer = client.send(**more)
    client.until(answer.id, "failed", "expired")
    return answer.id


def test_a_failure_is_told_in_plain_words_and_for_programs(own, sink):
    hop = sink(refusing)
    client = own(hop.port).start().ready_client("--scope", "messages:send", "--scope", "messages:read")
    word = marker()
    identifier = failed(client, to=["bad@corp.example", "good@corp.example"], subject=f"Backup {word}")
    told = report(hop)
    assert told.transaction.recipients == ["app@corp.example"]
    mail = told.mail
    assert mail["From"].addresses[0].addr_spec == "postmaster@corp.example"
    assert mail["To"].addresses[0].addr_spec == "app@corp.example"
    assert mail["Subject"] == f"Undeliverable: Backup {word}"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["Message-ID"] and mail["Date"].datetime and mail["MIME-Version"] == "1.0"
    assert mail["References"] == client.message(identifier)["message_id"]
    assert "NOT delivered" in told.words and "bad@corp.example" in told.words and "good@" not in told.words
    assert "no such mailbox" in told.words and "550 5.1.1 User unknown" in told.words
    assert "What you can do" in told.words
    assert told.words.isascii() and max(map(len, told.words.splitlines())) < 100
    (recipient,) = told.recipients
    assert recipient["Final-Recipient"] == "rfc822; bad@corp.example"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 User unknown"
    assert recipient["Remote-MTA"] == "dns; [127.0.0.1]"
    assert recipient["Last-Attempt-Date"] and told.message["Arrival-Date"]
    assert told.message["X-Postern-Id"] == identifier
    returned = told.returned.get_payload()[0]
    assert told.returned.get_content_type() == "message/rfc822" and returned["Subject"] == f"Backup {word}"
    events = client.get(f"/v1/messages/{identifier}/events").json()["data"]
    (notified,) = [event for event in events if event["type"] == "notified"]
    assert notified["recipient"] == "bad@corp.example" and notified["detail"]["to"] == "app@corp.example"


def test_recipients_that_fail_together_share_a_report(own, sink):
    hop = sink(refusing)
    client = own(hop.port).start().ready_client()
    failed(client, to=["bad@corp.example", "full@corp.example", "bad@x.lab.example"])
    told = report(hop)
    assert sorted(r["Status"] for r in told.recipients) == ["5.1.1", "5.1.1", "5.2.2"]
    assert "The mailbox is full." in told.words


def test_no_report_is_made_about_a_report(own, sink):
    hop = sink(lambda stage, argument, session: "550 5.1.1 Nobody" if stage == "rcpt" else None)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    failed(client)
    eventually(lambda: hop.count("rcpt") == 2, what="the report's attempt")
    time.sleep(2)
    assert hop.count("rcpt") == 2
    about = [m for m in gateway.admin.get("/v1/messages").json()["data"] if m["from"] == ""]
    assert [m["status"] for m in about] == ["failed"]


def submit(gateway, sender, rcpt, mail="", octets=b"Subject: hello\r\nX-Mark: 1\r\n\r\nthe body\r\n"):
    with Session(gateway.smtp) as peer:
        peer.say("EHLO printer")
        assert peer.say(f"MAIL FROM:<{sender}> {mail}".strip()).startswith("250")
        for one in [rcpt] if isinstance(rcpt, str) else rcpt:
            assert peer.say(f"RCPT TO:{one}").startswith("250"), one
        reply = peer.data(octets + b".\r\n")
        assert reply.startswith("250"), reply
    return reply.partition("InternalId=")[2].partition(",")[0]


def test_the_null_sender_hears_nothing(own, sink):
    hop = sink(refusing)
    gateway = own(hop.port).start()
    identifier = submit(gateway, "", "<bad@corp.example>")
    gateway.admin.until(identifier, "failed")
    time.sleep(1)
    assert reports(hop) == []


@pytest.mark.parametrize(
    "notify, name, action",
    [
        ("NOTIFY=NEVER", "bad", None),
        ("NOTIFY=SUCCESS", "bad", None),
        ("NOTIFY=FAILURE", "bad", "failed"),
        ("NOTIFY=SUCCESS,FAILURE", "good", "relayed"),
        ("NOTIFY=FAILURE,DELAY", "good", None),
        ("", "good", None),
    ],
)
def test_notify_decides_what_is_told(own, sink, notify, name, action):
    hop = sink(refusing)
    gateway = own(hop.port).start()
    identifier = submit(gateway, "printer@corp.example", f"<{name}@corp.example> {notify}".strip())
    gateway.admin.until(identifier)
    time.sleep(1)
    assert [told.recipients[0]["Action"] for told in reports(hop)] == ([action] if action else [])


def test_a_next_hop_with_dsn_reports_itself(own, sink):
    hop = sink(refusing, extensions=EXTENSIONS_WITH_DSN)
    gateway = own(hop.port).start()
    identifier = submit(gateway, "p@corp.example", "<good@corp.example> NOTIFY=SUCCESS", "ENVID=e1 RET=HDRS")
    gateway.admin.until(identifier, "relayed")
    time.sleep(1)
    assert reports(hop) == []
    assert "ENVID=e1" in hop.taken[0].parameters and "NOTIFY=SUCCESS" in hop.taken[0].wishes[0]


def test_a_captured_mail_earns_a_report_of_delivery(own, sink):
    hop = sink()

    def two(config):
        config["sendConnectors"] = [
            {"name": "Kept", "addressSpaces": ["lab.example", "*.lab.example"], "delivery": "capture"},
            {"name": "Next", "addressSpaces": ["*"], "smartHosts": [hop.host], "tls": "none"},
        ]

    gateway = own(change=two).start()
    submit(gateway, "p@corp.example", "<a@x.lab.example> NOTIFY=SUCCESS")
    told = report(hop)
    assert (told.recipients[0]["Action"], told.recipients[0]["Status"]) == ("delivered", "2.0.0")


@pytest.mark.parametrize(
    "ret, size, kind",
    [
        ("RET=FULL", 300_000, "message/rfc822"),
        ("RET=HDRS", 100, "text/rfc822-headers"),
        ("", 100, "message/rfc822"),
        ("", 300_000, "text/rfc822-headers"),
    ],
)
def test_ret_decides_how_much_comes_back(own, sink, ret, size, kind):
    hop = sink(refusing)
    gateway = own(hop.port).start()
    word = marker()
    body = (b"z" * 98 + b"\r\n") * (size // 100)
    submit(gateway, "p@corp.example", "<bad@corp.example>", ret, f"Subject: {word}\r\n\r\n".encode() + body)
    told = report(hop)
    assert told.returned.get_content_type() == kind
    if kind == "message/rfc822":
        returned = told.returned.get_payload()[0]
        assert returned["Subject"] == word
        assert returned.get_payload().replace("\r\n", "\n").rstrip("\n") == body.decode().replace("\r\n", "\n").rstrip("\n")
    else:
        returned = email.message_from_string(told.returned.get_payload(), policy=email.policy.default)
        assert returned["Subject"] == word and "zzz" not in told.returned.get_payload()


def test_names_of_the_sender_come_back_decoded(own, sink):
    hop = sink(refusing)
    gateway = own(hop.port).start()
    wish = "NOTIFY=FAILURE ORCPT=rfc822;Anna+2BB@corp.example"
    submit(gateway, "p@corp.example", f"<bad@corp.example> {wish}", "ENVID=a+3Db+2Bc")
    told = report(hop)
    assert told.message["Original-Envelope-Id"] == "a=b+c"
    assert told.recipients[0]["Original-Recipient"] == "rfc822; Anna+B@corp.example"


def test_addresses_beyond_ascii_are_told_in_a_form_that_passes_anywhere(own, sink):
    def script(stage, argument, session):
        if stage == "rcpt" and argument.startswith("j\xfcrgen"):
            return "550 5.1.1 User unknown"

    hop = sink(script)
    gateway = own(hop.port).start()
    with Session(gateway.smtp) as peer:
        peer.say("EHLO printer")
        peer.say("MAIL FROM:<p@corp.example> SMTPUTF8")
        reply = peer.say("RCPT TO:<j\xfcrgen@corp.example> NOTIFY=FAILURE ORCPT=utf-8;j\xfcrgen@corp.example")
        assert reply.startswith("250"), reply
        assert peer.data("Subject: Gr\xfc\xdfe\r\n\r\nh\xe4\r\n.\r\n".encode()).startswith("250")
    told = report(hop)
    recipient = told.recipients[0]
    assert recipient["Final-Recipient"] == r"utf-8; j\x{FC}rgen@corp.example"
    assert recipient["Original-Recipient"] == r"utf-8; j\x{FC}rgen@corp.example"
    assert "j\xfcrgen@corp.example" in told.words
    assert told.mail["Subject"] == "Undeliverable: Gr\xfc\xdfe"


def test_words_of_a_next_hop_cannot_break_the_report(own, sink):
    hop = sink(refusing)
    client = own(hop.port).start().ready_client()
    failed(client, to="curse@corp.example", subject="Na\xefve " + "x" * 500)
    told = report(hop)
    assert told.recipients[0]["Diagnostic-Code"].startswith("smtp; 550 5.7.1 N")
    assert max(map(len, told.transaction.octets.split(b"\r\n"))) <= 998


def test_what_expires_is_told_as_such_with_the_last_words_of_the_next_hop(own, sink):
    hop = sink(refusing)

    def soon(config):
        config["delivery"].update(expireAfter="2s", retry=["1s"])

    client = own(hop.port, soon).start().ready_client()
    identifier = client.send(to="late@corp.example").id
    client.until(identifier, "expired", within=10)
    told = report(hop)
    recipient = told.recipients[0]
    assert (recipient["Action"], recipient["Status"]) == ("failed", "4.4.7")
    assert recipient["Diagnostic-Code"] == "smtp; 450 4.2.1 Busy"
    assert "in the time it was given" in told.words


def test_a_delay_is_told_once_and_only_of_what_still_waits(own, sink):
    hop = sink(refusing)
    gateway = own(hop.port, lambda config: config["delivery"].update(delayNotice="1s", retry=["1s*3", "60s"])).start()
    client = gateway.ready_client()
    identifier = client.send(to=["late@corp.example", "good@corp.example"], subject="Slow").id
    told = report(hop, within=12)
    assert told.mail["Subject"] == "Delayed: Slow"
    (recipient,) = told.recipients
    assert (recipient["Action"], recipient["Status"]) == ("delayed", "4.2.1")
    assert recipient["Will-Retry-Until"] and "still being tried" in told.words
    assert told.returned.get_content_type() == "text/rfc822-headers"
    assert client.message(identifier)["status"] == "deferred"
    notices = [taken for taken in hop.taken if taken.recipients == ["postmaster@corp.example"]]
    assert len(notices) <= 1


def test_notify_sender_false_makes_no_reports(own, sink):
    hop = sink(refusing)
    gateway = own(hop.port, lambda config: config["delivery"].update(notifySender=False)).start()
    identifier = submit(gateway, "p@corp.example", ["<bad@corp.example>", "<good@corp.example> NOTIFY=SUCCESS"])
    gateway.admin.until(identifier, "failed")
    time.sleep(1)
    assert reports(hop) == []


def test_a_stranger_is_not_told_but_the_postmaster_is_once_a_day(own, sink):
    hop = sink(refusing)
    gateway = own(hop.port).start()
    first, second = (submit(gateway, "stranger@elsewhere.example", "<bad@corp.example>") for _ in range(2))
    for identifier in (first, second):
        gateway.admin.until(identifier, "failed")
        eventually(lambda: "not_notified" in gateway.admin.events(identifier), what="the event")
    (notice,) = eventually(lambda: [t for t in hop.taken if t.recipients == ["postmaster@corp.example"]], what="the notice")
    time.sleep(0.7)
    assert [t.recipients for t in hop.taken] == [["postmaster@corp.example"]]
    assert notice.sender == "" and notice.mail["Auto-Submitted"] == "auto-generated"
    assert "stranger@elsewhere.example" in notice.mail.get_content()


def test_the_postmaster_is_told_of_a_filling_disk_and_of_certificates_that_end_soon(own, sink, authority, tmp_path):
    hop = sink()
    free = shutil.disk_usage(tmp_path).free
    soon = authority.issue("soon.test.example", days=9)

    def change(config):
        config["limits"] = {"storeFloor": f"{int(free * 0.7) >> 20}MB"}
        config["certificates"].append(
            {"name": "soon", "certificateFile": str(soon.certificate), "keyFile": str(soon.key)}
        )

    gateway = own(hop.port, change).start()
    notices = {notice.mail["Subject"]: notice for notice in hop.wait(2, within=12)}
    prefix = "[relay.test.example] "
    disk, certificate = (notices[prefix + what] for what in ("The disk is filling", "Certificate soon expires soon"))
    assert disk.recipients == certificate.recipients == ["postmaster@corp.example"]
    assert str(gateway.folder / "data") in disk.mail.get_content() and "storeFloor" in disk.mail.get_content()
    assert str(soon.certificate) in certificate.mail.get_content() and "SIGHUP" in certificate.mail.get_content()
    assert len(hop.taken) == 2, "the certificate that is good for a month is no matter"


def test_the_postmaster_of_the_configuration_signs_reports(own, sink):
    hop = sink(refusing)

    def named(config):
        config["postmaster"] = "it@lab.example"

    failed(own(hop.port, named).start().ready_client(), to="bad@corp.example")
    assert report(hop).mail["From"].addresses[0].addr_spec == "it@lab.example"


def test_a_postmaster_beyond_ascii_has_what_the_gateway_writes_sent_with_smtputf8(own, sink):
    hop = sink(refusing)

    def named(config):
        config["postmaster"] = "p\xf6st@corp.example"

    gateway = own(hop.port, named).start()
    failed(gateway.ready_client(), to="bad@corp.example")
    assert "SMTPUTF8" in report(hop).transaction.parameters
    submit(gateway, "stranger@elsewhere.example", "<bad@corp.example>")
    (notice,) = eventually(
        lambda: [t for t in hop.taken if t.recipients == ["p\xf6st@corp.example"]], what="the notice"
    )
    assert "SMTPUTF8" in notice.parameters


def test_a_kill_between_the_failure_and_its_report_loses_and_doubles_nothing(own, sink):
    hop = sink(refusing)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    for _ in range(4):
        answer = client.send(to="bad@corp.example", headers={"Prefer": "wait=5"})
        gateway.kill()
        gateway.start()
        assert client.message(answer.id)["status"] in ("failed", "queued", "sending", "deferred", "expired")
    eventually(lambda: len(reports(hop)) >= 4, what="four reports")
    time.sleep(1.5)
    about = [told.message["X-Postern-Id"] for told in reports(hop)]
    assert len(about) == len(set(about)) == 4


def test_postfix_reads_as_we_do(own, postfix):
    """A real Postfix takes our report like any mail, and what it makes of its parts is what we said."""
    gateway = own(postfix.port).start()
    word = marker()
    failed(gateway.ready_client(), to="refused1@corp.example", subject=word)
    mail = next(m for m in postfix.about(word) if m.sender == "")
    assert mail.recipient == "app@corp.example"
    assert mail.mail.get_content_type() == "multipart/report" and not mail.mail.defects
    status = mail.mail.get_payload()[1].get_payload()[1]
    assert status["Diagnostic-Code"].startswith("smtp; 550 5.1.1")
